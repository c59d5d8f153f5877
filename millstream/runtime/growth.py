"""Notices a graph that grows between runs, which makes a program slower and slower."""

from __future__ import annotations

import logging

from millstream.ir.graph import Graph

_LOG = logging.getLogger("millstream")

RUNS_BEFORE_WARNING = 10
"""How many runs in a row may find new nodes: a program's first steps legitimately do."""


class GrowthWatch:
    """Warns once when nodes are added to a graph between each of many runs."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._grown = 0
        self._warned = False

    def note(self) -> int:
        """Notes that a run may have found new nodes.

        Returns:
          The number of nodes now.
        """
        nodes = self._graph.nodes
        self._grown += 1
        if self._grown > RUNS_BEFORE_WARNING and not self._warned and nodes:
            self._warned = True
            self._warn()
        return len(nodes)

    def _warn(self) -> None:
        node = self._graph.nodes[-1]
        _LOG.warning(
            "The graph grew before each of %d runs; every new node costs memory and planning time. "
            "Make nodes once, before the loop, and feed what changes. The last one added is %r "
            "(%s), made at %s.",
            self._grown,
            node.name,
            node.type,
            str(node.origin) or "an unknown place",
        )
