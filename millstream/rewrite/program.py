"""What one `Session.run` computes, while passes change it.

A `Program` is a view of a graph: the nodes to run, and two overlays that passes fill in. `values`
holds tensors whose value is known, `aliases` tensors that another one stands for. The graph itself
is never changed, so that plans of many fetches can be made from it at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from millstream.base.errors import InvalidArgumentError
from millstream.ir.graph import Graph
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor


class Program:
    """The nodes that a step runs, between its feeds and its fetches.

    Attributes:
      graph: The graph looked at.
      fetches: Tensors whose values the step gives.
      targets: Nodes that the step must run.
      feeds: Tensors whose values the step is given; they cut the graph.
      nodes: What is to be run, in an order that respects every edge.
      values: Arrays of tensors that need not be computed.
      aliases: Tensors that equal another, which is computed instead.
      depth: How many calls of functions lie around it.
      leaves: Gives what a tensor's value follows from, if that can be known before the step runs.
      prefix: What the keys of hidden state begin with.
      handles: Variables behind fed handles, where the program is a function's body.
      merged: Nodes that another one stands for.
      folded: Nodes that need not run, since all their outputs are in `values`; and the nodes that
        must run all the same before whoever takes those outputs.
    """

    def __init__(
        self,
        graph: Graph,
        fetches: Sequence[Tensor],
        targets: Sequence[Operation],
        feeds: Sequence[Tensor],
    ) -> None:
        self.graph = graph
        self.fetches = tuple(fetches)
        self.targets = tuple(targets)
        self.feeds = tuple(feeds)
        self.fed = frozenset(feeds)
        self.nodes: list[Operation] = []
        self.values: dict[Tensor, Any] = {}
        self.aliases: dict[Tensor, Tensor] = {}
        self.depth = 0
        self.leaves: Callable[[Tensor], Any] | None = None
        self.prefix: str = getattr(graph, "prefix", "")
        self.handles: dict[Tensor, Operation] = {}
        self.merged: dict[Operation, Operation] = {}
        self.folded: dict[Operation, tuple[Operation, ...]] = {}
        self._fed_placeholders = {t.op for t in feeds if t.op.type in PLACEHOLDERS}

    def skip(self, nodes: Iterable[Operation]) -> None:
        """Takes nodes as having run already; results of theirs that are needed must be fed."""
        self.folded.update((node, ()) for node in nodes)

    def resolve(self, tensor: Tensor) -> Tensor:
        """Gives the tensor that is computed in place of `tensor`."""
        return self.aliases.get(tensor, tensor)

    def inputs(self, node: Operation) -> list[Tensor]:
        """Lists the tensors that a node takes, after aliases."""
        aliases = self.aliases
        if not aliases:
            return list(node.inputs)
        return [aliases.get(t, t) for t in node.inputs]

    def is_known(self, tensor: Tensor) -> bool:
        """Tells whether a tensor's value needs no node to run: it is fed or folded."""
        return tensor in self.fed or tensor in self.values

    def controls(self, node: Operation) -> Iterator[Operation]:
        """Yields the nodes that a node must wait for, beside those that compute its inputs."""
        for control in node.control_inputs:
            yield from self._standing_for(control)

    def _standing_for(self, node: Operation) -> tuple[Operation, ...]:
        """Gives the nodes that must run where `node` is asked for."""
        node = self.merged.get(node, node)
        if node in self._fed_placeholders:
            return ()
        return self.folded.get(node, (node,))

    def _producers(self, tensor: Tensor) -> tuple[Operation, ...]:
        if tensor in self.fed:
            return ()
        return self.folded.get(tensor.op, (tensor.op,))

    def predecessors(self, node: Operation) -> Iterator[Operation]:
        """Yields every node that must have run before a node; some may come twice."""
        for tensor in self.inputs(node):
            yield from self._producers(tensor)
        yield from self.controls(node)

    def roots(self) -> Iterator[Operation]:
        """Yields the nodes that the step asks for directly."""
        for tensor in self.fetches:
            yield from self._producers(self.resolve(tensor))
        for node in self.targets:
            yield from self._standing_for(node)


PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2"})


def sort_nodes(program: Program, nodes: set[Operation]) -> list[Operation]:
    """Orders nodes so that each comes after its predecessors, else by creation.

    Raises:
      InvalidArgumentError: If the nodes form a cycle.
    """
    ordered = sorted(nodes, key=_by_id)
    if all(p.id < node.id for node in ordered for p in program.predecessors(node)):
        return ordered
    # Only graphs whose inputs were replaced after the fact come here.
    done: set[Operation] = set()
    result: list[Operation] = []
    for root in ordered:
        _visit(program, root, done, result)
    return result


def _by_id(node: Operation) -> int:
    return node.id


def _ordered_predecessors(program: Program, node: Operation) -> Iterator[Operation]:
    return iter(sorted(set(program.predecessors(node)), key=_by_id))


def _visit(
    program: Program, root: Operation, done: set[Operation], result: list[Operation]
) -> None:
    open_nodes: set[Operation] = set()
    stack = [(root, _ordered_predecessors(program, root))]
    while stack:
        node, rest = stack[-1]
        if node in done:
            stack.pop()
            continue
        open_nodes.add(node)
        following = next((p for p in rest if p not in done), None)
        if following is None:
            done.add(node)
            open_nodes.discard(node)
            result.append(node)
            stack.pop()
        elif following in open_nodes:
            raise InvalidArgumentError(
                None, following, f"The graph has a cycle through node {following.name!r}."
            )
        else:
            stack.append(
                (following, iter(sorted(set(program.predecessors(following)), key=_by_id)))
            )
