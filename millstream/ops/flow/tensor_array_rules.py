"""What TensorArray ops do, whatever their version."""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.ir.opdef import OpDef
from millstream.ops.flow.buffer_specs import Spec, invalid
from millstream.ops.flow.buffers import Buffer, HostBuffer
from millstream.ops.flow.traced_buffers import TracedBuffer


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


def rules_of_writes(write: OpDef, scatter: OpDef, split: OpDef) -> None:
    """Hangs shapes, kernels and references on the ops that put elements."""

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


def rules_of_reads(read: OpDef, gather: OpDef, concat: OpDef) -> None:
    """Hangs shapes, kernels and references on the ops that take elements."""

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


def rules_of_sizes(size: OpDef, close: OpDef) -> None:
    """Hangs shapes, kernels and references on the ops that look at no element."""
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
