"""The NumPy tier: a node as one call on a frame.

A *frame* is a list of slots that holds a step's arrays; a *NumPy step* is a function of the frame
that runs one node by its reference. There is one shape of function per number of operands, since
unpacking a general list would cost more than most scalar operations do.

Arrays in a frame are never changed in place: a slot may share its array with a constant, a feed or
a variable. So what becomes a variable's value, and what is handed to the user, is copied unless
nobody else holds it (`take`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from operator import itemgetter
from sys import getrefcount
from typing import Any

import numpy as np

type Frame = list[Any]
type NumPyStep = Callable[[Frame], None]
type Function = Callable[..., Any]


def take(frame: Frame, slot: int) -> Any:
    """Gives the value of a slot as one that nobody else can change or see changed."""
    value = frame[slot]
    if type(value) is np.ndarray:
        if getrefcount(value) <= _SOLE_HOLDER and value.base is None and value.flags.c_contiguous:
            return value
        return value.copy()
    return value


_OPERATORS: Any = operator
FASTER: dict[Function, Function] = {
    np.add: _OPERATORS.add,
    np.subtract: _OPERATORS.sub,
    np.multiply: _OPERATORS.mul,
    np.true_divide: _OPERATORS.truediv,
    np.negative: _OPERATORS.neg,
    np.absolute: _OPERATORS.abs,
    np.matmul: _OPERATORS.matmul,
    np.less: _OPERATORS.lt,
    np.less_equal: _OPERATORS.le,
    np.greater: _OPERATORS.gt,
    np.greater_equal: _OPERATORS.ge,
    np.equal: _OPERATORS.eq,
    np.not_equal: _OPERATORS.ne,
    np.bitwise_and: _OPERATORS.and_,
    np.bitwise_or: _OPERATORS.or_,
    np.bitwise_xor: _OPERATORS.xor,
}
"""Operators that do what a ufunc does and, on NumPy scalars, take a tenth of its time."""


def _count_when_alone() -> int:
    """Measures what `getrefcount` in `take` says of an array that only the frame holds."""
    counts: list[int] = []

    def probe(frame: Frame, slot: int) -> Any:
        value = frame[slot]
        counts.append(getrefcount(value))
        return value

    probe([np.zeros(1)], 0)
    return counts[0]


_SOLE_HOLDER = _count_when_alone()


def make_step(fn: Function, ins: Sequence[int], outs: Sequence[int | None]) -> NumPyStep:
    """Makes the step that calls `fn` on slots `ins` and puts what it returns into slots `outs`.

    Args:
      fn: A bound rule. It returns one array for one output, a sequence for several.
      ins: Slots of its operands.
      outs: Slots of its results; None for a result that nobody needs.
    """
    fn = FASTER.get(fn, fn)
    if not outs:
        return _sink(fn, ins)
    if len(outs) > 1:
        return _fan_out(fn, ins, outs)
    out = outs[0]
    return _sink(fn, ins) if out is None else _single(fn, ins, out)


def _single(fn: Function, ins: Sequence[int], out: int) -> NumPyStep:
    if len(ins) == 1:
        a = ins[0]

        def unary(frame: Frame) -> None:
            frame[out] = fn(frame[a])

        return unary
    if len(ins) == 2:
        a, b = ins

        def binary(frame: Frame) -> None:
            frame[out] = fn(frame[a], frame[b])

        return binary
    if not ins:

        def nullary(frame: Frame) -> None:
            frame[out] = fn()

        return nullary
    gather = itemgetter(*ins)

    def general(frame: Frame) -> None:
        frame[out] = fn(*gather(frame))

    return general


def gatherer(ins: Sequence[int]) -> Callable[[Frame], Sequence[Any]]:
    """Makes the function that takes a frame's arrays at slots `ins`."""
    if len(ins) > 1:
        return itemgetter(*ins)
    return (lambda frame: (frame[ins[0]],)) if ins else (lambda frame: ())


def _sink(fn: Function, ins: Sequence[int]) -> NumPyStep:
    gather = gatherer(ins)

    def sink(frame: Frame) -> None:
        fn(*gather(frame))

    return sink


def _fan_out(fn: Function, ins: Sequence[int], outs: Sequence[int | None]) -> NumPyStep:
    gather = gatherer(ins)

    def fan_out(frame: Frame) -> None:
        for out, value in zip(outs, fn(*gather(frame))):
            if out is not None:
                frame[out] = value

    return fan_out


def make_write_step(
    fn: Function, ins: Sequence[int], states: Sequence[int], outs: Sequence[int | None]
) -> NumPyStep:
    """Makes the step of a node that replaces state: `fn` returns new states, then outputs."""
    fn = FASTER.get(fn, fn)
    if len(states) == 1 and not outs and len(ins) == 2:
        return _binary_write(fn, ins[0], ins[1], states[0])
    if len(states) == 1 and not outs:
        state = states[0]
        compute = _single(fn, ins, state)

        def write(frame: Frame) -> None:
            compute(frame)
            frame[state] = take(frame, state)

        return write
    compute_all = _fan_out(fn, ins, (*states, *outs))

    def write_several(frame: Frame) -> None:
        compute_all(frame)
        for state in states:
            frame[state] = take(frame, state)

    return write_several


def _binary_write(fn: Function, a: int, b: int, state: int) -> NumPyStep:
    """Makes the commonest write, `v = fn(v, x)`, without a detour through `take`."""
    alone = _SOLE_HOLDER - 1  # here no frame holds the array yet

    def write(frame: Frame) -> None:
        value = fn(frame[a], frame[b])
        if value.__class__ is np.ndarray and (getrefcount(value) > alone or value.base is not None):
            value = value.copy()
        frame[state] = value

    return write


def make_move_step(source: int, target: int) -> NumPyStep:
    """Makes the step that shows the value of one slot in another."""

    def move(frame: Frame) -> None:
        frame[target] = frame[source]

    return move
