"""Linear models of columns: `linear_model`, and the layer that does the same."""

from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.feature_column.columns import (
    CategoricalColumn,
    FeatureTransformationCache,
    is_categorical,
    is_dense,
    normalized,
)
from millstream.feature_column.dense_layers import by_name, collections_of, flattened
from millstream.feature_column.states import StateManager, parts_of
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import name_scope
from millstream.ops.array.shapes import shape
from millstream.ops.by_name import ops
from millstream.ops.math.products import matmul
from millstream.ops.math.sums import add_n
from millstream.ops.sparse.reshaping import sparse_reshape
from millstream.state.initializers import Zeros
from millstream.state.safe_embedding import safe_embedding_lookup_sparse
from millstream.state.scoping import variable_scope


@export("feature_column.linear_model")
def linear_model(
    features,
    feature_columns,
    units=1,
    sparse_combiner="sum",
    weight_collections=None,
    trainable=True,
    cols_to_vars=None,
):
    """Returns linear predictions of columns: a weight per id or number, and a bias.

    Args:
      features: tensors and `SparseTensor`s by key.
      feature_columns: dense and categorical columns.
      units: number of predictions.
      sparse_combiner: how the weights of an example's ids are combined: `"sum"`, `"mean"` or
        `"sqrtn"`.
      weight_collections: collections that variables are added to besides those of the graph.
      trainable: whether variables are trained.
      cols_to_vars: a dict that is filled with the list of each column's variables, and with those
        of the bias under `"bias"`.

    Returns:
      `[batch, units]` float32.

    Raises:
      ValueError: if a column is of another kind or comes twice, or its feature is missing.
    """
    columns = normalized(feature_columns)
    with variable_scope(None, "linear_model") as scope:
        model = LinearModel(
            columns,
            units,
            sparse_combiner,
            trainable,
            weight_collections=weight_collections,
            scope=scope,
        )
    found = model(features)
    if cols_to_vars is not None:
        cols_to_vars.update(model.cols_to_vars())
    return found


class LinearModel:
    """A linear model of columns; every call uses the same variables.

    Args:
      feature_columns: dense and categorical columns.
      units: number of predictions.
      sparse_combiner: `"sum"`, `"mean"` or `"sqrtn"`, for the weights of an example's ids.
      trainable: whether variables are trained.
      name: name of the scope.
      weight_collections: collections that variables are added to besides those of the graph.
      scope: a variable scope to use instead of a new one.

    Raises:
      ValueError: if a column is of another kind or comes twice.
    """

    def __init__(
        self,
        feature_columns,
        units=1,
        sparse_combiner="sum",
        trainable=True,
        name=None,
        weight_collections=None,
        scope=None,
        **kwargs,
    ):
        del kwargs
        self._columns = by_name(normalized(feature_columns))
        for column in self._columns:
            if not (is_dense(column) or is_categorical(column)):
                raise ValueError(
                    "Items of feature_columns must be either a _DenseColumn or "
                    f"_CategoricalColumn. Given: {column}"
                )
        self._units, self._combiner = units, sparse_combiner
        self._trainable = trainable
        self._collections = collections_of(weight_collections, GraphKeys.MODEL_VARIABLES)
        more = [key for key in self._collections if key != GraphKeys.GLOBAL_VARIABLES]
        self._state = StateManager(trainable, more)
        self._weights = {}
        self._name = name or "linear_model"
        self._scope = scope
        self._bias = None

    @property
    def name(self):
        """The name of the model."""
        return self._name

    @property
    def bias(self):
        """The bias variable, `[units]`."""
        return self._bias

    @property
    def variables(self):
        """All variables, the bias last."""
        return self._state.variables

    weights = variables

    @property
    def trainable_variables(self):
        """Those that are trained."""
        return self._state.trainable_variables

    trainable_weights = trainable_variables

    def cols_to_vars(self):
        """Returns the list of each column's variables, and of the bias's under `"bias"`."""
        found = {column: parts_of(weight) for column, weight in self._weights.items()}
        found["bias"] = parts_of(self._bias)
        return found

    def __call__(self, features):
        """Returns `[batch, units]`.

        Raises:
          ValueError: if `features` is no dict, or a feature is missing or unfit.
        """
        if not isinstance(features, dict):
            raise ValueError(f"We expected a dictionary here. Instead we got: {features}")
        if self._scope is None:
            with variable_scope(self._name, auxiliary_name_scope=False) as scope:
                self._scope = scope
        self._state.scope = self._scope
        leaf = self._scope.name.rpartition("/")[2]
        cache = FeatureTransformationCache(features)
        with name_scope(leaf), name_scope(leaf):
            sums = [self._weighted(column, cache) for column in self._columns]
            total = add_n(sums, name="weighted_sum_no_bias")
            self._make_bias()
            return ops.BiasAdd(total, self._bias, name="weighted_sum")

    def _make_bias(self):
        if self._bias is not None:
            return
        with variable_scope(self._scope, auxiliary_name_scope=False):
            self._bias = self._state.create_variable(
                self,
                name="bias_weights",
                shape=[self._units],
                dtype=Float,
                initializer=Zeros(),
            )

    def _weighted(self, column, cache):
        with name_scope(column._var_scope_name):
            if column not in self._weights:
                self._make_weights(column)
            if is_categorical(column):
                return self._of_ids(column, cache)
            with self._state.within(column._var_scope_name):
                dense = column._get_dense_tensor(
                    cache, weight_collections=self._collections, trainable=self._trainable
                )
            return matmul(flattened(dense, column), self._weights[column], name="weighted_sum")

    def _make_weights(self, column):
        if is_categorical(column):
            rows = column._num_buckets
        else:
            rows = column._variable_shape.num_elements()
        with self._state.within(column._var_scope_name):
            self._weights[column] = self._state.create_variable(
                column,
                name="weights",
                shape=[rows, self._units],
                dtype=Float,
                initializer=Zeros(),
            )

    def _of_ids(self, column, cache):
        if isinstance(column, CategoricalColumn):
            ids, weights = column.get_sparse_tensors(cache, self._state)
        else:
            ids, weights = column._get_sparse_tensors(cache)
        ids = sparse_reshape(ids, [shape(ids)[0], -1])
        if weights is not None:
            weights = sparse_reshape(weights, [shape(weights)[0], -1])
        return safe_embedding_lookup_sparse(
            self._weights[column],
            ids,
            sparse_weights=weights,
            combiner=self._combiner,
            name="weighted_sum",
        )
