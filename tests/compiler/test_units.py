"""How programs are cut into units, and in which order nodes of a unit run."""

import pytest

from millstream.base import dtypes
from millstream.compiler.plan import PlanOptions, make_plan
from millstream.compiler.region import Region
from millstream.compiler.schedule import schedule
from millstream.compiler.units import Partition
from millstream.ir.constant import constant
from millstream.ir.graph import Graph
from millstream.ir.node import Operation
from millstream.rewrite import rewrite
from millstream.rewrite.program import Program
from tests.compiler import sample_ops as ops


@pytest.fixture
def graph():
    with Graph().as_default() as g:
        yield g


def _no_functions(program):
    raise AssertionError("no node of these programs runs a function")


def feed(shape=None, dtype=dtypes.float32, name=None):
    return ops.SampleInput(dtype=dtype, shape=shape, name=name)


def partition(graph, fetches, feeds=()):
    tensors = [f for f in fetches if not isinstance(f, Operation)]
    nodes = [f for f in fetches if isinstance(f, Operation)]
    return Partition(rewrite(Program(graph, tensors, nodes, feeds)), _no_functions)


def names(units):
    return [[n.name for n in unit.nodes] for unit in units if unit.nodes]


def test_numeric_nodes_form_one_region_however_unconnected(graph):
    x, y = feed(name="x"), feed(name="y")
    a, b = ops.SampleAdd(x, x, name="a"), ops.SampleMul(y, y, name="b")
    assert names(partition(graph, [a, b], [x, y]).units) == [["a", "b"]]


def test_host_nodes_split_regions_by_level(graph):
    x = feed(name="x")
    a = ops.SampleAdd(x, x, name="a")
    text = ops.SampleText(a, name="text")
    b = ops.SampleMul(ops.SampleParse(text, name="parse"), a, name="b")
    c = ops.SampleMul(a, a, name="c")
    units = partition(graph, [b, c], [x]).units
    assert names(units) == [["a", "c"], ["text", "parse"], ["b"]]
    assert [u.is_region for u in units] == [True, False, True]
    assert units[2].inputs_from == {0, 1}


def test_what_waits_is_a_unit_and_splits_its_followers_off(graph):
    x = feed(name="x")
    taken = ops.SampleTake(slot="s", name="take")
    after = ops.SampleAdd(taken, x, name="after")
    before = ops.SampleMul(x, x, name="before")
    put = ops.SamplePut(before, slot="s", name="put")
    alone = ops.SampleText(after, name="last")
    units = partition(graph, [after, put, alone], [x]).units
    assert sorted(names(units)) == [["after"], ["before"], ["last"], ["put"], ["take"]]
    blocking = {u.nodes[0].name for u in units if u.blocking}
    assert blocking == {"take"}


def test_control_edges_through_nodes_that_only_order(graph):
    v = ops.SampleVariable(dtype=dtypes.float32, shape=[], name="v")
    assign = ops.SampleAssign(v, constant(1.0), name="assign")
    with graph.control_dependencies([assign]):
        barrier = ops.SampleNoOp(name="barrier")
    with graph.control_dependencies([barrier]):
        read = ops.SampleMul(v, constant(2.0), name="read")
    add = ops.SampleAssignAdd(v, constant(2.0), name="add")
    assert names(partition(graph, [read, add.op]).units) == [["add", "assign", "read"]]


def test_of_unordered_writes_one_without_readers_to_come_goes_first(graph):
    a = ops.SampleVariable(dtype=dtypes.float32, shape=[], name="a")
    b = ops.SampleVariable(dtype=dtypes.float32, shape=[], name="b")
    write_a = ops.SampleAssign(a, constant(1.0), name="write_a")
    write_b = ops.SampleAssign(b, constant(2.0), name="write_b")
    with graph.control_dependencies([write_b]):
        read_a = ops.SampleMul(a, constant(3.0), name="read_a")
    (order,) = names(partition(graph, [read_a, write_a, write_b]).units)
    assert order == ["write_b", "read_a", "write_a"]


def test_schedule_leaves_units_without_writes_alone(graph):
    x = feed()
    nodes = [ops.SampleAdd(x, x).op for _ in range(3)][::-1]
    assert schedule(nodes, lambda _: (), {}) is nodes


def test_a_static_input_from_another_region_is_settled_on_the_host(graph):
    x, flag = feed([None]), feed([], dtypes.int32)
    counted = ops.SampleCounter(name="count")
    shape = ops.SampleReshape(counted, constant([1], dtypes.int32), name="shape")
    y = ops.SampleReshape(x, shape, name="y")
    z = ops.SampleReshape(x, ops.SampleReshape(flag, constant([1], dtypes.int32)), name="z")
    found = partition(graph, [y, z], [x, flag])
    kinds = {n.name: u.is_region for u in found.units for n in u.nodes}
    assert kinds == {"count": True, "shape": True, "y": False, "z": True, "SampleReshape": True}


def plan(graph, fetches, feeds=()):
    return make_plan(graph, fetches, (), feeds, PlanOptions())


def test_a_plan_exports_what_others_look_at_and_nothing_else(graph):
    x = feed([])
    a = ops.SampleAdd(x, x)
    b = ops.SampleMul(a, a)
    text = ops.SampleText(b)
    found = plan(graph, [text], [x])
    region, call = found.actions
    assert isinstance(region, Region)
    assert len(region.exports) == 1
    assert region.host_exports == frozenset(region.exports) == frozenset(call.ins)


def test_a_cycle_is_refused(graph):
    x = feed([])
    a = ops.SampleAdd(x, x, name="a")
    b = ops.SampleMul(a, a, name="b")
    a.op.update_input(1, b)
    with pytest.raises(Exception, match="cycle through node"):
        plan(graph, [b], [x])


def test_replaced_inputs_may_come_from_later_nodes(graph):
    x = feed([])
    a = ops.SampleAdd(x, x, name="a")
    late = ops.SampleMul(x, x, name="late")
    a.op.update_input(1, late)
    (unit,) = partition(graph, [a], [x]).units
    assert [n.name for n in unit.nodes] == ["late", "a"]
