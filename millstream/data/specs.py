"""Specs: what is known of the parts of an element before there is one."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import DType, as_dtype, variant
from millstream.base.export import export
from millstream.base.shapes import TensorShape, as_shape
from millstream.data import structures
from millstream.ir.composite import SparseTensor, SparseTensorValue
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.static_value import constant_array
from millstream.ir.tensor import Tensor
from millstream.ops.by_name import ops


@export("TypeSpec")
class TypeSpec:
    """Is what is known of a value in a graph: of what class it is, its shape, its type.

    Attributes:
      flat_types: types of the tensors that stand for it in an element.
      flat_shapes: shapes of these.
    """

    @property
    def value_type(self) -> Any:
        """The class of the values."""
        return type(self)

    @property
    def flat_types(self) -> list[DType]:
        """Types of the tensors that stand for it in an element."""
        return [variant]

    @property
    def flat_shapes(self) -> list[TensorShape]:
        """Shapes of the tensors that stand for it in an element."""
        return [TensorShape([])]

    def _key(self) -> tuple[Any, ...]:
        return (type(self),)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypeSpec) and self._key() == other._key()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(repr(self._key()))

    def legacy(self) -> tuple[Any, Any, Any]:
        """Type, shape and class as `output_types`, `output_shapes` and `output_classes` have it."""
        return self, self, self

    def is_compatible_with(self, other: Any) -> bool:
        """Tells whether a value or what another spec describes fits."""
        other = other if isinstance(other, TypeSpec) else spec_of(other)
        return self == other

    def to_tensors(self, value: Any) -> list[Tensor]:
        """Gives the tensors that stand for a value in an element."""
        return [value]

    def from_tensors(self, tensors: list[Tensor]) -> Any:
        """Undoes `to_tensors`."""
        return tensors[0]

    def batched(self, size: int | None) -> TypeSpec:
        """Gives the spec of several values stacked."""
        return self

    def to_batched_tensors(self, value: Any) -> list[Tensor]:
        """Gives tensors whose slices stand for the slices of a value."""
        raise ValueError(f"Unbatching {type(value).__name__} is not supported")


@export("TensorSpec")
class TensorSpec(TypeSpec):
    """Describes a tensor.

    Args:
      shape: what is known of its shape.
      dtype: its type.
      name: a name for it.
    """

    def __init__(self, shape: Any, dtype: Any = "float32", name: str | None = None) -> None:
        self._shape, self._dtype, self._name = as_shape(shape), as_dtype(dtype), name

    @property
    def shape(self) -> TensorShape:
        """What is known of the shape."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """The type."""
        return self._dtype

    @property
    def name(self) -> str | None:
        """The name."""
        return self._name

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> TensorSpec:
        """Makes a spec like another, with another name."""
        return cls(spec.shape, spec.dtype, name or spec.name)

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        """Makes the spec of a tensor."""
        return cls(tensor.shape, tensor.dtype, name or tensor.op.name)

    @property
    def value_type(self) -> Any:
        return Tensor

    @property
    def flat_types(self) -> list[DType]:
        return [self._dtype]

    @property
    def flat_shapes(self) -> list[TensorShape]:
        return [self._shape]

    def _key(self) -> tuple[Any, ...]:
        sizes = None if self._shape.ndims is None else tuple(self._shape.as_list())
        return TensorSpec, sizes, self._dtype

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r})"

    def legacy(self) -> tuple[Any, Any, Any]:
        return self._dtype, self._shape, Tensor

    def is_compatible_with(self, other: Any) -> bool:
        other = other if isinstance(other, TypeSpec) else spec_of(other)
        return (
            isinstance(other, TensorSpec)
            and self._dtype == other._dtype
            and self._shape.is_compatible_with(other._shape)
        )

    def to_tensors(self, value: Any) -> list[Tensor]:
        return [convert_to_tensor(value, self._dtype)]

    def from_tensors(self, tensors: list[Tensor]) -> Tensor:
        tensors[0].set_shape(self._shape)
        return tensors[0]

    def batched(self, size: int | None) -> TensorSpec:
        return TensorSpec(TensorShape([size]).concatenate(self._shape), self._dtype)

    def unbatched(self) -> TensorSpec:
        """Gives the spec of the slices along the first axis."""
        if self._shape.ndims == 0:
            raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        return TensorSpec(self._shape[1:], self._dtype)

    def to_batched_tensors(self, value: Any) -> list[Tensor]:
        if value.shape.ndims == 0:
            raise ValueError(f"Value {value} has insufficient rank for batching.")
        return [value]


@export("SparseTensorSpec")
class SparseTensorSpec(TypeSpec):
    """Describes a `SparseTensor`.

    Args:
      shape: what is known of its dense shape.
      dtype: type of its values.
    """

    def __init__(self, shape: Any = None, dtype: Any = "float32") -> None:
        self._shape, self._dtype = as_shape(shape), as_dtype(dtype)

    @property
    def shape(self) -> TensorShape:
        """What is known of the dense shape."""
        return self._shape

    @property
    def dtype(self) -> DType:
        """The type of the values."""
        return self._dtype

    @property
    def value_type(self) -> Any:
        return SparseTensor

    @property
    def flat_shapes(self) -> list[TensorShape]:
        return [TensorShape(None)]

    def _key(self) -> tuple[Any, ...]:
        sizes = None if self._shape.ndims is None else tuple(self._shape.as_list())
        return SparseTensorSpec, sizes, self._dtype

    def __repr__(self) -> str:
        return f"SparseTensorSpec({self._shape!r}, {self._dtype!r})"

    def legacy(self) -> tuple[Any, Any, Any]:
        return self._dtype, self._shape, SparseTensor

    def is_compatible_with(self, other: Any) -> bool:
        other = other if isinstance(other, TypeSpec) else spec_of(other)
        return (
            isinstance(other, SparseTensorSpec)
            and self._dtype == other._dtype
            and self._shape.is_compatible_with(other._shape)
        )

    def to_tensors(self, value: Any) -> list[Tensor]:
        parts = value.indices, value.values, value.dense_shape
        return [ops.SerializeSparse(*parts, out_type=variant)]

    def from_tensors(self, tensors: list[Tensor]) -> SparseTensor:
        parts = ops.DeserializeSparse(tensors[0], dtype=self._dtype)
        result = SparseTensor(*parts)
        rank = self._shape.ndims
        result.indices.set_shape([None, rank])
        result.dense_shape.set_shape([rank])
        result._dense_shape_default = self._shape  # type: ignore[attr-defined]
        return result

    def batched(self, size: int | None) -> SparseTensorSpec:
        return SparseTensorSpec(TensorShape([size]).concatenate(self._shape), self._dtype)

    def unbatched(self) -> SparseTensorSpec:
        """Gives the spec of the slices along the first axis."""
        return SparseTensorSpec(self._shape[1:], self._dtype)

    def to_batched_tensors(self, value: Any) -> list[Tensor]:
        parts = value.indices, value.values, value.dense_shape
        return [ops.SerializeManySparse(*parts, out_type=variant)]


# -- structures of specs

_extra_kinds: list[tuple[Any, Any]] = []


def register_kind(kind: Any, make: Any) -> None:
    """Lets values of a class be parts of elements; `make` gives the spec of one."""
    _extra_kinds.append((kind, make))


def spec_of(value: Any) -> TypeSpec:
    """Gives the spec of a value.

    Raises:
      TypeError: if it can be no part of an element.
    """
    if isinstance(value, SparseTensor):
        return SparseTensorSpec(static_sparse_shape(value), value.dtype)
    for kind, make in _extra_kinds:
        if isinstance(value, kind):
            return make(value)
    if not isinstance(value, Tensor):
        value = convert_to_tensor(value)
    return TensorSpec(value.shape, value.dtype)


def static_sparse_shape(value: SparseTensor) -> TensorShape:
    """Gives what is known of the dense shape of a sparse tensor."""
    known = getattr(value, "_dense_shape_default", None)
    return value.get_shape() if known is None else known


def structure_of(value: Any) -> Any:
    """Gives the specs of a structure of values."""
    return structures.map_structure(spec_of, value)


def normalized(element: Any) -> Any:
    """Gives a structure of values with tensors for what is to become one."""
    leaves = structures.flatten(element)
    with name_scope("normalize_element", values=[x for x in leaves if isinstance(x, Tensor)]):
        found = [_normalized(leaf, place) for place, leaf in enumerate(leaves)]
    return structures.pack(element, found)


def normalized_result(value: Any) -> Any:
    """Gives what a function returned with tensors for what is to become one.

    Raises:
      TypeError, ValueError: if a part can be none.
    """
    return structures.map_structure(lambda leaf: _normalized(leaf, None), value)


def _normalized(leaf: Any, place: int | None) -> Any:
    if isinstance(leaf, SparseTensorValue):
        return SparseTensor.from_value(leaf)
    if isinstance(leaf, SparseTensor) or any(isinstance(leaf, kind) for kind, _ in _extra_kinds):
        return leaf
    if hasattr(leaf, "to_numpy"):  # a column of a data frame
        leaf = leaf.to_numpy()
    if place is None:
        return leaf if isinstance(leaf, Tensor) else convert_to_tensor(leaf)
    return convert_to_tensor(leaf, name=f"component_{place}")


def flat_types(spec: Any) -> list[DType]:
    """Lists the types of the tensors that stand for an element."""
    return [dtype for leaf in structures.flatten(spec) for dtype in leaf.flat_types]


def flat_shapes(spec: Any) -> list[TensorShape]:
    """Lists the shapes of the tensors that stand for an element."""
    return [shape for leaf in structures.flatten(spec) for shape in leaf.flat_shapes]


def to_tensors(spec: Any, value: Any) -> list[Tensor]:
    """Lists the tensors that stand for an element."""
    structures.assert_same(spec, value)
    pairs = zip(structures.flatten(spec), structures.flatten(value), strict=True)
    return [tensor for leaf, part in pairs for tensor in leaf.to_tensors(part)]


def to_batched_tensors(spec: Any, value: Any) -> list[Tensor]:
    """Lists tensors whose slices stand for the slices of an element."""
    pairs = zip(structures.flatten(spec), structures.flatten(value), strict=True)
    return [tensor for leaf, part in pairs for tensor in leaf.to_batched_tensors(part)]


def from_tensors(spec: Any, tensors: list[Tensor]) -> Any:
    """Gives the element that tensors stand for."""
    found = []
    for leaf in structures.flatten(spec):
        count = len(leaf.flat_types)
        found.append(leaf.from_tensors(tensors[:count]))
        tensors = tensors[count:]
    return structures.pack(spec, found)


def legacy(spec: Any, which: int) -> Any:
    """Gives `output_types` (0), `output_shapes` (1) or `output_classes` (2)."""
    return structures.map_structure(lambda leaf: leaf.legacy()[which], spec)


def from_legacy(types: Any, shapes: Any, classes: Any) -> Any:
    """Gives specs for `output_types`, `output_shapes` and `output_classes`."""
    flat = zip(
        structures.flatten(types),
        structures.flatten_up_to(types, shapes),
        structures.flatten_up_to(types, classes),
        strict=True,
    )
    return structures.pack(types, [_from_legacy(*leaf) for leaf in flat])


def _from_legacy(dtype: Any, shape: Any, kind: Any) -> TypeSpec:
    if isinstance(dtype, TypeSpec):
        return dtype
    if kind is SparseTensor:
        return SparseTensorSpec(shape, dtype)
    return TensorSpec(shape, dtype)


def compatible(first: Any, second: Any) -> bool:
    """Tells whether elements of one spec can stand where those of another are expected."""
    try:
        structures.assert_same(first, second)
    except (TypeError, ValueError):
        return False
    pairs = zip(structures.flatten(first), structures.flatten(second), strict=True)
    return all(one.is_compatible_with(other) for one, other in pairs)


def element_attrs(spec: Any) -> dict[str, Any]:
    """Gives the attrs `output_types` and `output_shapes` of a node."""
    return {"output_types": flat_types(spec), "output_shapes": flat_shapes(spec)}


def batch_rows(size: Tensor, drop: Tensor) -> int | None:
    """Gives the number of rows of every batch, if that is known."""
    known, dropping = constant_array(size), constant_array(drop)
    if known is None or dropping is None or not dropping:
        return None
    return int(known)
