"""The default graph: `tf.get_default_graph`, `tf.reset_default_graph`."""

from __future__ import annotations

from millstream.base.export import export
from millstream.ir.context import default_graphs
from millstream.ir.graph import Graph


class _Global:
    graph: Graph | None = None


@export("get_default_graph")
def get_default_graph() -> Graph:
    """Returns the graph that new nodes go to: the innermost `Graph.as_default()`, else one for the
    process.
    """
    top = default_graphs.top()
    if top is not None:
        return top
    if _Global.graph is None:
        _Global.graph = Graph()
    return _Global.graph


@export("reset_default_graph")
def reset_default_graph() -> None:
    """Replaces the process's default graph by an empty one.

    Raises:
      AssertionError: inside `Graph.as_default()`.
    """
    if default_graphs.items:
        raise AssertionError(
            "Do not use tf.reset_default_graph() to clear nested graphs. If you need a "
            "cleared graph, "
            "exit the nesting and create a new graph."
        )
    _Global.graph = None
