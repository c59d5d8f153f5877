"""Ops of accumulators: of dense gradients, with a ref or a resource handle, and of sparse ones."""

from typing import Literal

import numpy as np

from millstream.base import errors
from millstream.ir.spec import (
    Host,
    Int32,
    Int64,
    Number,
    Ref,
    Resource,
    Returns,
    Shape,
    String,
    Tensor,
    Type,
    op,
)
from millstream.ops.queue.accumulators import Accumulator, SparseAccumulator
from millstream.ops.queue.sharing import shared_resource, thing_behind

_Handle = Tensor[Resource]
_RefHandle = Ref[String]
_NUMBERS = Type[Number]
_WAITS = Host(blocking=True)
_Reduction = Literal["MEAN", "SUM"]


@op(effect=Host())
def ConditionalAccumulator(
    *,
    dtype: _NUMBERS,
    shape: Shape,
    container: str = "",
    shared_name: str = "",
    reduction_type: _Reduction = "MEAN",
) -> Returns(handle=_RefHandle):
    """Makes an accumulator of dense gradients."""


@op(effect=Host())
def ResourceConditionalAccumulator(
    *,
    dtype: _NUMBERS,
    shape: Shape,
    container: str = "",
    shared_name: str = "",
    reduction_type: _Reduction = "MEAN",
) -> Returns(handle=_Handle):
    """Makes an accumulator of dense gradients."""


@op(effect=Host())
def SparseConditionalAccumulator(
    *,
    dtype: _NUMBERS,
    shape: Shape,
    container: str = "",
    shared_name: str = "",
    reduction_type: _Reduction = "MEAN",
) -> Returns(handle=_RefHandle):
    """Makes an accumulator of sparse gradients."""


@op(effect=Host())
def AccumulatorApplyGradient[dtype: Number](
    handle: _RefHandle, local_step: Tensor[Int64], gradient: Tensor[dtype]
) -> None:
    """Adds a gradient, unless it is of an earlier step."""


@op(effect=Host())
def ResourceAccumulatorApplyGradient[dtype: Number](
    handle: _Handle, local_step: Tensor[Int64], gradient: Tensor[dtype]
) -> None:
    """Adds a gradient, unless it is of an earlier step."""


@op(effect=Host())
def SparseAccumulatorApplyGradient[dtype: Number](
    handle: _RefHandle,
    local_step: Tensor[Int64],
    gradient_indices: Tensor[Int64],
    gradient_values: Tensor[dtype],
    gradient_shape: Tensor[Int64],
    *,
    has_known_shape: bool,
) -> None:
    """Adds a sparse gradient, unless it is of an earlier step."""


@op(effect=_WAITS)
def AccumulatorTakeGradient(
    handle: _RefHandle, num_required: Tensor[Int32], *, dtype: _NUMBERS
) -> Returns(average=Tensor["dtype"]):
    """Waits for enough gradients and gives their mean or sum."""


@op(effect=_WAITS)
def ResourceAccumulatorTakeGradient(
    handle: _Handle, num_required: Tensor[Int32], *, dtype: _NUMBERS
) -> Returns(average=Tensor["dtype"]):
    """Waits for enough gradients and gives their mean or sum."""


@op(effect=_WAITS)
def SparseAccumulatorTakeGradient(
    handle: _RefHandle, num_required: Tensor[Int32], *, dtype: _NUMBERS
) -> Returns(indices=Tensor[Int64], values=Tensor["dtype"], shape=Tensor[Int64]):
    """Waits for enough sparse gradients and gives their mean or sum."""


@op(effect=Host())
def AccumulatorNumAccumulated(handle: _RefHandle) -> Returns(num_accumulated=Tensor[Int32]):
    """Counts the gradients in an accumulator."""


@op(effect=Host())
def ResourceAccumulatorNumAccumulated(handle: _Handle) -> Returns(num_accumulated=Tensor[Int32]):
    """Counts the gradients in an accumulator."""


@op(effect=Host())
def AccumulatorSetGlobalStep(handle: _RefHandle, new_global_step: Tensor[Int64]) -> None:
    """Sets an accumulator's step."""


@op(effect=Host())
def ResourceAccumulatorSetGlobalStep(handle: _Handle, new_global_step: Tensor[Int64]) -> None:
    """Sets an accumulator's step."""


def _maker_of(kind):
    def run(ctx):
        attrs = ctx.node.attrs
        mean = attrs["reduction_type"] == "MEAN"
        return shared_resource(
            ctx, kind, lambda name: kind(name, attrs["dtype"], attrs["shape"], mean)
        )

    return run


def _accumulator(handle, dtype=None):
    found = thing_behind(handle, Accumulator)
    if dtype is not None and dtype != found.dtype:
        raise errors.InvalidArgumentError(
            None, None, f"the accumulator is of type {found.dtype.name}, not {dtype.name}"
        )
    return found


def _apply(handle, local_step, gradient, dtype):
    _accumulator(handle, dtype).apply(int(local_step), gradient)
    return ()


@SparseAccumulatorApplyGradient.run
def _(
    handle, local_step, gradient_indices, gradient_values, gradient_shape, has_known_shape, dtype
):
    shape = np.asarray(gradient_shape).tolist() if has_known_shape else []
    parts = np.asarray(gradient_indices), np.asarray(gradient_values), shape
    _accumulator(handle, dtype).apply(int(local_step), parts)
    return ()


def _take(handle, num_required, dtype, ctx):
    return _accumulator(handle, dtype).take(int(num_required), ctx)


def _count(handle):
    return np.int32(_accumulator(handle).count)


def _set_step(handle, new_global_step):
    _accumulator(handle).set_step(int(new_global_step))
    return ()


for _opdefs, _rule in (
    ((ConditionalAccumulator, ResourceConditionalAccumulator), _maker_of(Accumulator)),
    ((SparseConditionalAccumulator,), _maker_of(SparseAccumulator)),
    ((AccumulatorApplyGradient, ResourceAccumulatorApplyGradient), _apply),
    (
        (
            AccumulatorTakeGradient,
            ResourceAccumulatorTakeGradient,
            SparseAccumulatorTakeGradient,
        ),
        _take,
    ),
    ((AccumulatorNumAccumulated, ResourceAccumulatorNumAccumulated), _count),
    ((AccumulatorSetGlobalStep, ResourceAccumulatorSetGlobalStep), _set_step),
):
    for _opdef in _opdefs:
        _opdef.run(_rule)
        _opdef.no_gradient("what goes through an accumulator is cut off from what it came from")

SparseAccumulatorApplyGradient.no_gradient("it has no outputs")
for _opdef in (AccumulatorNumAccumulated, ResourceAccumulatorNumAccumulated):
    _opdef.shape_scalar()
for _opdef in (
    ConditionalAccumulator,
    ResourceConditionalAccumulator,
    SparseConditionalAccumulator,
):
    _opdef.shape(lambda: [2])
