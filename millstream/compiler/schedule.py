"""The order of nodes within a unit: edges first, then "an unordered read comes before a write"."""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Callable, Iterable, Mapping

from millstream.compiler.effects import Access, Key
from millstream.ir.node import Operation


def schedule(
    nodes: list[Operation],
    predecessors: Callable[[Operation], Iterable[Operation]],
    access: Mapping[Operation, Access],
) -> list[Operation]:
    """Orders the nodes of a unit.

    A write waits while any other node is ready. Of several writes, one whose variable nobody is
    still to read goes first; ties are broken by creation.

    Args:
      nodes: The nodes of one unit; edges from elsewhere are taken as satisfied.
      predecessors: Gives the nodes that must come before a node.
      access: What nodes read and write; silent nodes are not in it.
    """
    if not any(node in access and access[node].writes for node in nodes):
        return nodes
    return _Scheduler(nodes, predecessors, access).run()


class _Scheduler:
    def __init__(
        self,
        nodes: list[Operation],
        predecessors: Callable[[Operation], Iterable[Operation]],
        access: Mapping[Operation, Access],
    ) -> None:
        self._access = access
        self._waiting_for: dict[Operation, int] = {}
        self._followers: dict[Operation, list[Operation]] = {}
        self._pending_reads: dict[Key, int] = {}
        self._free: list[tuple[int, Operation]] = []
        self._writes: list[Operation] = []
        self._count = len(nodes)
        here = set(nodes)
        for node in nodes:
            before = {p for p in predecessors(node) if p in here}
            self._waiting_for[node] = len(before)
            for p in before:
                self._followers.setdefault(p, []).append(node)
            if node in access:
                for key in access[node].reads:
                    self._pending_reads[key] = self._pending_reads.get(key, 0) + 1
        for node in nodes:
            if not self._waiting_for[node]:
                self._make_ready(node)

    def run(self) -> list[Operation]:
        order: list[Operation] = []
        while len(order) < self._count:
            node = heapq.heappop(self._free)[1] if self._free else self._next_write()
            order.append(node)
            if node in self._access:
                for key in self._access[node].reads:
                    self._pending_reads[key] -= 1
            for follower in self._followers.get(node, ()):
                self._waiting_for[follower] -= 1
                if not self._waiting_for[follower]:
                    self._make_ready(follower)
        return order

    def _make_ready(self, node: Operation) -> None:
        if node in self._access and self._access[node].writes:
            bisect.insort(self._writes, node, key=lambda n: n.id)
        else:
            heapq.heappush(self._free, (node.id, node))

    def _next_write(self) -> Operation:
        # Mostly the first is free of readers; the list is as long as the model has variables.
        writes = self._writes
        for index, node in enumerate(writes):
            if not self._readers_to_come(node):
                return writes.pop(index)
        best = min(range(len(writes)), key=lambda i: self._readers_to_come(writes[i]))
        return writes.pop(best)

    def _readers_to_come(self, node: Operation) -> int:
        access = self._access[node]
        own = access.reads
        return sum(self._pending_reads.get(key, 0) - (key in own) for key in access.writes)
