"""Lists of a graph's variables, and nodes that initialise them or look whether they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.base.dtypes import String
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.node import Operation
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.gathering import boolean_mask
from millstream.ops.array.joining import stack
from millstream.ops.by_name import ops
from millstream.ops.flow.groups import group
from millstream.ops.state.variable import IsVariableInitialized


def _collection(key: str, scope: str | None) -> list[Any]:
    return get_default_graph().get_collection(key, scope)


@export("global_variables")
def global_variables(scope: str | None = None) -> list[Any]:
    """Returns the variables that are shared by all tasks and saved, the default kind.

    Args:
      scope: a regular expression; only variables whose names it matches at the start.
    """
    return _collection(GraphKeys.GLOBAL_VARIABLES, scope)


@export("all_variables")
def all_variables() -> list[Any]:
    """Is `global_variables` under its name of before TF 0.12."""
    return global_variables()


@export("local_variables")
def local_variables(scope: str | None = None) -> list[Any]:
    """Returns the variables that are local to a task and not saved; see `global_variables`."""
    return _collection(GraphKeys.LOCAL_VARIABLES, scope)


@export("model_variables")
def model_variables(scope: str | None = None) -> list[Any]:
    """Returns the variables of the collection `MODEL_VARIABLES`; see `global_variables`."""
    return _collection(GraphKeys.MODEL_VARIABLES, scope)


@export("trainable_variables")
def trainable_variables(scope: str | None = None) -> list[Any]:
    """Returns the variables that optimizers train; see `global_variables`."""
    return _collection(GraphKeys.TRAINABLE_VARIABLES, scope)


@export("moving_average_variables")
def moving_average_variables(scope: str | None = None) -> list[Any]:
    """Returns the variables that a moving average is kept of; see `global_variables`."""
    return _collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


# -- initialisation


@export("variables_initializer", "initializers.variables")
def variables_initializer(var_list: Any, name: str = "init") -> Operation:
    """Returns a node that runs the initializers of the variables."""
    if not var_list:
        return group(name=name)
    return group(*[v.initializer for v in var_list], name=name)


@export("initialize_variables")
def initialize_variables(var_list: Any, name: str = "init") -> Operation:
    """Is `variables_initializer` under its name of before TF 0.12."""
    return variables_initializer(var_list, name=name)


@export("global_variables_initializer", "initializers.global_variables")
def global_variables_initializer() -> Operation:
    """Returns a node that initialises the global variables made so far."""
    return variables_initializer(global_variables())


@export("initialize_all_variables")
def initialize_all_variables() -> Operation:
    """Is `global_variables_initializer` under its name of before TF 0.12."""
    return global_variables_initializer()


@export("local_variables_initializer", "initializers.local_variables")
def local_variables_initializer() -> Operation:
    """Returns a node that initialises the local variables made so far."""
    return variables_initializer(local_variables())


@export("initialize_local_variables")
def initialize_local_variables() -> Operation:
    """Is `local_variables_initializer` under its name of before TF 0.12."""
    return local_variables_initializer()


# -- initialised or not


@export("is_variable_initialized")
def is_variable_initialized(variable: Any) -> Tensor:
    """Returns a bool tensor: whether the variable has a value."""
    if variable.dtype.is_ref:
        return IsVariableInitialized(variable)
    return variable.is_initialized()


def _listed(var_list: Any) -> list[Any]:
    """Returns the variables to look at: all global and local ones if none are given."""
    if var_list is not None:
        return list(var_list)
    found = global_variables() + local_variables()
    if found:
        return found
    kinds = ("Variable", "VariableV2", "AutoReloadVariable")
    nodes = get_default_graph().get_operations()
    return [node.values()[0] for node in nodes if node.type in kinds]


@export("assert_variables_initialized")
def assert_variables_initialized(var_list: Any = None) -> Any:
    """Returns a tensor that fails with `FailedPreconditionError` if a variable has no value.

    Args:
      var_list: the variables; default all global and local ones.

    Returns:
      A tensor, or `None` if there are no variables.
    """
    ranks: list[Tensor] = []
    for variable in _listed(var_list):
        node = variable.op if hasattr(variable, "op") else variable
        with get_default_graph().colocate_with(node), name_scope("Rank") as scope:
            convert_to_tensor(variable)  # TensorFlow reads a resource variable twice here
            ranks.append(ops.Rank(variable, name=scope))
    if not ranks:
        return None
    return ranks[0] if len(ranks) == 1 else ops.Pack(ranks)


@export("report_uninitialized_variables")
def report_uninitialized_variables(
    var_list: Any = None, name: str = "report_uninitialized_variables"
) -> Tensor:
    """Returns the names of the variables that have no value, a string vector.

    Args:
      var_list: the variables; default all global and local ones.
      name: name of the nodes' scope.
    """
    graph = get_default_graph()
    with name_scope(name):
        found = _listed(var_list)
        have_values = [is_variable_initialized(v) for v in found]
        with graph.device("/cpu:0"):
            if not found:
                return constant([], dtype=String)
            missing = ops.LogicalNot(stack(have_values))
            names = np.array([v.op.name if hasattr(v, "op") else v.name for v in found])
            return boolean_mask(constant(names.tolist()), missing)
