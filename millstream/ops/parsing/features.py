"""What a feature of an example is to become: FixedLenFeature, VarLenFeature and their like."""

import collections

from millstream.base.dtypes import Int64
from millstream.base.export import export
from millstream.base.shapes import TensorShape


@export("VarLenFeature", "io.VarLenFeature")
class VarLenFeature(collections.namedtuple("VarLenFeature", ["dtype"])):
    """Parses a feature of any number of values as a `SparseTensor`.

    Args:
      dtype: `tf.float32`, `tf.int64` or `tf.string`.
    """

    __slots__ = ()


@export("SparseFeature", "io.SparseFeature")
class SparseFeature(
    collections.namedtuple(
        "SparseFeature", ["index_key", "value_key", "dtype", "size", "already_sorted"]
    )
):
    """Parses two or more features, positions and values, as one `SparseTensor`.

    Args:
      index_key: name of the feature with the positions, or a list of one per axis.
      value_key: name of the feature with the values.
      dtype: type of the values.
      size: size of the axis, or list of sizes.
      already_sorted: whether the positions ascend in every example.
    """

    __slots__ = ()

    def __new__(cls, index_key, value_key, dtype, size, already_sorted=False):
        return super().__new__(cls, index_key, value_key, dtype, size, already_sorted)


@export("FixedLenFeature", "io.FixedLenFeature")
class FixedLenFeature(
    collections.namedtuple("FixedLenFeature", ["shape", "dtype", "default_value"])
):
    """Parses a feature of a known number of values as a tensor.

    Args:
      shape: shape of the values in one example.
      dtype: `tf.float32`, `tf.int64` or `tf.string`.
      default_value: what an example without the feature gets; if None, that is an error.
    """

    __slots__ = ()

    def __new__(cls, shape, dtype, default_value=None):
        return super().__new__(cls, shape, dtype, default_value)


@export("FixedLenSequenceFeature", "io.FixedLenSequenceFeature")
class FixedLenSequenceFeature(
    collections.namedtuple(
        "FixedLenSequenceFeature", ["shape", "dtype", "allow_missing", "default_value"]
    )
):
    """Parses a feature of any number of rows as a tensor, padded to the longest of a batch.

    Args:
      shape: shape of one row.
      dtype: `tf.float32`, `tf.int64` or `tf.string`.
      allow_missing: whether an example may lack the feature; it has no rows then.
      default_value: scalar to pad with; 0 or the empty string by default.
    """

    __slots__ = ()

    def __new__(cls, shape, dtype, allow_missing=False, default_value=None):
        return super().__new__(cls, shape, dtype, allow_missing, default_value)


_KINDS = (VarLenFeature, SparseFeature, FixedLenFeature, FixedLenSequenceFeature)


class Wanted:
    """The features that are wanted, in the order that TF gives them.

    Attributes:
      sparse: types of sparse features by key.
      dense: types of dense features by key.
      defaults: defaults of dense features by key.
      shapes: shapes of dense features by key; of one row, for sequences.
      sequences: keys of dense features of any number of rows.
    """

    def __init__(self, features, allowed):
        self.sparse, self.dense, self.defaults, self.shapes = {}, {}, {}, {}
        self.sequences = set()
        for key in sorted(features):
            feature = features[key]
            if isinstance(feature, SparseFeature) and SparseFeature in allowed:
                self._add_indexed(key, feature)
            elif isinstance(feature, VarLenFeature) and VarLenFeature in allowed:
                if not feature.dtype:
                    raise ValueError(f"Missing type for feature {key}.")
                self._add_sparse(key, feature.dtype)
            elif isinstance(feature, FixedLenFeature) and FixedLenFeature in allowed:
                self._add_dense(key, feature)
            elif isinstance(feature, FixedLenSequenceFeature) and feature.__class__ in allowed:
                self._add_sequence(key, feature)
            elif isinstance(feature, _KINDS):
                raise ValueError(f"Unsupported {type(feature).__name__} {feature}.")
            else:
                raise ValueError(f"Invalid feature {key}:{feature}.")

    def _add_sparse(self, key, dtype):
        if self.sparse.setdefault(key, dtype) != dtype:
            raise ValueError(f"Conflicting type {dtype} vs. {self.sparse[key]} for feature {key}.")

    def _add_indexed(self, key, feature):
        if not feature.index_key:
            raise ValueError(f"Missing index_key for SparseFeature {feature}.")
        if not feature.value_key:
            raise ValueError(f"Missing value_key for SparseFeature {feature}.")
        if not feature.dtype:
            raise ValueError(f"Missing type for feature {key}.")
        indices = feature.index_key
        for index_key in [indices] if isinstance(indices, str) else sorted(indices):
            self._add_sparse(index_key, Int64)
        self._add_sparse(feature.value_key, feature.dtype)

    def _add_dense(self, key, feature):
        if not feature.dtype:
            raise ValueError(f"Missing type for feature {key}.")
        if feature.shape is None:
            raise ValueError(f"Missing shape for feature {key}.")
        shape = TensorShape(feature.shape)
        if shape.ndims and shape.as_list()[0] is None:
            raise ValueError(
                f"First dimension of shape for feature {key} unknown. "
                f"Consider using FixedLenSequenceFeature."
            )
        if not shape.is_fully_defined():
            raise ValueError(
                f"All dimensions of shape for feature {key} need to be known but received {shape}."
            )
        self._put(key, feature, shape)

    def _add_sequence(self, key, feature):
        if not feature.dtype:
            raise ValueError(f"Missing type for feature {key}.")
        if feature.shape is None:
            raise ValueError(f"Missing shape for feature {key}.")
        self.sequences.add(key)
        self._put(key, feature, TensorShape(feature.shape))

    def _put(self, key, feature, shape):
        self.dense[key], self.shapes[key] = feature.dtype, shape
        if feature.default_value is not None:
            self.defaults[key] = feature.default_value
