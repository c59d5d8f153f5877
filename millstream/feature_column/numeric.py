"""Numbers: `numeric_column`, `bucketized_column`."""

from collections import namedtuple
from itertools import pairwise

import numpy as np

from millstream.base.dtypes import Float, Int64, as_dtype
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.feature_column.columns import CategoricalColumn, DenseColumn, IdWeightPair
from millstream.ir.composite import SparseTensor
from millstream.ops.array.broadcasting import tile
from millstream.ops.array.indicators import one_hot
from millstream.ops.array.joining import stack
from millstream.ops.array.ordering import transpose
from millstream.ops.array.reshaping import expand_dims, reshape
from millstream.ops.array.shapes import shape as shape_of
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast
from millstream.ops.math.ranges import range as range_of
from millstream.ops.parsing.features import FixedLenFeature


class NumericColumn(
    DenseColumn,
    namedtuple("NumericColumn", ("key", "shape", "default_value", "dtype", "normalizer_fn")),
):
    """What `numeric_column` makes."""

    @property
    def name(self):
        """The feature's key."""
        return self.key

    @property
    def parse_example_spec(self):
        """A feature of fixed length."""
        return {self.key: FixedLenFeature(self.shape, self.dtype, self.default_value)}

    @property
    def parents(self):
        """The feature's key."""
        return [self.key]

    @property
    def variable_shape(self):
        """The shape of one example."""
        return TensorShape(self.shape)

    def transform_feature(self, transformation_cache, state_manager):
        """Returns the normalised feature, float32."""
        tensor = transformation_cache.get(self.key, state_manager)
        if isinstance(tensor, SparseTensor):
            raise ValueError(
                "The corresponding Tensor of numerical column must be a Tensor. SparseTensor is "
                f"not supported. key: {self.key}"
            )
        if self.normalizer_fn is not None:
            tensor = self.normalizer_fn(tensor)
        return cast(tensor, Float)


class BucketizedColumn(
    DenseColumn, CategoricalColumn, namedtuple("BucketizedColumn", ("source_column", "boundaries"))
):
    """What `bucketized_column` makes."""

    @property
    def name(self):
        """That of the numbers, and `_bucketized`."""
        return f"{self.source_column.name}_bucketized"

    @property
    def parse_example_spec(self):
        """What the numbers need."""
        return self.source_column.parse_example_spec

    @property
    def parents(self):
        """The column of numbers."""
        return [self.source_column]

    @property
    def _buckets(self):
        return len(self.boundaries) + 1

    @property
    def variable_shape(self):
        """The shape of the numbers, and a dimension for the buckets."""
        return TensorShape((*self.source_column.shape, self._buckets))

    @property
    def num_buckets(self):
        """As many as buckets for each number of an example."""
        return self._buckets * self.source_column.shape[0]

    def transform_feature(self, transformation_cache, state_manager):
        """Returns the bucket of each number, int32."""
        source = transformation_cache.get(self.source_column, state_manager)
        return ops.Bucketize(source, boundaries=self.boundaries)

    def get_dense_tensor(self, transformation_cache, state_manager):
        """Returns the buckets as indicators."""
        buckets = transformation_cache.get(self, state_manager)
        return one_hot(
            indices=cast(buckets, Int64), depth=self._buckets, on_value=1.0, off_value=0.0
        )

    def get_sparse_tensors(self, transformation_cache, state_manager):
        """Returns the buckets as ids; those of different numbers of an example differ."""
        buckets = transformation_cache.get(self, state_manager)
        batch, width = shape_of(buckets)[0], self.source_column.shape[0]
        rows = reshape(tile(expand_dims(range_of(0, batch), 1), [1, width]), (-1,))
        columns = tile(range_of(0, width), [batch])
        ids = reshape(buckets, (-1,)) + self._buckets * columns
        indices = cast(transpose(stack((rows, columns))), Int64)
        return IdWeightPair(SparseTensor(indices, ids, cast(stack([batch, width]), Int64)), None)


