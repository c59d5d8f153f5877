"""TensorArray ops, as TensorFlow 1.0 to 1.15 write them (V3) and before (V2).

A handle's run-time value is an empty buffer: what the array is, and how long it was made. The
contents are the value of the flow. Gradient ops of TensorFlow's own graphs pass a gradient array's
handle along with the *forward* array's flow, or a plain 0; either then stands for an empty gradient
array (`contents`).
"""

from dataclasses import replace
from typing import Any

import numpy as np

from millstream.base.shapes import TensorShape
from millstream.ir import registry
from millstream.ir.default import get_default_graph
from millstream.ir.opdef import OpDef
from millstream.ir.scopes import name_scope
from millstream.ir.spec import (
    Float,
    Int32,
    Int64,
    Resource,
    Returns,
    Shape,
    String,
    Tensor,
    Type,
    op,
)
from millstream.ops.array.identities import Identity
from millstream.ops.flow.buffers import Buffer, HostBuffer, Spec, invalid
from millstream.ops.flow.traced_buffers import TracedBuffer

_ANY_SHAPE = TensorShape(None)

# -- what the rules of all versions share


def make(kind: Any, node: Any, size: Any) -> Any:
    """Makes the empty buffer of a new array."""
    if np.ndim(size):
        raise invalid(f"TensorArray size must be scalar, but had shape: {list(np.shape(size))}")
    if isinstance(size, (np.ndarray, np.generic, int)) and size < 0:
        raise invalid("Size should be >= 0.")
    attrs = node.attrs
    spec = Spec(
        attrs["dtype"],
        attrs["element_shape"].tuple,
        name=attrs["tensor_array_name"] or node.name,
        grows=attrs["dynamic_size"],
        clears=attrs["clear_after_read"],
        identical=attrs.get("identical_element_shapes", False),
        strict=True,
    )
    return kind(spec, size)


def contents(handle: Any, flow: Any) -> Any:
    """Gives the buffer that an op works on, of the array that `handle` stands for.

    Raises:
      InvalidArgumentError: If the handle is none, or the flow belongs to another array.
    """
    if not isinstance(handle, Buffer):
        raise invalid("The handle is not that of a TensorArray.")
    if not isinstance(flow, Buffer):
        return handle
    # The sources of one reverse pass may differ in name, so only the order of the gradient counts.
    order, wanted = flow.spec.order, handle.spec.order
    if order == wanted:
        return flow
    if order < wanted:  # the forward array's flow: nothing was added yet
        return resized(handle, flow.length)
    raise invalid(
        f"TensorArray {handle.spec.name}: the flow belongs to the gradient array "
        f"{'/'.join(flow.spec.path)!r}, not to {'/'.join(handle.spec.path)!r}."
    )


def resized(handle: Any, length: Any) -> Any:
    """Gives the empty buffer of a handle, in another length."""
    if isinstance(handle, HostBuffer):
        return HostBuffer(handle.spec, length, None, handle.element_shape)
    return TracedBuffer(handle.spec, length)


def gradient(handle: Any, flow: Any, source: str) -> tuple[Any, Any]:
    """Gives handle and flow of the gradient array of `handle` that belongs to `source`."""
    if isinstance(flow, Buffer) and flow.spec.order > handle.spec.order:
        if flow.spec.order == handle.spec.order + 1:
            return flow.skeleton(), flow
        flow = handle  # what a gradient array began with does not depend on the array
    made = contents(handle, flow).gradient_of(source)
    return made, made


def note_reads(handle: Any, indices: Any) -> None:
    """Remembers which elements of an array that clears them were read, and refuses the second time.

    Only on the host: compiled code reads what is there.

    Raises:
      InvalidArgumentError: If one was read before.
    """
    if not isinstance(handle, HostBuffer) or not handle.spec.clears:
        return
    for index in np.ravel(indices):
        if int(index) in handle.cleared:
            raise invalid(
                f"TensorArray {handle.spec.name}: Could not read index {int(index)} twice because "
                "it was cleared after a previous read (perhaps try setting clear_after_read = "
                "false?)."
            )
        handle.cleared.add(int(index))


