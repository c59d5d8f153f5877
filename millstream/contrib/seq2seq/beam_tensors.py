"""Tensors of beams: tiling, merging with the batch, choosing among beams."""

from millstream.base import nest
from millstream.base.dtypes import int32
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.static_value import constant_value
from millstream.ops import array, math
from millstream.ops.array.indicators import sequence_mask
from millstream.ops.by_name import ops
from millstream.ops.flow.tensor_array import TensorArray
from millstream.ops.nn.gather_tree import gather_tree


@export("contrib.seq2seq.tile_batch")
def tile_batch(t, multiplier, name=None):
    """Repeats every entry of the batch `multiplier` times, one copy after the other.

    Args:
      t: a tensor `[batch, …]`, or a structure of them.
      multiplier: how often.
      name: scope of the nodes.

    Returns:
      Tensors `[batch * multiplier, …]`.

    Raises:
      ValueError: if the rank of a tensor is not known.
    """
    with name_scope(name, "tile_batch", [*nest.flatten(t), multiplier]):
        return nest.map_structure(lambda x: _tiled(x, multiplier), t)


def _tiled(t, multiplier):
    t = to_tensor(t, name="t")
    if t.shape.ndims is None:
        raise ValueError("t must have statically known rank")
    if t.shape.ndims == 0:
        return t
    sizes = array.shape(t)
    copies = [1] * (t.shape.ndims + 1)
    copies[1] = multiplier
    tiled = array.tile(array.expand_dims(t, 1), copies)
    tiled = array.reshape(tiled, array.concat(([sizes[0] * multiplier], sizes[1:]), 0))
    batch, *rest = t.shape.as_list()
    known = batch is not None and isinstance(multiplier, int)
    tiled.set_shape([batch * multiplier if known else None, *rest])
    return tiled


class Beams:
    """The sizes of a search, and what follows from them.

    Args:
      batch: the number of sequences, a scalar tensor.
      width: the number of beams of each.
    """

    def __init__(self, batch, width):
        self.batch, self.width = batch, width
        known = constant_value(batch)
        self._known = None if known is None else int(known)

    def merge(self, t, size):
        """Returns `[batch, width, *size]` as `[batch * width, *size]`.

        Scalars and `TensorArray`s stay as they are.
        """
        if isinstance(t, TensorArray) or t.shape.ndims == 0:
            return t
        sizes = array.concat(([self.batch * self.width], array.shape(t)[2:]), 0)
        rows = array.reshape(t, sizes)
        known = None if self._known is None else self._known * self.width
        rows.set_shape(TensorShape([known]).concatenate(_shape(size)))
        return rows

    def split(self, t, size):
        """Returns `[batch * width, *size]` as `[batch, width, *size]`; see `merge`."""
        if isinstance(t, TensorArray) or t.shape.ndims == 0:
            return t
        sizes = array.concat(([self.batch, self.width], array.shape(t)[1:]), 0)
        beams = array.reshape(t, sizes)
        beams.set_shape(TensorShape([self._known, self.width]).concatenate(_shape(size)))
        return beams

    def choose(self, t, beams):
        """Returns the rows `beams` `[batch, width]` of `t` `[batch, n, …]`; see `merge`."""
        if isinstance(t, TensorArray) or t.shape.ndims == 0:
            return t
        chosen = array.gather(t, beams, axis=1, batch_dims=1)
        chosen.set_shape(TensorShape([self._known, self.width]).concatenate(t.shape[2:]))
        return chosen

    def sorted_history(self, history, parents, lengths):
        """Returns a `TensorArray` of steps as a tensor in which every beam is whole.

        Args:
          history: elements `[batch * width, …]`.
          parents: `[time, batch, width]`: which beam each goes on from.
          lengths: `[batch, width]`.

        Returns:
          `[time, batch * width, …]`, or `history` itself if it is no `TensorArray` or, as in
          TensorFlow, its static shape does not show the beams as an axis.
        """
        if not isinstance(history, TensorArray) or not self._holds(history.element_shape):
            return history
        steps = history.stack()
        sizes = array.shape(steps)
        split = array.concat(([sizes[0], self.batch, self.width], sizes[2:]), 0)
        ordered = along_beams(array.reshape(steps, split), parents, lengths)
        ordered = array.reshape(ordered, sizes)
        ordered.set_shape(steps.shape)
        return ordered

    def _holds(self, shape):
        """Tells whether elements of a static shape may be `[batch, width, …]`."""
        if shape.ndims is None or shape.ndims < 1:
            return False
        first, *rest = shape.as_list()
        if self._known is None or first is None:
            return True
        if first != self._known * self.width:
            return False
        return not rest or rest[0] is None or (first, rest[0]) == (self._known, self.width)


def _shape(size):
    return size if isinstance(size, TensorShape) else TensorShape(size if _many(size) else [size])


def _many(size):
    return isinstance(size, (list, tuple))


def along_beams(steps, parents, lengths):
    """Returns `steps` `[time, batch, width, …]` with each beam's own ancestors in every step."""
    sizes = array.shape(parents)
    time, width = sizes[0], sizes[2]
    own = array.zeros_like(parents) + math.range_(width)
    longest = math.cast(math.reduce_max(lengths, axis=1), int32)
    places = gather_tree(own, parents, longest, width + 1)
    inside = array.transpose(sequence_mask(lengths, maxlen=time), [2, 0, 1])
    places = ops.Select(inside, places, own)
    return array.gather(steps, places, axis=2, batch_dims=2)