@export("feature_column.numeric_column")
def numeric_column(key, shape=(1,), default_value=None, dtype=Float, normalizer_fn=None):
    """Describes a feature of numbers.

    Args:
      key: the feature's key.
      shape: shape of the feature of one example; a number is one dimension.
      default_value: number, or numbers of that shape, for examples without it; else it must be
        there.
      dtype: type in serialized examples.
      normalizer_fn: a function of the tensor, applied after parsing: `lambda x: (x - 3) / 4.2`.

    Returns:
      A dense column.

    Raises:
      TypeError: if a size is no integer, `default_value` does not fit, or `normalizer_fn` is not
        callable.
      ValueError: if a size is not positive, or the type is no number.
    """
    shape = checked_shape(shape, key)
    dtype = as_dtype(dtype)
    if not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype must be convertible to float. dtype: {dtype!r}, key: {key}")
    default_value = _checked_default(shape, default_value, dtype, key)
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise TypeError(f"normalizer_fn must be a callable. Given: {normalizer_fn}")
    return NumericColumn(key, shape, default_value, dtype, normalizer_fn)


def checked_shape(shape, key):
    """Returns the shape of a feature as a tuple.

    Raises:
      TypeError: if a size is no integer.
      ValueError: if one is not positive, or the key is no string.
    """
    check_key(key)
    if not isinstance(shape, list | tuple | TensorShape):
        shape = [shape]
    sizes = tuple(TensorShape(shape).as_list() if isinstance(shape, TensorShape) else shape)
    for size in sizes:
        if not isinstance(size, int | np.integer):
            raise TypeError(f"shape dimensions must be integer. shape: {sizes}, key: {key}")
        if size < 1:
            raise ValueError(f"shape dimensions must be greater than 0. shape: {sizes}, key: {key}")
    return sizes


def check_key(key):
    """Checks that a feature's key is a string or something else that can be one.

    Raises:
      ValueError: if it is not.
    """
    if not isinstance(key, str):
        raise ValueError(f"key must be a string. Got: type {type(key)}.")


def _checked_default(shape, value, dtype, key):
    """Returns a default as nested tuples of the shape, or `None`."""
    if value is None:
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(
            f"default_value must be compatible with dtype. default_value: {value}, dtype: "
            f"{dtype!r}, key: {key}"
        )
    if array.ndim and array.shape != shape:
        raise ValueError(
            "The shape of default_value must be equal to given shape. default_value: "
            f"{value}, shape: {shape}, key: {key}"
        )
    if array.dtype.kind == "f" and dtype.is_integer:
        raise TypeError(
            f"default_value must be compatible with dtype. default_value: {value}, dtype: "
            f"{dtype!r}, key: {key}"
        )
    return _nested(np.broadcast_to(array.astype(dtype.np), shape).tolist())


def _nested(values):
    return tuple(map(_nested, values)) if isinstance(values, list) else values


@export("feature_column.bucketized_column")
def bucketized_column(source_column, boundaries):
    """Describes a feature of numbers by the intervals that they fall in.

    Args:
      source_column: a one-dimensional `numeric_column`.
      boundaries: a sorted list; `[0, 1]` makes the buckets `(-inf, 0)`, `[0, 1)` and `[1, inf)`.

    Returns:
      A column that is dense (indicators) and categorical.

    Raises:
      ValueError: if an argument is of another kind, or the boundaries are not sorted.
    """
    if not isinstance(source_column, NumericColumn):
        raise ValueError(
            "source_column must be a column generated with numeric_column(). Given: "
            f"{source_column}"
        )
    if len(source_column.shape) > 1:
        raise ValueError(f"source_column must be one-dimensional column. Given: {source_column}")
    if not boundaries:
        raise ValueError("boundaries must not be empty.")
    if not isinstance(boundaries, list | tuple):
        raise ValueError("boundaries must be a sorted list.")
    if any(a >= b for a, b in pairwise(boundaries)):
        raise ValueError("boundaries must be a sorted list.")
    return BucketizedColumn(source_column, tuple(boundaries))
