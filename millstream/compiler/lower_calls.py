# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
"""Lowering calls: branches to `lax.switch`, loops to `lax.scan` or `lax.while_loop`.

A body is traced once, to a jaxpr, which tells what it returns before the loop or the choice around
it is built. Operands that are known arrays stay known inside, so that shapes computed from them
are known there too; loop values that change, and variables that a loop writes, are carried.

Loops whose number of iterations is known become scans. Others save into arrays that are as long as
the upper limit says, and may leave zeros behind what they saved.

Checks that kernels state inside come out as results: of a branch that is not taken they hold; of a
loop the first iteration that failed gives the arrays for the message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from millstream.base.dtypes import DType
from millstream.base.errors import UnimplementedError
from millstream.base.lazy import jax, jnp, lax
from millstream.compiler import jax_bridge
from millstream.compiler.bodies import Body
from millstream.compiler.calls import Branches, Call, Iteration
from millstream.compiler.checks import Check
from millstream.compiler.effects import Key
from millstream.ops.flow.buffers import Buffer
from millstream.ops.flow.traced_buffers import TracedBuffer, conform, settle, traced

type TraceBody = Callable[[Body, Sequence[Any], dict[Key, Any], list[Check]], list[Any]]


def trace(call: Call, operands: Sequence[Any], checks: list[Check], body: TraceBody) -> Any:
    """Traces a node that runs functions.

    Args:
      call: The node with its functions' bodies.
      operands: A tracer or known array per operand.
      checks: Where checks that are stated inside are added.
      body: Traces a body: of inputs, states (replaced), checks (added).

    Returns:
      New states, then outputs; one alone bare.
    """
    count = len(call.tensors)
    states = dict(zip(call.keys, operands[count:]))
    inputs = operands[:count]
    if isinstance(call, Branches):
        outputs = _Branching(call, states, checks, body).run(inputs)
    else:
        assert isinstance(call, Iteration)
        outputs = _Looping(call, states, checks, body).run(inputs)
    results = [states[key] for key in call.access.writes] + outputs
    return results[0] if len(results) == 1 else results


def _as_carried(value: Any, dtype: DType | None = None) -> Any:
    """Gives a value as one that compiled code can carry: of a fixed dtype, never a weak one."""
    if isinstance(value, Buffer):
        return traced(value)
    array = jnp.asarray(value, None if dtype is None else dtype.base_dtype.np)
    return lax.convert_element_type(array, array.dtype) if array.weak_type else array


def _states_of(keys: Sequence[Key], states: dict[Key, Any]) -> list[Any]:
    return [_as_carried(states[key]) for key in keys]


class _Branching:
    """One choice between branches, while it is traced."""

    def __init__(
        self, call: Branches, states: dict[Key, Any], checks: list[Check], body: TraceBody
    ) -> None:
        self._call, self._states, self._checks, self._body = call, states, checks, body
        self._writes = call.access.writes

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        call = self._call
        rest = inputs[call.offset :]
        if call.chosen is not None:
            return call.spread(self._body(call.bodies[0], rest, self._states, self._checks))
        choice = inputs[0]
        if isinstance(choice, (np.ndarray, np.generic)):
            body = call.bodies[call.index(choice)]
            return call.spread(self._body(body, rest, self._states, self._checks))
        return call.spread(self._choose(self._index(choice), rest))

    def _index(self, choice: Any) -> Any:
        count = len(self._call.bodies)
        if self._call.node.type == "Case":
            inside = (choice >= 0) & (choice < count)
            return jnp.where(inside, choice, count - 1).astype(np.int32)
        if choice.ndim:
            return np.int32(choice.size > 0)
        return choice.astype(bool).astype(np.int32)

    def _choose(self, index: Any, inputs: Sequence[Any]) -> list[Any]:
        staged = [self._stage(body, inputs) for body in self._call.bodies]
        shapes = _agreed(self._call, [s.outputs for s in staged], [s.fakes for s in staged])
        branches = [self._complete(s, staged, shapes) for s in staged]
        outputs, new_states, verdicts = lax.switch(index, branches)
        self._states.update(zip(self._writes, new_states))
        for branch, found in zip(staged, verdicts):
            for check, (ok, arrays) in zip(branch.checks, found):
                self._checks.append(Check(check.node, check.message, ok, arrays))
        return outputs

    def _stage(self, body: Body, inputs: Sequence[Any]) -> _Staged:
        checks: list[Check] = []

        def run() -> Any:
            states = dict(self._states)
            outputs = self._body(body, inputs, states, checks)
            types = [body.graph.outputs[p].dtype for p in body.outputs]
            carried = [_as_carried(v, t) for v, t in zip(outputs, types)]
            verdicts = [(_flag(c.ok), tuple(map(_as_carried, c.arrays))) for c in checks]
            return carried, _states_of(self._writes, states), verdicts

        fn, shapes = jax_bridge.staged(run)
        return _Staged(body, fn, checks, shapes)

    def _complete(
        self, branch: _Staged, everyone: Sequence[_Staged], shapes: list[Any]
    ) -> Callable[[], Any]:
        def run() -> Any:
            outputs, states, verdicts = branch.fn()
            outputs = [
                _zeros(shape) if fake else conform(value, shape)
                for value, fake, shape in zip(outputs, branch.fakes, shapes)
            ]
            mine = [verdicts if b is branch else _passed(b.verdicts) for b in everyone]
            return outputs, states, mine

        return run


class _Staged:
    """A traced branch: a function without arguments, and what it returns."""

    def __init__(self, body: Body, fn: Any, checks: list[Check], shapes: Any) -> None:
        self.fn, self.checks = fn, checks
        self.outputs, self.states, self.verdicts = shapes
        program = body.plan.program
        fetched = [program.resolve(body.graph.outputs[p]) for p in body.outputs]
        self.fakes = [t.op.type == "FakeParam" for t in fetched]


def _agreed(call: Call, outputs: Sequence[list[Any]], fakes: Sequence[list[bool]]) -> list[Any]:
    """Gives the shapes that all branches return, those aside that only pretend to return one."""
    found: list[Any] = []
    for position in range(len(outputs[0])):
        real = [o[position] for o, f in zip(outputs, fakes) if not f[position]]
        shape = real[0] if real else outputs[0][position]
        for other in real[1:]:
            shape = jax.eval_shape(lambda a, b: conform(conform(a, b), a), shape, other)
            if not isinstance(shape, Buffer) and (
                other.shape != shape.shape or other.dtype != shape.dtype
            ):
                raise UnimplementedError(
                    None,
                    call.node,
                    f"the branches return {shape.shape} and {other.shape}: not to be compiled",
                )
        found.append(shape)
    return found


def _zeros(shape: Any) -> Any:
    return jax.tree_util.tree_map(lambda s: jnp.zeros(s.shape, s.dtype), shape)


def _passed(verdicts: Any) -> Any:
    """Gives verdicts, of the structure of `verdicts`, of checks that hold."""
    return [(jnp.bool_(True), _zeros(arrays)) for _, arrays in verdicts]


def _flag(ok: Any) -> Any:
    return jnp.asarray(ok, bool).reshape(())


class _Looping:
    """One loop, while it is traced."""

    def __init__(
        self, call: Iteration, states: dict[Key, Any], checks: list[Check], body: TraceBody
    ) -> None:
        self._call, self._states, self._checks, self._body = call, states, checks, body
        self._writes = call.access.writes
        self._inside: list[Check] = []

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        call = self._call
        self._inputs = inputs
        graph = call.body.graph
        carry = (
            [_as_carried(inputs[p], graph.inputs[p].dtype) for p in call.live],
            _states_of(self._writes, self._states),
        )
        slices = tuple(self._stacked(s) for s in inputs[call.slices_at :])
        limit, exact = call.trips.limit(inputs) if self._wants_limit(slices) else (None, False)
        element = [jax.ShapeDtypeStruct(s.shape[1:], s.dtype) for s in slices]
        step, shapes = jax_bridge.staged(self._step, carry, element)
        if any(isinstance(v, Buffer) for v in (*carry[0], *shapes[0][0])):
            # A gradient array begins as a plain 0; others do not know their elements' shape yet.
            carry = self._settled(carry, element, limit)
            step, shapes = jax_bridge.staged(self._step, carry, element)
        self._check_carry(carry, shapes[0])
        if exact and limit is not None and all(s.shape[0] == limit for s in slices):
            values, states, saved, trips = self._scan(step, shapes, carry, slices, limit)
        else:
            values, states, saved, trips = self._while(step, shapes, carry, slices, limit)
        self._states.update(zip(self._writes, states))
        return self._outputs(values, saved, trips)

    def _settled(self, carry: Any, element: Any, limit: int | None) -> Any:
        """Gives buffers in the carry a structure that iterations keep."""

        def step(carried: Any, elements: Any) -> Any:
            return self._step(carried, elements)[0]

        carry = settle(carry, step, element)
        after = jax.eval_shape(step, carry, element)
        values = [
            _with_places(self._call, v, m, limit) if isinstance(v, TracedBuffer) else v
            for v, m in zip(carry[0], after[0])
        ]
        return settle((values, carry[1]), step, element)

    def _stacked(self, value: Any) -> Any:
        if value.dtype.hasobject:  # arrays of different shapes
            raise UnimplementedError(
                None, self._call.node, "what the iterations saved differs in shape"
            )
        return _as_carried(value)

    def _wants_limit(self, slices: Any) -> bool:
        call = self._call
        return bool(call.saves) or bool(slices) or call.test is None or call.trips.is_cheap

    def _outputs(self, values: Any, saved: Any, trips: Any) -> list[Any]:
        call = self._call
        results = list(self._inputs[: call.count])
        for position, value in zip(call.live, values):
            results[position] = value
        if not call.is_loop:
            return results
        found: list[Any] = [None] * len(call.node.attrs["Tsave"])
        for position, value in zip(call.saves, saved):
            found[position] = value
        return [*results, trips, *found]

    # -- the body

    def _values(self, carried: Sequence[Any]) -> list[Any]:
        values = list(self._inputs[: self._call.count])
        for position, value in zip(self._call.live, carried):
            values[position] = value
        return values

    def _step(self, carry: Any, elements: Sequence[Any]) -> Any:
        """Is one iteration: gives the new carry, what is saved, and verdicts of checks."""
        call = self._call
        checks: list[Check] = []
        states = {**self._states, **dict(zip(self._writes, carry[1]))}
        outputs = self._body(call.body, [*self._values(carry[0]), *elements], states, checks)
        types = [call.body.graph.outputs[p].dtype for p in call.body.outputs]
        outputs = [_as_carried(v, t) for v, t in zip(outputs, types)]
        split = len(call.live)
        live = conform(outputs[:split], list(carry[0]))
        self._inside = checks
        verdicts = [(_flag(c.ok), tuple(map(_as_carried, c.arrays))) for c in checks]
        return (live, _states_of(self._writes, states)), outputs[split:], verdicts

    def _goes_on(self, carry: Any) -> Any:
        test = self._call.test
        assert test is not None
        states = {**self._states, **dict(zip(self._writes, carry[1]))}
        return _flag(self._body(test, self._values(carry[0]), states, [])[0])

    def _check_carry(self, carry: Any, after: Any) -> None:
        before = jax.tree_util.tree_leaves(carry)
        for old, new in zip(before, jax.tree_util.tree_leaves(after), strict=True):
            if old.shape != new.shape or old.dtype != new.dtype:
                raise UnimplementedError(
                    None,
                    self._call.node,
                    f"a loop value changes from {old.shape} to {new.shape}: not to be compiled",
                )

    # -- known number of iterations

    def _scan(self, step: Any, shapes: Any, carry: Any, slices: Any, trips: int) -> Any:
        call = self._call
        verdicts = _passed(shapes[2])

        def run(state: Any, elements: Any) -> Any:
            carried, kept = state
            carried, saved, found = step(carried, list(elements))
            return (carried, _merged(kept, found)), saved

        (carry, verdicts), saved = lax.scan(
            run, (carry, verdicts), slices, length=trips, reverse=call.reverse
        )
        self._note(verdicts)
        return carry[0], carry[1], saved, np.int32(trips)

    # -- number of iterations found out on the way

    def _while(self, step: Any, shapes: Any, carry: Any, slices: Any, limit: int | None) -> Any:
        call = self._call
        if (slices[0].shape[0] if slices else limit) == 0:  # there is not a single iteration
            return carry[0], carry[1], self._rooms(shapes[1], slices, 0), np.int32(0)
        given: Any = self._inputs[call.count] if call.has_limit else np.int32(-1)
        saved = self._rooms(shapes[1], slices, limit)
        start = (jnp.int32(0), carry, saved, _passed(shapes[2]))
        known = isinstance(cast(object, given), (np.ndarray, np.generic))
        bounded = not (known and int(given) < 0)

        def goes_on(state: Any) -> Any:
            trips, carry = state[0], state[1]
            on = True if call.test is None else self._goes_on(carry)
            if not bounded:
                return on
            return ((given < 0) | (trips < given)) & on

        def run(state: Any) -> Any:
            trips, carry, saved, verdicts = state
            index = given - 1 - trips if call.reverse else trips
            elements = [lax.dynamic_index_in_dim(s, index, 0, keepdims=False) for s in slices]
            carry, values, found = step(carry, elements)
            saved = [
                lax.dynamic_update_index_in_dim(room, value, index, 0)
                for room, value in zip(saved, values)
            ]
            return trips + 1, carry, saved, _merged(verdicts, found)

        trips, carry, saved, verdicts = lax.while_loop(goes_on, run, start)
        self._note(verdicts)
        return carry[0], carry[1], saved, trips

    def _rooms(self, shapes: Sequence[Any], slices: Any, limit: int | None) -> list[Any]:
        if not shapes:
            return []
        if slices:
            limit = slices[0].shape[0]
        if limit is None:
            raise UnimplementedError(
                None, self._call.node, "how often the loop iterates cannot be told before it runs"
            )
        return [jnp.zeros((limit, *s.shape), s.dtype) for s in shapes]

    def _note(self, verdicts: Any) -> None:
        for check, (ok, arrays) in zip(self._inside, verdicts):
            self._checks.append(Check(check.node, check.message, ok, arrays))


def _with_places(call: Call, value: TracedBuffer, after: Any, limit: int | None) -> TracedBuffer:
    """Gives a list that every iteration makes longer or shorter the places that it will need."""
    before, length = value.length, after.length
    if not isinstance(before, int) or before == length:
        return value
    room = value.capacity
    if not isinstance(length, int) or length > before:
        if limit is None:
            raise UnimplementedError(
                None, call.node, "how long a list gets cannot be told before the loop runs"
            )
        room = before + limit * ((length - before) if isinstance(length, int) else 1)
    made = value.filled(after.element_shape, room)
    return TracedBuffer(made.spec, jnp.int32(before), made.data)


def _merged(kept: Any, found: Any) -> Any:
    """Joins the verdicts of earlier iterations with those of one more."""
    merged: list[Any] = []
    for (old_ok, old), (ok, arrays) in zip(kept, found):
        keep = [jnp.where(old_ok, new, before) for before, new in zip(old, arrays)]
        merged.append((old_ok & ok, tuple(keep)))
    return merged
