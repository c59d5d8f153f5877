"""Layers of columns: `input_from_feature_columns`, `weighted_sum_from_feature_columns`, …"""

from millstream.base.dtypes import Float
from millstream.contrib.framework.model_variables import model_variable
from millstream.contrib.layers.column_makers import (
    check_feature_columns,
    create_feature_spec_for_parsing,
)
from millstream.contrib.layers.common import published
from millstream.contrib.layers.feature_columns import (
    EmbeddingColumn,
    FeatureColumn,
    RealValuedColumn,
    flat_rows,
)
from millstream.contrib.layers.scattered import ScatteredEmbeddingColumn
from millstream.feature_column.columns import FeatureTransformationCache
from millstream.ir.default import get_default_graph
from millstream.ops.array.joining import concat
from millstream.ops.array.reshaping import reshape
from millstream.ops.by_name import ops
from millstream.ops.math.products import matmul
from millstream.ops.math.sums import add_n
from millstream.ops.parsing.functions import parse_example, parse_single_sequence_example
from millstream.state.initializers import Zeros
from millstream.state.partitioned import PartitionedVariable
from millstream.state.safe_embedding import safe_embedding_lookup_sparse
from millstream.state.scoping import variable_scope
from millstream.train.checkpoint_utils import init_from_checkpoint

SHARED = "SHARED_EMBEDDING_COLLECTION_"


def _tensors(columns_to_tensors, feature_columns):
    """Returns a copy of the features with the tensors of columns, as they are asked for."""
    made = dict(columns_to_tensors)

    def tensor_of(column):
        if column not in made:
            column.insert_transformed_feature(made)
        return made[column]

    del feature_columns
    return tensor_of


def _sorted(feature_columns):
    return sorted(set(feature_columns), key=lambda column: column.key)


def _weights(name, shape, initializer, collections, trainable):
    return model_variable(
        name,
        shape=shape,
        dtype=Float,
        initializer=initializer,
        trainable=trainable,
        collections=collections,
    )


def _table(column, collections, trainable):
    """Returns the table of an embedding; the first of columns that share one makes it."""
    shape, trained = [column.length, column.dimension], trainable and column.trainable
    if column.shared_embedding_name is None:
        table = _weights("weights", shape, column.initializer, collections, trained)
    else:
        graph, key = get_default_graph(), SHARED + column.shared_embedding_name.upper()
        found = graph.get_collection(key)
        if found:
            return found[0]
        table = _weights(
            column.shared_embedding_name, shape, column.initializer, collections, trained
        )
        graph.add_to_collection(key, table)
    _restore(column, table)
    return table


def _restore(column, table):
    if getattr(column, "ckpt_to_load_from", None):
        table = list(table) if isinstance(table, PartitionedVariable) else table
        init_from_checkpoint(column.ckpt_to_load_from, {column.tensor_name_in_ckpt: table})


def _embedded(column, made, collections, trainable):
    ids, weights = column.sparse_id_column.ids_and_weights(made)
    return safe_embedding_lookup_sparse(
        _table(column, collections, trainable),
        flat_rows(ids),
        sparse_weights=None if weights is None else flat_rows(weights),
        combiner=column.combiner,
        name=f"{column.name}weights",
        max_norm=column.max_norm,
    )


def _dense(column, tensor_of, cache, collections, trainable):
    """Returns what a network takes of a column.

    Raises:
      ValueError: if the column is not dense.
    """
    if not isinstance(column, FeatureColumn):
        return column._get_dense_tensor(cache, collections, trainable)
    if isinstance(column, EmbeddingColumn):
        return _embedded(column, tensor_of(column), collections, trainable)
    if isinstance(column, ScatteredEmbeddingColumn):
        table = _weights("weights", [column.size], column.initializer, collections, trainable)
        return column.embedded(tensor_of(column), table)
    if not hasattr(column, "dense"):
        raise ValueError(
            f"Error creating input layer for column: {column.name}.\n{type(column).__name__} is "
            "not supported in DNN. Please use embedding_column or one_hot_column. column: "
            f"{column}"
        )
    return column.dense(tensor_of(column))


