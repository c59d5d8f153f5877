"""Executables: a region compiled for one signature."""

from __future__ import annotations

from typing import Any

from millstream.base.errors import InvalidArgumentError, OpError
from millstream.compiler import failures, jax_bridge
from millstream.compiler.buffer_values import is_buffer
from millstream.compiler.checks import Check
from millstream.compiler.lower import Lowering
from millstream.compiler.options import ONEDNN, options_for
from millstream.compiler.region import Region
from millstream.compiler.steps import Frame, gatherer
from millstream.ops.flow.buffer_room import NoRoom
from millstream.ops.flow.traced_buffers import traced


class Executable:
    """What XLA made of a region.

    Attributes:
      region: The region.
      lowering: The function that was compiled.
    """

    def __init__(
        self, region: Region, lowering: Lowering, compiled: Any, has_buffers: bool = False
    ) -> None:
        self.region = region
        self.lowering = lowering
        self._compiled = compiled
        gather = gatherer(lowering.argument_slots)

        def gather_buffers(frame: Frame) -> tuple[Any, ...]:
            return tuple(map(traced, gather(frame)))

        self._gather = gather_buffers if has_buffers else gather
        constants = region.large_constants
        self._constants = tuple(jax_bridge.on_device(constants[s]) for s in lowering.constant_slots)
        self._exports = region.exports
        self._enter, self._leave = jax_bridge.x64_switch()
        self._runtime_error = jax_bridge.runtime_error()
        self._checks: list[Check] = lowering.checks
        self._for_host = tuple(i for i, s in enumerate(region.exports) if s in region.host_exports)

    def call(self, frame: Frame, donated: tuple[Any, ...], kept: tuple[Any, ...]) -> Any:
        """Starts the computation; the buffers of `donated` are gone afterwards.

        Returns:
          New variables, exported arrays, verdict of the checks: all JAX arrays not yet ready.
        """
        previous = self._enter()
        try:
            return self._compiled(donated, kept, (*self._constants, *self._gather(frame)))
        except self._runtime_error as error:
            raise jax_bridge.translate(error, self.region.nodes[0].node) from error
        finally:
            self._leave(previous)

    def finish(self, frame: Frame, result: Any) -> None:
        """Puts exported arrays into the frame, once computed, and raises what a check found."""
        _, outs, verdict = result
        # Feeds may alias the caller's arrays: they must be his again when the step returns. New
        # variables cannot be waited for, since another thread's step may have taken them by now.
        if verdict is None:
            jax_bridge.wait_for(outs[0])
        elif not self._checks:
            verdict[0].block_until_ready()
        else:
            first = int(verdict[0])
            if first >= 0:
                self._fail(first, verdict[1][first])
        for slot, value in zip(self._exports, outs):
            frame[slot] = value
        for index in self._for_host:
            frame[self._exports[index]] = jax_bridge.view(outs[index])

    def _fail(self, index: int, arrays: Any) -> None:
        check = self._checks[index]
        try:
            message = check.message(*[jax_bridge.view(a) for a in arrays])
        except NoRoom:  # not for users: the region knows what to do
            raise
        except OpError as error:  # a rule may ask for another class of error by raising it
            raise failures.wrap(error, check.node) from None
        raise failures.wrap(InvalidArgumentError(None, None, message), check.node)


def compile_region(
    region: Region, concrete: dict[int, Any], donated: Any, kept: Any, arguments: dict[int, Any]
) -> Executable:
    """Compiles a region.

    Args:
      region: The region.
      concrete: Values that become part of the executable, by slot.
      donated: (shape, dtype) of the variables that it reads and writes.
      kept: (shape, dtype) of those that it only reads.
      arguments: (shape, dtype) of what else it takes, by slot.

    Raises:
      OpError: If a kernel refuses its operands.
    """
    jax_bridge.prepare()
    lowering = Lowering(region, concrete)
    describe = jax_bridge.described
    shapes = (
        tuple(map(describe, donated)),
        tuple(map(describe, kept)),
        tuple(
            describe(arguments[slot])
            for slot in (*lowering.constant_slots, *lowering.argument_slots)
        ),
    )
    options = options_for(region)
    has_buffers = any(is_buffer(arguments[slot]) for slot in lowering.argument_slots)
    compiled = jax_bridge.compile_function(
        lowering, region.name, shapes, options, keep=ONEDNN not in options
    )
    return Executable(region, lowering, compiled, has_buffers)
