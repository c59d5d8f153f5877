"""The reverse pass: gradients sent from node to node, from targets back to sources.

A node is ready when all its consumers between targets and sources have sent their gradients; these
are summed per output, the node's rule turns them into gradients of its inputs, and these go on to
the producers. Inside a function, a pass crosses from what was captured to what it was captured
from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from millstream.autodiff.aggregate import aggregate
from millstream.autodiff.registry import gradient_function
from millstream.base import dtypes
from millstream.base.dtypes import DType
from millstream.ir.default import get_default_graph
from millstream.ir.func_graph import FuncGraph
from millstream.ir.graph import Graph
from millstream.ir.node import Operation
from millstream.ir.opdef import Calls
from millstream.ir.tensor import Tensor
from millstream.ops.array import zeros_like
from millstream.ops.flow import tuple_

_NUMERIC = frozenset(
    (
        *(dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64),
        *(dtypes.complex64, dtypes.complex128),
    )
)
_DIFFERENTIABLE = _NUMERIC | {dtypes.resource, dtypes.variant}


def is_differentiable(dtype: DType) -> bool:
    """Returns whether gradients flow through tensors of a type."""
    return dtype.base_dtype in _DIFFERENTIABLE


class ReversePass:
    """The state of one call: gradients sent to each tensor, and what each node still waits for."""

    def __init__(
        self, targets: list[Tensor], sources: list[Tensor], stops: list[Tensor],
        colocate: bool, gate: bool, method: int | None, scope: str,
    ) -> None:  # fmt: skip
        self.colocate, self.gate, self.method, self.scope = colocate, gate, method, scope
        self.stopped = set(stops)
        self.graph = get_default_graph()
        self.between = _between(self.graph, targets, sources, self.stopped)
        self.parts: dict[Tensor, list[Any]] = {}
        self.waiting: dict[Operation, int] = dict.fromkeys(self.between, 0)
        for node in self.between:
            for tensor in inputs_of(node):
                if tensor.op in self.waiting:
                    self.waiting[tensor.op] += 1
        self.roots = list(dict.fromkeys(t.op for t in targets))
        self.ends = self._ends(sources)

    def _ends(self, sources: list[Tensor]) -> set[Operation]:
        """Returns the nodes of `sources` (and stops) behind which no gradient is wanted."""
        ends = {t.op for t in self.stopped}
        for tensor in sources:
            if not any(self.waiting.get(t.op, 0) for t in inputs_of(tensor.op)):
                ends.add(tensor.op)
        return ends

    def send(self, tensor: Tensor, gradient: Any) -> None:
        """Adds one path's gradient to a tensor's."""
        self.parts.setdefault(tensor, []).append(gradient)

    def total(self, tensor: Tensor) -> Any:
        """Returns the sum of the gradients that were sent to a tensor, or `None`."""
        parts = self.parts.get(tensor)
        if not parts:
            return None
        if len(parts) > 1:
            parts[:] = [aggregate(parts, self.method)]
        return parts[0]

    def run(self) -> None:
        """Visits every node between sources and targets, consumers first."""
        ready = deque(n for n in self.roots if n in self.waiting and not self.waiting[n])
        while ready:
            node = ready.popleft()
            self._visit(node)
            for tensor in inputs_of(node):
                producer = tensor.op
                if producer in self.waiting:
                    self.waiting[producer] -= 1
                    if not self.waiting[producer]:
                        ready.append(producer)

    def _visit(self, node: Operation) -> None:
        with self._colocated(node):
            dys = [self.total(t) for t in node.values()]
            if node in self.ends or all(dy is None for dy in dys):
                return
            source = captured_from(node)
            if source is not None:
                self.send(source, dys[0])
                return
            rule = gradient_function(node)
            if rule is None:
                return
            if not isinstance(node.opdef.effect, Calls):
                dys = [self._filled(t, dy) for t, dy in zip(node.values(), dys, strict=True)]
            with get_default_graph().name_scope(f"{node.name}_grad"):
                dxs = self._apply(rule, node, dys)
                dxs = list(dxs) if isinstance(dxs, (list, tuple)) else [dxs]
                self._check(node, dxs)
                if self.gate and len([dx for dx in dxs if dx is not None]) > 1:
                    with get_default_graph().colocate_with(None, ignore_existing=True):
                        dxs = tuple_(dxs)
        for tensor, dx in zip(node.inputs, dxs, strict=True):
            if dx is None:
                continue
            if isinstance(dx, Tensor) and tensor.dtype is not dtypes.resource:
                _set_shape(node, tensor, dx)
            self.send(tensor, dx)

    def _apply(self, rule: Any, node: Operation, dys: list[Any]) -> Any:
        if not isinstance(node.opdef.effect, Calls) or not getattr(rule, "takes_wanted", False):
            return rule(node, *dys)
        return rule(node, dys, [self._is_wanted(t) for t in node.inputs])

    def _is_wanted(self, tensor: Tensor) -> bool:
        return tensor.op in self.between and is_differentiable(tensor.dtype)

    def _filled(self, tensor: Tensor, dy: Any) -> Any:
        """Returns an output's gradient for its rule: zeros where no gradient came but one could."""
        if dy is None and tensor.dtype.base_dtype in _NUMERIC:
            return zeros_like(tensor)
        return dy

    @contextmanager
    def _colocated(self, node: Operation):
        if not self.colocate:
            yield
            return
        with get_default_graph().colocate_with(node):
            yield

    @staticmethod
    def _check(node: Operation, dxs: Sequence[Any]) -> None:
        if len(dxs) != len(node.inputs):
            raise ValueError(
                f"Num gradients {len(dxs)} generated for op {node.name} ({node.type}) do not "
                f"match num inputs {len(node.inputs)}"
            )
        for tensor, dx in zip(node.inputs, dxs, strict=True):
            wanted = tensor.dtype.base_dtype
            if dx is None or wanted not in _NUMERIC or dx.dtype.base_dtype is wanted:
                continue
            raise ValueError(
                f"Gradient of {node.type} '{node.name}' for input '{tensor.name}' has type "
                f"{dx.dtype.base_dtype.name}, not {wanted.name}"
            )


