"""TensorArray ops of TensorFlow before 1.0: the handle is a string, there is no flow at first."""

from typing import Any

from millstream.base.shapes import TensorShape
from millstream.ir.spec import (
    Float,
    Int32,
    Int64,
    Returns,
    Shape,
    String,
    Tensor,
    Type,
    op,
)
from millstream.ops.flow.buffers import HostBuffer
from millstream.ops.flow.tensor_array_gradients import Family
from millstream.ops.flow.tensor_array_rules import (
    gradient,
    make,
    rules_of_reads,
    rules_of_sizes,
    rules_of_writes,
)
from millstream.ops.flow.traced_buffers import TracedBuffer

_ANY_SHAPE = TensorShape(None)


@op(stateful=True, static="size")
def TensorArrayV2(
    size: Tensor[Int32],
    *,
    dtype: Type,
    element_shape: Shape = _ANY_SHAPE,
    dynamic_size: bool = False,
    clear_after_read: bool = True,
    tensor_array_name: str = "",
) -> Returns(handle=Tensor[String]):
    """Makes an array, as `TensorArrayV3`, without a flow."""


@op(stateful=True)
def TensorArrayGradV2(handle: Tensor[String], flow_in: Tensor[Float], *, source: str) -> Returns(
    grad_handle=Tensor[String]
):
    """Makes a gradient array, as `TensorArrayGradV3`."""


@op(stateful=True, static="index")
def TensorArrayWriteV2[T](
    handle: Tensor[String], index: Tensor[Int32], value: Tensor[T], flow_in: Tensor[Float]
) -> Returns(flow_out=Tensor[Float]):
    """Puts a tensor into an array, as `TensorArrayWriteV3`."""


@op(stateful=True, static="index")
def TensorArrayReadV2(
    handle: Tensor[String], index: Tensor[Int32], flow_in: Tensor[Float], *, dtype: Type
) -> Returns(value=Tensor["dtype"]):
    """Takes a tensor from an array, as `TensorArrayReadV3`."""


@op(stateful=True, static="indices")
def TensorArrayGatherV2(
    handle: Tensor[String],
    indices: Tensor[Int32],
    flow_in: Tensor[Float],
    *,
    dtype: Type,
    element_shape: Shape = _ANY_SHAPE,
) -> Returns(value=Tensor["dtype"]):
    """Takes several tensors, as `TensorArrayGatherV3`."""


@op(stateful=True, static="indices")
def TensorArrayScatterV2[T](
    handle: Tensor[String], indices: Tensor[Int32], value: Tensor[T], flow_in: Tensor[Float]
) -> Returns(flow_out=Tensor[Float]):
    """Puts the rows of a tensor into an array, as `TensorArrayScatterV3`."""


@op(stateful=True)
def TensorArrayConcatV2(
    handle: Tensor[String],
    flow_in: Tensor[Float],
    *,
    dtype: Type,
    element_shape_except0: Shape = _ANY_SHAPE,
) -> Returns(value=Tensor["dtype"], lengths=Tensor[Int64]):
    """Joins all tensors of an array, as `TensorArrayConcatV3`."""


@op(stateful=True, static="lengths")
def TensorArraySplitV2[T](
    handle: Tensor[String], value: Tensor[T], lengths: Tensor[Int64], flow_in: Tensor[Float]
) -> Returns(flow_out=Tensor[Float]):
    """Puts pieces of a tensor into an array, as `TensorArraySplitV3`."""


@op(stateful=True)
def TensorArraySizeV2(handle: Tensor[String], flow_in: Tensor[Float]) -> Returns(
    size=Tensor[Int32]
):
    """Gives the number of elements of an array, as `TensorArraySizeV3`."""


@op(stateful=True)
def TensorArrayCloseV2(handle: Tensor[String]) -> None:
    """Does nothing, as `TensorArrayCloseV3`."""


# -- rules


@TensorArrayV2.shape
def _(size: Any) -> Any:
    size.assert_has_rank(0)
    return [2]


@TensorArrayV2.kernel
def _(size: Any, node: Any) -> Any:
    return make(TracedBuffer, node, size)


@TensorArrayV2.reference
def _(size: Any, node: Any) -> Any:
    return make(HostBuffer, node, size)


@TensorArrayGradV2.shape
def _(handle: Any) -> Any:
    return [2]


@TensorArrayGradV2.kernel
@TensorArrayGradV2.reference
def _(handle: Any, flow_in: Any, source: str) -> Any:
    return gradient(handle, flow_in, source)[0]


TensorArrayV2.no_gradient("an array is made of a size, an integer")
TensorArrayGradV2.no_gradient("its elements are gradients that others write")
rules_of_writes(TensorArrayWriteV2, TensorArrayScatterV2, TensorArraySplitV2)
rules_of_reads(TensorArrayReadV2, TensorArrayGatherV2, TensorArrayConcatV2)
rules_of_sizes(TensorArraySizeV2, TensorArrayCloseV2)
for _opdef in (TensorArrayWriteV2, TensorArrayReadV2, TensorArrayGatherV2, TensorArrayScatterV2):
    _opdef.static_if(lambda node: ())
for _opdef in (
    *(TensorArrayV2, TensorArrayGradV2, TensorArrayWriteV2, TensorArrayReadV2),
    *(TensorArrayGatherV2, TensorArrayScatterV2, TensorArrayConcatV2, TensorArraySplitV2),
    *(TensorArraySizeV2, TensorArrayCloseV2),
):
    _opdef.carries_buffers()
Family(
    TensorArrayGradV2, TensorArrayWriteV2, TensorArrayReadV2, TensorArrayGatherV2,
    TensorArrayScatterV2, TensorArrayConcatV2, TensorArraySplitV2,
).register()  # fmt: skip
