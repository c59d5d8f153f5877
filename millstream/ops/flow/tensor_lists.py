"""TensorList ops: lists of tensors as values, as TensorFlow 2's functional loops use them.

A list's run-time value is a buffer (`millstream.ops.flow.buffers`). Unlike a TensorArray's, its
elements may be replaced, and it may shrink.
"""

from typing import Any

import numpy as np

from millstream.base.shapes import TensorShape
from millstream.ir.spec import (
    Int32,
    Int64,
    Returns,
    Shape,
    Tensor,
    Type,
    Variant,
    op,
)
from millstream.ops.array.filling import zeros_like
from millstream.ops.array.shapes import shape as shape_of
from millstream.ops.flow.buffers import HostBuffer
from millstream.ops.flow.tensor_list_rules import Rules
from millstream.ops.flow.traced_buffers import TracedBuffer

_ANY_SHAPE = TensorShape(None)


@op(static=("element_shape", "max_num_elements"), stateful=True)
def EmptyTensorList[shape_type: (Int32, Int64)](
    element_shape: Tensor[shape_type], max_num_elements: Tensor[Int32], *, element_dtype: Type
) -> Returns(handle=Tensor[Variant]):
    """Makes a list without elements."""


@op(static=("element_shape", "num_elements"), stateful=True)
def TensorListReserve[shape_type: (Int32, Int64)](
    element_shape: Tensor[shape_type], num_elements: Tensor[Int32], *, element_dtype: Type
) -> Returns(handle=Tensor[Variant]):
    """Makes a list of elements that are set later; until then they are zeros."""


@op
def TensorListPushBack[element_dtype](
    input_handle: Tensor[Variant], tensor: Tensor[element_dtype]
) -> Returns(output_handle=Tensor[Variant]):
    """Appends an element."""


@op(static="element_shape")
def TensorListPopBack(
    input_handle: Tensor[Variant], element_shape: Tensor[Int32], *, element_dtype: Type
) -> Returns(output_handle=Tensor[Variant], tensor=Tensor["element_dtype"]):
    """Takes the last element off."""


@op(static=("index", "element_shape"))
def TensorListGetItem(
    input_handle: Tensor[Variant],
    index: Tensor[Int32],
    element_shape: Tensor[Int32],
    *,
    element_dtype: Type,
) -> Returns(item=Tensor["element_dtype"]):
    """Gives one element."""


@op(static="index")
def TensorListSetItem[element_dtype](
    input_handle: Tensor[Variant], index: Tensor[Int32], item: Tensor[element_dtype]
) -> Returns(output_handle=Tensor[Variant]):
    """Replaces one element."""


@op(static="element_shape")
def TensorListStack(
    input_handle: Tensor[Variant],
    element_shape: Tensor[Int32],
    *,
    element_dtype: Type,
    num_elements: int = -1,
) -> Returns(tensor=Tensor["element_dtype"]):
    """Packs all elements along a new first axis."""


@op(static="element_shape")
def TensorListFromTensor[element_dtype, shape_type: (Int32, Int64)](
    tensor: Tensor[element_dtype], element_shape: Tensor[shape_type]
) -> Returns(output_handle=Tensor[Variant]):
    """Makes a list of the rows of a tensor."""


@op
def TensorListLength(input_handle: Tensor[Variant]) -> Returns(length=Tensor[Int32]):
    """Counts the elements."""


@op
def TensorListElementShape(
    input_handle: Tensor[Variant], *, shape_type: Type[Int32, Int64]
) -> Returns(element_shape=Tensor["shape_type"]):
    """Gives what is known of the elements' shape: -1 for what is not."""


@op(static=("indices", "element_shape"))
def TensorListGather(
    input_handle: Tensor[Variant],
    indices: Tensor[Int32],
    element_shape: Tensor[Int32],
    *,
    element_dtype: Type,
) -> Returns(values=Tensor["element_dtype"]):
    """Packs some elements along a new first axis."""


@op(static=("indices", "element_shape"))
def TensorListScatter[element_dtype, shape_type: (Int32, Int64)](
    tensor: Tensor[element_dtype], indices: Tensor[Int32], element_shape: Tensor[shape_type]
) -> Returns(output_handle=Tensor[Variant]):
    """Makes a list whose elements `indices` are the rows of a tensor."""


@op(static=("indices", "element_shape", "num_elements"))
def TensorListScatterV2[element_dtype, shape_type: (Int32, Int64)](
    tensor: Tensor[element_dtype],
    indices: Tensor[Int32],
    element_shape: Tensor[shape_type],
    num_elements: Tensor[Int32],
) -> Returns(output_handle=Tensor[Variant]):
    """Makes a list of `num_elements`, of which `indices` are the rows of a tensor."""


@op(static="indices")
def TensorListScatterIntoExistingList[element_dtype](
    input_handle: Tensor[Variant], tensor: Tensor[element_dtype], indices: Tensor[Int32]
) -> Returns(output_handle=Tensor[Variant]):
    """Replaces the elements `indices` by the rows of a tensor."""


