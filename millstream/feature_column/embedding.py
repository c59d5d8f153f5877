"""Embeddings: `embedding_column`, `shared_embedding_columns`."""

import math
from collections import namedtuple

from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.feature_column.columns import (
    CategoricalColumn,
    DenseColumn,
    SequenceDenseColumn,
    TensorSequenceLengthPair,
)
from millstream.feature_column.composed import (
    WeightedCategoricalColumn,
    refuse_sequence,
    require_sequence,
)
from millstream.feature_column.lengths import sequence_length_from_sparse_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.scopes import name_scope
from millstream.state.get_variable import get_variable
from millstream.state.initializers import TruncatedNormal
from millstream.state.partitioned import PartitionedVariable
from millstream.state.safe_embedding import safe_embedding_lookup_sparse
from millstream.train.checkpoint_utils import init_from_checkpoint


class _Embedding(DenseColumn, SequenceDenseColumn):
    """What columns with a table of their own and those that share one have in common."""

    @property
    def parse_example_spec(self):
        """What the ids need."""
        return self.categorical_column._parse_example_spec

    @property
    def parents(self):
        """The ids."""
        return [self.categorical_column]

    @property
    def variable_shape(self):
        """The length of an embedding."""
        return TensorShape([self.dimension])

    def transform_feature(self, transformation_cache, state_manager):
        """Returns the ids."""
        return transformation_cache.get(self.categorical_column, state_manager)

    def _table_shape(self):
        return (self.categorical_column._num_buckets, self.dimension)

    def _restore(self, table):
        if self.ckpt_to_load_from is None:
            return
        if isinstance(table, PartitionedVariable):
            table = list(table)
        init_from_checkpoint(self.ckpt_to_load_from, {self.tensor_name_in_ckpt: table})

    def _sparse_tensors(self, cache, state_manager):
        column = self.categorical_column
        if isinstance(column, CategoricalColumn):
            return column.get_sparse_tensors(cache, state_manager)
        return column._get_sparse_tensors(cache)

    def _looked_up(self, table, sparse_tensors):
        return safe_embedding_lookup_sparse(
            embedding_weights=table,
            sparse_ids=sparse_tensors.id_tensor,
            sparse_weights=sparse_tensors.weight_tensor,
            combiner=self.combiner,
            name=f"{self.name}_weights",
            max_norm=self.max_norm,
        )

    def _with_length(self, dense, sparse_tensors):
        length = sequence_length_from_sparse_tensor(sparse_tensors.id_tensor)
        return TensorSequenceLengthPair(dense, length)


class EmbeddingColumn(
    _Embedding,
    namedtuple(
        "EmbeddingColumn",
        (
            *("categorical_column", "dimension", "combiner", "initializer", "ckpt_to_load_from"),
            *("tensor_name_in_ckpt", "max_norm", "trainable"),
        ),
    ),
):
    """What `embedding_column` makes."""

    @property
    def name(self):
        """That of the ids, and `_embedding`."""
        return f"{self.categorical_column.name}_embedding"

    def create_state(self, state_manager):
        """Makes the table."""
        state_manager.create_variable(
            self,
            name="embedding_weights",
            shape=self._table_shape(),
            dtype=Float,
            trainable=self.trainable,
            use_resource=True,
            initializer=self.initializer,
        )

    def _table(self, weight_collections, trainable):
        table = get_variable(
            name="embedding_weights",
            shape=self._table_shape(),
            dtype=Float,
            initializer=self.initializer,
            trainable=self.trainable and trainable,
            collections=weight_collections,
        )
        self._restore(table)
        return table

    def get_dense_tensor(self, transformation_cache, state_manager):
        """Returns the combined embeddings of each example's ids."""
        refuse_sequence(self, self.categorical_column)
        sparse_tensors = self._sparse_tensors(transformation_cache, state_manager)
        return self._looked_up(self._managed(state_manager), sparse_tensors)

    def get_sequence_dense_tensor(self, transformation_cache, state_manager):
        """Returns the combined embeddings of each step's ids."""
        require_sequence(self, self.categorical_column)
        sparse_tensors = self._sparse_tensors(transformation_cache, state_manager)
        dense = self._looked_up(self._managed(state_manager), sparse_tensors)
        return self._with_length(dense, sparse_tensors)

    def _managed(self, state_manager):
        table = state_manager.get_variable(self, name="embedding_weights")
        self._restore(table)
        return table

    def _get_dense_tensor(self, inputs, weight_collections=None, trainable=None):
        refuse_sequence(self, self.categorical_column)
        sparse_tensors = self._sparse_tensors(inputs, None)
        table = self._table(weight_collections, trainable is not False)
        return self._looked_up(table, sparse_tensors)

    def _get_sequence_dense_tensor(self, inputs, weight_collections=None, trainable=None):
        require_sequence(self, self.categorical_column)
        sparse_tensors = self._sparse_tensors(inputs, None)
        table = self._table(weight_collections, trainable is not False)
        return self._with_length(self._looked_up(table, sparse_tensors), sparse_tensors)


