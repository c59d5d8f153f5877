"""Sums over all iterations of a loop as single operations on what the iterations saved.

The gradient of a weight that every iteration multiplies with is a sum of products, one for each
iteration. A product of all iterations' operands, one behind the other, gives the same:

    sum over t of  x[t]ᵀ · dy[t]   =   [x[0]; x[1]; …]ᵀ · [dy[0]; dy[1]; …]

and takes a fraction of the time, since it reads and writes the weight's gradient once. The same
holds for sums over rows (biases) and for gradients of some rows of a table (embeddings).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from millstream.ir.composite import IndexedSlices
from millstream.ir.static_value import constant_array
from millstream.ir.tensor import Tensor
from millstream.ops.array import concat
from millstream.ops.by_name import ops
from millstream.ops.flow.calling import LoopRows
from millstream.ops.math import add_n, matmul, reduce_sum

if TYPE_CHECKING:
    from millstream.autodiff.bodies import GradientBody

type _Stacked = Mapping[Tensor, Tensor]
type _Part = tuple[tuple[Tensor, ...], Callable[..., Any]]


class Batched:
    """An operand's gradient within one iteration, sorted by how it is summed up.

    Attributes:
      tensors: Tensors of the body that are wanted of all iterations.
      rest: What is added up iteration by iteration, or None.
    """

    def __init__(self) -> None:
        self._parts: list[_Part] = []
        self.rest: Any = None

    @property
    def tensors(self) -> list[Tensor]:
        """Tensors of the body that are wanted of all iterations."""
        return [t for tensors, _ in self._parts for t in tensors]

    def add(self, tensors: tuple[Tensor, ...], total: Callable[..., Any]) -> None:
        """Adds a part: `total` of `tensors` of all iterations, `[trips, …]`, is its sum."""
        self._parts.append((tensors, total))

    def total(self, stacked: _Stacked, rest: Tensor | None) -> Any:
        """Returns the sum over all iterations.

        Args:
          stacked: The tensors of all iterations.
          rest: The sum of `rest`.
        """
        found = [total(*[stacked[t] for t in tensors]) for tensors, total in self._parts]
        if rest is not None:
            found.append(rest)
        if len(found) == 1:
            return found[0]
        if all(isinstance(f, IndexedSlices) for f in found):
            values = concat([f.values for f in found], 0)
            rows = concat([f.indices for f in found], 0)
            return IndexedSlices(values, rows, found[0].dense_shape)
        return add_n(found)


def batch(body: GradientBody, gradient: Any) -> Batched | None:
    """Sorts what an iteration contributes to the gradient of an operand that does not change.

    Args:
      body: The backward loop's body.
      gradient: A tensor or `IndexedSlices` of the body, or None.
    """
    if gradient is None:
        return None
    result = Batched()
    if isinstance(gradient, IndexedSlices):
        values, indices = body.capture(gradient.values), body.capture(gradient.indices)
        if _is_saveable(body, values) and _is_saveable(body, indices):
            result.add((values, indices), _total_of_rows(body, gradient))
            return result
        result.rest = gradient
        return result
    gradient = body.capture(gradient)
    addends = list(gradient.op.inputs) if gradient.op.type == "AddN" else [gradient]
    rests = [addend for addend in addends if not _add(body, addend, result)]
    if rests:
        result.rest = rests[0] if len(rests) == 1 else add_n(rests)
    return result


def _is_saveable(body: GradientBody, tensor: Tensor) -> bool:
    """Tells whether a tensor belongs to the body and differs from iteration to iteration."""
    return tensor.graph is body and tensor not in body.captures.values()


def _total_of_rows(body: GradientBody, gradient: IndexedSlices) -> Callable[..., Any]:
    shape = gradient.dense_shape

    def total(values: Tensor, indices: Tensor) -> Any:
        whole = None if shape is None else _outside(body, shape)
        return IndexedSlices(LoopRows(values), LoopRows(indices), whole)

    return total


def _outside(body: GradientBody, tensor: Tensor) -> Any:
    """Gives what a tensor of the body is outside of it, None if that cannot be told."""
    tensor = body.capture(tensor)
    known = constant_array(tensor)
    if known is not None:
        return ops.Const(value=known, dtype=tensor.dtype.base_dtype)
    return next((t for t, inner in body.captures.items() if inner is tensor), None)


def _add(body: GradientBody, addend: Tensor, result: Batched) -> bool:
    """Adds a part for one addend; tells whether its sum can be taken at once."""
    node = addend.op
    if node.type == "MatMul":
        return _add_product(body, node, result)
    if node.type == "BiasAddGrad" and node.attrs["data_format"] == "NHWC":
        return _add_rows(body, node.inputs[0], result)
    return False


def _add_product(body: GradientBody, node: Any, result: Batched) -> bool:
    a, b = node.inputs
    if not node.attrs["transpose_a"] or node.attrs["transpose_b"]:
        return False
    if not (_is_saveable(body, a) and _is_saveable(body, b)):
        return False
    if a.shape.ndims != 2 or b.shape.ndims != 2:
        return False

    def total(xs: Tensor, dys: Tensor) -> Tensor:
        return matmul(LoopRows(xs), LoopRows(dys), transpose_a=True)

    result.add((a, b), total)
    return True


def _add_rows(body: GradientBody, rows: Tensor, result: Batched) -> bool:
    if not _is_saveable(body, rows) or rows.shape.ndims != 2:
        return False

    def total(stacked: Tensor) -> Tensor:
        return reduce_sum(LoopRows(stacked), 0)

    result.add((rows,), total)
    return True
