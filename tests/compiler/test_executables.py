"""What is handed to XLA: donation, no copies of tables, no aliases; and when tiers switch."""

import re

import numpy as np
import pytest

from millstream.base import dtypes
from millstream.compiler import cost, tiers
from millstream.compiler.region import Region
from millstream.compiler.tiers import Stage
from millstream.ir.constant import constant
from millstream.ir.graph import Graph
from millstream.runtime.session import Session
from tests.compiler import sample_ops as ops


@pytest.fixture
def graph():
    with Graph().as_default() as g:
        yield g


def variant_of(graph):
    """Finds the one variant of the last plan's one region."""
    plan = list(graph.executables.values())[-1]
    (region,) = [a for a in plan.actions if isinstance(a, Region)]
    return region.tiers.sole or next(reversed(region.tiers._variants.values()))


def compiled_text(graph):
    return variant_of(graph).executable._compiled.as_text()


def test_sparse_update_of_a_table_that_is_also_read_copies_nothing(graph, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "xla")
    v = ops.SampleVariable(dtype=dtypes.float32, shape=[5000, 8], name="table")
    init = ops.SampleAssign(v, constant(np.zeros((5000, 8), np.float32)))
    rows = ops.SampleInput(dtype=dtypes.int32, shape=[3])
    before = ops.SampleGather(v, rows)
    update = ops.SampleScatterAdd(v, rows, ops.SampleMul(before, constant(-0.1)))
    loss = ops.SampleSum(before)
    with Session() as session:
        session.run(init.op)
        session.run([update.op, loss], {rows: [1, 2, 3]})
        text = compiled_text(graph)
    assert "f32[5000,8]" in text
    assert not re.search(r"f32\[5000,8\]\S* copy", text)
    assert "input_output_alias" in text


def test_a_dense_update_reuses_the_variables_buffer(graph, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "xla")
    v = ops.SampleVariable(dtype=dtypes.float32, shape=[100], name="v")
    init = ops.SampleAssign(v, constant(np.zeros(100, np.float32)))
    add = ops.SampleAssignAdd(v, constant(np.ones(100, np.float32)))
    with Session() as session:
        session.run(init.op)
        session.run(add.op)
        cell = session.resources.cell(next(iter(session.resources._cells)))
        session.run(add.op)
        first = cell.value.unsafe_buffer_pointer()
        session.run(add.op)
        assert cell.value.unsafe_buffer_pointer() == first
        session.run(v)
        session.run(add.op)
        assert cell.value.unsafe_buffer_pointer() == first, "a fetch must not end donation"


def test_a_large_constant_is_an_argument(graph, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "xla")
    x = ops.SampleInput(dtype=dtypes.float32, shape=[3000])
    y = ops.SampleAdd(x, constant(np.arange(3000.0, dtype=np.float32)))
    with Session() as session:
        np.testing.assert_array_equal(session.run(y, {x: np.ones(3000)}), np.arange(1.0, 3001.0))
        assert "constant({0, 1, 2" not in compiled_text(graph)
        assert "parameter(1)" in compiled_text(graph)


def heavy_graph():
    x = ops.SampleInput(dtype=dtypes.float32, shape=[None, 400])
    y = x
    for _ in range(6):
        y = ops.SampleMul(ops.SampleAdd(y, x), constant(0.5))
    return x, y


def stages(runs, batch=500):
    """Gives the stage in which each run of a fresh program finds its region."""
    found = []
    with Graph().as_default() as graph:
        x, y = heavy_graph()
        with Session() as session:
            data = np.ones((batch, 400), np.float32)
            for _ in range(runs):
                session.run(y, {x: data})
                found.append(variant_of(graph).stage)
    return found


def test_a_hot_region_switches_at_the_same_run_every_time(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "auto")
    monkeypatch.setattr(cost, "FIRST_COMPILE_US", 0.0)
    first = stages(150)
    assert first[0] is Stage.COLD
    assert Stage.COMPILING in first
    assert first[-1] is Stage.HOT
    assert stages(150) == first


def test_a_training_step_switches_early(graph, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "auto")
    v = ops.SampleVariable(dtype=dtypes.float32, shape=[1000, 1000], name="v")
    init = ops.SampleAssign(v, constant(np.zeros((1000, 1000), np.float32)))
    add = v
    for _ in range(4):
        add = ops.SampleAdd(ops.SampleMul(v, constant(0.5)), add)
    train = ops.SampleAssign(v, add)
    with Session() as session:
        session.run(init.op)
        seen = []
        for _ in range(5):
            session.run(train.op)
            seen.append(variant_of(graph).stage)
    assert seen == [Stage.COLD] + [Stage.COMPILING] * 2 + [Stage.HOT] * 2


def test_a_small_region_stays_in_numpy(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "auto")
    assert stages(50, batch=1)[-1] is Stage.STAYS


def test_a_region_slower_than_its_compilation_is_compiled_at_once(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "auto")
    monkeypatch.setattr(cost, "_CHEAP_NS", 1e3)
    assert stages(1) == [Stage.HOT]


def test_what_cannot_be_traced_stays_in_numpy(graph, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "auto")
    monkeypatch.setattr(cost, "_CHEAP_NS", 1e4)

    def refuse(*_arguments):
        raise NotImplementedError("no such kernel")

    monkeypatch.setattr(ops.SampleMul.kernel, "fn", refuse)
    x, y = heavy_graph()
    with Session() as session:
        for _ in range(3):
            result = session.run(y, {x: np.ones((50, 400))})
        assert result.shape == (50, 400)
        assert variant_of(graph).stage is Stage.STAYS


def test_each_shape_has_a_variant_up_to_a_limit(graph, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "xla")
    monkeypatch.setattr(tiers, "MOST_VARIANTS", 3)
    x = ops.SampleInput(dtype=dtypes.float32, shape=[None])
    y = ops.SampleSum(x)
    with Session() as session:
        for size in range(1, 7):
            assert session.run(y, {x: np.ones(size)}) == size
    plan = next(iter(graph.executables.values()))
    assert len(plan.actions[0].tiers._variants) == 3


def test_changing_shapes_are_reported_once(graph, monkeypatch, caplog):
    monkeypatch.setenv("MILLSTREAM_TIER", "xla")
    monkeypatch.setattr(tiers, "SHAPES_BEFORE_WARNING", 3)
    x = ops.SampleInput(dtype=dtypes.float32, shape=[None])
    y = ops.SampleSum(x)
    with Session() as session:
        for size in range(1, 9):
            session.run(y, {x: np.ones(size)})
    assert len([r for r in caplog.records if "input shapes" in r.getMessage()]) == 1


def test_a_variable_that_changes_shape_behind_the_graphs_back(graph, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "xla")
    v = ops.SampleVariable(dtype=dtypes.float32, shape=[2], name="v")
    x = ops.SampleInput(dtype=dtypes.float32, shape=None)
    assign = ops.SampleAssign(v, x)
    y = ops.SampleMul(v, constant(2.0))
    with Session() as session:
        session.run(assign.op, {x: [1, 2]})
        np.testing.assert_array_equal(session.run(y), [2, 4])
        session.run(assign.op, {x: [1, 2, 3]})
        np.testing.assert_array_equal(session.run(y), [2, 4, 6])
