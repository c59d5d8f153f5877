"""Small variables packed in one array: they behave as if each had its own."""

import numpy as np
import pytest

from millstream.base import dtypes, errors
from millstream.compiler import region
from millstream.ir.constant import constant
from millstream.ir.graph import Graph
from millstream.runtime.session import Session
from tests.compiler import sample_ops as ops

COUNT = 5


@pytest.fixture
def graph(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "xla")
    monkeypatch.setattr(region, "FEWEST", 2)
    with Graph().as_default() as g:
        yield g


def variables():
    shapes = [[], [2], [3, 2], [1], [4]]
    found = [ops.SampleVariable(dtype=dtypes.float32, shape=s, name="v") for s in shapes]
    init = [
        ops.SampleAssign(v, constant(np.full(s, i, np.float32))).op
        for i, (v, s) in enumerate(zip(found, shapes, strict=True))
    ]
    return found, init


def add_to(chosen):
    return [ops.SampleAssignAdd(v, constant(1.0)).op for v in chosen]


def attached(session):
    return [cell._arena is not None for cell in session.resources._cells.values()]


def means(session, found):
    return [float(np.mean(session.run(v))) for v in found]


def test_a_step_packs_what_it_updates(graph):
    found, init = variables()
    big = ops.SampleVariable(dtype=dtypes.float32, shape=[5000], name="big")
    step = add_to([*found, big])
    with Session() as session:
        session.run([init, ops.SampleAssign(big, constant(np.zeros(5000, np.float32))).op])
        for _ in range(3):
            session.run(step)
        assert attached(session) == [True] * COUNT + [False]
        assert means(session, [*found, big]) == [3.0, 4.0, 5.0, 6.0, 7.0, 3.0]
        assert [session.run(v).shape for v in found] == [(), (2,), (3, 2), (1,), (4,)]


def test_fetched_values_do_not_change_later(graph):
    found, init = variables()
    step = add_to(found)
    with Session() as session:
        session.run(init)
        session.run(step)
        before = session.run(found)
        kept = [np.array(value) for value in before]
        session.run(step)
        for value, copy in zip(before, kept, strict=True):
            np.testing.assert_array_equal(value, copy)
        session.run(found)[1][:] = 100.0
        assert means(session, found) == [2.0, 3.0, 4.0, 5.0, 6.0]


def test_setting_one_variable_sets_all_free(graph):
    found, init = variables()
    step = add_to(found)
    set_one = ops.SampleAssign(found[1], constant(np.full(2, 50.0, np.float32)))
    with Session() as session:
        session.run(init)
        session.run(step)
        session.run(set_one)
        assert attached(session) == [False] * COUNT
        assert means(session, found) == [1.0, 50.0, 3.0, 4.0, 5.0]
        session.run(step)
        assert all(attached(session))
        assert means(session, found) == [2.0, 51.0, 4.0, 5.0, 6.0]


def test_steps_that_pack_overlapping_variables_take_turns(graph):
    found, init = variables()
    low, high = add_to(found[:3]), add_to(found[2:])
    with Session() as session:
        session.run(init)
        for _ in range(3):
            session.run(low)
            session.run(high)
        assert means(session, found) == [3.0, 4.0, 8.0, 6.0, 7.0]


def test_a_variable_that_loses_its_value(graph):
    found, init = variables()
    step = add_to(found)
    with Session() as session:
        session.run(init)
        session.run(step)
        key = next(k for k in session.resources._cells if k.name == "v_2")
        assert session.resources.clear_cell(key)
        with pytest.raises(errors.FailedPreconditionError, match="uninitialized value v_2"):
            session.run(step)
        assert means(session, found[:2]) == [1.0, 2.0]


def test_a_variable_of_another_shape_is_not_packed(graph):
    found, init = variables()
    step = add_to(found)
    x = ops.SampleInput(dtype=dtypes.float32, shape=None)
    reshape = ops.SampleAssign(found[1], x)
    with Session() as session:
        session.run(init)
        session.run(step)
        session.run(reshape.op, {x: np.zeros(7)})
        session.run(step)
        assert session.run(found[1]).shape == (7,)
