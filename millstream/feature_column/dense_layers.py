"""Dense columns side by side: `input_layer`, and the layers that do the same."""

from millstream.base.export import export
from millstream.feature_column.columns import FeatureTransformationCache, is_dense, normalized
from millstream.feature_column.states import StateManager
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ops.array.joining import concat
from millstream.ops.array.reshaping import reshape
from millstream.ops.array.shapes import shape
from millstream.state.scope import get_variable_scope
from millstream.state.scoping import variable_scope
from millstream.state.template import make_template


def check_dense(columns):
    """Raises ValueError if a column is not dense."""
    for column in columns:
        if not is_dense(column):
            raise ValueError(
                "Items of feature_columns must be a _DenseColumn. You can wrap a categorical "
                f"column with an embedding_column or indicator_column. Given: {column}"
            )


def collections_of(weight_collections, *more):
    """Returns the collections for weights, those of the graph among them."""
    found = list(weight_collections or [])
    return found + [key for key in (GraphKeys.GLOBAL_VARIABLES, *more) if key not in found]


def flattened(tensor, column):
    """Returns a column's tensor as `[batch, elements]`."""
    return reshape(tensor, (shape(tensor)[0], column._variable_shape.num_elements()))


def check_batch_sizes(tensors, columns):
    """Raises ValueError if tensors have different numbers of rows, as far as these are known."""
    expected = None
    for tensor, column in zip(tensors, columns, strict=True):
        rows = tensor.shape.as_list()[0]
        if rows is None:
            continue
        if expected is None:
            expected, first = rows, column
        elif rows != expected:
            raise ValueError(
                "Batch size (first dimension) of each feature must be same. Batch size of columns "
                f"({first.name}, {column.name}): ({expected}, {rows})"
            )


def by_name(columns):
    """Sorts columns by name."""
    return sorted(columns, key=lambda column: column.name)


@export("feature_column.input_layer")
def input_layer(
    features,
    feature_columns,
    weight_collections=None,
    trainable=True,
    cols_to_vars=None,
    cols_to_output_tensors=None,
):
    """Returns what dense columns make of features, side by side, sorted by name.

    Args:
      features: tensors and `SparseTensor`s by key; for columns given as keys too.
      feature_columns: dense columns.
      weight_collections: collections that variables are added to besides those of the graph.
      trainable: whether variables are trained.
      cols_to_vars: a dict that is filled with the list of each column's variables.
      cols_to_output_tensors: a dict that is filled with each column's tensor.

    Returns:
      `[batch, elements of all columns]` float32.

    Raises:
      ValueError: if a column is not dense, comes twice, or its feature is missing or unfit.
    """
    return _input_layer(
        features, feature_columns, weight_collections, trainable, cols_to_vars,
        cols_to_output_tensors=cols_to_output_tensors,
    )  # fmt: skip


def _input_layer(
    features,
    feature_columns,
    weight_collections=None,
    trainable=True,
    cols_to_vars=None,
    scope=None,
    cols_to_output_tensors=None,
    from_template=False,
):
    columns = normalized(feature_columns)
    check_dense(columns)
    collections = collections_of(weight_collections, GraphKeys.MODEL_VARIABLES)

    def outputs():
        cache = FeatureTransformationCache(features)
        tensors, ordered = [], by_name(columns)
        for column in ordered:
            with variable_scope(None, default_name=column._var_scope_name):
                dense = column._get_dense_tensor(
                    cache, weight_collections=collections, trainable=trainable
                )
                tensor = flattened(dense, column)
                tensors.append(tensor)
                if cols_to_vars is not None:
                    cols_to_vars[column] = get_default_graph().get_collection(
                        GraphKeys.GLOBAL_VARIABLES, scope=get_variable_scope().name
                    )
                if cols_to_output_tensors is not None:
                    cols_to_output_tensors[column] = tensor
        check_batch_sizes(tensors, ordered)
        return concat(tensors, 1)

    if from_template:
        return outputs()
    with variable_scope(scope, default_name="input_layer", values=features.values()):
        return outputs()


