"""What TensorList ops do with the buffers that are the lists."""

from typing import Any

import numpy as np

from millstream.ops.flow.buffer_specs import Spec, invalid, is_complete, merge_sizes, spell
from millstream.ops.flow.buffers import HostBuffer
from millstream.ops.flow.traced_buffers import TracedBuffer


def sizes_of(value: Any) -> Any:
    """Gives the partial shape that a vector spells; -1 alone is an unknown rank."""
    if not isinstance(value, (np.ndarray, np.generic)):
        return None
    if not np.ndim(value):
        return None
    return tuple(None if int(size) < 0 else int(size) for size in value)


def _declared(buffer: Any, element_shape: Any) -> Any:
    """Gives a list the element shape that a reading op adds to what is known."""
    known, found = buffer.element_shape, sizes_of(element_shape)
    if found is None or is_complete(known):
        return buffer
    try:
        sizes = merge_sizes(known, found)
    except ValueError:
        raise invalid(
            f"Incompatible element shapes: the list has {spell(known)}, the op {spell(found)}."
        ) from None
    if isinstance(buffer, HostBuffer):
        return HostBuffer(buffer.spec, buffer.length, buffer.items, sizes)
    return buffer if buffer.data is not None or None in sizes else buffer.filled(sizes)


def _check_index(buffer: Any, index: Any, doing: str) -> None:
    length = buffer.length
    known = isinstance(index, (np.ndarray, np.generic)) and isinstance(length, int)
    if known and not 0 <= int(index) < length:
        raise invalid(f"Trying to {doing} element {int(index)} in a list with {length} elements.")


def _check_element(buffer: Any, value: Any, dtype: Any) -> None:
    if buffer.spec.dtype is not dtype:
        raise invalid(
            f"Invalid data types; op elements {dtype.name} list elements {buffer.spec.dtype.name}"
        )
    try:
        merge_sizes(buffer.spec.element_shape, tuple(value.shape))
    except ValueError:
        raise invalid(
            "Tried to append a tensor with incompatible shape to a list. Op element shape: "
            f"{spell(tuple(value.shape))} list shape: {spell(buffer.spec.element_shape)}"
        ) from None


