"""Python's operators on tensors, beyond what the recorded expressions say."""

import numpy as np
import pytest

import millstream as tf
from millstream.ir.tensor import Tensor


class Friend:
    """Knows what to do with a tensor on its left."""

    def __radd__(self, other):
        return ("friend", other)

    def __rmul__(self, other):
        return ("friend", other)


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def test_the_other_operand_may_take_over():
    x = tf.placeholder(tf.float32, [2])
    friend = Friend()
    assert x + friend == ("friend", x)
    assert x * friend == ("friend", x)


def test_unknown_objects_are_refused():
    x = tf.placeholder(tf.float32, [2])
    with pytest.raises(TypeError):
        x - object()


def test_arrays_leave_the_work_to_tensors():
    x = tf.constant([1.0, 2.0])
    total = np.float32(3) + np.ones(2, np.float32) * x
    assert isinstance(total, Tensor)
    with tf.Session() as session:
        assert session.run(total).tolist() == [4.0, 5.0]


def test_operators_use_the_graph_of_their_operand():
    x = tf.placeholder(tf.float32, [2])
    with tf.Graph().as_default() as other:
        y = 1 - x
    assert y.graph is x.graph
    assert not other.get_operations()


def test_names_fall_under_the_current_scope():
    x = tf.placeholder(tf.float32, [2], name="x")
    with tf.name_scope("outer"):
        assert (x / 2).op.name == "outer/truediv"
        assert (x + x).op.name == "outer/add"
        assert (x + x).op.name == "outer/add_1"
        assert (2 * x).op.inputs[0].op.name == "outer/mul/x"


def test_a_comparison_is_no_python_bool():
    x = tf.placeholder(tf.float32, [2])
    with pytest.raises(TypeError, match="bool"):
        bool(x < 1)


def test_integer_division_by_zero_is_an_error_in_both_tiers():
    x = tf.placeholder(tf.int32, [None])
    with tf.Session() as session:
        for size in (2, 200_000):
            zeros = np.zeros(size, np.int32)
            with pytest.raises(tf.errors.InvalidArgumentError, match="Integer division by zero"):
                session.run(7 // x, {x: zeros})
