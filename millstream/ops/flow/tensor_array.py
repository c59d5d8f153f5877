"""`tf.TensorArray`: an array of tensors that is written and read element by element."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from millstream.base.dtypes import Int64, as_dtype
from millstream.base.export import export
from millstream.base.nest import Composite
from millstream.base.shapes import TensorShape
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.scopes import name_scope
from millstream.ir.static_value import constant_value
from millstream.ops import array, math
from millstream.ops.flow import tensor_array_ops as ops

_ALONE = ("size", "dynamic_size", "clear_after_read", "tensor_array_name", "element_shape")


class _Shared:
    """What the Python objects of one array have in common.

    Attributes:
      element_shape: What is known of the elements' shape.
      first_value: The node that made the first value written, for colocation.
    """

    def __init__(self, element_shape: TensorShape, infer: bool, colocate: bool) -> None:
        self.element_shape, self.infer, self.colocate = element_shape, infer, colocate
        self.first_value: Any = None


@export("TensorArray")
class TensorArray(Composite):
    """An array of tensors, to be written once per index, and read.

    Every operation that changes it returns a new object, which is to be used from then on: it
    carries the `flow`, the contents. As a loop variable of `tf.while_loop` it gathers what each
    iteration computes, and gradients flow through it. Elements that were not written read as zeros
    where their shape is known.

    Args:
      dtype: Type of the elements.
      size: Their number, an int32 scalar.
      dynamic_size: Whether writing behind the end makes it longer; by default it does not.
      clear_after_read: Whether each element may be read only once; by default so. Memory is freed
        in either case when nothing needs it.
      tensor_array_name: A name for messages.
      handle: The handle of an existing array; excludes the three arguments above and
        `element_shape`.
      flow: The flow to start from, required with `handle`.
      infer_shape: Whether all elements have the shape of the first.
      element_shape: What is known of the elements' shape.
      colocate_with_first_write_call: Whether it is placed where the first value written is.
      name: Name of the node.

    Raises:
      ValueError: If `handle` comes with what it excludes, or neither `handle` nor `size` is given.
      TypeError: If `handle` is no tensor.

    Example:
      >>> squares = TensorArray(Float, size=3)
      >>> for i in range(3):
      ...     squares = squares.write(i, float(i * i))
      >>> squares.stack().shape.as_list()
      [None]
    """

    def __init__(
        self,
        dtype,
        size=None,
        dynamic_size=None,
        clear_after_read=None,
        tensor_array_name=None,
        handle=None,
        flow=None,
        infer_shape=True,
        element_shape=None,
        colocate_with_first_write_call=True,
        name=None,
    ):
        given = (size, dynamic_size, clear_after_read, tensor_array_name or None, element_shape)
        _check_arguments(handle, given)
        self._dtype = as_dtype(dtype).base_dtype
        self._dynamic_size = bool(dynamic_size)
        shape = TensorShape(element_shape)
        infer = True if element_shape is not None else infer_shape
        colocate = colocate_with_first_write_call and handle is None
        self._shared = _Shared(shape, infer, colocate)
        with name_scope(name, "TensorArray", [handle, size, flow]) as scope:
            if handle is not None:
                self._handle = handle
                if flow is None:
                    raise ValueError("flow must not be None if handle is not None.")
                self._flow = flow
                return
            with self._unplaced():
                self._handle, self._flow = ops.TensorArrayV3(
                    size,
                    dtype=self._dtype,
                    element_shape=shape,
                    identical_element_shapes=infer_shape,
                    dynamic_size=self._dynamic_size,
                    clear_after_read=clear_after_read is None or bool(clear_after_read),
                    tensor_array_name=tensor_array_name or "",
                    name=scope,
                )

    def _unplaced(self) -> AbstractContextManager[Any]:
        if not self._shared.colocate:
            return nullcontext()
        return get_default_graph().colocate_with(None, ignore_existing=True)

    # -- what it is

    @property
    def flow(self):
        """The contents, as a tensor that looks like a float scalar."""
        return self._flow

    @property
    def dtype(self):
        """The elements' type."""
        return self._dtype

    @property
    def handle(self):
        """The handle, a resource tensor."""
        return self._handle

    @property
    def dynamic_size(self):
        """Whether writing behind the end makes it longer."""
        return self._dynamic_size

    @property
    def element_shape(self):
        """What is known of the elements' shape."""
        return self._shared.element_shape

    @property
    def _element_shape(self) -> TensorShape:
        return self._shared.element_shape

    @property
    def _infer_shape(self) -> bool:
        return self._shared.infer

    @property
    def graph(self):
        """The graph that the flow belongs to."""
        return self._flow.graph

    def with_flow(self, flow: Any) -> TensorArray:
        """Gives the same array with other contents."""
        made = object.__new__(TensorArray)
        made.__dict__.update(self.__dict__)
        made._flow = flow
        return made

    def _to_components(self) -> list[Any]:
        return [self._flow]

    def _from_components(self, components: Sequence[Any]) -> TensorArray:
        return self.with_flow(components[0])

    def identity(self):
        """Gives the same array whose flow is a new node: what depends on it waits for that."""
        return self.with_flow(array.identity(self._flow))

    def grad(self, source, flow=None, name=None):
        """Gives the array that holds the gradients of this one's elements.

        Args:
          source: Names it; gradients of one source add up.
          flow: The flow to start from; by default this array's.
          name: A name for the operation.
        """
        flow = self._flow if flow is None else flow
        graph = get_default_graph()
        handle = self._handle
        with name_scope(name, "TensorArrayGrad", [handle]), graph.colocate_with(handle):
            handle = ops.TensorArrayGradV3(handle, flow, source=source, name=name)[0]
            with graph.control_dependencies([handle.op]):
                flow = array.identity(flow, name="gradient_flow")
        made = TensorArray(
            self._dtype, handle=handle, flow=flow, infer_shape=self._shared.infer,
            colocate_with_first_write_call=False,
        )  # fmt: skip
        made._dynamic_size = self._dynamic_size
        made._shared.element_shape = self._shared.element_shape
        return made

    # -- single elements

    def read(self, index, name=None):
        """Reads the element at `index`, an int32 scalar.

        Args:
          index: Which element.
          name: A name for the operation.

        Raises:
          InvalidArgumentError: When run, if it is not there, or is read for the second time though
            `clear_after_read` was not turned off.
        """
        value = ops.TensorArrayReadV3(self._handle, index, self._flow, dtype=self._dtype, name=name)
        value.set_shape(self._shared.element_shape)
        return value

    def write(self, index, value, name=None):
        """Writes `value` at `index`, an int32 scalar.

        Args:
          index: Which element.
          value: A tensor of the array's type.
          name: A name for the operation.

        Returns:
          The array with the element in it, to be used from then on.

        Raises:
          ValueError: If the shape contradicts the elements'.
          InvalidArgumentError: When run, if the element was written before, is not there, or does
            not fit.
        """
        with name_scope(name, "TensorArrayWrite", [self._handle, index, value]):
            value = self._converted(value)
            with self._placed(value):
                flow = ops.TensorArrayWriteV3(self._handle, index, value, self._flow, name=name)
        made = self.with_flow(flow)
        if self._shared.infer:
            made._merge_element_shape(value.shape)
        return made

    def _converted(self, value: Any) -> Any:
        return convert_to_tensor(value, name="value", preferred_dtype=self._dtype)

    def _placed(self, value: Any) -> AbstractContextManager[Any]:
        """Gives a context that places a write beside the first value that was written."""
        shared = self._shared
        if not shared.colocate:
            return nullcontext()
        if shared.first_value is None:
            shared.first_value = value
        graph = get_default_graph()
        if not _is_within(shared.first_value, graph):
            return nullcontext()
        return graph.colocate_with(shared.first_value)

    def _merge_element_shape(self, shape: TensorShape) -> None:
        known = self._shared.element_shape
        if not shape.is_compatible_with(known):
            raise ValueError(f"Inconsistent shapes: saw {shape} but expected {known} ")
        self._shared.element_shape = known.merge_with(shape)

    # -- many elements

    def stack(self, name=None):
        """Packs all elements along a new first axis: `[size, *element]`.

        Args:
          name: A name for the operation.
        """
        placed = get_default_graph().colocate_with(self._handle)
        with placed, name_scope(name, "TensorArrayStack", [self._handle]):
            return self.gather(math.range_(0, self.size()), name=name)

    def gather(self, indices, name=None):
        """Packs some elements along a new first axis: `[len(indices), *element]`.

        Args:
          indices: An int32 vector.
          name: A name for the operation.
        """
        shape = self._shared.element_shape
        value = ops.TensorArrayGatherV3(
            self._handle, indices, self._flow, dtype=self._dtype, element_shape=shape, name=name
        )
        if shape.ndims is not None:
            value.set_shape(TensorShape([None]).concatenate(shape))
        return value

    def concat(self, name=None):
        """Joins all elements along their first axis, in which alone they may differ.

        Args:
          name: A name for the operation.
        """
        shape = self._shared.element_shape
        rest = shape if shape.ndims is None else TensorShape(shape.dims[1:])
        value = ops.TensorArrayConcatV3(
            self._handle, self._flow, dtype=self._dtype, element_shape_except0=rest, name=name
        )[0]
        if rest.ndims is not None:
            value.set_shape(TensorShape([None]).concatenate(rest))
        return value

    def unstack(self, value, name=None):
        """Writes the rows of `value` as elements 0, 1, 2 and so on.

        Args:
          value: `[n, *element]`.
          name: A name for the operation.

        Returns:
          The array with the elements in it, to be used from then on.
        """
        with name_scope(name, "TensorArrayUnstack", [self._handle, value]):
            count = array.shape(value)[0]
            return self.scatter(math.range_(0, count), value, name=name)

    def scatter(self, indices, value, name=None):
        """Writes the rows of `value` as the elements `indices`.

        Args:
          indices: An int32 vector.
          value: `[len(indices), *element]`.
          name: A name for the operation.

        Returns:
          The array with the elements in it, to be used from then on.

        Raises:
          ValueError: If the shape contradicts the elements'.
        """
        with name_scope(name, "TensorArrayScatter", [self._handle, value, indices]):
            value = self._converted(value)
            with self._placed(value):
                flow = ops.TensorArrayScatterV3(self._handle, indices, value, self._flow, name=name)
        made = self.with_flow(flow)
        if self._shared.infer and value.shape.ndims is not None:
            made._merge_element_shape(TensorShape(value.shape.dims[1:]))
        return made

    def split(self, value, lengths, name=None):
        """Writes pieces of `value` as elements 0, 1, 2 and so on.

        Args:
          value: `[sum(lengths), …]`.
          lengths: How long each piece is along the first axis, an integer vector.
          name: A name for the operation.

        Returns:
          The array with the elements in it, to be used from then on.
        """
        with name_scope(name, "TensorArraySplit", [self._handle, value, lengths]):
            value = self._converted(value)
            with self._placed(value):
                lengths = math.cast(lengths, Int64)
                flow = ops.TensorArraySplitV3(self._handle, value, lengths, self._flow, name=name)
        made = self.with_flow(flow)
        if self._shared.infer:
            made._merge_element_shape(_piece_shape(value, lengths))
        return made

    def size(self, name=None):
        """Gives the number of elements, an int32 scalar.

        Args:
          name: A name for the operation.
        """
        return ops.TensorArraySizeV3(self._handle, self._flow, name=name)

    def close(self, name=None):
        """Gives a node that does nothing: memory is freed when nothing needs it any more.

        Args:
          name: A name for the operation.
        """
        return ops.TensorArrayCloseV3(self._handle, name=name)


def _check_arguments(handle: Any, given: Sequence[Any]) -> None:
    if handle is None:
        if given[0] is None:
            raise ValueError("Size must be provided if handle is not provided")
        return
    for name, value in zip(_ALONE, given):
        if value is not None and name == "tensor_array_name":
            raise ValueError("Cannot construct with both handle and tensor_array_name")
        if value is not None:
            raise ValueError(f"Cannot provide both a handle and {name} at the same time")


def _piece_shape(value: Any, lengths: Any) -> TensorShape:
    known = constant_value(lengths)
    if value.shape.ndims is None or known is None or not known.size or known.max() != known.min():
        return TensorShape(None)
    return TensorShape([int(known.flat[0])]).concatenate(value.shape[1:])


def _is_within(tensor: Any, graph: Any) -> bool:
    encloses = getattr(graph, "encloses", None)
    return tensor.graph is graph or (encloses is not None and encloses(tensor.graph))