def check_type(handle: Any, dtype: Any) -> None:
    """Raises InvalidArgumentError if the array holds elements of another type."""
    held = handle.spec.dtype
    if held is not dtype:
        raise invalid(
            f"TensorArray dtype is {_c_name(held)} but Op is trying to write dtype "
            f"{_c_name(dtype)}."
        )


def _c_name(dtype: Any) -> str:
    names = {"float32": "float", "float64": "double", "float16": "half"}
    return names.get(dtype.name, dtype.name)


def gathered_shape(element_shape: Any) -> Any:
    """Gives the static shape of stacked elements."""
    sizes = element_shape.tuple
    return None if sizes is None else [None, *sizes]


def index_shape(index: Any) -> None:
    """Checks that an index is a scalar."""
    index.assert_has_rank(0)


# -- version 3


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


# -- version 2: the handle is a string, the ops are the same


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


def _rules_of_makers() -> None:
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

    for opdef in (TensorArrayV3, TensorArrayV2):
        opdef.no_gradient("an array is made of a size, an integer")


def _rules_of_gradients() -> None:
    @TensorArrayGradV3.shape
    def _(handle: Any) -> Any:
        return [2], []

    @TensorArrayGradV3.kernel
    @TensorArrayGradV3.reference
    def _(handle: Any, flow_in: Any, source: str) -> Any:
        return gradient(handle, flow_in, source)

    @TensorArrayGradV2.shape
    def _(handle: Any) -> Any:
        return [2]

    @TensorArrayGradV2.kernel
    @TensorArrayGradV2.reference
    def _(handle: Any, flow_in: Any, source: str) -> Any:
        return gradient(handle, flow_in, source)[0]

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

    for opdef in (TensorArrayGradV3, TensorArrayGradV2, TensorArrayGradWithShape):
        opdef.no_gradient("its elements are gradients that others write")


def _rules_of_writes(write: OpDef, scatter: OpDef, split: OpDef) -> None:
    @write.shape
    def _(index: Any) -> Any:
        index_shape(index)
        return []

    @write.kernel
    def _(handle: Any, index: Any, value: Any, flow_in: Any, T: Any, check: Any) -> Any:
        check_type(handle, T)
        return contents(handle, flow_in).write(index, value, check)

    @write.reference
    def _(handle: Any, index: Any, value: Any, flow_in: Any, T: Any) -> Any:
        check_type(handle, T)
        return contents(handle, flow_in).write(index, value)

    @scatter.shape
    def _(indices: Any, value: Any) -> Any:
        indices.assert_has_rank(1)
        if value.ndims is not None and value.ndims > 0:
            indices[:1].merge_with(value[:1])
        return []

    @scatter.kernel
    def _(handle: Any, indices: Any, value: Any, flow_in: Any, T: Any, check: Any) -> Any:
        check_type(handle, T)
        return contents(handle, flow_in).scatter(indices, value, check)

    @scatter.reference
    def _(handle: Any, indices: Any, value: Any, flow_in: Any, T: Any) -> Any:
        check_type(handle, T)
        return contents(handle, flow_in).scatter(indices, value)

    @split.shape
    def _(value: Any, lengths: Any) -> Any:
        lengths.assert_has_rank(1)
        return []

    @split.kernel
    def _(handle: Any, value: Any, lengths: Any, flow_in: Any, T: Any, check: Any) -> Any:
        check_type(handle, T)
        return contents(handle, flow_in).split(value, lengths, check)

    @split.reference
    def _(handle: Any, value: Any, lengths: Any, flow_in: Any, T: Any) -> Any:
        check_type(handle, T)
        return contents(handle, flow_in).split(value, lengths)


