"""What the networks share."""

from millstream.base.export import export
from millstream.contrib.framework.argument_scopes import arg_scope
from millstream.contrib.layers.conv_layers import convolution2d as conv2d
from millstream.contrib.layers.dense_layers import dropout, fully_connected
from millstream.contrib.layers.penalties import l2_regularizer
from millstream.ops import array, nn
from millstream.state.initializers import TruncatedNormal


def published(module, *names):
    """Publishes functions of a module of networks below `contrib.slim.nets`."""

    def publish(function):
        for name in names or (function.__name__,):
            export(f"contrib.slim.nets.{module}.{name}", module=function.__module__)(function)
        return function

    return publish


def decayed_layers(weight_decay, biases_initializer):
    """Is the argument scope of layers with ReLU and L2 decay of the weights."""
    return arg_scope(
        [conv2d, fully_connected], activation_fn=nn.relu, biases_initializer=biases_initializer,
        weights_regularizer=l2_regularizer(weight_decay),
    )  # fmt: skip


def normal(stddev):
    """Returns the truncated normal initializer of a spread."""
    return TruncatedNormal(0.0, stddev)


def top(net, sizes, num_classes, keep, is_training, **last):
    """Adds the three layers at the end: convolutions in place of full connections.

    Args:
      net: what comes in.
      sizes: two numbers of channels, and the window of the first layer.
      num_classes: number of channels of the last.
      keep: probability of dropout to keep an element.
      is_training: whether dropout is on.
      **last: further arguments of the last layer.
    """
    wide, wider, window = sizes
    net = conv2d(net, wide, window, padding="VALID", scope="fc6")
    net = dropout(net, keep, is_training=is_training, scope="dropout6")
    net = conv2d(net, wider, [1, 1], scope="fc7")
    net = dropout(net, keep, is_training=is_training, scope="dropout7")
    return conv2d(
        net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope="fc8", **last
    )


def squeezed(net, end_points, scope, spatial_squeeze):
    """Drops the axes of space of the last layer, if asked to."""
    if spatial_squeeze:
        net = array.squeeze(net, [1, 2], name="fc8/squeezed")
        end_points[f"{scope.name}/fc8"] = net
    return net, end_points