@published("input_from_feature_columns")
def input_from_feature_columns(
    columns_to_tensors,
    feature_columns,
    weight_collections=None,
    trainable=True,
    scope=None,
    cols_to_outs=None,
):
    """Returns what columns make of features, side by side: the input of a network.

    Args:
      columns_to_tensors: tensors and `SparseTensor`s by key.
      feature_columns: columns that are numbers, buckets, one-hot or embedded.
      weight_collections: collections that variables are added to.
      trainable: whether variables are trained.
      scope: name of the variable scope.
      cols_to_outs: a dict that is filled with each column's tensor.

    Returns:
      `[batch, elements of all columns]` float32.

    Raises:
      ValueError: if a column is of another kind, or comes twice.
    """
    feature_columns = list(feature_columns)
    check_feature_columns(feature_columns)
    if not feature_columns:
        raise ValueError("feature_columns must not be empty.")
    with variable_scope(
        scope, default_name="input_from_feature_columns", values=columns_to_tensors.values()
    ):
        tensor_of = _tensors(columns_to_tensors, feature_columns)
        cache = FeatureTransformationCache(columns_to_tensors)
        outputs = []
        for column in _sorted(feature_columns):
            with variable_scope(None, default_name=column.name):
                found = _dense(column, tensor_of, cache, weight_collections, trainable)
                outputs.append(found)
                if cols_to_outs is not None:
                    cols_to_outs[column] = found
        return concat(outputs, axis=1)


@published("sequence_input_from_feature_columns")
def sequence_input_from_feature_columns(
    columns_to_tensors, feature_columns, weight_collections=None, trainable=True, scope=None
):
    """Returns what columns make of features per step, side by side.

    Args:
      columns_to_tensors: tensors by key, `[batch, time, …]`.
      feature_columns: columns of numbers.
      weight_collections: collections that variables are added to.
      trainable: whether variables are trained.
      scope: name of the variable scope.

    Returns:
      `[batch, time, elements of all columns]`.

    Raises:
      ValueError: if a column is no number.
    """
    del weight_collections, trainable
    check_feature_columns(feature_columns)
    for column in feature_columns:
        if not isinstance(column, RealValuedColumn):
            raise ValueError(f"Column {column.name} is not supported in sequences: {column}")
    with variable_scope(
        scope, "sequence_input_from_feature_columns", values=columns_to_tensors.values()
    ):
        tensor_of = _tensors(columns_to_tensors, feature_columns)
        outputs = []
        for column in _sorted(feature_columns):
            made = tensor_of(column)
            sizes = ops.Shape(made)
            outputs.append(reshape(made, [sizes[0], sizes[1], column.dimension]))
        return concat(outputs, axis=2)


def _linear(column, tensor_of, cache, num_outputs, collections, trainable):
    """Returns a column's part of a weighted sum, and its variable."""
    if isinstance(column, RealValuedColumn):
        weight = _weights(
            "weight", [column.dimension, num_outputs], Zeros(), collections, trainable
        )
        return matmul(column.dense(tensor_of(column)), weight, name="matmul"), weight
    if isinstance(column, FeatureColumn) and not hasattr(column, "ids_and_weights"):
        raise ValueError(
            f"Error creating weighted sum for column: {column.name}.\nColumn {column} is not "
            "supported in linear models. Please use sparse_column."
        )
    if not isinstance(column, FeatureColumn):
        return _linear_of_other(column, cache, num_outputs, collections, trainable)
    ids, weights = column.ids_and_weights(tensor_of(column))
    table = _weights("weights", [column.length, num_outputs], Zeros(), collections, trainable)
    _restore(column, table)
    found = safe_embedding_lookup_sparse(
        table,
        flat_rows(ids),
        sparse_weights=None if weights is None else flat_rows(weights),
        combiner=column.combiner,
        name=f"{column.name}_weights",
    )
    return found, table


def _linear_of_other(column, cache, num_outputs, collections, trainable):
    if hasattr(column, "_get_sparse_tensors"):
        ids, weights = column._get_sparse_tensors(cache)
        table = _weights(
            "weights", [column._num_buckets, num_outputs], Zeros(), collections, trainable
        )
        found = safe_embedding_lookup_sparse(
            table, flat_rows(ids), weights, combiner="sum", name=f"{column.name}_weights"
        )
        return found, table
    dense = column._get_dense_tensor(cache)
    size = column._variable_shape.num_elements()
    weight = _weights("weight", [size, num_outputs], Zeros(), collections, trainable)
    return matmul(reshape(dense, [-1, size]), weight, name="matmul"), weight


def _parts(variable):
    return list(variable) if isinstance(variable, PartitionedVariable) else [variable]


def _with_bias(total, num_outputs, collections, trainable):
    bias = _weights("bias_weight", [num_outputs], Zeros(), collections, trainable)
    return ops.BiasAdd(total, bias), bias


