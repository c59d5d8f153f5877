"""TensorArray ops, as TensorFlow 1.0 to 1.15 write them; V2 is in `tensor_array_v2`.

A handle's run-time value is an empty buffer: what the array is, and how long it was made. The
contents are the value of the flow. Gradient ops of TensorFlow's own graphs pass a gradient array's
handle along with the *forward* array's flow, or a plain 0; either then stands for an empty gradient
array (`tensor_array_rules.contents`).
"""

from dataclasses import replace
from typing import Any

from millstream.base.shapes import TensorShape
from millstream.ir.spec import (
    Float,
    Int32,
    Int64,
    Resource,
    Returns,
    Shape,
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
def TensorArrayV3(
    size: Tensor[Int32],
    *,
    dtype: Type,
    element_shape: Shape = _ANY_SHAPE,
    dynamic_size: bool = False,
    clear_after_read: bool = True,
    identical_element_shapes: bool = False,
    tensor_array_name: str = "",
) -> Returns(handle=Tensor[Resource], flow=Tensor[Float]):
    """Makes an array of `size` tensors, none of them written yet."""


@op(stateful=True)
def TensorArrayGradV3(handle: Tensor[Resource], flow_in: Tensor[Float], *, source: str) -> Returns(
    grad_handle=Tensor[Resource], flow_out=Tensor[Float]
):
    """Makes the array that holds the gradients of an array's elements."""


@op(stateful=True, static="shape_to_prepend")
def TensorArrayGradWithShape(
    handle: Tensor[Resource],
    flow_in: Tensor[Float],
    shape_to_prepend: Tensor[Int32],
    *,
    source: str,
) -> Returns(grad_handle=Tensor[Resource], flow_out=Tensor[Float]):
    """Makes a gradient array whose elements have more leading dimensions than the array's."""


@op(stateful=True, static="index")
def TensorArrayWriteV3[T](
    handle: Tensor[Resource], index: Tensor[Int32], value: Tensor[T], flow_in: Tensor[Float]
) -> Returns(flow_out=Tensor[Float]):
    """Puts a tensor into an array; each index once."""


@op(stateful=True, static="index")
def TensorArrayReadV3(
    handle: Tensor[Resource], index: Tensor[Int32], flow_in: Tensor[Float], *, dtype: Type
) -> Returns(value=Tensor["dtype"]):
    """Takes a tensor from an array."""


@op(stateful=True, static="indices")
def TensorArrayGatherV3(
    handle: Tensor[Resource],
    indices: Tensor[Int32],
    flow_in: Tensor[Float],
    *,
    dtype: Type,
    element_shape: Shape = _ANY_SHAPE,
) -> Returns(value=Tensor["dtype"]):
    """Takes several tensors, which must be of one shape, and packs them along a new first axis."""


@op(stateful=True, static="indices")
def TensorArrayScatterV3[T](
    handle: Tensor[Resource], indices: Tensor[Int32], value: Tensor[T], flow_in: Tensor[Float]
) -> Returns(flow_out=Tensor[Float]):
    """Puts the rows of a tensor into an array."""


@op(stateful=True)
def TensorArrayConcatV3(
    handle: Tensor[Resource],
    flow_in: Tensor[Float],
    *,
    dtype: Type,
    element_shape_except0: Shape = _ANY_SHAPE,
) -> Returns(value=Tensor["dtype"], lengths=Tensor[Int64]):
    """Joins all tensors of an array along their first axis; gives their lengths, too."""


@op(stateful=True, static="lengths")
def TensorArraySplitV3[T](
    handle: Tensor[Resource], value: Tensor[T], lengths: Tensor[Int64], flow_in: Tensor[Float]
) -> Returns(flow_out=Tensor[Float]):
    """Puts pieces of a tensor, of the given lengths along its first axis, into an array."""


@op(stateful=True)
def TensorArraySizeV3(handle: Tensor[Resource], flow_in: Tensor[Float]) -> Returns(
    size=Tensor[Int32]
):
    """Gives the number of elements of an array."""


@op(stateful=True)
def TensorArrayCloseV3(handle: Tensor[Resource]) -> None:
    """Does nothing: an array is freed when nobody needs it any more."""


# -- rules


@TensorArrayV3.shape
def _(size: Any) -> Any:
    size.assert_has_rank(0)
    return [2], []


@TensorArrayV3.kernel
def _(size: Any, node: Any) -> Any:
    made = make(TracedBuffer, node, size)
    return made, made


@TensorArrayV3.reference
def _(size: Any, node: Any) -> Any:
    made = make(HostBuffer, node, size)
    return made, HostBuffer(made.spec, made.length)


@TensorArrayGradV3.shape
def _(handle: Any) -> Any:
    return [2], []


@TensorArrayGradV3.kernel
@TensorArrayGradV3.reference
def _(handle: Any, flow_in: Any, source: str) -> Any:
    return gradient(handle, flow_in, source)


@TensorArrayGradWithShape.shape
def _(handle: Any, shape_to_prepend: Any) -> Any:
    return [2], []


@TensorArrayGradWithShape.kernel
@TensorArrayGradWithShape.reference
def _(handle: Any, flow_in: Any, shape_to_prepend: Any, source: str) -> Any:
    made, _ = gradient(handle, flow_in, source)
    if made.element_shape is not None:
        shape = (*map(int, shape_to_prepend), *made.element_shape)
        made = type(made)(replace(made.spec, element_shape=shape), made.length)
    return made, made


TensorArrayV3.no_gradient("an array is made of a size, an integer")
for _opdef in (TensorArrayGradV3, TensorArrayGradWithShape):
    _opdef.no_gradient("its elements are gradients that others write")
rules_of_writes(TensorArrayWriteV3, TensorArrayScatterV3, TensorArraySplitV3)
rules_of_reads(TensorArrayReadV3, TensorArrayGatherV3, TensorArrayConcatV3)
rules_of_sizes(TensorArraySizeV3, TensorArrayCloseV3)
for _opdef in (TensorArrayWriteV3, TensorArrayReadV3, TensorArrayGatherV3, TensorArrayScatterV3):
    _opdef.static_if(lambda node: ())  # an index need not be known, but is used if it is
for _opdef in (
    *(TensorArrayV3, TensorArrayGradV3, TensorArrayWriteV3, TensorArrayReadV3),
    *(TensorArrayGatherV3, TensorArrayScatterV3, TensorArrayConcatV3, TensorArraySplitV3),
    *(TensorArraySizeV3, TensorArrayCloseV3, TensorArrayGradWithShape),
):
    _opdef.carries_buffers()
Family(
    TensorArrayGradV3, TensorArrayWriteV3, TensorArrayReadV3, TensorArrayGatherV3,
    TensorArrayScatterV3, TensorArrayConcatV3, TensorArraySplitV3,
).register()  # fmt: skip
