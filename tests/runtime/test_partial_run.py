"""Steps that are fed and fetched in several calls."""

import pytest

from millstream.base import dtypes, errors
from millstream.ir.constant import constant
from millstream.ir.graph import Graph
from millstream.ops.array.placeholders import placeholder
from millstream.runtime.session import Session
from tests.compiler import sample_ops as ops


class Case:
    """A graph of three feeds and two results, the second built on the first."""

    def __init__(self):
        self.a, self.b, self.c = (placeholder(dtypes.float32, [], name) for name in "abc")
        self.total = ops.SampleAdd(self.a, self.b, name="total")
        self.scaled = ops.SampleMul(self.total, self.c, name="scaled")
        self.feeds = [self.a, self.b, self.c]


@pytest.fixture
def case():
    with Graph().as_default():
        yield Case()


@pytest.fixture
def session(case):
    with Session(graph=case.a.graph) as s:
        yield s


def test_a_step_in_two_parts(session, case):
    handle = session.partial_run_setup([case.total, case.scaled], case.feeds)
    assert session.partial_run(handle, case.total, {case.a: 1, case.b: 2}) == 3.0
    assert session.partial_run(handle, [case.scaled], {case.c: 10}) == [30.0]
    with pytest.raises(errors.InvalidArgumentError, match="Must run 'setup'"):
        session.partial_run(handle, case.scaled)


def test_all_at_once_and_feeding_alone(session, case):
    handle = session.partial_run_setup([case.total, case.scaled], case.feeds)
    values = {case.a: 1, case.b: 2, case.c: 3}
    assert session.partial_run(handle, [case.total, case.scaled], values) == [3.0, 9.0]
    handle = session.partial_run_setup([case.total], case.feeds)
    assert session.partial_run(handle, [], {case.a: 1}) == []
    assert session.partial_run(handle, case.total, {case.b: 1}) == 2.0


def test_several_under_way(session, case):
    first, second = (
        session.partial_run_setup([case.total, case.scaled], case.feeds) for _ in range(2)
    )
    assert session.partial_run(first, case.total, {case.a: 1, case.b: 2}) == 3.0
    assert session.partial_run(second, case.total, {case.a: 5, case.b: 2}) == 7.0
    assert session.partial_run(first, case.scaled, {case.c: 1}) == 3.0
    assert session.partial_run(second, case.scaled, {case.c: 1}) == 7.0


def test_no_node_runs_twice(session, case):
    v = ops.SampleVariable(dtype=dtypes.float32, shape=[], name="v")
    session.run(ops.SampleAssign(v, constant(0.0)))
    count = ops.SampleAssignAdd(v, constant(1.0))
    number = ops.SampleCounter()
    with case.a.graph.control_dependencies([count, number]):
        first = ops.SampleMul(case.a, constant(2.0))
    second = ops.SampleAdd(first, case.c)
    handle = session.partial_run_setup([first, second, count.op, number], [case.a, case.c])
    assert session.partial_run(handle, first, {case.a: 1}) == 2.0
    assert session.run(v) == 1.0
    assert session.partial_run(handle, second, {case.c: 5}) == 7.0
    assert session.partial_run(handle, [count.op, number]) == [None, 1]
    assert session.run(v) == 1.0


@pytest.mark.parametrize(
    ("fetch", "feed", "message"),
    [
        ("scaled", "", "Fetch c:0 can't be computed from the feeds that have been fed so far"),
        ("scaled", "a", "The feed a:0 has already been fed"),
        ("total", "c", "The fetch total:0 has already been fetched"),
        ("scaled", "other", "The feed other:0 was not specified in partial_run_setup"),
        ("other", "c", "The fetch other:0 was not specified in partial_run_setup"),
    ],
)
def test_what_a_part_may_not_ask_for(session, case, fetch, feed, message):
    placeholder(dtypes.float32, [], "other")
    handle = session.partial_run_setup([case.total, case.scaled], case.feeds)
    session.partial_run(handle, case.total, {case.a: 1, case.b: 2})
    with pytest.raises(errors.InvalidArgumentError, match=message):
        session.partial_run(handle, f"{fetch}:0", {f"{feed}:0": 1.0} if feed else None)


def test_what_cannot_be_set_up(session, case):
    with pytest.raises(errors.InvalidArgumentError, match="at least one target"):
        session.partial_run_setup([], case.feeds)
    with pytest.raises(
        errors.InvalidArgumentError, match="feed a value for placeholder tensor 'c'"
    ):
        session.partial_run_setup(case.scaled, [case.a, case.b])
