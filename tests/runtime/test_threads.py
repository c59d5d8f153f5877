"""Many threads in one session: nothing is lost, torn or deleted."""

import threading

import numpy as np
import pytest

from millstream.base import dtypes
from millstream.compiler import region
from millstream.ir.constant import constant
from millstream.ir.graph import Graph
from millstream.runtime.resources import Gate, conflicts
from millstream.runtime.session import Session
from tests.compiler import sample_ops as ops

THREADS, ROUNDS = 8, 200


def in_threads(work, count=THREADS):
    failures = []

    def guarded(index):
        try:
            work(index)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.parametrize(("tier", "fewest"), [("numpy", 16), ("xla", 16), ("xla", 1), ("auto", 16)])
def test_no_update_is_lost_and_no_read_is_torn(tier, fewest, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", tier)
    monkeypatch.setattr(region, "FEWEST", fewest)
    with Graph().as_default() as graph:
        a = ops.SampleVariable(dtype=dtypes.float32, shape=[64], name="a")
        b = ops.SampleVariable(dtype=dtypes.float32, shape=[64], name="b")
        zeros = constant(np.zeros(64, np.float32))
        init = [ops.SampleAssign(a, zeros), ops.SampleAssign(b, zeros)]
        ones = constant(np.ones(64, np.float32))
        both = [ops.SampleAssignAdd(a, ones).op, ops.SampleAssignAdd(b, ones).op]
        difference = ops.SampleAdd(a, ops.SampleMul(b, constant(-1.0)))
    with Session(graph=graph) as session:
        session.run(init)

        def work(index):
            for _ in range(ROUNDS):
                if index % 2:
                    session.run(both)
                else:
                    assert not session.run(difference).any()
                    value = session.run([a, b])
                    assert (value[0] == value[0][0]).all()

        in_threads(work)
        expected = ROUNDS * THREADS // 2
        np.testing.assert_array_equal(session.run(a), np.full(64, expected))
        np.testing.assert_array_equal(session.run(b), np.full(64, expected))


def test_first_runs_at_the_same_time(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "xla")
    with Graph().as_default() as graph:
        x = ops.SampleInput(dtype=dtypes.float32, shape=[None])
        y = ops.SampleSum(ops.SampleMul(x, x))
    with Session(graph=graph) as session:

        def work(index):
            for size in range(1, 4):
                assert session.run(y, {x: np.ones(size)}) == size

        in_threads(work)


class Touch:
    """An access to numbered cells."""

    def __init__(self, reads=(), writes=()):
        self.reads, self.writes = frozenset(reads), frozenset(writes)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (Touch([1]), Touch([1]), False),
        (Touch([1]), Touch([], [1]), True),
        (Touch([], [1]), Touch([1]), True),
        (Touch([], [1]), Touch([], [1]), True),
        (Touch([1], [2]), Touch([1], [3]), False),
        (Touch([1], [2]), Touch([3], [1]), True),
    ],
)
def test_conflicts(a, b, expected):
    assert conflicts(a, b) is expected


def test_readers_share_and_writers_wait():
    gate = Gate()
    reader, writer = Touch([1]), Touch([], [1])
    gate.enter(reader)
    gate.enter(reader)
    entered = threading.Event()
    thread = threading.Thread(target=lambda: (gate.enter(writer), entered.set()))
    thread.start()
    gate.leave(reader)
    assert not entered.wait(0.05)
    gate.leave(reader)
    assert entered.wait(10)
    gate.leave(writer)
    thread.join()


def test_readers_do_not_overtake_a_waiting_writer():
    gate = Gate()
    reader, writer = Touch([1]), Touch([], [1])
    order = []
    gate.enter(reader)

    def enter(access, name):
        gate.enter(access)
        order.append(name)
        gate.leave(access)

    first = threading.Thread(target=enter, args=(writer, "writer"))
    first.start()
    while not gate._waiting:
        pass
    second = threading.Thread(target=enter, args=(reader, "reader"))
    second.start()
    while len(gate._waiting) < 2:
        pass
    gate.leave(reader)
    first.join(10)
    second.join(10)
    assert order == ["writer", "reader"]