class SharedEmbeddingColumn(
    _Embedding,
    namedtuple(
        "SharedEmbeddingColumn",
        (
            *("categorical_column", "dimension", "combiner", "initializer"),
            *("shared_embedding_collection_name", "ckpt_to_load_from", "tensor_name_in_ckpt"),
            *("max_norm", "trainable"),
        ),
    ),
):
    """What `shared_embedding_columns` makes; the table is kept in a collection of the graph."""

    @property
    def name(self):
        """That of the ids, and `_shared_embedding`."""
        return f"{self.categorical_column.name}_shared_embedding"

    @property
    def _var_scope_name(self):
        return self.shared_embedding_collection_name

    def create_state(self, state_manager):
        """Makes the table, unless another column has."""
        graph = get_default_graph()
        if graph.get_collection(self.shared_embedding_collection_name):
            return
        table = state_manager.create_variable(
            self,
            name="embedding_weights",
            shape=self._table_shape(),
            dtype=Float,
            trainable=self.trainable,
            use_resource=True,
            initializer=self.initializer,
        )
        graph.add_to_collection(self.shared_embedding_collection_name, table)
        self._restore(table)

    def _table(self, weight_collections, trainable):
        """Returns the table, made by the first column that needs it.

        Raises:
          ValueError: if what is in its collection is something else.
        """
        collection = get_default_graph().get_collection(self.shared_embedding_collection_name)
        if not collection:
            table = get_variable(
                name="embedding_weights",
                shape=self._table_shape(),
                dtype=Float,
                initializer=self.initializer,
                trainable=self.trainable and trainable,
                collections=weight_collections,
            )
            get_default_graph().add_to_collection(self.shared_embedding_collection_name, table)
            self._restore(table)
            return table
        if len(collection) > 1:
            raise ValueError(
                f"Collection {self.shared_embedding_collection_name} can only contain one "
                f"variable, the table of the shared embedding. Given: {collection}"
            )
        (table,) = collection
        if not table.get_shape().is_compatible_with(self._table_shape()):
            raise ValueError(
                f"Shared embedding collection {self.shared_embedding_collection_name} contains a "
                f"variable of shape {table.get_shape()}, not {self._table_shape()}: another "
                "variable was added to a collection of that name."
            )
        return table

    def _dense(self, inputs, state_manager, weight_collections=None, trainable=True):
        with name_scope(None, default_name=self.name):
            sparse_tensors = self._sparse_tensors(inputs, state_manager)
            table = self._table(weight_collections, trainable)
            return self._looked_up(table, sparse_tensors), sparse_tensors

    def get_dense_tensor(self, transformation_cache, state_manager):
        """Returns the combined embeddings of each example's ids."""
        refuse_sequence(self, self.categorical_column)
        return self._dense(transformation_cache, state_manager)[0]

    def get_sequence_dense_tensor(self, transformation_cache, state_manager):
        """Returns the combined embeddings of each step's ids."""
        require_sequence(self, self.categorical_column)
        return self._with_length(*self._dense(transformation_cache, state_manager))

    def _get_dense_tensor(self, inputs, weight_collections=None, trainable=None):
        refuse_sequence(self, self.categorical_column)
        return self._dense(inputs, None, weight_collections, trainable is not False)[0]

    def _get_sequence_dense_tensor(self, inputs, weight_collections=None, trainable=None):
        require_sequence(self, self.categorical_column)
        return self._with_length(
            *self._dense(inputs, None, weight_collections, trainable is not False)
        )


def _checked_initializer(initializer, dimension, what):
    """Returns the initializer of a table.

    Raises:
      ValueError: for a bad size or initializer.
    """
    if dimension is None or dimension < 1:
        raise ValueError(f"Invalid dimension {dimension}.")
    if initializer is not None and not callable(initializer):
        raise ValueError(f"initializer must be callable if specified. {what}")
    if initializer is None:
        return TruncatedNormal(mean=0.0, stddev=1 / math.sqrt(dimension))
    return initializer


