"""What feature columns are: their bases, and the cache through which they read features.

A column is an immutable description, equal to another one of the same fields. It says which raw
features it needs (`parse_example_spec`), turns them into ids or numbers (`transform_feature`), and
gives what a layer takes: a dense tensor (`DenseColumn`), ids with weights (`CategoricalColumn`), or
a tensor per step (`SequenceDenseColumn`).

Columns come in two generations in TensorFlow 1.15. Here one class serves both: what layers call
with a cache and a state manager (`get_dense_tensor(cache, state)`) is also there under the old name
(`_get_dense_tensor(inputs, weight_collections, trainable)`), and columns that users wrote with the
old methods alone work in every layer.
"""

from collections import namedtuple
from typing import Any

from millstream.base.shapes import TensorShape
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor_or_sparse_tensor
from millstream.ops.array.reshaping import expand_dims
from millstream.ops.array.shapes import rank
from millstream.ops.by_name import ops
from millstream.ops.flow.conditionals import cond

IdWeightPair = namedtuple("IdWeightPair", ("id_tensor", "weight_tensor"))
TensorSequenceLengthPair = namedtuple(
    "TensorSequenceLengthPair", ("dense_tensor", "sequence_length")
)


class FeatureColumn:
    """Base of all columns."""

    _is_v2_column = True

    @property
    def name(self) -> str:
        """What the column is called; its variables are called after it."""
        raise AttributeError("name")

    @property
    def _var_scope_name(self) -> str:
        return self.name

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """How the raw features that it needs are parsed, by key."""
        raise AttributeError("parse_example_spec")

    @property
    def parents(self) -> list[Any]:
        """The columns or feature keys that it is made of."""
        raise AttributeError("parents")

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Makes the column's tensor from what it is made of, got through the cache."""
        raise TypeError(f"{type(self).__name__} does not transform features")

    def create_state(self, state_manager: Any) -> None:
        """Makes the variables that it needs."""

    @property
    def _parse_example_spec(self) -> dict[str, Any]:
        return self.parse_example_spec

    def _transform_feature(self, inputs: Any) -> Any:
        return self.transform_feature(inputs, None)

    def __lt__(self, other: Any) -> bool:
        return str(self) < str(other)

    def __gt__(self, other: Any) -> bool:
        return str(self) > str(other)