def _set_shape(node: Operation, tensor: Tensor, dx: Tensor) -> None:
    try:
        dx.set_shape(tensor.shape)
    except ValueError:
        raise ValueError(
            "Incompatible shapes between op input and calculated input gradient. Forward "
            f"operation: {node.name}. "
            f"Input '{tensor.name}'. Original input shape: {tensor.shape}. Calculated input "
            f"gradient shape: {dx.shape}"
        ) from None


def inputs_of(node: Operation) -> Sequence[Tensor]:
    """Gives what a node takes; for a placeholder of something captured, that."""
    source = captured_from(node)
    return node.inputs if source is None else (source,)


def captured_from(node: Operation) -> Tensor | None:
    """Gives the tensor that a placeholder inside a function stands for, if it is one."""
    if node.type != "Placeholder":
        return None
    return getattr(node.values()[0], "_source", None)


def _consumers(graph: Graph, tensor: Tensor) -> Iterator[Operation]:
    yield from tensor.consumers()
    while isinstance(graph, FuncGraph):
        found = graph.captures.get(tensor)
        if found is not None:
            yield found.op
        graph = graph.outer


def _between(
    graph: Graph, targets: list[Tensor], sources: list[Tensor], stopped: set[Tensor]
) -> dict[Operation, None]:
    """Returns the nodes on a path from a source to a target, in the order of a walk back from the
    targets.
    """
    reached: set[Operation] = set()
    stack = [t.op for t in sources]
    while stack:
        node = stack.pop()
        if node in reached:
            continue
        reached.add(node)
        for tensor in node.values():
            if is_differentiable(tensor.dtype):
                stack.extend(_consumers(graph, tensor))
    between: dict[Operation, None] = {}
    queue = deque(t.op for t in targets)
    ends = {t.op for t in stopped}
    while queue:
        node = queue.popleft()
        if node in reached and node not in between:
            between[node] = None
            if node not in ends:
                queue.extend(t.op for t in inputs_of(node))
    return between