def _check_checkpoint(ckpt_to_load_from, tensor_name_in_ckpt):
    if (ckpt_to_load_from is None) != (tensor_name_in_ckpt is None):
        raise ValueError(
            "Must specify both `ckpt_to_load_from` and `tensor_name_in_ckpt` or none of them."
        )


@export("feature_column.embedding_column")
def embedding_column(
    categorical_column,
    dimension,
    combiner="mean",
    initializer=None,
    ckpt_to_load_from=None,
    tensor_name_in_ckpt=None,
    max_norm=None,
    trainable=True,
):
    """Describes ids by vectors that are learned.

    Args:
      categorical_column: ids.
      dimension: length of a vector.
      combiner: how the vectors of an example's ids become one: `"mean"`, `"sum"` or `"sqrtn"`.
      initializer: of the table; normal of standard deviation `1 / sqrt(dimension)` by default.
      ckpt_to_load_from: a checkpoint to take the table from.
      tensor_name_in_ckpt: the table's name there.
      max_norm: the greatest length of a vector before they are combined.
      trainable: whether the table is trained.

    Returns:
      A dense column.

    Raises:
      ValueError: for a bad size or initializer, or half a checkpoint.
    """
    _check_checkpoint(ckpt_to_load_from, tensor_name_in_ckpt)
    what = f"Embedding of column_name: {categorical_column.name}"
    return EmbeddingColumn(
        categorical_column,
        dimension,
        combiner,
        _checked_initializer(initializer, dimension, what),
        ckpt_to_load_from,
        tensor_name_in_ckpt,
        max_norm,
        trainable,
    )


@export("feature_column.shared_embedding_columns")
def shared_embedding_columns(
    categorical_columns,
    dimension,
    combiner="mean",
    initializer=None,
    shared_embedding_collection_name=None,
    ckpt_to_load_from=None,
    tensor_name_in_ckpt=None,
    max_norm=None,
    trainable=True,
):
    """Describes the ids of several columns by vectors of one table.

    Args:
      categorical_columns: ids, of one kind and number.
      dimension: length of a vector.
      combiner: how the vectors of an example's ids become one: `"mean"`, `"sum"` or `"sqrtn"`.
      initializer: of the table; normal of standard deviation `1 / sqrt(dimension)` by default.
      shared_embedding_collection_name: the table's scope and the collection that it is kept in;
        the columns' sorted names and `_shared_embedding` by default.
      ckpt_to_load_from: a checkpoint to take the table from.
      tensor_name_in_ckpt: the table's name there.
      max_norm: the greatest length of a vector before they are combined.
      trainable: whether the table is trained.

    Returns:
      A dense column for each.

    Raises:
      ValueError: if the columns differ in kind or number of ids, or another argument is bad.
    """
    _check_checkpoint(ckpt_to_load_from, tensor_name_in_ckpt)
    columns = sorted(categorical_columns, key=lambda column: column.name)
    names = ", ".join(column.name for column in columns)
    initializer = _checked_initializer(initializer, dimension, f"Embedding of columns: {names}")
    _check_alike(columns)
    if not shared_embedding_collection_name:
        shared_embedding_collection_name = "_".join(column.name for column in columns)
        shared_embedding_collection_name += "_shared_embedding"
    return [
        SharedEmbeddingColumn(
            column,
            dimension,
            combiner,
            initializer,
            shared_embedding_collection_name,
            ckpt_to_load_from,
            tensor_name_in_ckpt,
            max_norm,
            trainable,
        )
        for column in categorical_columns
    ]


def _check_alike(columns):
    def kind(column):
        # Of weighted ids it is the ids that count.
        if isinstance(column, WeightedCategoricalColumn):
            column = column.categorical_column
        return type(column)

    first = columns[0]
    for column in columns[1:]:
        if kind(column) is not kind(first):
            raise ValueError(
                "To use shared_embedding_column, all categorical_columns must have the same type, "
                f"or be weighted_categorical_column of the same type. Given column: {first} of "
                f"type: {type(first)} does not match given column: {column} of type: {type(column)}"
            )
        if column.num_buckets != first.num_buckets:
            raise ValueError(
                "To use shared_embedding_column, all categorical_columns must have the same "
                f"number of buckets. Given column: {first} with buckets: {first.num_buckets} does "
                f"not match column: {column} with buckets: {column.num_buckets}"
            )