class InputLayer:
    """`input_layer` as an object: every call uses the same variables.

    Args:
      feature_columns: dense columns.
      weight_collections: collections that variables are added to besides those of the graph.
      trainable: whether variables are trained.
      cols_to_vars: a dict that is filled with the list of each column's variables.
      name: name of the scope.
      create_scope_now: whether the scope is opened where the layer is made, or at the first call.
    """

    def __init__(
        self,
        feature_columns,
        weight_collections=None,
        trainable=True,
        cols_to_vars=None,
        name="feature_column_input_layer",
        create_scope_now=True,
    ):
        self._columns = feature_columns
        self._cols_to_vars = cols_to_vars
        self._name = name
        self._template = make_template(
            name,
            _input_layer,
            create_scope_now_=create_scope_now,
            weight_collections=weight_collections,
            trainable=trainable,
        )
        self._scope = self._template.variable_scope

    def __call__(self, features):
        """Returns `[batch, elements of all columns]`."""
        return self._template(
            features=features,
            feature_columns=self._columns,
            cols_to_vars=self._cols_to_vars,
            from_template=True,
        )

    @property
    def name(self):
        """The name of the scope."""
        return self._name

    @property
    def variables(self):
        """The variables of all columns."""
        return self._template.variables

    weights = variables

    @property
    def trainable_variables(self):
        """Those that are trained."""
        return self._template.trainable_variables

    trainable_weights = trainable_variables

    @property
    def non_trainable_variables(self):
        """Those that are not trained."""
        return [v for v in self.variables if v not in self.trainable_variables]

    non_trainable_weights = non_trainable_variables


class DenseFeatures:
    """The layer of dense columns whose variables are resources, made at the first call.

    Args:
      feature_columns: dense columns.
      trainable: whether variables are trained.
      name: name of the layer and its scope.
    """

    def __init__(self, feature_columns, trainable=True, name=None, **kwargs):
        del kwargs
        self._columns = by_name(normalized(feature_columns))
        check_dense(self._columns)
        self._name = name
        self._state = StateManager(trainable)
        self._scope = None

    @property
    def name(self):
        """The name of the layer."""
        return self._name

    @property
    def variables(self):
        """The variables of all columns."""
        return self._state.variables

    weights = variables

    @property
    def trainable_variables(self):
        """Those that are trained."""
        return self._state.trainable_variables

    trainable_weights = trainable_variables

    def build(self, _=None):
        """Makes the variables."""
        self._state.scope = self._scope
        for column in self._columns:
            with self._state.within(column._var_scope_name):
                column.create_state(self._state)

    def __call__(self, features, cols_to_output_tensors=None):
        """Returns `[batch, elements of all columns]`.

        Raises:
          ValueError: if `features` is no dict, or a feature is missing or unfit.
        """
        if not isinstance(features, dict):
            raise ValueError(
                f"We expected a dictionary here. Instead we got: {features}. Features by key."
            )
        first = self._scope is None
        with variable_scope(
            self._scope if self._scope is not None else self._name, "dense_features"
        ) as scope:
            if first:
                self._scope = scope
                self._name = self._name or scope.name.rpartition("/")[2]
                self.build()
            return self._outputs(features, cols_to_output_tensors)

    def _outputs(self, features, cols_to_output_tensors):
        cache = FeatureTransformationCache(features)
        tensors = []
        for column in self._columns:
            with variable_scope(column._var_scope_name, auxiliary_name_scope=True):
                tensor = flattened(column.get_dense_tensor(cache, self._state), column)
            tensors.append(tensor)
            if cols_to_output_tensors is not None:
                cols_to_output_tensors[column] = tensor
        check_batch_sizes(tensors, self._columns)
        return concat(tensors, -1)