def _rules_of_reads(read: OpDef, gather: OpDef, concat: OpDef) -> None:
    @read.shape
    def _(index: Any) -> Any:
        index_shape(index)
        return None

    @read.kernel
    def _(handle: Any, index: Any, flow_in: Any, check: Any) -> Any:
        return contents(handle, flow_in).read(index, check)

    @read.reference
    def _(handle: Any, index: Any, flow_in: Any) -> Any:
        value = contents(handle, flow_in).read(index)
        note_reads(handle, index)
        return value

    @gather.shape
    def _(indices: Any, element_shape: Any) -> Any:
        indices.assert_has_rank(1)
        return gathered_shape(element_shape)

    @gather.kernel
    def _(handle: Any, indices: Any, flow_in: Any, check: Any) -> Any:
        return contents(handle, flow_in).gather(indices, check)

    @gather.reference
    def _(handle: Any, indices: Any, flow_in: Any, element_shape: Any) -> Any:
        value = declared(contents(handle, flow_in), element_shape).gather(indices)
        note_reads(handle, indices)
        return value

    @concat.shape
    def _(element_shape_except0: Any) -> Any:
        return gathered_shape(element_shape_except0), [None]

    @concat.kernel
    def _(handle: Any, flow_in: Any, check: Any) -> Any:
        return contents(handle, flow_in).concat(check)

    @concat.reference
    def _(handle: Any, flow_in: Any, element_shape_except0: Any) -> Any:
        sizes = gathered_shape(element_shape_except0)
        return declared(contents(handle, flow_in), sizes).concat()


def declared(buffer: Any, element_shape: Any) -> Any:
    """Gives an array whose element shape is not known the one that a reading op declares."""
    sizes = getattr(element_shape, "tuple", element_shape)
    if buffer.element_shape is not None or sizes is None:
        return buffer
    made = HostBuffer(buffer.spec, buffer.length, buffer.items, tuple(sizes))
    made.strict = buffer.strict
    return made


def _rules_of_sizes(size: OpDef, close: OpDef) -> None:
    size.shape_scalar()

    @size.kernel
    @size.reference
    def _(handle: Any, flow_in: Any) -> Any:
        length = contents(handle, flow_in).length
        return np.int32(length) if isinstance(length, int) else length

    @close.kernel
    @close.reference
    def _(handle: Any) -> Any:
        return ()

    size.no_gradient("a size is an integer")
    close.no_gradient("it has no outputs")


_rules_of_makers()
_rules_of_gradients()
_rules_of_writes(TensorArrayWriteV3, TensorArrayScatterV3, TensorArraySplitV3)
_rules_of_writes(TensorArrayWriteV2, TensorArrayScatterV2, TensorArraySplitV2)
_rules_of_reads(TensorArrayReadV3, TensorArrayGatherV3, TensorArrayConcatV3)
_rules_of_reads(TensorArrayReadV2, TensorArrayGatherV2, TensorArrayConcatV2)
_rules_of_sizes(TensorArraySizeV3, TensorArrayCloseV3)
_rules_of_sizes(TensorArraySizeV2, TensorArrayCloseV2)
for _opdef in (
    *(TensorArrayWriteV3, TensorArrayReadV3, TensorArrayGatherV3, TensorArrayScatterV3),
    *(TensorArrayWriteV2, TensorArrayReadV2, TensorArrayGatherV2, TensorArrayScatterV2),
):
    _opdef.static_if(lambda node: ())  # an index need not be known, but is used if it is
for _opdef in (
    *(TensorArrayV3, TensorArrayGradV3, TensorArrayWriteV3, TensorArrayReadV3),
    *(TensorArrayGatherV3, TensorArrayScatterV3, TensorArrayConcatV3, TensorArraySplitV3),
    *(TensorArraySizeV3, TensorArrayCloseV3, TensorArrayGradWithShape),
    *(TensorArrayV2, TensorArrayGradV2, TensorArrayWriteV2, TensorArrayReadV2),
    *(TensorArrayGatherV2, TensorArrayScatterV2, TensorArrayConcatV2, TensorArraySplitV2),
    *(TensorArraySizeV2, TensorArrayCloseV2),
):
    _opdef.carries_buffers()


# -- gradients: those of elements live in an array of the same indices, named after the `gradients`
# scope that asks for them


