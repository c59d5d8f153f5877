"""Parts of the residual networks."""

from collections import namedtuple

from millstream.contrib.framework.argument_scopes import add_arg_scope, arg_scope
from millstream.contrib.layers.batch_norms import batch_norm
from millstream.contrib.layers.common import named_outputs
from millstream.contrib.layers.conv_layers import convolution2d as conv2d
from millstream.contrib.layers.conv_layers import max_pool2d
from millstream.contrib.layers.penalties import l2_regularizer, variance_scaling_initializer
from millstream.contrib.slim.nets.common import published
from millstream.ir.graph_collections import GraphKeys
from millstream.ops import nn
from millstream.ops.array.padding import pad
from millstream.state.scoping import variable_scope


@published("resnet_utils")
class Block(namedtuple("Block", ["scope", "unit_fn", "args"])):
    """Describes a block: its scope, the function of a unit, and the arguments of each."""


@published("resnet_utils")
def subsample(inputs, factor, scope=None):
    """Takes every `factor`-th pixel."""
    return inputs if factor == 1 else max_pool2d(inputs, [1, 1], stride=factor, scope=scope)


@published("resnet_utils")
def conv2d_same(inputs, num_outputs, kernel_size, stride, rate=1, scope=None):
    """Convolves with `"SAME"` padding that does not depend on the image's size.

    Args:
      inputs: `[batch, height, width, channels]`.
      num_outputs: number of output channels.
      kernel_size: size of the window.
      stride: steps of the window.
      rate: distance of the elements that the window looks at.
      scope: variable scope.
    """
    if stride == 1:
        return conv2d(
            inputs, num_outputs, kernel_size, stride=1, rate=rate, padding="SAME", scope=scope
        )
    total = kernel_size + (kernel_size - 1) * (rate - 1) - 1
    before = total // 2
    around = [before, total - before]
    inputs = pad(inputs, [[0, 0], around, around, [0, 0]])
    return conv2d(
        inputs, num_outputs, kernel_size, stride=stride, rate=rate, padding="VALID", scope=scope
    )


@published("resnet_utils")
@add_arg_scope
def stack_blocks_dense(net, blocks, output_stride=None, outputs_collections=None):
    """Stacks blocks; beyond `output_stride` it dilates instead of striding.

    Args:
      net: `[batch, height, width, channels]`.
      blocks: a list of `Block`.
      output_stride: the largest ratio of sizes of input and output; `None` for any.
      outputs_collections: collections of the blocks' outputs.

    Raises:
      ValueError: if `output_stride` cannot be reached.
    """
    current, rate = 1, 1
    for block in blocks:
        with variable_scope(block.scope, "block", [net]) as sc:
            for i, unit in enumerate(block.args, start=1):
                if output_stride is not None and current > output_stride:
                    raise ValueError("The target output_stride cannot be reached.")
                with variable_scope(f"unit_{i}", values=[net]):
                    if output_stride is not None and current == output_stride:
                        net = block.unit_fn(net, rate=rate, **{**unit, "stride": 1})
                        rate *= unit.get("stride", 1)
                    else:
                        net = block.unit_fn(net, rate=1, **unit)
                        current *= unit.get("stride", 1)
            net = named_outputs(outputs_collections, sc.name, net)
    if output_stride is not None and current != output_stride:
        raise ValueError("The target output_stride cannot be reached.")
    return net


@published("resnet_utils")
def resnet_arg_scope(
    weight_decay=0.0001, batch_norm_decay=0.997, batch_norm_epsilon=1e-5, batch_norm_scale=True
):
    """Returns the argument scope of the residual networks."""
    norm = {
        "decay": batch_norm_decay, "epsilon": batch_norm_epsilon, "scale": batch_norm_scale,
        "updates_collections": GraphKeys.UPDATE_OPS,
    }  # fmt: skip
    with (
        arg_scope(
            [conv2d], weights_regularizer=l2_regularizer(weight_decay),
            weights_initializer=variance_scaling_initializer(), activation_fn=nn.relu,
            normalizer_fn=batch_norm, normalizer_params=norm,
        ),
        arg_scope([batch_norm], **norm),
        arg_scope([max_pool2d], padding="SAME") as scope,
    ):  # fmt: skip
        return scope
