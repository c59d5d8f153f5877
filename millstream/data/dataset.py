"""`tf.data.Dataset`: sources and transformations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.export import export
from millstream.base.shapes import TensorShape, as_shape
from millstream.data import specs, structures
from millstream.data.checks import (
    check_predicate,
    check_sizes,
)
from millstream.data.generating import generated
from millstream.data.iterators import initializable, one_shot
from millstream.data.listing import listed_files
from millstream.data.options import Options
from millstream.data.ordering import AUTOTUNE, Ordering
from millstream.data.padding import padded_batches
from millstream.data.reducing import reduced
from millstream.data.specs import TensorSpec, TypeSpec, batch_rows, element_attrs
from millstream.data.tracing import TracedFunction
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor
from millstream.ir.tensor import Tensor
from millstream.ops.by_name import ops


@export("data.Dataset", "contrib.data.Dataset")
class Dataset(Ordering):
    """Describes a sequence of elements, which are structures of tensors.

    A dataset is a node of the graph; nothing is read or computed before an iterator made from it is
    run. Every method makes a new dataset.

    Args:
      variant_tensor: the node's output.

    Example:
      >>> dataset = tf.data.Dataset.range(5).map(lambda x: x * x).batch(3)
      >>> element = dataset.make_one_shot_iterator().get_next()
      >>> tf.Session().run(element).tolist()
      [0, 1, 4]
    """

    def __init__(self, variant_tensor: Tensor, spec: Any, inputs: tuple[Dataset, ...] = ()) -> None:
        self._variant_tensor = variant_tensor
        self._spec = spec
        self._inputs = inputs
        self._own_options: Options | None = None

    # -- what it is

    @property
    def element_spec(self) -> Any:
        """The specs of an element."""
        return self._spec

    @property
    def output_types(self) -> Any:
        """The types of an element's parts."""
        return specs.legacy(self._spec, 0)

    @property
    def output_shapes(self) -> Any:
        """The shapes of an element's parts."""
        return specs.legacy(self._spec, 1)

    @property
    def output_classes(self) -> Any:
        """The classes of an element's parts, `tf.Tensor` or others."""
        return specs.legacy(self._spec, 2)

    def __repr__(self) -> str:
        def spelled(value: Any) -> str:
            if isinstance(value, dict):
                return "{" + ", ".join(f"{k}: {spelled(v)}" for k, v in value.items()) + "}"
            if isinstance(value, tuple):
                return "(" + ", ".join(map(spelled, value)) + ")"
            return str(value) if isinstance(value, TensorShape) else repr(value)

        shapes, types = spelled(self.output_shapes), spelled(self.output_types)
        return f"<DatasetV1Adapter shapes: {shapes}, types: {types}>"

    def __iter__(self) -> Any:
        raise RuntimeError(
            "__iter__() is only supported inside of tf.function or when eager execution is enabled."
        )

    def options(self) -> Options:
        """Returns the options of this dataset and its inputs."""
        options = Options()
        for source in self._inputs:
            options = options.merge(source.options())
        return options if self._own_options is None else options.merge(self._own_options)

    def with_options(self, options: Options) -> Dataset:
        """Returns the dataset with other options."""
        result = Dataset(self._variant_tensor, self._spec, (self,))
        result._own_options = options
        return result

    def _as_variant_tensor(self) -> Tensor:
        return self._variant_tensor

    def _of(self, node: Tensor, spec: Any, inputs: tuple[Any, ...]) -> Dataset:
        return Dataset(node, spec, inputs)

    # -- sources

    @staticmethod
    def from_tensors(tensors: Any) -> Dataset:
        """Returns a dataset of one element."""
        element = specs.normalized(tensors)
        spec = specs.structure_of(element)
        node = ops.TensorDataset(
            specs.to_tensors(spec, element), output_shapes=specs.flat_shapes(spec)
        )
        return Dataset(node, spec)

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """Returns a dataset of the slices of tensors along their first axis.

        Args:
          tensors: structure of tensors `[n, ...]`, with one `n`.

        Raises:
          ValueError: if a tensor is a scalar, or their sizes differ.
        """
        element = specs.normalized(tensors)
        whole = specs.structure_of(element)
        sliced = specs.to_batched_tensors(whole, element)
        spec = structures.map_structure(lambda leaf: leaf.unbatched(), whole)
        check_sizes(structures.flatten(whole))
        node = ops.TensorSliceDataset(sliced, output_shapes=specs.flat_shapes(spec))
        return Dataset(node, spec)

    @staticmethod
    def from_sparse_tensor_slices(sparse_tensor: Any) -> Dataset:
        """Returns a dataset of the rows of a sparse tensor.

        Args:
          sparse_tensor: a `SparseTensor`, its rows in order.

        Returns:
          A dataset of `SparseTensor`s, as tuples of indices, values and dense shape.
        """
        if not isinstance(sparse_tensor, SparseTensor):
            raise TypeError(
                f"`sparse_tensor` must be a `tf.SparseTensor` object. Was {sparse_tensor}."
            )
        rank = sparse_tensor.shape.ndims
        rank = None if rank is None else rank - 1
        node = ops.SparseTensorSliceDataset(
            sparse_tensor.indices, sparse_tensor.values, sparse_tensor.dense_shape
        )
        spec = (
            TensorSpec([None, rank], dtypes.int64),
            TensorSpec([None], sparse_tensor.dtype),
            TensorSpec([rank], dtypes.int64),
        )
        return Dataset(node, spec)

    @staticmethod
    def range(*args: Any) -> Dataset:
        """Returns a dataset of int64 numbers: `range(stop)`, `range(start, stop[, step])`.

        Raises:
          ValueError: if there are no or more than three arguments.
        """
        if not 1 <= len(args) <= 3:
            raise ValueError(f"Invalid arguments to RangeDataset: {args}")
        start, stop = (0, args[0]) if len(args) == 1 else args[:2]
        step = args[2] if len(args) == 3 else 1
        numbers = [
            convert_to_tensor(value, dtypes.int64, name=name)
            for value, name in ((start, "start"), (stop, "stop"), (step, "step"))
        ]
        spec = TensorSpec([], dtypes.int64)
        return Dataset(ops.RangeDataset(*numbers, **element_attrs(spec)), spec)

    @staticmethod
    def zip(datasets: Any) -> Dataset:
        """Returns a dataset of the elements of several side by side, until the first ends.

        Args:
          datasets: structure of datasets: tuples and dicts.

        Raises:
          TypeError: if it contains something else.
        """
        flat = structures.flatten(datasets)
        for dataset in flat:
            if isinstance(dataset, Dataset):
                continue
            message = (
                "The argument to `Dataset.zip()` must be a nested structure of `Dataset` objects."
            )
            if isinstance(dataset, list):
                message += (
                    " Nested structures do not support Python lists; please use a tuple instead."
                )
            raise TypeError(message)
        spec = structures.pack(datasets, [dataset.element_spec for dataset in flat])
        variants = [dataset._variant_tensor for dataset in flat]
        return Dataset(ops.ZipDataset(variants, **element_attrs(spec)), spec, tuple(flat))

    @staticmethod
    def list_files(file_pattern: Any, shuffle: bool | None = None, seed: Any = None) -> Dataset:
        """Returns a dataset of the names of files that match patterns.

        Args:
          file_pattern: string, list of strings or string tensor.
          shuffle: whether in random order, which is the default.
          seed: op seed of that order.

        Raises:
          InvalidArgumentError: when it runs, if no file matches.
        """
        return listed_files(Dataset, file_pattern, shuffle, seed)

    @staticmethod
    def from_generator(
        generator: Callable[..., Any],
        output_types: Any,
        output_shapes: Any = None,
        args: Any = None,
    ) -> Dataset:
        """Returns a dataset of what a Python generator gives; see `tf.data`'s guide.

        Args:
          generator: gives an iterable of structures of values; called with arrays for `args`.
          output_types: structure of types of an element.
          output_shapes: structure of shapes; unknown by default.
          args: tensors that are handed to `generator`.

        Raises:
          TypeError: if `generator` cannot be called.
        """
        return generated(Dataset, generator, output_types, output_shapes, args)

    # -- element by element

    def map(self, map_func: Callable[..., Any], num_parallel_calls: Any = None) -> Dataset:
        """Returns a dataset of what a function makes of each element.

        Args:
          map_func: takes an element, a tuple as several arguments; returns a structure of tensors.
          num_parallel_calls: how many elements are worked on at a time, in threads; the order is
            kept. `tf.data.experimental.AUTOTUNE` for one per processor.
        """
        function = TracedFunction(map_func, "Dataset.map()", self._spec)
        if num_parallel_calls is None:
            return self._then(
                "MapDataset", function.captured, f=function.ref, spec=function.output_spec
            )
        calls = convert_to_tensor(num_parallel_calls, dtypes.int32, name="num_parallel_calls")
        return self._then(
            "ParallelMapDataset",
            function.captured,
            calls,
            f=function.ref,
            spec=function.output_spec,
        )

    def map_with_legacy_function(self, map_func: Any, num_parallel_calls: Any = None) -> Dataset:
        """Is `map`."""
        return self.map(map_func, num_parallel_calls)

    def filter(self, predicate: Callable[..., Any]) -> Dataset:
        """Returns a dataset of the elements for which a function gives true.

        Args:
          predicate: takes an element, returns a scalar bool tensor.

        Raises:
          ValueError: if it returns something else.
        """
        function = TracedFunction(predicate, "Dataset.filter()", self._spec)
        check_predicate(function.output_spec)
        return self._then("FilterDataset", function.captured, predicate=function.ref)

    def filter_with_legacy_function(self, predicate: Callable[..., Any]) -> Dataset:
        """Is `filter`."""
        return self.filter(predicate)

    def flat_map(self, map_func: Callable[..., Any]) -> Dataset:
        """Returns a dataset of the elements of the datasets that a function makes, in order.

        Args:
          map_func: takes an element, returns a dataset.

        Raises:
          TypeError: if it returns something else.
        """
        function = TracedFunction(map_func, "Dataset.flat_map()", self._spec)
        spec = inner_spec(function)
        return self._then("FlatMapDataset", function.captured, f=function.ref, spec=spec)

    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: Any = AUTOTUNE,
        block_length: Any = 1,
        num_parallel_calls: Any = None,
    ) -> Dataset:
        """Returns a dataset of elements of several datasets, in blocks, in turn.

        Args:
          map_func: takes an element, returns a dataset.
          cycle_length: how many datasets are open at a time.
          block_length: how many elements are taken of one before the next.
          num_parallel_calls: if given, datasets are read ahead by threads.

        Raises:
          TypeError: if `map_func` returns no dataset.
        """
        function = TracedFunction(map_func, "Dataset.interleave()", self._spec)
        spec = inner_spec(function)
        lengths = [
            convert_to_tensor(value, dtypes.int64, name=name)
            for value, name in ((cycle_length, "cycle_length"), (block_length, "block_length"))
        ]
        kind = "InterleaveDataset"
        if num_parallel_calls is not None:
            kind = "ParallelInterleaveDatasetV2"
            lengths.append(
                convert_to_tensor(num_parallel_calls, dtypes.int64, name="num_parallel_calls")
            )
        return self._then(kind, function.captured, *lengths, f=function.ref, spec=spec)

    def enumerate(self, start: Any = 0) -> Dataset:
        """Returns a dataset of pairs of a number, from `start` on, and an element."""
        return Dataset.zip((Dataset.range(start, np.iinfo(np.int64).max), self))

    # -- several at a time

    def batch(self, batch_size: Any, drop_remainder: Any = False) -> Dataset:
        """Returns a dataset of elements stacked.

        Args:
          batch_size: how many.
          drop_remainder: whether a last smaller batch is dropped.

        Raises:
          InvalidArgumentError: when it runs, if shapes differ within a batch.
        """
        size = convert_to_tensor(batch_size, dtypes.int64, name="batch_size")
        drop = convert_to_tensor(drop_remainder, dtypes.bool_, name="drop_remainder")
        spec = self._batched(size, drop)
        return self._then("BatchDatasetV2", size, drop, spec=spec)

    def _batched(self, size: Tensor, drop: Tensor) -> Any:
        rows = batch_rows(size, drop)
        return structures.map_structure(lambda leaf: leaf.batched(rows), self._spec)

    def padded_batch(
        self,
        batch_size: Any,
        padded_shapes: Any,
        padding_values: Any = None,
        drop_remainder: Any = False,
    ) -> Dataset:
        """Returns a dataset of elements padded to one shape and stacked.

        Args:
          batch_size: how many.
          padded_shapes: structure of shapes to pad to; None and -1 for the largest of a batch.
          padding_values: structure of scalars to pad with; zeros and empty strings by default.
          drop_remainder: whether a last smaller batch is dropped.

        Raises:
          ValueError, TypeError: if shapes or values do not suit the elements.
        """
        return padded_batches(self, batch_size, padded_shapes, padding_values, drop_remainder)

    def window(
        self, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: Any = False
    ) -> Dataset:
        """Returns a dataset of datasets of successive elements.

        Args:
          size: elements per window.
          shift: elements from the start of one window to that of the next; `size` by default.
          stride: elements from one of a window to its next.
          drop_remainder: whether smaller windows at the end are dropped.
        """
        shift = size if shift is None else shift
        numbers = [
            convert_to_tensor(value, dtypes.int64, name=name)
            for value, name in ((size, "size"), (shift, "shift"), (stride, "stride"))
        ]
        drop = convert_to_tensor(drop_remainder, dtypes.bool_, name="drop_remainder")
        spec = structures.map_structure(DatasetSpec, self._spec)
        return self._then("WindowDataset", *numbers, drop, spec=spec)

    # -- the rest

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any]) -> Any:
        """Returns what a function makes of a state and all elements, one after the other.

        Args:
          initial_state: structure of tensors.
          reduce_func: takes a state and an element, returns the next state.

        Returns:
          The last state.

        Raises:
          TypeError: if the function changes the state's form or types.
        """
        return reduced(self, initial_state, reduce_func)

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """Returns what a function of datasets makes of this one.

        Raises:
          TypeError: if that is no dataset.
        """
        found = transformation_func(self)
        if not isinstance(found, Dataset):
            raise TypeError(f"`transformation_func` must return a Dataset. Got {found}.")
        return found

    def make_one_shot_iterator(self) -> Any:
        """Returns an iterator that starts by itself.

        Raises:
          ValueError: if the dataset depends on variables, tables or placeholders.
        """
        return one_shot(self)

    def make_initializable_iterator(self, shared_name: str | None = None) -> Any:
        """Returns an iterator that starts, again and again, when its `initializer` is run.

        Args:
          shared_name: name under which several sessions of a server find it.
        """
        return initializable(self, shared_name)


