"""Images without batch entries, unknown sizes, NaN and infinities, and calls that must fail."""

import jax
import numpy as np
import pytest

import millstream as tf
from millstream.autodiff.gradients import gradients


def _kernels(tensor, feeds):
    """Runs a tensor's graph by the kernels of its nodes alone."""
    known = {t: np.asarray(v) for t, v in feeds.items()}
    with jax.enable_x64(True):
        for node in tensor.graph.get_operations():
            if any(t in known for t in node.outputs):
                continue
            statics = node.opdef.static
            operands = []
            for arg, (start, stop) in zip(
                node.opdef.inputs, node.opdef.input_spans(node), strict=True
            ):
                for t in node.inputs[start:stop]:
                    value = known[t]
                    operands.append(np.asarray(value) if arg.name in statics else value)
            found = node.opdef.kernel.bind(node, check=lambda *_: None)(*operands)
            found = found if isinstance(found, tuple | list) else (found,)
            known.update(zip(node.outputs, found, strict=True))
    return np.asarray(known[tensor])


LAYERS = {
    "conv": lambda x: tf.nn.conv2d(x, np.ones([3, 3, 2, 4], np.float32), 2, "SAME"),
    "depthwise": lambda x: tf.nn.depthwise_conv2d(
        x, np.ones([3, 3, 2, 2], np.float32), [1, 1, 1, 1], "VALID"
    ),
    "max": lambda x: tf.nn.max_pool(x, 2, 2, "SAME"),
    "overlapping max": lambda x: tf.nn.max_pool(x, 3, 2, "VALID"),
    "mean": lambda x: tf.nn.avg_pool(x, 3, 2, "SAME"),
    "bias": lambda x: tf.nn.bias_add(x, [1.0, 2.0]),
    "softmax": lambda x: tf.nn.softmax(x),
    "batch norm": lambda x: tf.nn.fused_batch_norm(
        x, [1.0, 2.0], [0.0, 0.0], [0.1, 0.2], [1.0, 2.0], is_training=False
    )[0],
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS.keys())
@pytest.mark.parametrize("batch", [0, 2])
def test_sizes_may_be_unknown_and_the_batch_empty(layer, batch):
    """A graph of unknown sizes runs in both tiers, forward and backward, also on no images."""
    image = np.linspace(-1, 1, batch * 70, dtype=np.float32).reshape(batch, 5, 7, 2)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, None, None, 2])
        y = layer(x)
        (dx,) = gradients(tf.reduce_sum(y * y), x)
        for tensor in (y, dx):
            found = session.run(tensor, {x: image})
            np.testing.assert_allclose(_kernels(tensor, {x: image}), found, 1e-5, 1e-5)
        assert found.shape == image.shape


@pytest.mark.parametrize("function", [tf.nn.relu, tf.nn.elu, tf.nn.softplus, tf.nn.leaky_relu])
def test_activations_pass_nan_and_infinities(function):
    """NaN stays NaN and +inf stays +inf, in both tiers."""
    values = np.array([np.nan, np.inf, -np.inf, 0.0], np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [4])
        y = function(x)
        for found in (session.run(y, {x: values}), _kernels(y, {x: values})):
            assert np.isnan(found[0])
            assert found[1] == np.inf
            assert not np.isnan(found[2:]).any()


def test_cross_entropy_of_certain_classes_is_finite():
    """A label of 0 or 1 with logits far apart gives no NaN, and the gradient is exact."""
    logits = np.array([[1000.0, -1000.0], [-1000.0, 1000.0]], np.float32)
    labels = np.array([[1.0, 0.0], [1.0, 0.0]], np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [2, 2])
        loss = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=x)
        (dx,) = gradients(loss, x)
        for run in (lambda t: session.run(t, {x: logits}), lambda t: _kernels(t, {x: logits})):
            np.testing.assert_array_equal(run(loss), [0, 2000])
            np.testing.assert_array_equal(run(dx), [[0, 0], [-1, 1]])


def test_output_gradient_of_another_shape_is_refused():
    """A wrong `out_backprop` is named with both shapes when the step runs."""
    with tf.Graph().as_default(), tf.Session() as session:
        dy = tf.placeholder(tf.float32, [None, None, None, 4])
        dx = tf.nn.conv2d_backprop_input(
            [1, 5, 5, 2], np.ones([3, 3, 2, 4], np.float32), dy, [1, 1, 1, 1], "SAME"
        )
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[1, 5, 5, 4\]"):
            session.run(dx, {dy: np.zeros([1, 4, 5, 4], np.float32)})


def test_maxima_over_channels():
    """A window over channels alone is allowed for maxima, as in TF, but not for means."""
    image = np.arange(8, dtype=np.float32).reshape(1, 1, 2, 4)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(image)
        y = tf.nn.max_pool(x, [1, 1, 1, 2], [1, 1, 1, 2], "VALID")
        np.testing.assert_array_equal(session.run(y), [[[[1, 3], [5, 7]]]])
        z = tf.nn.avg_pool(x, [1, 1, 1, 2], [1, 1, 1, 2], "VALID")
        with pytest.raises(tf.errors.UnimplementedError, match="depth dimension"):
            session.run(z)


def test_dropout_keeps_the_mean():
    """About the wanted part is dropped, and what is kept is scaled up."""
    with tf.Graph().as_default(), tf.Session() as session:
        y = session.run(tf.nn.dropout(tf.ones([100, 100]), rate=0.25, seed=1))
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.75)}
    assert abs(y.mean() - 1) < 0.03
