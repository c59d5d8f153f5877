"""Residual networks, normalised behind each convolution. Source: He et al., 2015."""

from millstream.contrib.framework.argument_scopes import add_arg_scope, arg_scope
from millstream.contrib.layers.batch_norms import batch_norm
from millstream.contrib.layers.common import (
    convert_collection_to_dict,
    last_dimension,
    named_outputs,
)
from millstream.contrib.layers.conv_layers import convolution2d as conv2d
from millstream.contrib.layers.conv_layers import max_pool2d
from millstream.contrib.layers.shaping import softmax
from millstream.contrib.slim.nets.common import published
from millstream.contrib.slim.nets.resnet_utils import (
    Block,
    conv2d_same,
    resnet_arg_scope,
    stack_blocks_dense,
    subsample,
)
from millstream.ops import math, nn
from millstream.state.scoping import variable_scope

published("resnet_v1")(resnet_arg_scope)


@published("resnet_v1")
@add_arg_scope
def bottleneck(
    inputs, depth, depth_bottleneck, stride, rate=1, outputs_collections=None, scope=None
):
    """Adds three convolutions to a short cut around them.

    Args:
      inputs: `[batch, height, width, channels]`.
      depth: number of output channels.
      depth_bottleneck: number of channels in between.
      stride: ratio of the sizes of input and output.
      rate: distance of the elements that the window looks at.
      outputs_collections: collections of the output.
      scope: variable scope.
    """
    with variable_scope(scope, "bottleneck_v1", [inputs]) as sc:
        depth_in = last_dimension(inputs.shape, min_rank=4)
        if depth == depth_in:
            shortcut = subsample(inputs, stride, "shortcut")
        else:
            shortcut = conv2d(
                inputs, depth, [1, 1], stride=stride, activation_fn=None, scope="shortcut"
            )
        residual = conv2d(inputs, depth_bottleneck, [1, 1], stride=1, scope="conv1")
        residual = conv2d_same(residual, depth_bottleneck, 3, stride, rate=rate, scope="conv2")
        residual = conv2d(residual, depth, [1, 1], stride=1, activation_fn=None, scope="conv3")
        output = nn.relu(shortcut + residual)
        return named_outputs(outputs_collections, sc.name, output)


@published("resnet_v1")
def resnet_v1(
    inputs, blocks, num_classes=None, is_training=True, global_pool=True, output_stride=None,
    include_root_block=True, reuse=None, scope=None,
):  # fmt: skip
    """Makes a residual network of blocks.

    Args:
      inputs: `[batch, height, width, channels]`.
      blocks: a list of `resnet_utils.Block`.
      num_classes: number of classes; `None` for no logits.
      is_training: whether batches are normalised by their own moments.
      global_pool: whether the mean over the image is taken.
      output_stride: the largest ratio of sizes of input and output; `None` for that of the blocks.
      include_root_block: whether there is a large convolution first.
      reuse: whether the variables must exist already.
      scope: variable scope.

    Returns:
      `(net, dictionary of the blocks' outputs)`; with classes, `net` is `[batch, 1, 1, classes]`.

    Raises:
      ValueError: if `output_stride` cannot be reached.
    """
    with variable_scope(scope, "resnet_v1", [inputs], reuse=reuse) as sc:
        collection = f"{sc.original_name_scope}_end_points"
        with (
            arg_scope([conv2d, bottleneck, stack_blocks_dense], outputs_collections=collection),
            arg_scope([batch_norm], is_training=is_training),
        ):
            net = inputs
            if include_root_block:
                if output_stride is not None:
                    if output_stride % 4 != 0:
                        raise ValueError("The output_stride needs to be a multiple of 4.")
                    output_stride /= 4
                net = conv2d_same(net, 64, 7, stride=2, scope="conv1")
                net = max_pool2d(net, [3, 3], stride=2, scope="pool1")
            net = stack_blocks_dense(net, blocks, output_stride)
            if global_pool:
                net = math.reduce_mean(net, [1, 2], name="pool5", keepdims=True)
            if num_classes is not None:
                net = conv2d(
                    net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None,
                    scope="logits",
                )  # fmt: skip
            end_points = convert_collection_to_dict(collection)
            if num_classes is not None:
                end_points["predictions"] = softmax(net, scope="predictions")
            return net, end_points


@published("resnet_v1")
def resnet_v1_block(scope, base_depth, num_units, stride):
    """Describes a block of `num_units` bottlenecks, of which the last strides."""
    unit = {"depth": base_depth * 4, "depth_bottleneck": base_depth, "stride": 1}
    return Block(scope, bottleneck, [unit] * (num_units - 1) + [{**unit, "stride": stride}])


def _sized(name, units, inputs, num_classes, is_training, global_pool, output_stride, reuse, scope):
    blocks = [
        resnet_v1_block("block1", base_depth=64, num_units=units[0], stride=2),
        resnet_v1_block("block2", base_depth=128, num_units=units[1], stride=2),
        resnet_v1_block("block3", base_depth=256, num_units=units[2], stride=2),
        resnet_v1_block("block4", base_depth=512, num_units=units[3], stride=1),
    ]
    return resnet_v1(
        inputs, blocks, num_classes, is_training, global_pool, output_stride,
        include_root_block=True, reuse=reuse, scope=scope or name,
    )  # fmt: skip


@published("resnet_v1")
def resnet_v1_50(
    inputs, num_classes=None, is_training=True, global_pool=True, output_stride=None, reuse=None,
    scope="resnet_v1_50",
):  # fmt: skip
    """Is the residual network of 50 layers; arguments and result as for `resnet_v1`."""
    return _sized(
        "resnet_v1_50", (3, 4, 6, 3), inputs, num_classes, is_training, global_pool,
        output_stride, reuse, scope,
    )  # fmt: skip


@published("resnet_v1")
def resnet_v1_101(
    inputs, num_classes=None, is_training=True, global_pool=True, output_stride=None, reuse=None,
    scope="resnet_v1_101",
):  # fmt: skip
    """Is the residual network of 101 layers; arguments and result as for `resnet_v1`."""
    return _sized(
        "resnet_v1_101", (3, 4, 23, 3), inputs, num_classes, is_training, global_pool,
        output_stride, reuse, scope,
    )  # fmt: skip


@published("resnet_v1")
def resnet_v1_152(
    inputs, num_classes=None, is_training=True, global_pool=True, output_stride=None, reuse=None,
    scope="resnet_v1_152",
):  # fmt: skip
    """Is the residual network of 152 layers; arguments and result as for `resnet_v1`."""
    return _sized(
        "resnet_v1_152", (3, 8, 36, 3), inputs, num_classes, is_training, global_pool,
        output_stride, reuse, scope,
    )  # fmt: skip


@published("resnet_v1")
def resnet_v1_200(
    inputs, num_classes=None, is_training=True, global_pool=True, output_stride=None, reuse=None,
    scope="resnet_v1_200",
):  # fmt: skip
    """Is the residual network of 200 layers; arguments and result as for `resnet_v1`."""
    return _sized(
        "resnet_v1_200", (3, 24, 36, 3), inputs, num_classes, is_training, global_pool,
        output_stride, reuse, scope,
    )  # fmt: skip


resnet_v1.default_image_size = 224