@published("weighted_sum_from_feature_columns")
def weighted_sum_from_feature_columns(
    columns_to_tensors,
    feature_columns,
    num_outputs,
    weight_collections=None,
    trainable=True,
    scope=None,
):
    """Returns linear predictions of columns: a weight per id or number, and a bias.

    Args:
      columns_to_tensors: tensors and `SparseTensor`s by key.
      feature_columns: sparse columns, buckets, crosses and numbers.
      num_outputs: number of predictions.
      weight_collections: collections that variables are added to.
      trainable: whether variables are trained.
      scope: name of the variable scope.

    Returns:
      A tuple: the predictions `[batch, num_outputs]`, a dict of each column's list of variables,
      and the bias.

    Raises:
      ValueError: if a column is of another kind, or comes twice.
    """
    check_feature_columns(feature_columns)
    with variable_scope(
        scope, default_name="weighted_sum_from_feature_columns", values=columns_to_tensors.values()
    ):
        tensor_of = _tensors(columns_to_tensors, feature_columns)
        cache = FeatureTransformationCache(columns_to_tensors)
        sums, variables = [], {}
        for column in _sorted(feature_columns):
            with variable_scope(None, default_name=column.name):
                found, variable = _linear(
                    column, tensor_of, cache, num_outputs, weight_collections, trainable
                )
            sums.append(reshape(found, [-1, num_outputs]))
            variables[column] = _parts(variable)
        predictions, bias = _with_bias(add_n(sums), num_outputs, weight_collections, trainable)
        return predictions, variables, bias


@published("joint_weighted_sum_from_feature_columns")
def joint_weighted_sum_from_feature_columns(
    columns_to_tensors,
    feature_columns,
    num_outputs,
    weight_collections=None,
    trainable=True,
    scope=None,
):
    """Returns linear predictions of columns of ids whose weights are in one variable.

    Args:
      columns_to_tensors: tensors and `SparseTensor`s by key.
      feature_columns: sparse columns, buckets and crosses.
      num_outputs: number of predictions.
      weight_collections: collections that variables are added to.
      trainable: whether variables are trained.
      scope: name of the variable scope.

    Returns:
      A tuple: the predictions `[batch, num_outputs]`, a dict of the columns' list of variables,
      and the bias.

    Raises:
      ValueError: if a column is of another kind, or comes twice.
    """
    columns = _sorted(feature_columns)
    check_feature_columns(feature_columns)
    with variable_scope(
        scope, "joint_weighted_sum_from_feature_columns", values=columns_to_tensors.values()
    ):
        tensor_of = _tensors(columns_to_tensors, columns)
        with variable_scope(None, default_name="linear_weights"):
            total = sum(column.length for column in columns)
            table = _weights(
                "weights", [total, num_outputs], Zeros(), weight_collections, trainable
            )
            sums, first = [], 0
            for column in columns:
                ids, weights = column.ids_and_weights(tensor_of(column))
                mine = table[first : first + column.length]
                first += column.length
                sums.append(
                    safe_embedding_lookup_sparse(
                        mine,
                        flat_rows(ids),
                        sparse_weights=None if weights is None else flat_rows(weights),
                        combiner=column.combiner,
                        name=f"{column.name}_weights",
                    )
                )
        predictions, bias = _with_bias(add_n(sums), num_outputs, weight_collections, trainable)
        return predictions, {column: _parts(table) for column in columns}, bias


@published("transform_features")
def transform_features(features, feature_columns):
    """Returns the tensors of columns, by column; those of ids are sparse.

    Args:
      features: tensors and `SparseTensor`s by key.
      feature_columns: columns.
    """
    check_feature_columns(feature_columns)
    tensor_of = _tensors(features, feature_columns)
    return {column: tensor_of(column) for column in _sorted(feature_columns)}


@published("parse_feature_columns_from_examples")
def parse_feature_columns_from_examples(serialized, feature_columns, name=None, example_names=None):
    """Parses examples and returns the tensors of columns, by column.

    Args:
      serialized: `[batch]` serialized `tf.train.Example`s.
      feature_columns: columns.
      name: name of the nodes' scope.
      example_names: names of the examples, for messages.
    """
    check_feature_columns(feature_columns)
    spec = create_feature_spec_for_parsing(feature_columns)
    features = parse_example(serialized, spec, name=name, example_names=example_names)
    return transform_features(features, feature_columns)


@published("parse_feature_columns_from_sequence_examples")
def parse_feature_columns_from_sequence_examples(
    serialized, context_feature_columns, sequence_feature_columns, name=None, example_name=None
):
    """Parses one sequence example.

    Args:
      serialized: a serialized `tf.train.SequenceExample`.
      context_feature_columns: columns of the context, or `None`.
      sequence_feature_columns: columns of the steps, or `None`.
      name: name of the nodes' scope.
      example_name: name of the example, for messages.

    Returns:
      A tuple of the context's and the steps' features, by key.
    """
    return parse_single_sequence_example(
        serialized,
        context_features=create_feature_spec_for_parsing(context_feature_columns or []),
        sequence_features=create_feature_spec_for_parsing(sequence_feature_columns or []),
        example_name=example_name,
        name=name,
    )