class DenseColumn(FeatureColumn):
    """A column that a neural network takes as it is."""

    @property
    def variable_shape(self) -> TensorShape:
        """The shape of the dense tensor, without the batch."""
        raise AttributeError("variable_shape")

    def get_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Returns `[batch] + variable_shape`."""
        del state_manager
        return transformation_cache.get(self, None)

    @property
    def _variable_shape(self) -> TensorShape:
        return self.variable_shape

    def _get_dense_tensor(
        self, inputs: Any, weight_collections: Any = None, trainable: Any = None
    ) -> Any:
        del weight_collections, trainable
        return self.get_dense_tensor(inputs, None)


class CategoricalColumn(FeatureColumn):
    """A column of ids; a linear model takes it as it is, a network needs an embedding."""

    IdWeightPair = IdWeightPair

    @property
    def num_buckets(self) -> int:
        """A number that every id is less than."""
        raise AttributeError("num_buckets")

    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> IdWeightPair:
        """Returns a `SparseTensor` of ids, and one of weights or `None`."""
        return IdWeightPair(transformation_cache.get(self, state_manager), None)

    @property
    def _num_buckets(self) -> int:
        return self.num_buckets

    def _get_sparse_tensors(
        self, inputs: Any, weight_collections: Any = None, trainable: Any = None
    ) -> IdWeightPair:
        del weight_collections, trainable
        return self.get_sparse_tensors(inputs, None)


class SequenceDenseColumn(FeatureColumn):
    """A column that gives a dense tensor per step of a sequence."""

    TensorSequenceLengthPair = TensorSequenceLengthPair

    def get_sequence_dense_tensor(
        self, transformation_cache: Any, state_manager: Any
    ) -> TensorSequenceLengthPair:
        """Returns `[batch, time] + variable_shape`, and how many steps each example has."""
        raise TypeError(f"{type(self).__name__} gives no sequences")

    def _get_sequence_dense_tensor(
        self, inputs: Any, weight_collections: Any = None, trainable: Any = None
    ) -> TensorSequenceLengthPair:
        del weight_collections, trainable
        return self.get_sequence_dense_tensor(inputs, None)


class FeatureTransformationCache:
    """Gives raw features and transformed columns, each made once.

    Args:
      features: raw features by key; columns may be keys too, of tensors made by others.
    """

    def __init__(self, features: Any) -> None:
        self._features = dict(features)
        self._tensors: dict[Any, Any] = {}

    def get(self, key: Any, state_manager: Any = None) -> Any:
        """Returns the tensor of a column, or the raw feature of that name.

        Raises:
          ValueError: if there is no such feature, or `key` is neither a name nor a column.
          TypeError: if `key` is of another type.
        """
        if key in self._tensors:
            return self._tensors[key]
        if key in self._features:
            tensor = self._raw(key)
        elif isinstance(key, str):
            known = ", ".join(sorted(k for k in self._features if isinstance(k, str)))
            raise ValueError(f"Feature {key} is not in features dictionary. It has: {known}.")
        else:
            tensor = self._transformed(key, state_manager)
        self._tensors[key] = tensor
        return tensor

    def _transformed(self, column: Any, state_manager: Any) -> Any:
        if not is_column(column):
            raise TypeError(f'"key" must be either a "str" or "_FeatureColumn". Provided: {column}')
        if isinstance(column, FeatureColumn):
            found = column.transform_feature(self, state_manager)
        else:
            found = column._transform_feature(self)
        if found is None:
            raise ValueError(f"Column {column.name} is not supported.")
        return found

    def _raw(self, key: Any) -> Any:
        """Returns a raw feature with a batch dimension and at least one more."""
        tensor = convert_to_tensor_or_sparse_tensor(self._features[key])
        known = tensor.shape.ndims
        if known is not None:
            if known == 0:
                raise ValueError(f"Feature (key: {key}) cannot have rank 0. Given: {tensor}")
            return tensor if known > 1 or isinstance(tensor, SparseTensor) else _column_of(tensor)
        if isinstance(tensor, SparseTensor):
            return tensor
        is_vector = ops.Equal(1, rank(tensor))
        return cond(is_vector, lambda: _column_of(tensor), lambda: tensor)


def _column_of(tensor: Any) -> Any:
    return expand_dims(tensor, -1)


def is_column(value: Any) -> bool:
    """Tells whether something is a feature column, of whichever generation."""
    return isinstance(value, FeatureColumn) or hasattr(value, "_transform_feature")


def is_dense(column: Any) -> bool:
    """Tells whether a column gives a dense tensor."""
    return isinstance(column, DenseColumn) or hasattr(column, "_get_dense_tensor")


def is_categorical(column: Any) -> bool:
    """Tells whether a column gives ids."""
    return isinstance(column, CategoricalColumn) or hasattr(column, "_get_sparse_tensors")


def normalized(feature_columns: Any) -> list[Any]:
    """Returns columns as a list.

    Raises:
      ValueError: if there are none, one is no column, or two have the same name.
    """
    if is_column(feature_columns):
        feature_columns = [feature_columns]
    if isinstance(feature_columns, dict):
        raise ValueError("Expected feature_columns to be iterable, found dict.")
    columns = list(feature_columns)
    for column in columns:
        if not is_column(column):
            raise ValueError(
                "Items of feature_columns must be a _FeatureColumn. Given (type "
                f"{type(column)}): {column}."
            )
    if not columns:
        raise ValueError("feature_columns must not be empty.")
    seen: dict[str, Any] = {}
    for column in columns:
        if column.name in seen:
            raise ValueError(
                f"Duplicate feature column name found for columns: {column} and "
                f"{seen[column.name]}. This usually means that these columns refer to same base "
                "feature. Either one must be discarded or a duplicated but renamed item must be "
                "inserted in features dict."
            )
        seen[column.name] = column
    return columns
