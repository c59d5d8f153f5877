"""VGG networks. Source: Simonyan and Zisserman, 2014."""

from millstream.contrib.framework.argument_scopes import arg_scope
from millstream.contrib.layers.common import convert_collection_to_dict
from millstream.contrib.layers.conv_layers import convolution2d as conv2d
from millstream.contrib.layers.conv_layers import max_pool2d
from millstream.contrib.layers.shaping import repeat
from millstream.contrib.slim.nets.common import decayed_layers, published, squeezed, top
from millstream.state.initializers import Zeros
from millstream.state.scoping import variable_scope


@published("vgg")
def vgg_arg_scope(weight_decay=0.0005):
    """Returns the argument scope of the VGG networks."""
    with decayed_layers(weight_decay, Zeros()), arg_scope([conv2d], padding="SAME") as scope:
        return scope


def _vgg(
    name, repeats, inputs, num_classes, is_training, dropout_keep_prob, spatial_squeeze, scope
):
    with variable_scope(scope, name, [inputs]) as sc:
        collection = f"{sc.original_name_scope}_end_points"
        with arg_scope([conv2d, max_pool2d], outputs_collections=collection):
            net = inputs
            widths = (64, 128, 256, 512, 512)
            for i, (times, width) in enumerate(zip(repeats, widths, strict=True), start=1):
                net = repeat(net, times, conv2d, width, [3, 3], scope=f"conv{i}")
                net = max_pool2d(net, [2, 2], scope=f"pool{i}")
            net = top(net, (4096, 4096, [7, 7]), num_classes, dropout_keep_prob, is_training)
            end_points = convert_collection_to_dict(collection)
            return squeezed(net, end_points, sc, spatial_squeeze)


@published("vgg")
def vgg_a(
    inputs, num_classes=1000, is_training=True, dropout_keep_prob=0.5, spatial_squeeze=True,
    scope="vgg_a",
):  # fmt: skip
    """Is the VGG network of 11 layers, for images of 224 × 224.

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
    return _vgg(
        "vgg_a", (1, 1, 2, 2, 2), inputs, num_classes, is_training, dropout_keep_prob,
        spatial_squeeze, scope,
    )  # fmt: skip


@published("vgg")
def vgg_16(
    inputs, num_classes=1000, is_training=True, dropout_keep_prob=0.5, spatial_squeeze=True,
    scope="vgg_16",
):  # fmt: skip
    """Is the VGG network of 16 layers; arguments and result as for `vgg_a`."""
    return _vgg(
        "vgg_16", (2, 2, 3, 3, 3), inputs, num_classes, is_training, dropout_keep_prob,
        spatial_squeeze, scope,
    )  # fmt: skip


@published("vgg")
def vgg_19(
    inputs, num_classes=1000, is_training=True, dropout_keep_prob=0.5, spatial_squeeze=True,
    scope="vgg_19",
):  # fmt: skip
    """Is the VGG network of 19 layers; arguments and result as for `vgg_a`."""
    return _vgg(
        "vgg_19", (2, 2, 4, 4, 4), inputs, num_classes, is_training, dropout_keep_prob,
        spatial_squeeze, scope,
    )  # fmt: skip


for _net in (vgg_a, vgg_16, vgg_19):
    _net.default_image_size = 224

vgg_d, vgg_e = vgg_16, vgg_19
published("vgg", "vgg_d")(vgg_16)
published("vgg", "vgg_e")(vgg_19)
