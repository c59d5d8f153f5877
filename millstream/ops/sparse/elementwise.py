"""Sparse tensors element by element with dense ones: SparseDenseCwiseMul, …Div, …Add."""

import numpy as np

from millstream.base.lazy import jnp
from millstream.ir.spec import Int64, Number, Tensor, f, op
from millstream.ops.array.gathering import gather_nd
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast
from millstream.ops.sparse.parts import check_shapes, invalid


@op
def SparseDenseCwiseMul[T: Number](
    sp_indices: Tensor[Int64], sp_values: Tensor[T], sp_shape: Tensor[Int64], dense: Tensor[T]
) -> Tensor[T]:
    """Multiplies the elements of a sparse tensor by those of a dense one, which is broadcast."""


@op
def SparseDenseCwiseDiv[T: Number](
    sp_indices: Tensor[Int64], sp_values: Tensor[T], sp_shape: Tensor[Int64], dense: Tensor[T]
) -> Tensor[T]:
    """Divides the elements of a sparse tensor by those of a dense one, which is broadcast."""


@op
def SparseDenseCwiseAdd[T: Number](
    sp_indices: Tensor[Int64], sp_values: Tensor[T], sp_shape: Tensor[Int64], dense: Tensor[T]
) -> Tensor[T]:
    """Adds those elements of a dense tensor, which is broadcast, that a sparse one has too."""


def _shape(sp_indices, sp_values, sp_shape):
    return [check_shapes(sp_indices, sp_values, sp_shape)[0]]


def _unfit(shape, dense):
    sizes = ",".join(str(int(d)) for d in shape)
    other = ",".join(map(str, dense))
    return (
        "SparseDenseBinaryOpShared broadcasts dense to sparse only; got incompatible shapes: "
        f"[{sizes}] vs. [{other}]"
    )


def _fits(np_, shape, dense):
    """Whether a dense shape broadcasts to the shape of the sparse tensor, which may be traced."""
    trailing = shape[len(shape) - len(dense) :]
    sizes = np.array(dense, np.int64)
    return np_.all((trailing == sizes) | (sizes == 1))


def _taken(sp_indices, dense):
    """Picks for each place the element of the broadcast tensor."""
    rank = sp_indices.shape[1]
    columns = [
        sp_indices[:, rank - dense.ndim + axis] if size != 1 else 0 * sp_indices[:, 0]
        for axis, size in enumerate(dense.shape)
    ]
    return dense[tuple(columns)] if columns else dense


def _check_rank(sp_indices, sp_shape, dense):
    if dense.ndim > sp_indices.shape[1] or sp_indices.shape[1] != sp_shape.shape[0]:
        raise invalid(_unfit([0] * sp_indices.shape[1], dense.shape))


def _kernel(combine):
    def kernel(sp_indices, sp_values, sp_shape, dense, check):
        _check_rank(sp_indices, sp_shape, dense)
        check(_fits(jnp, sp_shape, dense.shape), lambda s: _unfit(s, dense.shape), sp_shape)
        inside = jnp.all((sp_indices >= 0) & (sp_indices < sp_shape))
        check(inside, lambda s: f"an index is out of bounds of {s.tolist()}", sp_shape)
        return combine(sp_values, _taken(sp_indices, dense))

    return kernel


def _reference(combine):
    def reference(sp_indices, sp_values, sp_shape, dense):
        if dense.ndim > len(sp_shape) or not _fits(np, sp_shape, dense.shape):
            raise invalid(_unfit(sp_shape, dense.shape))
        if ((sp_indices < 0) | (sp_indices >= sp_shape)).any():
            raise invalid(f"an index is out of bounds of {sp_shape.tolist()}")
        dense = np.asarray(dense)
        return combine(sp_values, _taken(sp_indices, dense)).astype(sp_values.dtype)

    return reference


def _truncated(x, y):
    """Divides; integers towards zero."""
    if x.dtype.kind not in "iu":
        return x / y
    if np.any(y == 0):
        raise invalid("Integer division by zero")
    quotient = np.abs(x) // np.abs(y)
    return np.where((x < 0) != (y < 0), -quotient, quotient)


def _traced_quotient(x, y):
    if not jnp.issubdtype(x.dtype, jnp.integer):
        return x / y
    quotient = jnp.abs(x) // jnp.maximum(jnp.abs(y), 1)
    return jnp.where((x < 0) != (y < 0), -quotient, quotient)


for _opdef, _traced, _plain in (
    (SparseDenseCwiseMul, lambda x, y: x * y, lambda x, y: x * y),
    (SparseDenseCwiseDiv, _traced_quotient, _truncated),
    (SparseDenseCwiseAdd, lambda x, y: x + y, lambda x, y: x + y),
):
    _opdef.shape(_shape)
    _opdef.kernel(_kernel(_traced))
    _opdef.reference(_reference(_plain))
    _places = np.array([[0, 1], [0, 3], [2, 0]], np.int64)
    _sizes = np.array([3, 4], np.int64)
    for _dense in ((3, 4), (4,), (3, 1), ()):
        _other = 0.25 * f[_dense] + 2.0 if _opdef is SparseDenseCwiseDiv else f[_dense]
        _opdef.examples(_places, f[3], _sizes, _other)
    _opdef.fails("incompatible shapes", _places, f[3], _sizes, f[5])
    _opdef.fails("incompatible shapes", _places, f[3], _sizes, f[2, 3, 4])


def _picked(node):
    """Returns the elements of the dense operand that were used, and where they stood in it."""
    indices, _, shape, dense = node.inputs
    sizes = cast(ops.Shape(dense), Int64)
    missing = ops.Size(shape) - ops.Size(sizes)
    lead = ops.ExpandDims(missing, 0)
    padded = ops.ConcatV2([ops.Fill(lead, np.int64(1)), sizes], 0)
    places = ops.FloorDiv(indices, ops.FloorDiv(shape, padded))
    places = ops.Slice(places, ops.ConcatV2([np.zeros(1, np.int32), lead], 0), [-1, -1])
    return gather_nd(dense, places), places, sizes


def _spread(node, places, sizes, grads):
    return ops.SparseTensorDenseAdd(places, grads, sizes, ops.ZerosLike(node.inputs[3]))


@SparseDenseCwiseMul.gradient
def _(node, dy):
    taken, places, sizes = _picked(node)
    return [None, dy * taken, None, _spread(node, places, sizes, dy * node.inputs[1])]


@SparseDenseCwiseDiv.gradient
def _(node, dy):
    taken, places, sizes = _picked(node)
    d_taken = dy * (-node.inputs[1] / (taken * taken))
    return [None, dy / taken, None, _spread(node, places, sizes, d_taken)]


@SparseDenseCwiseAdd.gradient
def _(node, dy):
    _, places, sizes = _picked(node)
    return [None, dy, None, _spread(node, places, sizes, dy)]
