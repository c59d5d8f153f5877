"""Gradients of `While` and `Loop`: a loop that goes through the iterations backwards.

The forward node becomes a `Loop` that saves what its gradient needs, an array `[trips, …]` for each
value, and tells how many trips there were. The backward `Loop` takes these arrays apart again. It
carries the gradients of the loop values that change. Of operands that do not change (weights,
captured tensors) it adds up what every iteration contributes, except where the sum over all
iterations is one operation on what all of them saved (`millstream.autodiff.batching`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from millstream.autodiff.batching import Batched, batch
from millstream.autodiff.bodies import GradientBody, own_body
from millstream.autodiff.branches import backpropagate, dense, zeros_for
from millstream.autodiff.reverse import is_differentiable
from millstream.base import dtypes
from millstream.base.shapes import TensorShape
from millstream.ir.composite import IndexedSlices
from millstream.ir.default import get_default_graph
from millstream.ir.func_graph import FuncGraph
from millstream.ir.function import register
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor
from millstream.ops.array import zeros_like
from millstream.ops.flow.calling import NO_FUNCTION, Loop
from millstream.ops.math import add_n


def loop_gradient(node: Operation, dys: list[Any], wanted: list[bool]) -> list[Any]:
    """Is the gradient rule of loops.

    Args:
      node: The node.
      dys: The gradients of its outputs, None where there is none.
      wanted: For each input, whether its gradient is wanted.
    """
    if not getattr(node, "back_prop", True):
        return [None] * len(node.inputs)
    return _LoopGradient(node, dys, wanted).make()


class _LoopGradient:
    def __init__(self, node: Operation, dys: list[Any], wanted: list[bool]) -> None:
        self._node = node
        self._count = count = len(node.attrs["T"])
        self._forward = forward = own_body(node, "body")
        _become_loop(node)
        self._slices_at = count + node.attrs["limits"]
        self._is_fixed = [_origin(forward.outputs[i]) is forward.inputs[i] for i in range(count)]
        self._dys = dys[:count]
        self._dsaved = {k: dense(dy) for k, dy in enumerate(dys[count + 1 :]) if dy is not None}
        self._behind = [frozenset(self._inputs_behind([o])) for o in forward.outputs]
        self._wanted = {i for i, w in enumerate(wanted) if w}
        self._active = self._find_active()
        reached = self._reached()
        self._fixed = [q for q in range(count) if self._is_fixed[q] and q in self._wanted & reached]
        slices = range(len(node.inputs) - self._slices_at)
        self._slices = [
            s for s in slices if s + self._slices_at in self._wanted and count + s in reached
        ]

    # -- what depends on what

    def _inputs_behind(self, tensors: Iterable[Tensor]) -> set[int]:
        position = {t: i for i, t in enumerate(self._forward.inputs)}
        found: set[int] = set()
        seen: set[Operation] = set()
        stack = list(tensors)
        while stack:
            tensor = stack.pop()
            if tensor in position:
                found.add(position[tensor])
            elif tensor.op not in seen:
                seen.add(tensor.op)
                stack.extend(tensor.op.inputs)
        return found

    def _find_active(self) -> list[int]:
        """Lists the loop values that change and through which wanted gradients flow."""
        count = self._count
        changing = [
            p
            for p in range(count)
            if not self._is_fixed[p] and is_differentiable(self._node.attrs["T"][p])
        ]
        shift = self._slices_at - count
        depends = {i if i < count else i - shift for i in self._wanted}
        reaches = {p for p in changing if self._dys[p] is not None}
        for k in self._dsaved:
            reaches |= self._behind[count + k] & set(changing)
        for _ in changing:
            depends |= {p for p in changing if self._behind[p] & depends}
            for p in changing:
                if p in reaches:
                    reaches |= self._behind[p] & set(changing)
        return [p for p in changing if p in depends and p in reaches]

    def _reached(self) -> set[int]:
        """Gives the inputs of the body behind what gradients come to."""
        found: set[int] = set()
        for p in self._active:
            found |= self._behind[p]
        for k in self._dsaved:
            found |= self._behind[self._count + k]
        return found

    # -- the backward loop

    def make(self) -> list[Any]:
        node = self._node
        result: list[Any] = [None] * len(node.inputs)
        for q in range(self._count):
            if self._is_fixed[q] and q in self._wanted:
                result[q] = self._dys[q]  # it passes through the loop
        if not self._active and not self._dsaved:
            return result
        body, carried, saved = self._differentiate()
        outputs = self._call(body, carried, saved)
        for p, output in zip(self._active, outputs.carried):
            result[p] = output if p in self._wanted else None
        for q, total in zip(self._fixed, outputs.totals):
            result[q] = _sum(result[q], total)
        for s, output in zip(self._slices, outputs.slices):
            result[self._slices_at + s] = output
        return result

    def _differentiate(self) -> tuple[_Body, list[Tensor], list[Tensor]]:
        forward, node, count = self._forward, self._node, self._count
        operands = [
            node.inputs[i] if i < count and self._is_fixed[i] else None
            for i in range(len(forward.inputs))
        ]
        body = _Body(forward, node, operands, node.values()[:count])
        with body.as_default():
            carried = [
                body.add_input(forward.inputs[p].dtype, forward.inputs[p].shape, "dy.")
                for p in self._active
            ]
            saved = [
                body.add_input(dy.dtype.base_dtype, dy.shape[1:], "dsaved.")
                for dy in self._dsaved.values()
            ]
            targets = [forward.outputs[p] for p in self._active]
            targets += [forward.outputs[count + k] for k in self._dsaved]
            sources = [*self._active, *self._fixed, *[count + s for s in self._slices]]
            found = backpropagate(targets, [*carried, *saved], [forward.inputs[i] for i in sources])
            self._sort_out(body, carried, found)
        return body, carried, saved

    def _sort_out(self, body: _Body, carried: list[Tensor], found: list[Any]) -> None:
        """Decides for each gradient in the body what becomes of it."""
        active, fixed = len(self._active), len(self._fixed)
        for dy, dx in zip(carried, found[:active]):
            body.carried.append(zeros_like(dy) if dx is None else body.capture(dense(dx)))
        for dx in found[active : active + fixed]:
            body.shares.append(batch(body, dx))
        for s, dx in zip(self._slices, found[active + fixed :]):
            outer = self._forward.inputs[self._count + s]
            dx = zeros_like(outer) if dx is None else dense(dx)
            body.slices.append(body.capture(dx))

    def _call(self, body: _Body, dys: list[Tensor], dsaved: list[Tensor]) -> _Outputs:
        node, count = self._node, self._count
        totals = [(q, b) for q, b in zip(self._fixed, body.shares) if b and b.rest is not None]
        starts = [self._start(p) for p in self._active]
        starts += [zeros_for(node.inputs[q]) for q, _ in totals]
        with body.as_default():
            sums: list[Tensor] = []
            news: list[Tensor] = []
            for start, (_, share) in zip(starts[len(self._active) :], totals):
                held = body.add_input(start.dtype.base_dtype, start.shape, "total.")
                sums.append(held)
                news.append(add_n([held, dense(share.rest)]))
        stacks = self._stacks(body)
        captured = list(body.captures)
        outer_slices = [*self._dsaved.values(), *[self._keep(t) for t in body.saved]]
        fixed = [body.captures[t] for t in captured]
        body.inputs[:] = [*dys, *sums, *fixed, *dsaved, *body.saved.values()]
        body.outputs = [*body.carried, *news, *fixed, *body.slices, *stacks]
        loop = self._node_of(body, [*starts, *captured], outer_slices, len(fixed))
        outputs = list(loop.values())
        first = len(starts)
        behind = first + len(fixed) + 1
        made = dict(zip(stacks, outputs[behind + len(body.slices) :]))
        made.update((body.saved[t], self._keep(t)) for t in body.saved)
        rests = dict(zip((q for q, _ in totals), outputs[len(self._active) : first]))
        sums_of = [
            None if share is None else share.total(made, rests.get(q))
            for q, share in zip(self._fixed, body.shares)
        ]
        del count
        return _Outputs(
            outputs[: len(self._active)], sums_of, outputs[behind : behind + len(body.slices)]
        )

    def _start(self, position: int) -> Tensor:
        dy = self._dys[position]
        return zeros_like(self._node.values()[position]) if dy is None else dense(dy)

    @staticmethod
    def _stacks(body: _Body) -> list[Tensor]:
        """Lists the tensors of the body that batched sums want of all iterations."""
        saved = set(body.saved.values())
        wanted = [t for share in body.shares if share for t in share.tensors]
        return [t for t in dict.fromkeys(wanted) if t not in saved]

    def _keep(self, tensor: Tensor) -> Tensor:
        """Returns the forward node's output that holds a tensor of its body of all iterations."""
        forward, node = self._forward, self._node
        place = forward.saved_at.get(tensor)
        if place is None:
            place = forward.saved_at[tensor] = len(node.values())
            forward.outputs.append(tensor)
            dtype = tensor.dtype.base_dtype
            (made,) = node.add_outputs([dtype])
            made._shape = TensorShape([None]).concatenate(tensor.shape)
            node.attrs["Tsave"] = (*node.attrs["Tsave"], dtype)
        return node.values()[place]

    def _node_of(
        self, body: _Body, inputs: list[Tensor], slices: list[Tensor], captured: int
    ) -> Operation:
        node = self._node
        count = len(inputs)
        trips = node.values()[self._count]
        saved = body.outputs[count:]
        attrs = {
            "T": tuple(t.dtype.base_dtype for t in inputs),
            "limits": 1,
            "Tslice": tuple(t.dtype.base_dtype for t in slices),
            "Tsave": tuple(t.dtype.base_dtype for t in saved),
            "cond": NO_FUNCTION,
            "body": register(body),
            "output_shapes": (),
            "reverse": not node.attrs["reverse"],
            "parallel_iterations": node.attrs["parallel_iterations"],
        }
        types = [*attrs["T"], dtypes.int32, *attrs["Tsave"]]
        graph = get_default_graph()
        made = graph.create_node(Loop, [*inputs, trips, *slices], attrs, types, "Loop")
        for output, tensor in zip(made.values(), inputs):
            output._shape = tensor.shape
        leading = slices[0].shape[:1] if slices else TensorShape([None])
        for output, tensor in zip(made.values()[count + 1 :], saved):
            output._shape = leading.concatenate(tensor.shape)
        body.caller = made
        return made


