"""Mistakes with variable scopes get TensorFlow's words, and the first definition's line."""

import numpy as np
import pytest

import millstream as tf

VALID = "The initializer passed is not valid."


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def make_twice():
    tf.get_variable("w", [2])
    tf.get_variable("w", [2])


def reuse_missing():
    with tf.variable_scope("s", reuse=True):
        tf.get_variable("w", [2])


def reuse_with(**kwargs):
    def call():
        with tf.variable_scope("s"):
            tf.get_variable("w", [2])
        with tf.variable_scope("s", reuse=True):
            tf.get_variable("w", **{"shape": [2], **kwargs})

    return call


def partitioned_then_whole():
    tf.get_variable("w", [4, 2], partitioner=tf.fixed_size_partitioner(2))
    tf.get_variable("w", [4, 2])


def whole_then_partitioned():
    tf.get_variable("w", [4, 2])
    tf.get_variable("w", [4, 2], partitioner=tf.fixed_size_partitioner(2))


def partitioned_otherwise():
    tf.get_variable("w", [4, 2], partitioner=tf.fixed_size_partitioner(2))
    with tf.variable_scope("", reuse=True):
        tf.get_variable("w", [4, 2], partitioner=tf.fixed_size_partitioner(4))


def get(**kwargs):
    return lambda: tf.get_variable("w", **kwargs)


def enter(*args, **kwargs):
    def call():
        with tf.variable_scope(*args, **kwargs):
            pass

    return call


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (make_twice, ValueError, "Variable w already exists, disallowed. Did you mean to set "
         "reuse=True or reuse=tf.AUTO_REUSE in VarScope? Originally defined at:"),
        (reuse_missing, ValueError, "Variable s/w does not exist, or was not created with "
         "tf.get_variable(). Did you mean to set reuse=tf.AUTO_REUSE in VarScope?"),
        (reuse_with(shape=[3]), ValueError, "Trying to share variable s/w, but specified shape "
         "(3,) and found shape (2,)."),
        (reuse_with(dtype=tf.int32), ValueError, "Trying to share variable s/w, but specified "
         "dtype int32 and found dtype float32_ref."),
        (get(), ValueError, VALID),
        (get(shape=[None, 2]), ValueError, VALID),
        (get(shape=[2], initializer=3.0), ValueError,
         "If initializer is a constant, do not specify shape."),
        (get(shape=[2], dtype=tf.complex64), ValueError, "An initializer for variable w of"),
        (get(initializer=[1.0], dtype=tf.int32), ValueError, "and explicit dtype"),
        (get(shape=[2], regularizer=3), TypeError, "not callable"),
        (partitioned_then_whole, ValueError, "No partitioner was provided, but a partitioned "
         "version of the variable was found: w/part_0."),
        (whole_then_partitioned, ValueError, "A partitioner was provided, but an unpartitioned "
         "version of the variable was found: w."),
        (partitioned_otherwise, ValueError, "Trying to reuse partitioned variable w, but "
         "specified partitions [4, 1] and found partitions [2, 1]."),
        (get(shape=[4, 2], partitioner=lambda shape, dtype: [2, 2]), ValueError,
         "Can only slice a variable along one dimension: shape: (4, 2), partitioning: [2, 2]"),
        (get(shape=[4, 2], partitioner=lambda shape, dtype: 3), ValueError,
         "Partitioner must return a sequence, but saw: 3"),
        (get(shape=[4, 2], partitioner=lambda shape, dtype: [5, 1]), ValueError,
         "Expected 0 <= offset < shape but found offset=4, shape=4"),
        (get(shape=[4, 2], partitioner=3), ValueError,
         "Partitioner must be callable, but received: 3"),
        (enter(None), TypeError, "If default_name is None then name_or_scope is required"),
        (enter(3), TypeError, "VariableScope: name_or_scope must be a string or VariableScope."),
        (enter("a", reuse=4), ValueError, "The reuse parameter must be True or False or None."),
        (enter(None, "a", reuse=True), ValueError,
         "reuse=True cannot be used without a name_or_scope"),
    ],
)  # fmt: skip
def test_mistakes(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


def test_the_first_definition_is_named():
    with pytest.raises(ValueError, match=r"test_scopes\.py:\d+ in make_twice"):
        make_twice()


def test_settings_are_inherited_and_overridden():
    with tf.variable_scope("a", initializer=tf.ones_initializer(), dtype=tf.float64):
        assert tf.get_variable("x", [1]).dtype.base_dtype is tf.float64
        with tf.variable_scope("b", dtype=tf.float32) as inner:
            w = tf.get_variable("x", [2])
    assert inner.name == "a/b"
    assert inner.original_name_scope == "a/b/"
    assert w.dtype.base_dtype is tf.float32
    with tf.Session() as session:
        session.run(w.initializer)
        np.testing.assert_array_equal(session.run(w), [1, 1])


def test_auto_reuse_makes_once():
    with tf.variable_scope("a", reuse=tf.AUTO_REUSE):
        first = tf.get_variable("w", [1])
        assert tf.get_variable("w", [1]) is first
    assert tf.global_variables() == [first]


def test_reuse_holds_until_the_scope_ends():
    with tf.variable_scope("a") as scope:
        w = tf.get_variable("w", [1])
        scope.reuse_variables()
        assert tf.get_variable("w", [1]) is w
    with tf.variable_scope("a"):
        assert not tf.get_variable_scope().reuse


def test_custom_getters_nest_inside_out():
    calls = []

    def tracing(label):
        def getter(inner, name, *args, **kwargs):
            calls.append(label)
            return inner(name, *args, **kwargs)

        return getter

    with tf.variable_scope("a", custom_getter=tracing("outer")):
        with tf.variable_scope("b", custom_getter=tracing("inner")):
            tf.get_variable("w", [1])
    assert calls == ["inner", "outer"]


def test_variable_creators_wrap_each_other():
    def renamed(next_creator, **kwargs):
        return next_creator(**{**kwargs, "name": "renamed"})

    def as_resource(next_creator, **kwargs):
        return next_creator(**{**kwargs, "use_resource": True})

    with tf.variable_creator_scope(renamed), tf.variable_creator_scope(as_resource):
        w = tf.Variable(1.0)
    assert w.name == "renamed:0"
    assert hasattr(w, "handle")
    assert tf.Variable(1.0).name == "Variable:0"


def test_regularizers_add_losses_once():
    def penalty(w):
        return 0.5 * tf.reduce_sum(w)

    with tf.variable_scope("a", regularizer=penalty, reuse=tf.AUTO_REUSE):
        tf.get_variable("w", [2])
        tf.get_variable("w", [2])
        tf.get_variable("v", [2], regularizer=tf.no_regularizer)
    assert len(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)) == 1