@op
def TensorListConcat(
    input_handle: Tensor[Variant], *, element_dtype: Type, element_shape: Shape = _ANY_SHAPE
) -> Returns(tensor=Tensor["element_dtype"], lengths=Tensor[Int64]):
    """Joins all elements along their first axis; gives their lengths, too."""


@op(static=("element_shape", "leading_dims"))
def TensorListConcatV2[shape_type: (Int32, Int64)](
    input_handle: Tensor[Variant],
    element_shape: Tensor[shape_type],
    leading_dims: Tensor[Int64],
    *,
    element_dtype: Type,
) -> Returns(tensor=Tensor["element_dtype"], lengths=Tensor[Int64]):
    """Joins all elements; those not set are zeros of `leading_dims` rows."""


@op(static=("element_shape", "lengths"))
def TensorListSplit[element_dtype, shape_type: (Int32, Int64)](
    tensor: Tensor[element_dtype], element_shape: Tensor[shape_type], lengths: Tensor[Int64]
) -> Returns(output_handle=Tensor[Variant]):
    """Makes a list of pieces of a tensor, of the given lengths along its first axis."""


@op(static="size")
def TensorListResize(input_handle: Tensor[Variant], size: Tensor[Int32]) -> Returns(
    output_handle=Tensor[Variant]
):
    """Drops elements from the end, or adds some that are not set."""


@op
def TensorListConcatLists(
    input_a: Tensor[Variant], input_b: Tensor[Variant], *, element_dtype: Type
) -> Returns(output=Tensor[Variant]):
    """Appends all elements of one list to another."""


# -- rules


def _register(slot: str, kind: Any) -> None:
    """Hangs the rules of one form on the ops."""
    rules = Rules(kind)

    def hang(opdef: Any, fn: Any) -> None:
        getattr(opdef, slot)(fn)

    hang(EmptyTensorList, rules.empty)
    hang(TensorListReserve, rules.reserve)
    hang(TensorListPushBack, rules.push)
    hang(TensorListPopBack, rules.pop)
    hang(TensorListGetItem, rules.get)
    hang(TensorListSetItem, rules.set)
    hang(TensorListStack, rules.stack)
    hang(TensorListFromTensor, rules.from_tensor)
    hang(TensorListLength, rules.length)
    hang(TensorListElementShape, rules.element_shape)
    hang(TensorListGather, rules.gather)
    hang(TensorListScatterV2, rules.scatter)
    hang(TensorListScatterIntoExistingList, rules.scatter_into)
    hang(TensorListConcatV2, rules.concat)
    hang(TensorListSplit, rules.split)
    hang(TensorListResize, rules.resize)
    hang(TensorListConcatLists, rules.concat_lists)

    def scatter(tensor: Any, indices: Any, element_shape: Any, element_dtype: Any) -> Any:
        return rules.scatter(tensor, indices, element_shape, -1, element_dtype)

    def concat(input_handle: Any, element_shape: Any) -> Any:
        return rules.concat(input_handle, _spelled(element_shape), ())

    hang(TensorListScatter, scatter)
    hang(TensorListConcat, concat)


def _spelled(shape: Any) -> Any:
    sizes = shape.tuple
    if sizes is None:
        return np.int32(-1)
    return np.array([-1 if size is None else size for size in sizes], np.int32)


_register("reference", HostBuffer)
_register("kernel", TracedBuffer)
LISTS = (
    *(EmptyTensorList, TensorListReserve, TensorListPushBack, TensorListPopBack),
    *(TensorListGetItem, TensorListSetItem, TensorListStack, TensorListFromTensor),
    *(TensorListLength, TensorListElementShape, TensorListGather, TensorListScatter),
    *(TensorListScatterV2, TensorListScatterIntoExistingList, TensorListConcat),
    *(TensorListConcatV2, TensorListSplit, TensorListResize, TensorListConcatLists),
)
_KNOWN_IF_POSSIBLE = (
    *(TensorListPopBack, TensorListGetItem, TensorListSetItem, TensorListStack),
    *(TensorListFromTensor, TensorListGather),
)
for _opdef in LISTS:
    _opdef.carries_buffers()
for _opdef in _KNOWN_IF_POSSIBLE:
    _opdef.static_if(lambda node: ())


# -- shapes