class _Outputs:
    """What a backward loop gives.

    Attributes:
      carried: Gradients of the loop values that change.
      totals: Gradients of the operands that do not, None where there is none.
      slices: Gradients of the arrays that were taken apart.
    """

    def __init__(self, carried: list[Tensor], totals: list[Any], slices: list[Tensor]) -> None:
        self.carried, self.totals, self.slices = carried, totals, slices


class _Body(GradientBody):
    """The body of a backward loop.

    Attributes:
      carried: The new gradients of the loop values.
      shares: What an iteration contributes to the gradients of operands that do not change.
      slices: The gradients of the elements that the forward iteration took.
    """

    def __init__(self, forward: FuncGraph, node: Operation, operands: Any, finals: Any) -> None:
        super().__init__(forward, node, operands, finals)
        self.carried: list[Tensor] = []
        self.shares: list[Batched | None] = []
        self.slices: list[Tensor] = []


def _origin(tensor: Tensor) -> Tensor:
    while tensor.op.type == "Identity" and not tensor.op.control_inputs:
        tensor = tensor.op.inputs[0]
    return tensor


def _sum(first: Any, second: Any) -> Any:
    if first is None or second is None:
        return second if first is None else first
    if isinstance(first, IndexedSlices) or isinstance(second, IndexedSlices):
        first, second = dense(first), dense(second)
    return add_n([first, second])


def _become_loop(node: Operation) -> None:
    """Makes a `While` a `Loop`, which can save and tells its trips."""
    if node.opdef is Loop:
        return
    attrs = {
        **node.attrs, "limits": 0, "Tslice": (), "Tsave": (), "reverse": False, "output_shapes": ()
    }  # fmt: skip
    node.become(Loop, attrs)
    (trips,) = node.add_outputs([dtypes.int32])
    trips._shape = TensorShape([])
