"""The variables of a layer's columns: made once, found again by column and name."""

from contextlib import contextmanager

from millstream.ir.default import get_default_graph
from millstream.state.get_variable import get_variable
from millstream.state.partitioned import PartitionedVariable
from millstream.state.scope import AUTO_REUSE
from millstream.state.scoping import variable_scope


class StateManager:
    """Makes and keeps the variables that columns ask for.

    Args:
      trainable: whether the layer is trained; a column's own wish counts too.
      collections: collections that variables are added to besides those of the graph.
    """

    def __init__(self, trainable=True, collections=()):
        self._trainable = trainable
        self._collections = list(collections)
        self._variables = {}
        self._resources = {}
        self._order = []
        self.scope = None

    @contextmanager
    def within(self, name):
        """Is a context in which variables are made below the layer's scope."""
        with (
            variable_scope(self.scope, auxiliary_name_scope=False),
            variable_scope(name, auxiliary_name_scope=False, reuse=AUTO_REUSE),
        ):
            yield

    def create_variable(
        self,
        feature_column,
        name,
        shape,
        dtype=None,
        trainable=True,
        use_resource=True,
        initializer=None,
    ):
        """Makes a variable.

        Raises:
          ValueError: if the column has one of that name.
        """
        if (feature_column, name) in self._variables:
            raise ValueError(f"Variable already exists: {name} of {feature_column.name}.")
        variable = get_variable(
            name,
            shape=shape,
            dtype=dtype,
            initializer=initializer,
            trainable=self._trainable and trainable,
            use_resource=use_resource,
        )
        for key in self._collections:
            for part in parts_of(variable):
                get_default_graph().add_to_collection(key, part)
        self._variables[feature_column, name] = variable
        self._order.append(variable)
        return variable

    def get_variable(self, feature_column, name):
        """Returns a variable.

        Raises:
          ValueError: if there is none.
        """
        if (feature_column, name) not in self._variables:
            raise ValueError(f"Variable does not exist: {name} of {feature_column.name}.")
        return self._variables[feature_column, name]

    def add_resource(self, feature_column, name, resource):
        """Keeps something else, such as a table."""
        self._resources[feature_column, name] = resource

    def get_resource(self, feature_column, name):
        """Returns what was kept.

        Raises:
          ValueError: if nothing was.
        """
        if (feature_column, name) not in self._resources:
            raise ValueError(f"Resource does not exist: {name} of {feature_column.name}.")
        return self._resources[feature_column, name]

    @property
    def variables(self):
        """All variables, in the order they were made; the parts of partitioned ones."""
        return [part for variable in self._order for part in parts_of(variable)]

    @property
    def trainable_variables(self):
        """Those that are trained."""
        return [part for part in self.variables if part.trainable]


def parts_of(variable):
    """Returns the parts of a partitioned variable, or the variable alone."""
    return list(variable) if isinstance(variable, PartitionedVariable) else [variable]
