"""`tf.graph_util` against node lists of genuine TensorFlow."""

import json
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "frozen_graphs.json").read_text())


def rows(graph_def):
    return [[n.name, n.op, list(n.input), sorted(n.attr)] for n in graph_def.node]


@pytest.fixture
def model():
    """The graph of tests/golden/saved_models.py, with a session."""
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        v = tf.Variable(np.arange(6, dtype=np.float32).reshape(3, 2), name="v")
        initial = np.arange(10, dtype=np.float32).reshape(5, 2)
        r = tf.get_variable("r", initializer=initial, use_resource=True)
        y = tf.matmul(x, v, name="y")
        tf.nn.embedding_lookup(r, [1, 2], name="emb")
        z = tf.add(y, r.read_value()[0], name="z")
        second = tf.identity(tf.identity(z, name="first"), name="second")
        with tf.control_dependencies([y]):
            third = tf.identity(second, name="third")
        tf.reduce_sum(third, name="out")
        sess.run(tf.global_variables_initializer())
        yield sess


def freeze(sess, names, *lists):
    return tf.graph_util.convert_variables_to_constants(
        sess, sess.graph.as_graph_def(), names, *lists
    )


def test_extracts_what_the_nodes_need(model):
    found = tf.graph_util.extract_sub_graph(model.graph.as_graph_def(), ["y"])
    assert rows(found) == GOLDEN["sub_graph"]


def test_freezes_ref_and_resource_variables(model):
    assert rows(freeze(model, ["out", "emb/Identity"])) == GOLDEN["frozen"]


def test_lists_choose_the_variables_to_freeze(model):
    assert rows(freeze(model, ["out"], ["r"])) == GOLDEN["whitelist"]
    assert rows(freeze(model, ["out"], None, ["v"])) == GOLDEN["blacklist"]


def test_removes_identities_but_protected_ones(model):
    frozen = freeze(model, ["out", "emb/Identity"])
    util = tf.graph_util
    assert rows(util.remove_training_nodes(frozen)) == GOLDEN["stripped"]
    assert rows(util.remove_training_nodes(frozen, ["second"])) == GOLDEN["protected"]


def test_a_frozen_graph_runs_without_variables(model):
    batch = np.ones([1, 3], np.float32)
    expected = model.run("z:0", {"x:0": batch})
    frozen = tf.graph_util.remove_training_nodes(freeze(model, ["z"]))
    with tf.Graph().as_default(), tf.Session() as sess:
        (z,) = tf.import_graph_def(frozen, return_elements=["z:0"], name="")
        np.testing.assert_array_equal(sess.run(z, {"x:0": batch}), expected)


def test_checks_of_numerics_are_spliced_out_of_edges():
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        x = tf.placeholder(tf.float32, [], name="x")
        tf.square(tf.check_numerics(x, "bad", name="check"), name="y")
        stripped = tf.graph_util.remove_training_nodes(graph.as_graph_def())
        assert [node.name for node in stripped.node] == ["x", "y"]
        assert list(stripped.node[1].input) == ["x"]
        assert sess.run("y:0", {x: 3.0}) == 9


def test_refuses_to_freeze_what_an_assignment_needs():
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        v = tf.get_variable("v", initializer=1.0, use_resource=True)
        v.assign_add(1.0, name="add")
        sess.run(tf.global_variables_initializer())
        with pytest.raises(ValueError, match="uses the variable 'v' itself"):
            tf.graph_util.convert_variables_to_constants(sess, graph.as_graph_def(), ["add"])


def test_says_which_node_is_not_there(model):
    graph_def = model.graph.as_graph_def()
    with pytest.raises(AssertionError, match="nope is not in graph"):
        tf.graph_util.extract_sub_graph(graph_def, ["nope"])
    with pytest.raises(TypeError, match="must be a list"):
        tf.graph_util.extract_sub_graph(graph_def, "out")
    with pytest.raises(TypeError, match="GraphDef"):
        tf.graph_util.extract_sub_graph("graph", ["out"])


def test_knows_what_needs_a_cpu(model):
    graph = model.graph
    on_cpu = tf.graph_util.must_run_on_cpu
    assert on_cpu(tf.constant("a").op)
    assert on_cpu(tf.constant(1).op)
    assert not on_cpu(tf.constant(1.0).op)
    variable = graph.get_operation_by_name("v")
    assert (on_cpu(variable), on_cpu(variable, True)) == (False, True)


def test_gives_shapes_by_names_of_edges(model):
    shape = tf.graph_util.tensor_shape_from_node_def_name
    assert shape(model.graph, "y").as_list() == [None, 2]
    assert shape(model.graph, "y:0").as_list() == [None, 2]
