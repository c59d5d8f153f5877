"""Reading some rows or slices of a resource variable: `ResourceGather` and `ResourceGatherNd`."""

from typing import Any

import numpy as np

from millstream.base.dtypes import Float, Int32, Int64
from millstream.base.shapes import UNKNOWN
from millstream.ir.composite import IndexedSlices
from millstream.ir.constant import constant
from millstream.ir.convert import to_tensor
from millstream.ir.spec import Reads, Resource, Tensor, Type, f, op
from millstream.ir.static_value import handle_data
from millstream.ops.array.gathering import GatherNd, GatherV2
from millstream.ops.array.joining import concat
from millstream.ops.array.reshaping import expand_dims, reshape, squeeze
from millstream.ops.array.shapes import size
from millstream.ops.by_name import ops
from millstream.ops.state.checks import shape_behind
from millstream.ops.state.variable import VariableShape


@op(effect=Reads("resource"))
def ResourceGather[Tindices: (Int32, Int64)](
    resource: Tensor[Resource], indices: Tensor[Tindices], *, batch_dims: int = 0,
    validate_indices: bool = True, dtype: Type,
) -> Tensor["dtype"]:  # fmt: skip
    """Gives the rows at `indices` of the variable behind a handle."""


@op(effect=Reads("resource"))
def ResourceGatherNd[Tindices: (Int32, Int64)](
    resource: Tensor[Resource], indices: Tensor[Tindices], *, dtype: Type
) -> Tensor["dtype"]:
    """Gives the slices at index tuples of the variable behind a handle."""


@ResourceGather.shape
def _(resource_handle, indices, batch_dims):
    params = shape_behind(resource_handle)
    if params.ndims is None or indices.ndims is None:
        return UNKNOWN
    params = params.with_rank_at_least(1)
    return indices.concatenate(params[batch_dims + 1 :])


@ResourceGatherNd.shape
def _(resource_handle, indices):
    return GatherNd.shape_rule.fn(shape_behind(resource_handle), indices)


@ResourceGather.kernel
def _(resource, indices, batch_dims, check):
    return GatherV2.kernel.fn(resource, indices, batch_dims, batch_dims, check)


@ResourceGather.reference
def _(resource, indices, batch_dims):
    return GatherV2.reference.fn(resource, indices, batch_dims, batch_dims)


@ResourceGatherNd.kernel
def _(resource, indices, check):
    return GatherNd.kernel.fn(resource, indices, check)


@ResourceGatherNd.reference
def _(resource, indices):
    return GatherNd.reference.fn(resource, indices)


def variable_shape(handle: Any, out_type: Any = Int32) -> Any:
    """Returns the shape of the variable behind a handle, as a constant where it is known."""
    static = shape_behind(handle_data(handle))
    if static.is_fully_defined():
        return constant(np.array(static.as_list(), out_type.np))
    return VariableShape(handle, out_type=out_type)


@ResourceGather.gradient
def _(node, dy):
    handle, indices = node.inputs
    sizes = variable_shape(handle)
    count = expand_dims(size(indices), 0)
    values = reshape(to_tensor(dy), concat([count, sizes[1:]], 0))
    return [IndexedSlices(values, reshape(indices, count), sizes), None]


@ResourceGatherNd.gradient
def _(node, dy):
    handle, indices = node.inputs
    sizes = variable_shape(handle, indices.dtype)
    if indices.shape.ndims == 2 and indices.shape.tuple[-1] == 1:
        return [IndexedSlices(dy, squeeze(indices, -1), sizes), None]
    return [ops.ScatterNd(indices, dy, sizes), None]


ResourceGather.examples(f[4, 3], np.array([[0, 2], [3, 3]], np.int32), dtype=Float)
ResourceGatherNd.examples(f[4, 3], np.array([[0, 2], [3, 0]], np.int64), dtype=Float)
