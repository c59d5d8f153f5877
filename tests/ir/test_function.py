"""Functions of a graph: captures, sharing with the graph around, messages, calls from host ops."""

import threading

import numpy as np
import pytest

import millstream as tf
from millstream.base import dtypes
from millstream.ir.func_graph import FuncGraph, outermost
from millstream.ir.function import body_of, build, register, side_effects
from millstream.ir.spec import Float, Func, Host, Returns, Tensor, Tensors, op


@pytest.fixture
def graph():
    with tf.Graph().as_default() as g:
        yield g


def test_outer_tensors_are_captured_once(graph):
    c, d = tf.constant([1.0, 2.0], name="c"), tf.constant(3.0, name="d")
    body = build("f", lambda x: x * c + d + c, [(dtypes.float32, [2])])
    assert list(body.captures) == [c, d]
    assert len(body.inputs) == 3
    assert body.inputs[1].shape.as_list() == [2]
    assert c.consumers() == []  # no node of the graph itself takes it


def test_nested_functions_capture_through_each_other(graph):
    c = tf.constant(1.0)
    inner = []

    def outer(x):
        inner.append(build("inner", lambda y: y + c, [(dtypes.float32, [])]))
        return x

    body = build("outer", outer, [(dtypes.float32, [])])
    assert inner[0].outer is body
    assert list(body.captures) == [c]
    assert list(inner[0].captures) == [body.captures[c]]
    assert outermost(inner[0]) is graph


def test_refs_and_handles_are_captured(graph):
    v = tf.Variable([1.0], name="v")
    r = tf.get_variable("r", [1], use_resource=True)
    body = build("f", lambda: tf.group(v.assign([2.0]), r.assign([2.0])) and 1.0, [])
    assert {t.dtype.is_ref for t in body.captures} == {True, False}
    assert [n.type for n in side_effects(body)] == ["Assign", "AssignVariableOp"]


def test_variables_are_made_outside(graph):
    with tf.variable_scope("s"):
        body = build("f", lambda x: x + tf.get_variable("w", [2]), [(dtypes.float32, [2])])
    (w,) = tf.global_variables()
    assert w.op.graph is graph
    assert w.name == "s/w:0"
    assert body.graph_def_versions.producer == graph.graph_def_versions.producer


def test_init_scope_lifts_out(graph):
    def fn():
        with tf.init_scope():
            assert tf.get_default_graph() is graph
            c = tf.constant(1.0)
        return c + 1.0

    body = build("f", fn, [])
    assert [t.op.type for t in body.captures] == ["Const"]


def test_collections_seed_and_numbers_are_shared(graph):
    tf.set_random_seed(3)
    before = graph._last_id
    body = build("f", lambda: tf.add_to_collection("c", 1) or tf.constant(1.0), [])
    assert tf.get_collection("c") == [1]
    assert body.seed == 3
    assert graph._last_id == before + 1


def test_what_is_inside_cannot_be_used_outside(graph):
    body = build("f", lambda x: x + 1.0, [(dtypes.float32, [])])
    (y,) = body.outputs
    tf.no_op()
    with pytest.raises(ValueError, match="in a cond or while context"):
        y + 1.0
    with pytest.raises(ValueError, match="lives inside the function"):
        tf.Session().run(y)
    with pytest.raises(ValueError, match=r"Cannot run `Tensor\.eval`"):
        y.eval(session=tf.Session())


def test_tensors_of_another_graph_are_refused(graph):
    other = tf.Graph()
    with other.as_default():
        foreign = tf.constant(1.0)
    with pytest.raises(ValueError, match="same graph"):
        build("f", lambda: foreign + 1.0, [])


def test_outer_nodes_to_wait_for_are_remembered(graph):
    first = tf.no_op()
    body = FuncGraph("f")
    with body.as_default(), tf.control_dependencies([first]):
        inside = tf.constant(1.0)
    assert list(body.control_captures) == [first]
    assert inside.op.control_inputs == []


def test_messages_and_back(graph):
    c = tf.constant([1.0, 2.0])

    def fn(x):
        parts = tf.split(x * c, 2)
        with tf.control_dependencies([tf.no_op()]):
            return parts[1], tf.shape(x)

    body = build("f", fn, [(dtypes.float32, [2])])
    register(body)
    message = graph.as_graph_def().library.function[0]
    assert message.signature.name == "f"
    assert "split:output:1" in message.ret.values()
    with tf.Graph().as_default() as again:
        graph_def = tf.GraphDef()
        graph_def.CopyFrom(graph.as_graph_def())
        tf.import_graph_def(graph_def, name="")
        copy = again.functions["f"].graph
        assert [t.name for t in copy.outputs] == ["split:1", "Shape:0"]
        assert copy.inputs[0].shape.as_list() == [2]
        assert again.as_graph_def().library.function[0] == message


def test_unknown_functions_are_named(graph):
    from millstream.ir.attrs import FunctionRef

    with pytest.raises(ValueError, match="Function nobody is not defined"):
        body_of(graph, FunctionRef("nobody"))


@op(effect=Host())
def SampleMap(items: Tensor[Float], captured: Tensors["Tc", 0], *, f: Func) -> Returns(  # noqa: F821
    y=Tensor[Float]
):
    """Applies a function to every item."""


@SampleMap.run
def _(items, captured, f, ctx):
    call = ctx.function(f, captured)
    return np.stack([call([item])[0] for item in items])


def test_host_ops_call_functions(graph):
    c = tf.constant(3.0)
    v = tf.get_variable("v", initializer=2.0, use_resource=True)
    body = build("f", lambda x: x * c + v, [(dtypes.float32, [])])
    y = SampleMap([1.0, 2.0], list(body.captures), f=register(body))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(y).tolist() == [5.0, 8.0]
        session.run(v.assign(0.0))
        assert session.run(y).tolist() == [3.0, 6.0]


def test_a_function_is_called_from_many_threads(graph):
    body = build("f", lambda x: tf.matmul(x, x), [(dtypes.float32, [4, 4])])
    with tf.Session() as session:
        tf.no_op()
        call = session.function_call(register(body))
        failures = []

        def work(seed):
            x = np.random.RandomState(seed).randn(4, 4).astype(np.float32)
            for _ in range(50):
                if not np.allclose(call([x])[0], x @ x, rtol=1e-4, atol=1e-5):
                    failures.append(seed)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


def test_a_call_counts_its_arguments(graph):
    body = build("f", lambda x: x, [(dtypes.float32, [])])
    with pytest.raises(tf.errors.InvalidArgumentError, match="takes 1 arguments, got 2"):
        tf.Session().function_call(body)([1.0, 2.0])
