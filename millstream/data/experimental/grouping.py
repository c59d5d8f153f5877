"""Transformations that group elements: by key, by length, into batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.data import specs, structures
from millstream.data.dataset import Dataset, DatasetSpec
from millstream.data.reducing import traced_with_state
from millstream.data.specs import SparseTensorSpec, TensorSpec, batch_rows, element_attrs
from millstream.data.tracing import TracedFunction
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.gathering import gather
from millstream.ops.by_name import ops

type Transformation = Callable[[Dataset], Dataset]

_KEY = TensorSpec([], dtypes.int64)


@export("data.experimental.group_by_window", "contrib.data.group_by_window")
def group_by_window(
    key_func: Callable[..., Any],
    reduce_func: Callable[..., Any],
    window_size: Any = None,
    window_size_func: Callable[..., Any] | None = None,
) -> Transformation:
    """Returns a transformation: windows of elements of one key, each turned into a dataset.

    Args:
      key_func: gives an element's key, an int64 scalar.
      reduce_func: takes a key and the dataset of a window, returns a dataset.
      window_size: elements per window.
      window_size_func: gives the elements per window, for a key.

    Raises:
      ValueError: if not exactly one of both is given.
    """
    if (window_size is None) == (window_size_func is None):
        raise ValueError("Must pass either window_size or window_size_func.")

    def sized(_key: Tensor) -> Tensor:
        return convert_to_tensor(window_size, dtypes.int64)

    def transform(dataset: Dataset) -> Dataset:
        name = "tf.data.experimental.group_by_window()"
        key = TracedFunction(key_func, name, dataset.element_spec)
        if not _KEY.is_compatible_with(key.output_spec):
            raise ValueError("`key_func` must return a single tf.int64 tensor.")
        size = TracedFunction(window_size_func or sized, name, _KEY)
        if not _KEY.is_compatible_with(size.output_spec):
            raise ValueError("`window_size_func` must return a single tf.int64 scalar tensor.")
        reduce = TracedFunction(reduce_func, name, (_KEY, DatasetSpec(dataset.element_spec)))
        if not isinstance(reduce.output_spec, DatasetSpec):
            raise TypeError("`reduce_func` must return a `Dataset` object.")
        return dataset._then(
            "GroupByWindowDataset",
            key.captured,
            reduce.captured,
            size.captured,
            key_func=key.ref,
            reduce_func=reduce.ref,
            window_size_func=size.ref,
            spec=reduce.output_spec.element_spec,
        )

    return transform


@export("data.experimental.Reducer", "contrib.data.Reducer")
class Reducer:
    """Says how elements of one key become one: three functions.

    Args:
      init_func: gives the first state, for a key.
      reduce_func: gives the next state, for a state and an element.
      finalize_func: gives the result, for a state.
    """

    def __init__(
        self,
        init_func: Callable[..., Any],
        reduce_func: Callable[..., Any],
        finalize_func: Callable[..., Any],
    ) -> None:
        self._functions = init_func, reduce_func, finalize_func

    @property
    def init_func(self) -> Callable[..., Any]:
        """Gives the first state."""
        return self._functions[0]

    @property
    def reduce_func(self) -> Callable[..., Any]:
        """Gives the next state."""
        return self._functions[1]

    @property
    def finalize_func(self) -> Callable[..., Any]:
        """Gives the result."""
        return self._functions[2]


@export("data.experimental.group_by_reducer", "contrib.data.group_by_reducer")
def group_by_reducer(key_func: Callable[..., Any], reducer: Reducer) -> Transformation:
    """Returns a transformation: what a `Reducer` makes of all elements of each key.

    Args:
      key_func: gives an element's key, an int64 scalar.
      reducer: the functions.
    """

    def transform(dataset: Dataset) -> Dataset:
        name = "tf.data.experimental.group_by_reducer()"
        key = TracedFunction(key_func, name, dataset.element_spec)
        if not _KEY.is_compatible_with(key.output_spec):
            raise ValueError("`key_func` must return a single tf.int64 tensor.")
        init = TracedFunction(reducer.init_func, name, _KEY)
        reduce, state = traced_with_state(
            reducer.reduce_func, name, init.output_spec, dataset.element_spec, lambda found: found
        )
        final = TracedFunction(reducer.finalize_func, name, state)
        return dataset._then(
            "ExperimentalGroupByReducerDataset",
            key.captured,
            init.captured,
            reduce.captured,
            final.captured,
            key_func=key.ref,
            init_func=init.ref,
            reduce_func=reduce.ref,
            finalize_func=final.ref,
            spec=final.output_spec,
        )

    return transform


@export("contrib.data.reduce_dataset")
def reduce_dataset(dataset: Dataset, reducer: Reducer) -> Any:
    """Returns what a `Reducer` makes of all elements of a dataset."""
    state = reducer.init_func(constant(0, dtype=dtypes.int64))
    return reducer.finalize_func(dataset.reduce(state, reducer.reduce_func))


@export("data.experimental.bucket_by_sequence_length", "contrib.data.bucket_by_sequence_length")
def bucket_by_sequence_length(
    element_length_func: Callable[..., Any],
    bucket_boundaries: list[int],
    bucket_batch_sizes: list[int],
    padded_shapes: Any = None,
    padding_values: Any = None,
    pad_to_bucket_boundary: bool = False,
    no_padding: bool = False,
    drop_remainder: bool = False,
) -> Transformation:
    """Returns a transformation: padded batches of elements of like length.

    Args:
      element_length_func: gives an element's length, an int32 scalar.
      bucket_boundaries: lengths at which the next bucket begins, ascending.
      bucket_batch_sizes: elements per batch, one more than there are boundaries.
      padded_shapes: structure of shapes to pad to; the elements' own by default.
      padding_values: structure of scalars to pad with.
      pad_to_bucket_boundary: whether unknown sizes are padded to the boundary less 1; longer
        elements are an error then.
      no_padding: whether elements are batched as they are.
      drop_remainder: whether smaller batches at the end are dropped.

    Raises:
      ValueError: if the lists do not fit.
    """
    if len(bucket_batch_sizes) != len(bucket_boundaries) + 1:
        raise ValueError("len(bucket_batch_sizes) must equal len(bucket_boundaries) + 1")
    with name_scope("bucket_by_seq_length"):
        sizes = constant(np.array(bucket_batch_sizes, np.int64), dtypes.int64)

    def bucket_of(*element: Any) -> Tensor:
        length = element_length_func(*element)
        boundaries = [np.iinfo(np.int32).min, *bucket_boundaries, np.iinfo(np.int32).max]
        low = constant(boundaries[:-1], dtypes.int32)
        high = constant(boundaries[1:], dtypes.int32)
        inside = ops.LogicalAnd(ops.LessEqual(low, length), ops.Less(length, high))
        return ops.Min(ops.Where(inside), constant([0, 1]))

    def size_of(bucket: Tensor) -> Tensor:
        return gather(sizes, bucket)

    def batch_of(bucket: Tensor, window: Dataset) -> Dataset:
        size = size_of(bucket)
        if no_padding:
            return window.batch(size, drop_remainder=drop_remainder)
        shapes = window.output_shapes if padded_shapes is None else padded_shapes
        if pad_to_bucket_boundary:
            shapes = structures.map_up_to(
                lambda leaf, shape: _bounded(shape, bucket, bucket_boundaries),
                window.element_spec,
                shapes,
            )
        return window.padded_batch(size, shapes, padding_values, drop_remainder=drop_remainder)

    def transform(dataset: Dataset) -> Dataset:
        return dataset.apply(group_by_window(bucket_of, batch_of, window_size_func=size_of))

    return transform


def _bounded(shape: Any, bucket: Tensor, boundaries: list[int]) -> Tensor:
    """Gives a shape whose unknown sizes are those of a bucket."""
    known = TensorShape(shape).as_list()
    longest = gather(constant(np.array([*boundaries, 0], np.int64) - 1), bucket)
    if not known:
        return constant(np.zeros([0], np.int64), dtypes.int64)
    parts = [longest if size is None else constant(size, dtypes.int64) for size in known]
    return ops.Pack(parts)


@export("data.experimental.dense_to_sparse_batch", "contrib.data.dense_to_sparse_batch")
def dense_to_sparse_batch(batch_size: Any, row_shape: Any) -> Transformation:
    """Returns a transformation: batches of tensors of various shapes, as `SparseTensor`s.

    Args:
      batch_size: elements per batch.
      row_shape: shape of a row; None for the largest of a batch.
    """

    def transform(dataset: Dataset) -> Dataset:
        leaf = dataset.element_spec
        if not isinstance(leaf, TensorSpec):
            raise TypeError("`dense_to_sparse_batch()` requires an input dataset of tensors.")
        shape = TensorShape(row_shape)
        sizes = [-1 if size is None else size for size in shape.as_list()]
        spec = SparseTensorSpec(TensorShape([None]).concatenate(shape), leaf.dtype)
        return dataset._then(
            "DenseToSparseBatchDataset",
            batch_size,
            constant(np.array(sizes, np.int64), dtypes.int64),
            spec=spec,
        )

    return transform


@export("data.experimental.map_and_batch", "contrib.data.map_and_batch")
def map_and_batch(
    map_func: Callable[..., Any],
    batch_size: Any,
    num_parallel_batches: Any = None,
    drop_remainder: Any = False,
    num_parallel_calls: Any = None,
) -> Transformation:
    """Returns a transformation: batches of what a function makes of elements, in threads.

    Args:
      map_func: takes an element.
      batch_size: elements per batch.
      num_parallel_batches: how many batches are worked on at a time.
      drop_remainder: whether a last smaller batch is dropped.
      num_parallel_calls: how many elements are worked on at a time, instead.

    Raises:
      ValueError: if both numbers are given.
    """
    if num_parallel_batches is not None and num_parallel_calls is not None:
        raise ValueError(
            "The `num_parallel_batches` and `num_parallel_calls` arguments are mutually exclusive."
        )
    if num_parallel_calls is None:
        num_parallel_calls = batch_size * (num_parallel_batches or 1)

    def transform(dataset: Dataset) -> Dataset:
        name = "tf.data.experimental.map_and_batch()"
        function = TracedFunction(map_func, name, dataset.element_spec)
        size = convert_to_tensor(batch_size, dtypes.int64, name="batch_size")
        calls = convert_to_tensor(num_parallel_calls, dtypes.int64, name="num_parallel_calls")
        drop = convert_to_tensor(drop_remainder, dtypes.bool_, name="drop_remainder")
        rows = batch_rows(size, drop)
        spec = structures.map_structure(lambda leaf: leaf.batched(rows), function.output_spec)
        node = ops.MapAndBatchDataset(
            dataset._variant_tensor,
            function.captured,
            size,
            calls,
            drop,
            f=function.ref,
            **element_attrs(spec),
        )
        return Dataset(node, spec, (dataset,))

    return transform


@export("data.experimental.map_and_batch_with_legacy_function")
def map_and_batch_with_legacy_function(
    map_func: Callable[..., Any],
    batch_size: Any,
    num_parallel_batches: Any = None,
    drop_remainder: Any = False,
    num_parallel_calls: Any = None,
) -> Transformation:
    """Returns the transformation `map_and_batch`."""
    return map_and_batch(
        map_func, batch_size, num_parallel_batches, drop_remainder, num_parallel_calls
    )


@export("contrib.data.batch_and_drop_remainder")
def batch_and_drop_remainder(batch_size: Any) -> Transformation:
    """Returns a transformation: batches, without a last smaller one."""
    return lambda dataset: dataset.batch(batch_size, drop_remainder=True)


@export("contrib.data.padded_batch_and_drop_remainder")
def padded_batch_and_drop_remainder(
    batch_size: Any, padded_shapes: Any, padding_values: Any = None
) -> Transformation:
    """Returns a transformation: padded batches, without a last smaller one."""
    return lambda dataset: dataset.padded_batch(
        batch_size, padded_shapes, padding_values, drop_remainder=True
    )


@export("contrib.data.sliding_window_batch")
def sliding_window_batch(
    window_size: Any, stride: Any = None, window_shift: Any = None, window_stride: Any = 1
) -> Transformation:
    """Returns a transformation: batches of successive elements that overlap.

    Args:
      window_size: elements per batch.
      stride: old name of `window_shift`.
      window_shift: elements from the start of one batch to that of the next; 1 by default.
      window_stride: elements from one of a batch to its next.

    Raises:
      ValueError: if both names are used.
    """
    if stride is not None and window_shift is not None:
        raise ValueError("Cannot specify both `stride` and `window_shift`")
    shift = window_shift or stride or 1

    def transform(dataset: Dataset) -> Dataset:
        windows = dataset.window(window_size, shift, window_stride, drop_remainder=True)

        def batched(*parts: Dataset) -> Dataset:
            found = specs.structures.pack(dataset.element_spec, parts)
            single = not structures.is_nested(found)
            joined = found if single else Dataset.zip(found)
            return joined.batch(window_size, drop_remainder=True)

        return windows.flat_map(batched)

    return transform
