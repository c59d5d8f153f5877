"""Lowering: a region as one pure JAX function.

The function takes the variables it reads (those it also writes apart, so that their buffers can be
donated) and the arrays from outside, runs every node's kernel in order, and returns the variables
it wrote, what others want to see, and which check failed first.

While it is traced, a value is either concrete, a NumPy array, or a tracer. A node whose operands
are all concrete is evaluated at once by its reference; so is one that only looks at shapes. That is
how static inputs get their values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from millstream.base.errors import InvalidArgumentError, UnimplementedError
from millstream.base.lazy import jax, jnp, lax
from millstream.compiler import failures, lower_calls
from millstream.compiler.arena import spans
from millstream.compiler.bodies import Body
from millstream.compiler.buffer_values import is_buffer, owned
from millstream.compiler.checks import Check
from millstream.compiler.effects import Key
from millstream.compiler.padding import padded_unique
from millstream.compiler.region import Region, RegionNode
from millstream.ir.node import Operation
from millstream.ir.opdef import Writes
from millstream.ops.flow.buffer_room import no_room, room
from millstream.ops.flow.traced_buffers import traced
from millstream.rewrite.fold import SHAPE_OPS
from millstream.rewrite.rules import bind_flat

# Samples before they are scaled and shifted, as `tf.random_uniform(…, -1, 1)` does.
_SAMPLES = frozenset(
    (
        *("RandomUniform", "RandomStandardNormal", "TruncatedNormal"),
        *("StatelessRandomUniform", "StatelessRandomNormal", "StatelessTruncatedNormal"),
    )
)

type Env = dict[int, Any]
type Arrays = tuple[Any, ...]


class Lowering:
    """A region made into a function, for given concrete values.

    Attributes:
      constant_slots: Slots of large constants, first in the function's third argument.
      argument_slots: Slots of the other arrays in it.
      checks: The checks that the traced kernels stated, in order.
    """

    def __init__(self, region: Region, concrete: Mapping[int, Any]) -> None:
        self.region = region
        self._concrete = dict(concrete)
        self.constant_slots = tuple(s for s in region.large_constants if s not in self._concrete)
        self.argument_slots = tuple(
            s for s in region.inputs if s not in self._concrete and s not in region.large_constants
        )
        self.checks: list[Check] = []
        written = set(region.stores)
        slots = region.key_slots
        packed = region.packed()
        self._packed_slots = [slots[k] for k in packed]
        self._packed_spans = spans(region.shapes_of(packed))
        apart = [k for k in region.loads if k in written and k not in packed]
        self._donated_slots = [slots[k] for k in apart]
        self._kept_slots = [slots[k] for k in region.loads if k not in written]
        self._stored_slots = [slots[k] for k in region.stores if k not in packed]
        self._guards = checks_before_writes(region)

    def __call__(
        self, donated: tuple[Any, ...], kept: tuple[Any, ...], args: tuple[Any, ...]
    ) -> Any:
        """Runs the kernels on tracers.

        Returns:
          New variables; exported arrays; and (index of the first failed check or -1, arrays that
          the checks' messages want), or None if exported arrays alone can tell when all is done.
        """
        self.checks = []
        env: Env = dict(self._concrete)
        flat = None
        if self._packed_slots:
            flat, donated = donated[0], donated[1:]
            self._unpack(flat, env)
        env.update(zip(self._donated_slots, donated))
        env.update(zip(self._kept_slots, kept))
        env.update(zip((*self.constant_slots, *self.argument_slots), args))
        taken = {id(v) for v in jax.tree_util.tree_leaves((donated, kept, args))}
        before = {slot: env.get(slot) for slot in (*self._packed_slots, *self._stored_slots)}
        trace = _Trace(self, env, self._guards)
        token = room.set(self.region.room)
        try:
            for member in self.region.nodes:
                trace.run(member)
        finally:
            room.reset(token)
        self._keep_without_room(env, before)
        for key, slot in self.region.finals:
            env[slot] = env[self.region.key_slots[key]]
        states = [_own(env[slot], taken) for slot in self._stored_slots]
        if flat is not None:
            states.insert(0, self._pack(flat, env))
        outs = tuple(_own(env[slot], taken) for slot in self.region.exports)
        return tuple(states), outs, self._verdict() if self.checks or not outs else None

    def _keep_without_room(self, env: Env, before: Env) -> None:
        """Keeps all states where a growing array had no room: then the step is run again."""
        rooms = [_flag(c.ok) for c in self.checks if c.message is no_room]
        if not rooms:
            return
        self.checks.sort(key=lambda check: check.message is not no_room)
        ok = jnp.stack(rooms).all()
        for slot, old in before.items():
            if old is None or old.shape != env[slot].shape:
                raise UnimplementedError(
                    None, None, "A growing array in a step that sets a variable is not compiled."
                )
            env[slot] = jnp.where(ok, env[slot], old)

    def _unpack(self, flat: Any, env: Env) -> None:
        for slot, (start, stop, shape) in zip(self._packed_slots, self._packed_spans):
            env[slot] = lax.slice(flat, (start,), (stop,)).reshape(shape)

    def _pack(self, flat: Any, env: Env) -> Any:
        for slot, (start, _, _) in zip(self._packed_slots, self._packed_spans):
            part = jnp.asarray(env[slot], flat.dtype).ravel()
            flat = lax.dynamic_update_slice(flat, part, (start,))
        return flat

    def _verdict(self) -> Any:
        if not self.checks:
            return jnp.int32(-1), ()
        failed = ~jnp.stack([_flag(c.ok) for c in self.checks])
        first = jnp.where(failed.any(), jnp.argmax(failed), -1).astype(jnp.int32)
        return first, tuple(tuple(c.arrays) for c in self.checks)


def _flag(ok: Any) -> Any:
    return jnp.asarray(ok, bool).reshape(())


def _own(value: Any, taken: set[int]) -> Any:
    """Gives a result that shares its buffer with no argument and no other result."""
    if isinstance(value, (np.ndarray, np.generic)):
        return jnp.asarray(value)
    if is_buffer(value):
        return owned(traced(value), lambda part: _own(part, taken))
    if id(value) in taken:
        return jnp.copy(value)
    taken.add(id(value))
    return lax.convert_element_type(value, value.dtype) if value.weak_type else value


class _Trace:
    """One pass over a region's nodes."""

    def __init__(
        self, lowering: Lowering | _Inside, env: Env, guards: Mapping[Operation, set[Operation]]
    ) -> None:
        self._lowering, self._env, self._guards = lowering, env, guards
        # For variables with sparse writes: the slots of what was computed from their current array.
        self._readers: dict[int, list[int]] = {}
        for member in lowering.region.nodes:
            effect = member.node.opdef.effect
            if isinstance(effect, Writes) and effect.sparse:
                self._readers.update((slot, []) for slot in member.states)

    def run(self, member: RegionNode) -> None:
        """Evaluates a node and puts its results where they go."""
        node, env = member.node, self._env
        operands = [env.get(slot) for slot in member.ins]
        if self._readers:
            self._note_reader(member, operands)
            self._separate(member)
            operands = [env.get(slot) for slot in member.ins]
        try:
            results = self._evaluate(member, operands)
        except Exception as error:
            raise failures.wrap(error, node, operands) from error
        targets = (*member.states, *member.outs)
        if len(targets) == 1:
            results = (results,)
        if node in self._guards:
            results = self._guarded(member, list(results))
        for slot, value in zip(targets, results):
            if slot is not None:
                env[slot] = value

    def _guarded(self, member: RegionNode, results: list[Any]) -> list[Any]:
        """Keeps the old state where a check that comes before the write failed."""
        before = self._guards[member.node]
        oks = [jnp.asarray(c.ok, bool) for c in self._lowering.checks if c.node in before]
        if oks:
            ok = jnp.stack([o.reshape(()) for o in oks]).all()
            for index, slot in enumerate(member.states):
                old = self._env.get(slot)
                if old is not None and old.shape == results[index].shape:
                    results[index] = jnp.where(ok, results[index], old)
        return results

    def _evaluate(self, member: RegionNode, operands: list[Any]) -> Any:
        node = member.node
        opdef = node.opdef
        if node.type in SHAPE_OPS:
            return bind_flat(opdef.reference, node)(*map(_shape_only, operands))
        if member.call is not None:
            return lower_calls.trace(member.call, operands, self._lowering.checks, trace_body)
        repeatable = not opdef.stateful or node.type == "Assert"
        pure = opdef.effect is None and repeatable and opdef.reference
        if pure and all(isinstance(v, (np.ndarray, np.generic)) for v in operands):
            with np.errstate(all="ignore"):
                return bind_flat(opdef.reference, node)(*operands)
        if any(map(is_buffer, operands)):
            operands = list(map(traced, operands))
        if not opdef.has_buffers and any(map(is_buffer, operands)):
            # A flow that is copied or added up: its reference does that to anything that adds.
            return bind_flat(opdef.reference, node)(*operands)
        if node.type == "Unique":
            return padded_unique(node, *_for_kernel(node, operands))
        results = bind_flat(opdef.kernel, node, check=self._checker(node))(
            *_for_kernel(node, operands)
        )
        if node.type == "Mul" and node.inputs[0].op.type in _SAMPLES:
            # Fused with the addition that follows, the product would not be rounded as elsewhere,
            # and the stream would differ in its last bits.
            return lax.optimization_barrier(results)
        return results

    def _checker(self, node: Operation) -> Callable[..., None]:
        def check(ok: Any, message: Callable[..., str], *arrays: Any) -> None:
            if not any(isinstance(value, jax.core.Tracer) for value in (ok, *arrays)):
                if not ok:
                    raise InvalidArgumentError(None, None, message(*map(np.asarray, arrays)))
                return
            self._lowering.checks.append(Check(node, message, ok, arrays))

        return check

    # A row update reuses the table's buffer only if XLA can tell that every read of the old table
    # comes before it; a barrier across both says so. Without it XLA copies the table.

    def _note_reader(self, member: RegionNode, operands: list[Any]) -> None:
        for state, readers in self._readers.items():
            current = self._env.get(state)
            if any(v is current for v in operands) and state not in member.states:
                readers.extend(slot for slot in member.outs if slot is not None)

    def _separate(self, member: RegionNode) -> None:
        env = self._env
        for state in member.states:
            current = env.get(state)
            readers = [
                slot
                for slot in self._readers.get(state, ())
                if slot in env
                and env[slot] is not current
                and not isinstance(env[slot], np.ndarray)
            ]
            if readers:
                values = (current, *[env[slot] for slot in readers])
                fenced = lax.optimization_barrier(values)
                env.update(zip((state, *readers), fenced))
                self._readers[state] = []

    def _is_traced(self, slot: int, table: Any) -> bool:
        value = self._env.get(slot)
        return value is not None and value is not table and not isinstance(value, np.ndarray)


class _Inside:
    """Stands for the `Lowering` of a body: its region, and where its checks go."""

    def __init__(self, region: Region, checks: list[Check]) -> None:
        self.region, self.checks = region, checks


def trace_body(
    body: Body, inputs: Sequence[Any], states: dict[Key, Any], checks: list[Check]
) -> list[Any]:
    """Runs the kernels of a function's body on tracers.

    Args:
      body: The body.
      inputs: A tracer or a known array per input of the function.
      states: Variables by key; those that the body writes are replaced.
      checks: Where checks that its kernels state are added.

    Returns:
      A value per item of the body's `outputs`.
    """
    plan, region = body.plan, body.region
    env: Env = dict(zip(plan.feed_slots, inputs))
    if region is not None:
        env.update(region.constants)
        env.update(region.large_constants)
        for key in region.loads:
            env[region.key_slots[key]] = states[key]
        trace = _Trace(_Inside(region, checks), env, checks_before_writes(region))
        for member in region.nodes:
            trace.run(member)
        for key, slot in region.finals:
            env[slot] = env[region.key_slots[key]]
        for key in region.stores:
            states[key] = env[region.key_slots[key]]
    template = plan.template
    return [env[s] if s in env else template[s] for s in plan.fetch_slots]


def _shape_only(value: Any) -> Any:
    """Gives an array of a tracer's shape and dtype that takes no memory."""
    return np.broadcast_to(np.empty((), value.dtype), value.shape)


def _for_kernel(node: Operation, operands: list[Any]) -> list[Any]:
    """Gives concrete operands as JAX arrays, but static ones as they are."""
    opdef = node.opdef
    static = [False] * len(operands)
    if opdef.static:
        for arg, (start, stop) in zip(opdef.inputs, opdef.input_spans(node)):
            static[start:stop] = [arg.name in opdef.static] * (stop - start)
    return [
        jnp.asarray(v) if not fixed and _is_numeric(v) else v for v, fixed in zip(operands, static)
    ]


def _is_numeric(value: Any) -> bool:
    if not isinstance(cast(object, value), (np.ndarray, np.generic)):
        return False
    return not value.dtype.hasobject


def _has_checks(member: RegionNode) -> bool:
    if member.call is not None:
        bodies = [b.region for b in member.call.bodies if b.region is not None]
        return any(_has_checks(inner) for region in bodies for inner in region.nodes)
    kernel = member.node.opdef.kernel
    return bool(kernel) and ("extra", "check") in kernel.sources


def checks_before_writes(region: Region) -> dict[Operation, set[Operation]]:
    """Finds, for each write of a region, the nodes before it whose kernels state checks.

    Row updates are left out: choosing between two whole tables would cost more than the update.
    """
    checkers = [m.node for m in region.nodes if _has_checks(m)]
    if not checkers or not region.stores:
        return {}
    bits = {node: 1 << i for i, node in enumerate(checkers)}
    above: dict[Operation, int] = {}
    for node in region.program_nodes:
        mask = 0
        for before in region.predecessors(node):
            mask |= above.get(before, 0) | bits.get(before, 0)
        above[node] = mask
    found: dict[Operation, set[Operation]] = {}
    for member in region.nodes:
        effect = member.node.opdef.effect
        dense = isinstance(effect, Writes) and not effect.sparse
        dense = dense or (member.call is not None and bool(member.states))
        if dense and above.get(member.node):
            mask = above[member.node]
            found[member.node] = {node for node, bit in bits.items() if mask & bit}
    return found
