"""What the operands and masks of a strided slice mean, dimension by dimension."""

from typing import Any

MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


class Masks:
    """The five bit masks of a strided slice; each method tells of one entry."""

    def __init__(self, attrs: Any) -> None:
        self._begin, self._end, self._ellipsis, self._new, self._shrink = (
            attrs[name] for name in MASKS
        )

    def begin(self, at: int) -> bool:
        """Whether the entry begins at the first element."""
        return bool(self._begin >> at & 1)

    def end(self, at: int) -> bool:
        """Whether the entry ends after the last element."""
        return bool(self._end >> at & 1)

    def ellipsis(self, at: int) -> bool:
        """Whether the entry stands for any number of whole dimensions."""
        return bool(self._ellipsis >> at & 1)

    def new_axis(self, at: int) -> bool:
        """Whether the entry stands for a new dimension."""
        return bool(self._new >> at & 1) and not self.ellipsis(at)

    def shrink(self, at: int) -> bool:
        """Whether the entry takes one index and drops the dimension."""
        return bool(self._shrink >> at & 1) and not self.ellipsis(at) and not self.new_axis(at)


def layout(rank: int, entries: int, masks: Masks) -> list[tuple[str, int, int]]:
    """Matches entries to dimensions, in the order of the result.

    Returns:
      A list of `(kind, entry, dimension)`: kind `"new"` for a new dimension, `"all"` for one that
      is taken whole, `"cut"` for one that an entry cuts.

    Raises:
      ValueError: if there are more entries than dimensions, or several ellipses.
    """
    ellipses = [at for at in range(entries) if masks.ellipsis(at)]
    if len(ellipses) > 1:
        raise ValueError("Multiple ellipses in slice spec not allowed")
    named = sum(not masks.ellipsis(at) and not masks.new_axis(at) for at in range(entries))
    if named > rank:
        raise ValueError(f"Index out of range using input dim {rank}; input has only {rank} dims")
    plan: list[tuple[str, int, int]] = []
    dim = 0
    for at in range(entries):
        if masks.ellipsis(at):
            plan += [("all", at, d) for d in range(dim, dim + rank - named)]
            dim += rank - named
        elif masks.new_axis(at):
            plan.append(("new", at, -1))
        else:
            plan.append(("cut", at, dim))
            dim += 1
    return plan + [("all", -1, d) for d in range(dim, rank)]


def interval(
    size: int, dim: int, begin: int, end: int, stride: int, masks: Masks, at: int
) -> tuple[int, int, int]:
    """Returns first index, count and stride of what an entry takes from a dimension.

    Raises:
      ValueError: for a stride of zero, or a single index out of bounds.
    """
    if stride == 0:
        raise ValueError(f"strides[{at}] must be non-zero")
    if masks.shrink(at):
        if stride < 0:
            raise ValueError("only stride 1 allowed on non-range indexing.")
        if not -size <= begin < size:
            raise ValueError(f"slice index {begin} of dimension {dim} out of bounds.")
        return begin % size, 1, 1
    low = None if masks.begin(at) else begin
    high = None if masks.end(at) else end
    taken = range(*slice(low, high, stride).indices(size))
    return taken.start, len(taken), stride


def picked_shape(shape: Any, begin: Any, end: Any, strides: Any, masks: Masks) -> list[int | None]:
    """Returns the shape of a strided slice, as far as it follows from what is known.

    Args:
      shape: sizes of the operand, `None` for unknown ones.
      begin: the operand of that name, or `None` if it is not known.
      end: likewise.
      strides: likewise, but known.
      masks: the masks.

    Raises:
      ValueError: if the operands do not make sense together.
    """
    result: list[int | None] = []
    for kind, at, dim in layout(len(shape), len(strides), masks):
        if kind == "new":
            result.append(1)
        elif kind == "all":
            result.append(shape[dim])
        else:
            size = _picked_size(shape[dim], dim, begin, end, int(strides[at]), masks, at)
            if not masks.shrink(at):
                result.append(size)
    return result


def _picked_size(
    size: int | None, dim: int, begin: Any, end: Any, stride: int, masks: Masks, at: int
) -> int | None:
    if stride == 0:
        raise ValueError(f"strides[{at}] must be non-zero")
    if size is None:
        return None
    needs_begin = masks.shrink(at) or not masks.begin(at)
    needs_end = not masks.shrink(at) and not masks.end(at)
    if (begin is None and needs_begin) or (end is None and needs_end):
        return None
    first = 0 if begin is None else int(begin[at])
    last = 0 if end is None else int(end[at])
    return interval(size, dim, first, last, stride, masks, at)[1]
