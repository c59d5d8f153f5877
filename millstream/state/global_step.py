"""The global step: the variable that counts the steps of a training."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import Int64
from millstream.base.export import export
from millstream.ir.default import get_default_graph
from millstream.ir.graph import Graph
from millstream.ir.graph_collections import GraphKeys
from millstream.state.get_variable import get_variable
from millstream.state.initializers import Zeros
from millstream.state.options import VariableAggregation


@export("train.global_step")
def global_step(sess: Any, global_step_tensor: Any) -> int:
    """Returns the value of the global step in a session, as a Python int."""
    return int(sess.run(global_step_tensor))


@export("train.get_global_step", "contrib.framework.get_global_step")
def get_global_step(graph: Graph | None = None) -> Any:
    """Returns the global step of a graph (default: the default graph), or `None` if it has none.

    Raises:
      TypeError: if it is no scalar integer variable or tensor.
    """
    graph = graph or get_default_graph()
    found: Any = None
    listed = graph.get_collection(GraphKeys.GLOBAL_STEP)
    if len(listed) == 1:
        found = listed[0]
    elif not listed:
        try:
            found = graph.get_tensor_by_name("global_step:0")
        except KeyError:
            return None
    else:
        return None
    assert_global_step(found)
    return found


@export("train.create_global_step", "contrib.framework.create_global_step")
def create_global_step(graph: Graph | None = None) -> Any:
    """Makes the global step of a graph (default: the default graph).

    Raises:
      ValueError: if the graph has one.
    """
    graph = graph or get_default_graph()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    with graph.as_default(), graph.name_scope(None):
        return get_variable(
            GraphKeys.GLOBAL_STEP, shape=[], dtype=Int64, initializer=Zeros(), trainable=False,
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
            aggregation=VariableAggregation.ONLY_FIRST_REPLICA,
        )  # fmt: skip


@export("train.get_or_create_global_step", "contrib.framework.get_or_create_global_step")
def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """Returns the global step of a graph (default: the default graph), made if need be."""
    graph = graph or get_default_graph()
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


@export("train.assert_global_step", "contrib.framework.assert_global_step")
def assert_global_step(global_step_tensor: Any) -> None:
    """Checks that a variable or tensor can be a global step.

    Raises:
      TypeError: if it is no scalar integer variable or tensor.
    """
    if not (hasattr(global_step_tensor, "dtype") and hasattr(global_step_tensor, "get_shape")):
        raise TypeError(
            f'Existing "global_step" must be a Variable or Tensor: {global_step_tensor}.'
        )
    if not global_step_tensor.dtype.base_dtype.is_integer:
        found = global_step_tensor.dtype
        raise TypeError(f'Existing "global_step" does not have integer type: {found!r}')
    shape = global_step_tensor.get_shape()
    if shape.ndims != 0 and shape.is_fully_defined():
        raise TypeError(f'Existing "global_step" is not scalar: {shape}')