def _shape_rules() -> None:
    for opdef in LISTS:
        if opdef.outputs[0].dtype is Variant and len(opdef.outputs) == 1:
            opdef.shape_scalar()
    TensorListLength.shape_scalar()

    @TensorListPopBack.shape
    def _(element_shape_as_shape: Any) -> Any:
        return [], element_shape_as_shape

    @TensorListGetItem.shape
    def _(element_shape_as_shape: Any) -> Any:
        return element_shape_as_shape

    @TensorListStack.shape
    def _(element_shape_as_shape: Any, num_elements: int) -> Any:
        return _rows(None if num_elements < 0 else num_elements, element_shape_as_shape)

    @TensorListGather.shape
    def _(indices: Any, element_shape_as_shape: Any) -> Any:
        count = indices.with_rank(1).tuple
        return _rows(count[0] if count else None, element_shape_as_shape)

    @TensorListFromTensor.shape
    def _(tensor: Any, element_shape_as_shape: Any) -> Any:
        tensor = tensor.with_rank_at_least(1)
        if tensor.ndims is not None:
            tensor[1:].merge_with(element_shape_as_shape)
        return []

    @TensorListElementShape.shape
    def _() -> Any:
        return None

    @TensorListConcat.shape
    def _(element_shape: Any) -> Any:
        return _joined(element_shape), [None]

    @TensorListConcatV2.shape
    def _(element_shape_as_shape: Any) -> Any:
        return _joined(element_shape_as_shape), [None]


def _rows(count: int | None, element: TensorShape) -> Any:
    return None if element.ndims is None else TensorShape([count]).concatenate(element)


def _joined(element: TensorShape) -> Any:
    return None if element.ndims is None else TensorShape([None]).concatenate(element[1:])


# -- gradients


def _gradient_rules() -> None:
    for opdef in (EmptyTensorList, TensorListReserve, TensorListLength, TensorListElementShape):
        opdef.no_gradient("no element goes in or comes out")
    TensorListConcatLists.no_gradient("TensorFlow defines none")

    @TensorListPushBack.gradient
    def _(node: Any, dlist: Any) -> Any:
        tensor = node.inputs[1]
        popped = TensorListPopBack(dlist, shape_of(tensor), element_dtype=tensor.dtype)
        return [popped.output_handle, popped.tensor]

    @TensorListPopBack.gradient
    def _(node: Any, dlist: Any, dy: Any) -> Any:
        if dlist is None:
            dtype = node.attrs["element_dtype"]
            dlist = TensorListReserve(
                node.inputs[1], TensorListLength(node.outputs[0]), element_dtype=dtype
            )
        return [TensorListPushBack(dlist, dy), None]

    @TensorListGetItem.gradient
    def _(node: Any, dy: Any) -> Any:
        handle, index, element_shape = node.inputs
        zeros = TensorListReserve(
            element_shape, TensorListLength(handle), element_dtype=node.attrs["element_dtype"]
        )
        return [TensorListSetItem(zeros, index, dy), None, None]

    @TensorListSetItem.gradient
    def _(node: Any, dlist: Any) -> Any:
        _, index, item = node.inputs
        ditem = TensorListGetItem(dlist, index, shape_of(item), element_dtype=item.dtype)
        return [TensorListSetItem(dlist, index, zeros_like(item)), None, ditem]

    @TensorListStack.gradient
    def _(node: Any, dy: Any) -> Any:
        return [TensorListFromTensor(dy, shape_of(dy)[1:]), None]

    @TensorListFromTensor.gradient
    def _(node: Any, dlist: Any) -> Any:
        tensor = node.inputs[0]
        stacked = TensorListStack(dlist, shape_of(tensor)[1:], element_dtype=tensor.dtype)
        stacked.set_shape(tensor.shape)
        return [stacked, None]


def _gradients_of_many() -> None:
    @TensorListGather.gradient
    def _(node: Any, dy: Any) -> Any:
        handle, indices, element_shape = node.inputs
        made = TensorListScatterV2(dy, indices, element_shape, TensorListLength(handle))
        return [made, None, None]

    def of_scatter(node: Any, dlist: Any) -> Any:
        tensor, indices = node.inputs[:2]
        dx = TensorListGather(dlist, indices, shape_of(tensor)[1:], element_dtype=tensor.dtype)
        return [dx] + [None] * (len(node.inputs) - 1)

    TensorListScatter.gradient(of_scatter)
    TensorListScatterV2.gradient(of_scatter)

    @TensorListScatterIntoExistingList.gradient
    def _(node: Any, dlist: Any) -> Any:
        _, tensor, indices = node.inputs
        dx = TensorListGather(dlist, indices, shape_of(tensor)[1:], element_dtype=tensor.dtype)
        rest = TensorListScatterIntoExistingList(dlist, zeros_like(tensor), indices)
        return [rest, dx, None]

    def of_concat(node: Any, dy: Any, _: Any) -> Any:
        dlist = TensorListSplit(dy, np.int32(-1), node.outputs[1])
        return [dlist] + [None] * (len(node.inputs) - 1)

    TensorListConcat.gradient(of_concat)
    TensorListConcatV2.gradient(of_concat)

    @TensorListSplit.gradient
    def _(node: Any, dlist: Any) -> Any:
        tensor, element_shape, lengths = node.inputs
        dx = TensorListConcatV2(dlist, element_shape, lengths, element_dtype=tensor.dtype)[0]
        dx.set_shape(tensor.shape)
        return [dx, None, None]

    @TensorListResize.gradient
    def _(node: Any, dlist: Any) -> Any:
        return [TensorListResize(dlist, TensorListLength(node.inputs[0])), None]


_shape_rules()
_gradient_rules()
_gradients_of_many()