def gradient_source(tensor: Any) -> str:
    """Gives the name of the gradient array that a gradient belongs to: its `gradients` scope.

    Raises:
      ValueError: If the tensor is not within one.
    """
    parts = tensor.op.name.split("/")
    found = [i for i, part in enumerate(parts) if part.startswith("gradients")]
    if not found:
        raise ValueError(
            "Expected op/tensor name to start with gradients (excluding scope), got: "
            f"{tensor.op.name}. This means that a tf.gradients op with this op in its dependency "
            "path has a custom name that does not start with 'gradients'."
        )
    return "/".join(parts[: found[-1] + 1])


class _Family:
    """The ops of one version."""

    def __init__(self, version: str) -> None:
        every = {name: registry.get(f"TensorArray{name}{version}") for name in _NAMES}
        self.grad, self.write, self.read = every["Grad"], every["Write"], every["Read"]
        self.gather, self.scatter = every["Gather"], every["Scatter"]
        self.concat, self.split = every["Concat"], every["Split"]

    def gradient_array(self, handle: Any, flow: Any, dy: Any) -> tuple[Any, Any]:
        """Adds the nodes that TensorFlow adds for `TensorArray.grad`."""
        graph = get_default_graph()
        with name_scope(None, "TensorArrayGrad", [handle]), graph.colocate_with(handle):
            made = self.grad(handle, flow, source=gradient_source(dy))
            handle = made if self.grad is TensorArrayGradV2 else made.grad_handle
            with graph.control_dependencies([handle.op]):
                return handle, Identity(flow, name="gradient_flow")

    def register(self) -> None:
        """Hangs the gradient rules on the ops."""
        self.read.gradient(self._of_read)
        self.write.gradient(self._of_write)
        self.gather.gradient(self._of_gather)
        self.scatter.gradient(self._of_scatter)
        self.concat.gradient(self._of_concat)
        self.split.gradient(self._of_split)

    def _of_read(self, node: Any, dy: Any) -> list[Any]:
        handle, index, flow = node.inputs
        array, flow = self.gradient_array(handle, flow, dy)
        with name_scope(None, "TensorArrayWrite", [array, index, dy]):
            return [None, None, self.write(array, index, dy, flow)]

    def _of_write(self, node: Any, dflow: Any) -> list[Any]:
        handle, index, value, _ = node.inputs
        array, flow = self.gradient_array(handle, dflow, dflow)
        dx = self.read(array, index, flow, dtype=node.attrs["T"])
        return [None, None, _shaped_like(dx, value), dflow]

    def _of_gather(self, node: Any, dy: Any) -> list[Any]:
        handle, indices, flow = node.inputs
        array, flow = self.gradient_array(handle, flow, dy)
        with name_scope(None, "TensorArrayScatter", [array, dy, indices]):
            return [None, None, self.scatter(array, indices, dy, flow)]

    def _of_scatter(self, node: Any, dflow: Any) -> list[Any]:
        handle, indices, value, _ = node.inputs
        array, flow = self.gradient_array(handle, dflow, dflow)
        dx = self.gather(array, indices, flow, dtype=node.attrs["T"])
        return [None, None, _shaped_like(dx, value), dflow]

    def _of_concat(self, node: Any, dy: Any, _: Any) -> list[Any]:
        handle, flow = node.inputs
        array, flow = self.gradient_array(handle, flow, dy)
        lengths = node.outputs[1]
        with name_scope(None, "TensorArraySplit", [array, dy, lengths]):
            return [None, self.split(array, dy, lengths, flow)]

    def _of_split(self, node: Any, dflow: Any) -> list[Any]:
        handle, value, _, _ = node.inputs
        array, flow = self.gradient_array(handle, dflow, dflow)
        dx = self.concat(array, flow, dtype=node.attrs["T"])[0]
        return [None, _shaped_like(dx, value), None, dflow]


def _shaped_like(dx: Any, value: Any) -> Any:
    dx.set_shape(value.shape)
    return dx


_NAMES = ("Grad", "Write", "Read", "Gather", "Scatter", "Concat", "Split")
for _version in ("V2", "V3"):
    _Family(_version).register()