class Rules:
    """The rules of all ops, for one form of buffers."""

    def __init__(self, kind: type[HostBuffer] | type[TracedBuffer]) -> None:
        self._kind = kind

    def empty(self, element_shape: Any, max_num_elements: Any, element_dtype: Any) -> Any:
        """Makes a list without elements."""
        limit = int(max_num_elements)
        spec = Spec(element_dtype, sizes_of(element_shape), name=str(limit) if limit >= 0 else "")
        return self._kind(spec, 0)

    def reserve(self, element_shape: Any, num_elements: Any, element_dtype: Any) -> Any:
        """Makes a list of elements that are not set."""
        if num_elements < 0:
            raise invalid(
                f"The num_elements to reserve must be a non negative number, got {num_elements}"
            )
        return self._kind(Spec(element_dtype, sizes_of(element_shape)), num_elements)

    def push(self, input_handle: Any, tensor: Any, element_dtype: Any) -> Any:
        """Appends an element."""
        _check_element(input_handle, tensor, element_dtype)
        limit = input_handle.spec.name
        if limit and input_handle.length == int(limit):
            raise invalid(
                f"Tried to push item into a full list list size: {limit} max_num_elements: {limit}"
            )
        return input_handle.push(tensor)

    def pop(self, input_handle: Any, element_shape: Any) -> Any:
        """Takes the last element off."""
        return _declared(input_handle, element_shape).pop()

    def get(self, input_handle: Any, index: Any, element_shape: Any) -> Any:
        """Gives one element."""
        _check_index(input_handle, index, "access")
        return self._read(_declared(input_handle, element_shape), index)

    def _read(self, buffer: Any, index: Any) -> Any:
        if isinstance(buffer, HostBuffer) and not is_complete(buffer.element_shape):
            items = buffer.items
            if int(index) not in items and items:
                first = next(iter(items.values()))
                buffer = HostBuffer(buffer.spec, buffer.length, items, first.shape)
            elif int(index) not in items:
                raise invalid(
                    "Trying to read an uninitialized tensor but element_shape is not fully "
                    f"defined: {spell(buffer.element_shape)} and no list element is set."
                )
        return buffer.read(index)

    def set(self, input_handle: Any, index: Any, item: Any, element_dtype: Any) -> Any:
        """Replaces one element."""
        _check_index(input_handle, index, "modify")
        _check_element(input_handle, item, element_dtype)
        return input_handle.set_item(index, item)

    def stack(self, input_handle: Any, element_shape: Any, num_elements: Any) -> Any:
        """Packs all elements."""
        length = input_handle.length
        if num_elements >= 0 and isinstance(length, int) and num_elements != length:
            raise invalid(
                f"Operation expected a list with {num_elements} elements but got a list with "
                f"{length} elements."
            )
        buffer = _declared(input_handle, element_shape)
        if length == 0 and isinstance(length, int) and not is_complete(buffer.element_shape):
            raise invalid(
                "Tried to stack elements of an empty list with non-fully-defined element_shape: "
                f"{spell(buffer.element_shape)}"
            )
        if isinstance(buffer, HostBuffer) and length:
            return np.stack([self._read(buffer, i) for i in range(length)])
        return buffer.stack()

    def from_tensor(self, tensor: Any, element_shape: Any, element_dtype: Any) -> Any:
        """Makes a list of rows."""
        spec = Spec(element_dtype, sizes_of(element_shape))
        return self._kind(spec, tensor.shape[0]).scatter(np.arange(tensor.shape[0]), tensor)

    def length(self, input_handle: Any) -> Any:
        """Counts the elements."""
        length = input_handle.length
        return np.int32(length) if isinstance(length, int) else length

    def element_shape(self, input_handle: Any, shape_type: Any) -> Any:
        """Spells the elements' shape."""
        sizes = input_handle.spec.element_shape
        if sizes is None:
            return np.array(-1, shape_type.np)
        return np.array([-1 if size is None else size for size in sizes], shape_type.np)

    def gather(self, input_handle: Any, indices: Any, element_shape: Any) -> Any:
        """Packs some elements."""
        length = input_handle.length
        for index in indices if isinstance(indices, np.ndarray) else ():
            if isinstance(length, int) and not 0 <= index < length:
                raise invalid(f"Index {index} out o range; list only has {length} elements.")
        return _declared(input_handle, element_shape).gather(indices)

    def scatter(
        self, tensor: Any, indices: Any, element_shape: Any, num_elements: Any, element_dtype: Any
    ) -> Any:
        """Makes a list of rows at given places."""
        highest = int(np.max(indices, initial=-1))
        count = int(num_elements)
        if count < 0:
            count = highest + 1
        elif highest >= count:
            raise invalid(
                f"TensorListScatter: Trying to scatter at index {highest} in list with size {count}"
            )
        spec = Spec(element_dtype, sizes_of(element_shape))
        return self._put(self._kind(spec, count), tensor, indices)

    def scatter_into(self, input_handle: Any, tensor: Any, indices: Any) -> Any:
        """Replaces some elements by rows."""
        highest = int(np.max(indices, initial=-1)) + 1
        made = input_handle
        if isinstance(made.length, int) and highest > made.length:
            made = made.resize(np.int32(highest))
        return self._put(made, tensor, indices)

    def _put(self, made: Any, tensor: Any, indices: Any) -> Any:
        if isinstance(made, TracedBuffer):
            return made.scatter(indices, tensor)
        for index, row in zip(indices, tensor):
            made = made.set_item(index, row)
        return made

    def concat(self, input_handle: Any, element_shape: Any, leading_dims: Any) -> Any:
        """Joins all elements."""
        buffer = _declared(input_handle, element_shape)
        shape = buffer.element_shape
        if (
            isinstance(buffer.length, int)
            and not buffer.length
            and (shape is None or not is_complete(shape[1:]))
        ):
            raise invalid(
                "All except the first dimension must be fully defined when concating an empty "
                f"tensor list. element_shape: {spell(shape)}"
            )
        if isinstance(buffer, HostBuffer) and shape is not None:
            buffer = _with_rows(buffer, leading_dims)
        return buffer.concat()

    def split(self, tensor: Any, element_shape: Any, lengths: Any, element_dtype: Any) -> Any:
        """Makes a list of pieces."""
        used = int(np.sum(lengths))
        if used < tensor.shape[0]:
            raise invalid(
                f"Unused values in tensor. Length of tensor: {tensor.shape[0]} Values used: {used}"
            )
        spec = Spec(element_dtype, sizes_of(element_shape))
        return self._kind(spec, len(lengths)).split(tensor, lengths)

    def resize(self, input_handle: Any, size: Any) -> Any:
        """Changes the number of elements."""
        if isinstance(size, (np.ndarray, np.generic)) and size < 0:
            raise invalid("TensorListSlice expects size to be non-negative. Got: " + str(int(size)))
        return input_handle.resize(size)

    def concat_lists(self, input_a: Any, input_b: Any) -> Any:
        """Joins two lists."""
        made = input_a
        length = input_b.length
        for index in range(length):
            made = made.push(self._read(input_b, index))
        return made


def _with_rows(buffer: HostBuffer, leading_dims: Any) -> HostBuffer:
    """Sets what was not set to zeros of the given numbers of rows."""
    rest = (buffer.element_shape or ())[1:]
    missing = set(range(buffer.length)) - buffer.items.keys()
    for index in missing:
        rows = int(leading_dims[index]) if index < len(leading_dims) else 0
        buffer = buffer.set_item(index, np.zeros((rows, *rest), buffer.spec.dtype.np))
    return buffer
