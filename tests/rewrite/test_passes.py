"""Pruning, folding and merging."""

import numpy as np
import pytest

from millstream.base import dtypes
from millstream.ir.constant import constant
from millstream.ir.graph import Graph
from millstream.rewrite import rewrite
from millstream.rewrite.fold import LARGEST_RESULT_BYTES
from millstream.rewrite.program import Program
from tests.compiler import sample_ops as ops


@pytest.fixture
def graph():
    with Graph().as_default() as g:
        yield g


def feed(shape=None, dtype=dtypes.float32, name=None):
    return ops.SampleInput(dtype=dtype, shape=shape, name=name)


def program(graph, fetches, feeds=(), targets=(), optimize=True):
    return rewrite(Program(graph, fetches, targets, feeds), optimize)


def names(found):
    return [node.name for node in found.nodes]


def test_only_what_leads_to_a_fetch_is_kept(graph):
    x = feed(name="x")
    a = ops.SampleAdd(x, x, name="a")
    ops.SampleMul(a, a, name="unused")
    b = ops.SampleMul(a, a, name="b")
    assert names(program(graph, [b], [x])) == ["a", "b"]
    assert names(program(graph, [b], [a])) == ["b"]
    assert names(program(graph, [a], [a])) == []


def test_control_edges_are_followed(graph):
    x = feed(name="x")
    n = ops.SampleCounter(name="n")
    with graph.control_dependencies([n]):
        a = ops.SampleAdd(x, x, name="a")
    assert names(program(graph, [a], [x])) == ["n", "a"]


def test_constants_are_folded(graph):
    x = feed([], name="x")
    c = ops.SampleMul(constant(2.0), ops.SampleAdd(constant(1.0), constant(2.0)), name="c")
    y = ops.SampleMul(x, c, name="y")
    found = program(graph, [y, c], [x])
    assert names(found) == ["y"]
    assert found.values[c] == 6.0
    assert names(program(graph, [y], [x], optimize=False)) == [
        *("Const", "Const_1", "Const_2", "SampleAdd", "c", "y"),
    ]


def test_a_fed_constant_is_not_folded(graph):
    c = constant(2.0, name="c")
    y = ops.SampleMul(c, c, name="y")
    assert names(program(graph, [y], [c])) == ["y"]


def test_state_is_not_folded(graph):
    n = ops.SampleCounter(name="n")
    y = ops.SampleAdd(n, constant(1, dtypes.int32), name="y")
    assert names(program(graph, [y])) == ["n", "y"]


def test_what_a_folded_node_waited_for_still_runs(graph):
    x = feed([], name="x")
    n, m = ops.SampleCounter(name="n"), ops.SampleCounter(name="m")
    with graph.control_dependencies([n]):
        late = constant(1.0, name="late")
    with graph.control_dependencies([m]):
        later = ops.SampleAdd(late, constant(1.0), name="later")
    with graph.control_dependencies([later]):
        last = ops.SampleNoOp(name="last")
    y = ops.SampleMul(later, x, name="y")
    found = program(graph, [y], [x])
    assert names(found) == ["n", "m", "y"]
    assert [p.name for p in found.predecessors(y.op)] == ["n", "m"]
    assert found.values[later] == 2.0
    assert names(program(graph, [later])) == ["n", "m"]
    assert names(program(graph, [], (), [last])) == ["n", "m", "last"]


def test_large_results_are_left_to_the_step(graph):
    size = LARGEST_RESULT_BYTES // 4 + 1
    c = constant(np.zeros(size, np.float32))
    assert names(program(graph, [ops.SampleAdd(c, c, name="big")])) == ["big"]


def test_what_fails_is_left_to_the_step(graph):
    bad = ops.SamplePositive(constant([-1.0]), name="bad")
    assert names(program(graph, [bad])) == ["bad"]


def test_equal_nodes_are_merged(graph):
    x = feed(name="x")
    a, b = ops.SampleAdd(x, x, name="a"), ops.SampleAdd(x, x, name="b")
    c, d = ops.SampleMul(a, x, name="c"), ops.SampleMul(b, x, name="d")
    found = program(graph, [c, d], [x])
    assert names(found) == ["a", "c"]
    assert found.resolve(d) is c


def test_nodes_that_differ_are_not_merged(graph):
    x = feed([4], name="x")
    v = ops.SampleVariable(dtype=dtypes.float32, shape=[], name="v")
    with graph.device("/cpu:0"):
        placed = ops.SampleAdd(x, x, name="placed")
    nodes = [
        ops.SampleAdd(x, x, name="plain"),
        placed,
        ops.SampleCounter(name="n1"),
        ops.SampleCounter(name="n2"),
        ops.SampleMul(v, x, name="read1"),
        ops.SampleMul(v, x, name="read2"),
        ops.SampleSplit(x, N=2, name="halves")[0],
        ops.SampleSplit(x, N=4, name="quarters")[0],
    ]
    found = program(graph, nodes, [x])
    assert not found.merged


def test_a_fed_node_is_not_merged(graph):
    x = feed(name="x")
    a, b = ops.SampleAdd(x, x, name="a"), ops.SampleAdd(x, x, name="b")
    y = ops.SampleMul(a, b, name="y")
    assert names(program(graph, [y], [x, b])) == ["a", "y"]


def test_pure_nodes_that_others_only_wait_for_do_not_run(graph):
    x = feed(name="x")
    n = ops.SampleCounter(name="n")
    with graph.control_dependencies([n]):
        a = ops.SampleAdd(x, x, name="a")
    b = ops.SampleMul(a, a, name="b")
    with graph.control_dependencies([b.op]):
        c = ops.SampleAdd(x, constant(1.0), name="c")
    # The counter behind what is left out is still waited for.
    assert names(program(graph, [c], [x])) == ["n", "c"]
    assert names(program(graph, [c, a], [x])) == ["n", "a", "c"]
    assert names(program(graph, [c], [x], [b.op])) == ["n", "a", "b", "c"]
    assert names(program(graph, [c], [x], optimize=False)) == ["n", "a", "b", "Const", "c"]
