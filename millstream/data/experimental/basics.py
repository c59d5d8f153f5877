"""Constants and small functions of `tf.data.experimental`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.base import dtypes
from millstream.base.export import export, export_constant
from millstream.data import specs
from millstream.data.dataset import AUTOTUNE, Dataset
from millstream.data.iterators import Iterator
from millstream.data.specs import SparseTensorSpec, TensorSpec, TypeSpec, element_attrs
from millstream.ir.convert import convert_to_tensor
from millstream.ir.tensor import Tensor
from millstream.ops.by_name import ops

INFINITE_CARDINALITY, UNKNOWN_CARDINALITY = -1, -2

for _prefix in ("data.experimental.", "contrib.data."):
    export_constant(_prefix + "AUTOTUNE", AUTOTUNE)
export_constant("data.experimental.INFINITE_CARDINALITY", INFINITE_CARDINALITY)
export_constant("data.experimental.UNKNOWN_CARDINALITY", UNKNOWN_CARDINALITY)
Structure = TypeSpec
export_constant("data.experimental.Structure", Structure)


@export("data.experimental.TensorStructure")
def TensorStructure(dtype: Any, shape: Any) -> TensorSpec:
    """Returns the spec of tensors."""
    return TensorSpec(shape, dtype)


@export("data.experimental.SparseTensorStructure")
def SparseTensorStructure(dtype: Any, shape: Any) -> SparseTensorSpec:
    """Returns the spec of sparse tensors."""
    return SparseTensorSpec(shape, dtype)


@export("data.experimental.get_structure")
def get_structure(dataset_or_iterator: Any) -> Any:
    """Returns the specs of the elements of a dataset or iterator."""
    try:
        return dataset_or_iterator.element_spec
    except AttributeError:
        raise TypeError(
            f"`dataset_or_iterator` must be a Dataset or Iterator object, but got "
            f"{type(dataset_or_iterator)}."
        ) from None


@export("data.experimental.cardinality")
def cardinality(dataset: Dataset) -> Tensor:
    """Returns the number of elements, -1 if there is no end, -2 if it is not known."""
    return ops.DatasetCardinality(dataset._variant_tensor)


@export("data.experimental.get_single_element", "contrib.data.get_single_element")
def get_single_element(dataset: Dataset) -> Any:
    """Returns the only element of a dataset.

    Raises:
      InvalidArgumentError: when it runs, if there are none or more.
    """
    if not isinstance(dataset, Dataset):
        raise TypeError("`dataset` must be a `tf.data.Dataset` object.")
    flat = ops.DatasetToSingleElement(
        dataset._variant_tensor, **element_attrs(dataset.element_spec)
    )
    return specs.from_tensors(dataset.element_spec, list(flat))


@export("data.experimental.to_variant")
def to_variant(dataset: Dataset) -> Tensor:
    """Returns the variant tensor of a dataset."""
    return dataset._variant_tensor


@export("data.experimental.from_variant")
def from_variant(variant: Tensor, structure: Any) -> Dataset:
    """Returns the dataset of a variant tensor, with elements of some specs."""
    return Dataset(variant, structure)


@export("data.experimental.prefetch_to_device", "contrib.data.prefetch_to_device")
def prefetch_to_device(device: str, buffer_size: Any = None) -> Callable[[Dataset], Dataset]:
    """Returns a transformation: elements computed ahead; steps move them to their device.

    Args:
      device: accepted.
      buffer_size: elements ahead.
    """
    return lambda dataset: dataset.prefetch(buffer_size)


@export("data.experimental.copy_to_device", "contrib.data.copy_to_device")
def copy_to_device(
    target_device: str, source_device: str = "/cpu:0"
) -> Callable[[Dataset], Dataset]:
    """Returns a transformation that leaves elements as they are; steps move them."""
    return lambda dataset: dataset._then("ModelDataset")


@export("data.experimental.bytes_produced_stats")
def bytes_produced_stats(tag: str) -> Callable[[Dataset], Dataset]:
    """Returns a transformation that leaves elements as they are; no statistics are kept."""
    return lambda dataset: dataset._then("ModelDataset")


@export("data.experimental.latency_stats")
def latency_stats(tag: str) -> Callable[[Dataset], Dataset]:
    """Returns a transformation that leaves elements as they are; no statistics are kept."""
    return lambda dataset: dataset._then("ModelDataset")


@export("contrib.data.assert_element_shape")
def assert_element_shape(expected_shapes: Any) -> Callable[[Dataset], Dataset]:
    """Returns a transformation: elements whose shapes are stated, and checked as far as known."""

    def transform(dataset: Dataset) -> Dataset:
        def checked(*element: Any) -> Any:
            whole = element if type(dataset.element_spec) is tuple else element[0]

            def narrowed(tensor: Any, shape: Any) -> Any:
                tensor = ops.Identity(tensor)
                tensor.set_shape(shape)
                return tensor

            return specs.structures.map_up_to(narrowed, whole, expected_shapes)

        return dataset.map(checked)

    return transform


@export("data.experimental.TFRecordWriter", "contrib.data.TFRecordWriter")
class TFRecordWriter:
    """Writes the elements of a dataset to a TFRecord file.

    Args:
      filename: the file.
      compression_type: `"ZLIB"`, `"GZIP"` or `""`.
    """

    def __init__(self, filename: Any, compression_type: Any = None) -> None:
        self._filename = convert_to_tensor(filename, dtypes.string, name="filename")
        self._compression = convert_to_tensor(
            compression_type or "", dtypes.string, name="compression_type"
        )

    def write(self, dataset: Dataset) -> Any:
        """Returns the operation that writes a dataset of scalar strings.

        Raises:
          TypeError: if it is none.
        """
        if not isinstance(dataset, Dataset):
            raise TypeError("`dataset` must be a `tf.data.Dataset` object.")
        if dataset.output_types != dtypes.string or not dataset.output_shapes.is_compatible_with(
            []
        ):
            raise TypeError(
                f"`dataset` must produce scalar `DT_STRING` tensors whereas it produces shape "
                f"{dataset.output_shapes} and types {dataset.output_types}"
            )
        return ops.DatasetToTFRecord(dataset._variant_tensor, self._filename, self._compression)


# -- optional elements


@export("data.experimental.Optional", "contrib.data.Optional")
class Optional:
    """Is an element or nothing, as a value in the graph.

    Programs get one from `get_next_as_optional`, `from_value` or `none_from_structure`.
    """

    def __init__(self, variant: Tensor, value_structure: Any) -> None:
        self._variant_tensor, self._spec = variant, value_structure

    def has_value(self, name: str | None = None) -> Tensor:
        """Returns a bool scalar."""
        return ops.OptionalHasValue(self._variant_tensor, name=name)

    def get_value(self, name: str | None = None) -> Any:
        """Returns the element.

        Raises:
          InvalidArgumentError: when it runs, if there is none.
        """
        flat = ops.OptionalGetValue(self._variant_tensor, **element_attrs(self._spec), name=name)
        return specs.from_tensors(self._spec, list(flat))

    @property
    def value_structure(self) -> Any:
        """The specs of the element."""
        return self._spec

    @staticmethod
    def from_value(value: Any) -> Optional:
        """Returns an optional with a value."""
        element = specs.normalized(value)
        spec = specs.structure_of(element)
        return Optional(ops.OptionalFromValue(specs.to_tensors(spec, element)), spec)

    @staticmethod
    def none_from_structure(value_structure: Any) -> Optional:
        """Returns an optional without value."""
        return Optional(ops.OptionalNone(), value_structure)


@export("data.experimental.OptionalStructure")
class OptionalStructure(TypeSpec):
    """Describes an `Optional`."""

    def __init__(self, value_structure: Any) -> None:
        self._value_structure = value_structure

    @property
    def value_type(self) -> Any:
        return Optional

    def _key(self) -> tuple[Any, ...]:
        return OptionalStructure, repr(self._value_structure)

    def to_tensors(self, value: Any) -> list[Tensor]:
        return [value._variant_tensor]

    def from_tensors(self, tensors: list[Tensor]) -> Optional:
        return Optional(tensors[0], self._value_structure)


specs.register_kind(Optional, lambda value: OptionalStructure(value.value_structure))


@export("data.experimental.get_next_as_optional", "contrib.data.get_next_as_optional")
def get_next_as_optional(iterator: Iterator) -> Optional:
    """Returns the next element, or an optional without value at the end."""
    spec = iterator.element_spec
    variant = ops.IteratorGetNextAsOptional(iterator._iterator_resource, **element_attrs(spec))
    return Optional(variant, spec)
