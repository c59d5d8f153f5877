"""The tensor by which hooks read the global step, and the number of steps in one run."""

from __future__ import annotations

from typing import Any

from millstream.ir.default import get_default_graph
from millstream.ir.graph import Graph
from millstream.ir.scopes import name_scope
from millstream.state.global_step import get_global_step

GLOBAL_STEP_READ_KEY = "global_step_read_op_cache"
# TensorFlow's conditional read of a ref variable, and of a resource variable, has that many nodes.
# Seeds of random ops made after it are derived from the number of nodes, so that it is counted in
# full whatever it takes here.
_NODES_OF_REF_READ, _NODES_OF_RESOURCE_READ = 9, 10


def get_global_step_read(graph: Graph | None = None) -> Any:
    """Returns the tensor that reads a graph's global step, or None if none was made."""
    found = (graph or get_default_graph()).get_collection(GLOBAL_STEP_READ_KEY)
    if len(found) > 1:
        raise RuntimeError(
            "There are multiple items in collection global_step_read_op_cache. "
            "There should be only one."
        )
    return found[0] if found else None


def get_or_create_global_step_read(graph: Graph | None = None) -> Any:
    """Returns the tensor that reads a graph's global step, made if need be; None without a step.

    It may be fetched together with the training op; whether it then counts that step is open.
    """
    graph = graph or get_default_graph()
    found = get_global_step_read(graph)
    if found is not None:
        return found
    step = get_global_step(graph)
    if step is None:
        return None
    with graph.as_default(), graph.name_scope(None), name_scope(f"{step.op.name}/"):
        read = (_read(graph, step) if hasattr(step, "initialized_value") else step) + 0
    graph.add_to_collection(GLOBAL_STEP_READ_KEY, read)
    return read


def _read(graph: Graph, step: Any) -> Any:
    before = graph.version
    # The variable has a value whenever hooks look, so that no conditional is needed.
    value = step.value()
    wanted = _NODES_OF_REF_READ if step.dtype.is_ref else _NODES_OF_RESOURCE_READ
    for _ in range(wanted - (graph.version - before)):
        graph.next_id()
    return value
