"""Raw control flow of TensorFlow 1.15's graphs as functional branches and loops."""

import pytest

import millstream as tf
from millstream.compiler import frames, plan
from millstream.ir.tensor import Tensor
from millstream.ops.flow.switches import merge, switch
from millstream.rewrite.functionalize import functionalize
from millstream.rewrite.program import Program
from tests.golden_control_flow import FACTS, check_golden, imported


def made_functional(fetches, feeds):
    graph = tf.get_default_graph()
    tensors = [f for f in fetches if isinstance(f, Tensor)]
    nodes = [f for f in fetches if not isinstance(f, Tensor)]
    feeds = [graph.as_graph_element(feed) for feed in feeds]
    program = Program(graph, tensors, nodes, feeds)
    assert frames.has_control_flow(program)
    return functionalize(program)


@pytest.mark.parametrize("name", FACTS)
def test_branches_and_loops_are_found(name):
    with tf.Graph().as_default():
        made = made_functional(imported(name), FACTS[name]["feeds"][0])
    assert made is not None
    types = {node.type for node in made.graph.nodes}
    assert not types & frames.CONTROL_FLOW
    assert types & {"If", "StatelessIf", "While", "StatelessWhile", "Loop"}


@pytest.mark.parametrize("name", FACTS)
def test_results_in_the_numpy_tier(name, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "numpy")
    check_golden(name)


@pytest.mark.parametrize(
    "name", ["arrays_in_loop", "cond_that_assigns", "cond_in_loop", "dynamic_rnn_training"]
)
def test_results_compiled(name, monkeypatch, caplog):
    caplog.set_level("DEBUG", "millstream")
    monkeypatch.setenv("MILLSTREAM_TIER", "xla")
    check_golden(name)
    assert "stays in NumPy" not in caplog.text


def test_a_merge_of_values_from_one_branch_is_left_alone():
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [], name="x")
        low, high = switch(x, x > 0)
        y, index = merge([high * 2.0, high + 1.0])
        assert made_functional([index], ["x:0"]) is None
        low, high = switch(x, x > 0)
        y, index = merge([low * 2.0, high + 1.0])
        assert made_functional([y, index], ["x:0"]) is not None
        with tf.Session() as session:
            assert session.run([y, index], {x: 3.0}) == [4, 1]
            assert session.run([y, index], {x: -3.0}) == [-6, 0]


def test_a_fed_branch_is_not_computed():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [])
        low, high = switch(x, x > 0)
        doubled = high * 2.0
        y, _ = merge([low - 1.0, doubled])
        assert session.run(y, {x: 3.0}) == 6
        assert session.run(y + 1.0, {x: -3.0}) == -3
        assert session.run(y, {y: 5.0, x: 1.0}) == 5


def test_without_optimisation_nothing_is_rewritten():
    with tf.Graph().as_default() as graph:
        fetches = [f for f in imported("cond") if isinstance(f, Tensor)]
        feeds = [graph.get_tensor_by_name("x:0")]
        assert plan.make_plan(graph, fetches, [], feeds, plan.PlanOptions(optimize=False)).frames
        assert plan.make_plan(graph, fetches, [], feeds, plan.PlanOptions()).frames is None


def test_gradients_of_weights_are_summed_behind_the_loop():
    with tf.Graph().as_default():
        fetches = imported("dynamic_rnn_training")
        made = made_functional(fetches, FACTS["dynamic_rnn_training"]["feeds"][0])
    types = [node.type for node in made.graph.nodes]
    assert types.count("LoopRows") == 3  # both factors of the product, and the rows for the bias
    loops = [node for node in made.graph.nodes if node.type == "Loop"]
    bodies = [made.graph.functions[node.attrs["body"].name].graph for node in loops]
    assert sum(node.type == "BiasAddGrad" for body in bodies for node in body.nodes) == 1
