"""`Layer`: scopes, sharing, checks, losses and updates."""

import copy

import numpy as np
import pytest

import millstream as tf


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


class Scale(tf.layers.Layer):
    def build(self, input_shape):
        self.k = self.add_weight("k", [int(input_shape[-1])], initializer=tf.ones_initializer())
        super().build(input_shape)

    def call(self, inputs, by=1.0):
        return inputs * self.k * by


def rows(*shape):
    return tf.placeholder(tf.float32, shape)


def test_name_is_numbered_and_scope_is_opened_at_the_first_call():
    layer = tf.layers.Dense(3)
    assert layer.name == "dense_1"
    with pytest.raises(ValueError, match="has not been used yet"):
        _ = layer.scope_name
    layer(rows(None, 4))
    assert layer.scope_name == "dense"
    assert [w.name for w in layer.weights] == ["dense/kernel:0", "dense/bias:0"]


def test_object_shares_its_variables():
    layer = Scale()
    first, second = layer(rows(2, 3)), layer(rows(5, 3), by=2.0)
    assert first.name == "scale/mul_1:0"
    assert second.name == "scale/mul_3:0"
    assert len(tf.global_variables()) == 1


def test_class_in_a_variable_scope_with_reuse():
    with tf.variable_scope("model"):
        tf.layers.dense(rows(2, 3), 4, name="fc")
    with tf.variable_scope("model", reuse=True):
        tf.layers.dense(rows(2, 3), 4, name="fc")
        with pytest.raises(ValueError, match="model/other/kernel does not exist"):
            tf.layers.dense(rows(2, 3), 4, name="other")
    assert len(tf.global_variables()) == 2


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        (dict(ndim=2), (1, 2, 3), "expected ndim=2, found ndim=3"),
        (dict(min_ndim=4), (1, 2, 3), "expected min_ndim=4, found ndim=3"),
        (dict(max_ndim=2), (1, 2, 3), "expected max_ndim=2, found ndim=3"),
        (dict(axes={1: 3}), (2, 2), "expected axis 1 of input shape to have value 3"),
        (dict(dtype="int32"), (1,), "expected dtype=int32"),
        (dict(shape=(None, 3)), (2, 2), r"expected shape=\(None, 3\), found shape=\[2, 2\]"),
    ],
)
def test_inputs_are_checked(spec, shape, message):
    layer = tf.layers.Layer(name="checked")
    layer.input_spec = tf.layers.InputSpec(**spec)
    with pytest.raises(ValueError, match=message):
        layer(rows(*shape))


def test_wrong_number_of_inputs():
    layer = tf.layers.Layer()
    layer.input_spec = [tf.layers.InputSpec(), tf.layers.InputSpec()]
    with pytest.raises(ValueError, match="expects 2 inputs, but it received 1"):
        layer(rows(2))


def test_unknown_keyword():
    with pytest.raises(TypeError, match="Keyword argument not understood"):
        tf.layers.Dense(3, units_too=4)


def test_losses_depend_on_inputs_or_not():
    layer = tf.layers.Dense(
        3,
        kernel_regularizer=tf.contrib.layers.l2_regularizer(0.1),
        activity_regularizer=tf.nn.l2_loss,
    )
    x = rows(2, 3)
    layer(x)
    assert [t.op.type for t in layer.get_losses_for(x)] == ["RealDiv"]
    assert [t.op.type for t in layer.get_losses_for(None)] == ["Mul"]
    assert len(tf.losses.get_regularization_losses()) == 2


def test_updates_of_batch_normalization_join_the_collection():
    layer = tf.layers.BatchNormalization()
    x = rows(4, 3)
    layer(x, training=True)
    assert tf.get_collection(tf.GraphKeys.UPDATE_OPS) == layer.updates
    assert layer.get_updates_for(x) == layer.updates
    assert layer.get_updates_for(None) == []


def test_weights_are_read_and_written():
    layer = tf.layers.Dense(2)
    layer(rows(1, 3))
    with tf.Session():
        layer.set_weights([np.ones((3, 2)), np.zeros(2)])
        np.testing.assert_array_equal(layer.get_weights()[0], np.ones((3, 2)))
        with pytest.raises(ValueError, match="expecting 2 weights"):
            layer.set_weights([1])
        with pytest.raises(ValueError, match="not compatible with provided weight shape"):
            layer.set_weights([np.ones((2, 2)), np.zeros(2)])
    with pytest.raises(RuntimeError, match="needs a default session"):
        layer.get_weights()


def test_parameters_are_counted_once_built():
    layer = tf.layers.Dense(3, name="fc", dtype=tf.float32)
    with pytest.raises(ValueError, match="isn't built"):
        layer.count_params()
    layer.build((None, 4))
    assert layer.count_params() == 15
    assert layer.compute_output_shape((None, 4)).as_list() == [None, 3]


def test_copy_has_variables_of_its_own():
    layer = tf.layers.Dense(3)
    other = copy.deepcopy(layer)
    layer(rows(1, 2)), other(rows(1, 2))
    assert layer.kernel is not other.kernel
    assert other.scope_name == "dense_1"


def test_custom_getter_decides_about_training():
    def frozen(getter, *args, **kwargs):
        return getter(*args, **{**kwargs, "trainable": False})

    with tf.variable_scope("frozen", custom_getter=frozen):
        layer = tf.layers.Dense(3)
        layer(rows(1, 2))
    assert layer.trainable_weights == []
    assert len(layer.non_trainable_weights) == 2


def test_activations_and_initializers_by_name():
    y = tf.layers.dense(tf.ones([1, 2]), 3, activation="tanh", kernel_initializer="ones")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        np.testing.assert_allclose(sess.run(y), np.full((1, 3), np.tanh(2)), rtol=1e-5)
    with pytest.raises(ValueError, match="Unknown activation function: reluu"):
        tf.layers.dense(tf.ones([1, 2]), 3, activation="reluu")


def test_dropout_by_a_fed_switch():
    x, training = tf.ones([100]), tf.placeholder(tf.bool, [])
    y = tf.layers.dropout(x, 0.5, training=training, seed=1)
    with tf.Session() as sess:
        np.testing.assert_array_equal(sess.run(y, {training: False}), np.ones(100))
        assert set(sess.run(y, {training: True})) == {0.0, 2.0}


def test_batch_normalization_by_a_fed_switch_moves_averages_only_in_training():
    x, training = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.bool, [])
    layer = tf.layers.BatchNormalization(momentum=0.5)
    layer(x, training=training)
    feed = {x: np.array([[1.0, 2.0], [3.0, 6.0]])}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(layer.updates, {**feed, training: False})
        np.testing.assert_array_equal(sess.run(layer.moving_mean), [0, 0])
        sess.run(layer.updates, {**feed, training: True})
        np.testing.assert_allclose(sess.run(layer.moving_mean), [1, 2])


def test_keras_style_layers_own_their_variables():
    with tf.layers.experimental.keras_style_scope():
        first, second = tf.layers.Dense(3, name="fc"), tf.layers.Dense(3, name="fc")
        with pytest.raises(ValueError, match="reuse argument not allowed"):
            tf.layers.dense(rows(1, 2), 3, reuse=True)
    y = second(first(rows(1, 2)))
    assert y.name == "fc_1/BiasAdd:0"
    assert [w.name for w in second.weights] == ["fc_1/kernel:0", "fc_1/bias:0"]
    assert second(rows(1, 3)).shape.as_list() == [1, 3]
    assert len(tf.trainable_variables()) == 4
    with pytest.raises(ValueError, match="scope argument not allowed"):
        second(rows(1, 3), scope="other")