def test_local_variables_are_neither_trained_nor_saved():
    w = tf.get_local_variable("w", [2])
    assert tf.local_variables() == [w]
    assert tf.trainable_variables() == tf.global_variables() == []


def test_collections_of_a_scope():
    with tf.variable_scope("a") as scope:
        w = tf.get_variable("w", [1])
    tf.get_variable("ab", [1])
    assert scope.global_variables() == [w]


@pytest.mark.parametrize(
    ("partitioner", "shape", "pieces"),
    [
        (tf.fixed_size_partitioner(3), [10, 2], [3, 1]),
        (tf.fixed_size_partitioner(3, axis=1), [10, 2], [1, 2]),
        (tf.variable_axis_size_partitioner(32), [10, 2], [3, 1]),
        (tf.variable_axis_size_partitioner(4), [10, 2], [10, 1]),
        (tf.variable_axis_size_partitioner(32, max_shards=2), [10, 2], [2, 1]),
        (tf.min_max_variable_partitioner(5, min_slice_size=24), [10, 2], [4, 1]),
        (tf.min_max_variable_partitioner(2, min_slice_size=8), [10, 2], [2, 1]),
    ],
)
def test_partitioners(partitioner, shape, pieces):
    assert partitioner(shape=tf.TensorShape(shape), dtype=tf.float32) == pieces


def test_pieces_of_a_partitioned_variable():
    whole = tf.get_variable("w", [10], partitioner=tf.fixed_size_partitioner(3))
    assert [v.shape.as_list() for v in whole] == [[4], [3], [3]]
    assert [v._get_save_slice_info().spec for v in whole] == ["10 0,4", "10 4,3", "10 7,3"]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(whole.assign(np.arange(10, dtype=np.float32)))
        np.testing.assert_array_equal(session.run(whole.as_tensor()), np.arange(10))
        np.testing.assert_array_equal(session.run(whole * 2.0), 2 * np.arange(10))


def test_templates_share_their_variables():
    double = tf.make_template("t", lambda x: x * tf.get_variable("k", []))
    double(1.0)
    double(2.0)
    assert [v.name for v in double.variables] == ["t/k:0"]


def test_a_template_may_not_make_variables_later():
    template = tf.make_template("t", lambda: tf.Variable(0.0))
    template()
    with pytest.raises(ValueError, match=r"after the first time(.|\n)*originally defined at"):
        template()