@export("data.DatasetSpec", "data.experimental.DatasetStructure")
class DatasetSpec(TypeSpec):
    """Describes a dataset that is part of an element.

    Args:
      element_spec: specs of its elements.
      dataset_shape: accepted.
    """

    def __init__(self, element_spec: Any, dataset_shape: Any = ()) -> None:
        self._element_spec, self._dataset_shape = element_spec, as_shape(dataset_shape)

    @property
    def element_spec(self) -> Any:
        """The specs of its elements."""
        return self._element_spec

    @property
    def value_type(self) -> Any:
        return Dataset

    def _key(self) -> tuple[Any, ...]:
        return DatasetSpec, repr(self._element_spec)

    def __repr__(self) -> str:
        return f"DatasetSpec({self._element_spec!r}, {self._dataset_shape!r})"

    def is_compatible_with(self, other: Any) -> bool:
        other = other if isinstance(other, TypeSpec) else specs.spec_of(other)
        return isinstance(other, DatasetSpec) and specs.compatible(
            self._element_spec, other._element_spec
        )

    def to_tensors(self, value: Any) -> list[Tensor]:
        return [value._variant_tensor]

    def from_tensors(self, tensors: list[Tensor]) -> Dataset:
        return Dataset(tensors[0], self._element_spec)


specs.register_kind(Dataset, lambda dataset: DatasetSpec(dataset.element_spec))


def inner_spec(function: TracedFunction) -> Any:
    """Gives the specs of the elements of the datasets that a function returns.

    Raises:
      TypeError: if it returns no dataset.
    """
    spec = function.output_spec
    if not isinstance(spec, DatasetSpec):
        raise TypeError(f"`map_func` must return a `Dataset` object. Got {type(spec)}")
    return spec.element_spec
