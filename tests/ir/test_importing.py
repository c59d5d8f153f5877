"""Imports that need more than TF 1.15 to tell: newer producers, renaming, order, depth."""

import pytest

import millstream as tf
from millstream.base import errors
from millstream.formats import protos


def message_of(build):
    with tf.Graph().as_default() as graph:
        build()
    return graph.as_graph_def()


def one_node():
    tf.square(tf.placeholder(tf.float32, [2], "x"), name="y")


def newer(default):
    """Returns a message with an attr that `Square` got later, and its producer's declarations."""
    message = message_of(one_node)
    message.node[1].attr["speed"].i = 3
    declarations = protos.OpList()
    attr = declarations.op.add(name="Square").attr.add(name="speed", type="int")
    attr.default_value.i = default
    return message, declarations


def test_newer_attrs_are_dropped_where_they_change_nothing():
    message, declarations = newer(default=3)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(message, name="", producer_op_list=declarations)
    assert "speed" not in graph.get_operation_by_name("y").attrs


def test_newer_attrs_are_refused_where_they_might_matter():
    message, declarations = newer(default=2)
    for known in (declarations, None):
        with tf.Graph().as_default(), pytest.raises(ValueError, match=r"'speed'.*'Square'.*newer"):
            tf.import_graph_def(message, producer_op_list=known)


def test_an_unknown_op_is_named():
    message = message_of(one_node)
    message.node[1].op = "Cube"
    with tf.Graph().as_default(), pytest.raises(errors.NotFoundError, match=r"'Cube'.*'y'"):
        tf.import_graph_def(message)


def test_renamed_anchors_are_followed():
    def build():
        a = tf.constant(1.0, name="a")
        with tf.colocate_with(a):
            tf.constant(2.0, name="b")

    with tf.Graph().as_default() as graph:
        for _ in range(2):
            tf.import_graph_def(message_of(build), name="")
    assert graph.get_operation_by_name("b_1").colocation_groups() == [b"loc:@a_1"]


def test_nodes_may_come_in_any_order():
    message = message_of(one_node)
    nodes = list(message.node)
    del message.node[:]
    message.node.extend(nodes[::-1])
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(message, name="")
    assert [t.name for t in graph.get_operation_by_name("y").inputs] == ["x:0"]


def test_a_deep_graph_does_not_exhaust_the_stack():
    def build():
        y = tf.constant(1.0)
        for _ in range(3000):
            y = tf.sqrt(y)

    message = message_of(build)
    nodes = list(message.node)
    del message.node[:]
    message.node.extend(nodes[::-1])
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(message, name="")
    assert len(graph.get_operations()) == 3001


def test_a_failed_import_says_which_node():
    message = message_of(one_node)
    message.node[1].input[0] = "gone"
    with tf.Graph().as_default(), pytest.raises(ValueError, match=r"'y'.*'gone'"):
        tf.import_graph_def(message)


@pytest.mark.parametrize(
    ("key", "attr"),
    [
        ("_class", protos.AttrValue(list={"s": [b"\xff\xfe"]})),
        ("_class", protos.AttrValue(i=3)),
        ("value", protos.AttrValue(i=3)),
    ],
)
def test_attrs_of_a_wrong_kind_are_named(key, attr):
    """A damaged node gives a ValueError that names it, never a bare TypeError."""
    with tf.Graph().as_default() as graph:
        tf.constant(1.0, name="damaged")
    message = graph.as_graph_def()
    message.node[0].attr[key].CopyFrom(attr)
    with tf.Graph().as_default(), pytest.raises(ValueError, match="damaged"):
        tf.import_graph_def(message)
