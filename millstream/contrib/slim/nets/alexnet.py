"""AlexNet, one tower. Source: Krizhevsky, 2014."""

from millstream.contrib.framework.argument_scopes import arg_scope
from millstream.contrib.layers.common import convert_collection_to_dict
from millstream.contrib.layers.conv_layers import convolution2d as conv2d
from millstream.contrib.layers.conv_layers import max_pool2d
from millstream.contrib.layers.dense_layers import fully_connected
from millstream.contrib.slim.nets.common import (
    decayed_layers,
    normal,
    published,
    squeezed,
    top,
)
from millstream.state.initializers import Constant, Zeros
from millstream.state.scoping import variable_scope


@published("alexnet")
def alexnet_v2_arg_scope(weight_decay=0.0005):
    """Returns the argument scope of AlexNet."""
    with (
        decayed_layers(weight_decay, Constant(0.1)),
        arg_scope([conv2d], padding="SAME"),
        arg_scope([max_pool2d], padding="VALID") as scope,
    ):
        return scope


@published("alexnet")
def alexnet_v2(
    inputs, num_classes=1000, is_training=True, dropout_keep_prob=0.5, spatial_squeeze=True,
    scope="alexnet_v2",
):  # fmt: skip
    """Is AlexNet, for images of 224 × 224.

    Args:
      inputs: `[batch, height, width, channels]`.
      num_classes: number of classes.
      is_training: whether dropout is on.
      dropout_keep_prob: probability of dropout to keep an element.
      spatial_squeeze: whether the logits lose the axes of space.
      scope: variable scope.

    Returns:
      `(logits, dictionary of the layers' outputs)`.
    """
    with variable_scope(scope, "alexnet_v2", [inputs]) as sc:
        collection = f"{sc.original_name_scope}_end_points"
        with arg_scope([conv2d, fully_connected, max_pool2d], outputs_collections=[collection]):
            net = conv2d(inputs, 64, [11, 11], 4, padding="VALID", scope="conv1")
            net = max_pool2d(net, [3, 3], 2, scope="pool1")
            net = conv2d(net, 192, [5, 5], scope="conv2")
            net = max_pool2d(net, [3, 3], 2, scope="pool2")
            for i, width in ((3, 384), (4, 384), (5, 256)):
                net = conv2d(net, width, [3, 3], scope=f"conv{i}")
            net = max_pool2d(net, [3, 3], 2, scope="pool5")
            with arg_scope(
                [conv2d], weights_initializer=normal(0.005), biases_initializer=Constant(0.1)
            ):
                net = top(
                    net, (4096, 4096, [5, 5]), num_classes, dropout_keep_prob, is_training,
                    biases_initializer=Zeros(),
                )  # fmt: skip
            end_points = convert_collection_to_dict(collection)
            return squeezed(net, end_points, sc, spatial_squeeze)


alexnet_v2.default_image_size = 224
