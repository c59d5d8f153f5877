"""Inception v1, v2 and v3: bases, heads, argument scopes."""

from millstream.contrib.framework.argument_scopes import arg_scope
from millstream.contrib.layers.batch_norms import batch_norm
from millstream.contrib.layers.conv_layers import avg_pool2d, max_pool2d
from millstream.contrib.layers.conv_layers import convolution2d as conv2d
from millstream.contrib.layers.conv_layers import separable_convolution2d as separable_conv2d
from millstream.contrib.layers.dense_layers import dropout, fully_connected
from millstream.contrib.layers.penalties import l2_regularizer, variance_scaling_initializer
from millstream.contrib.layers.shaping import softmax
from millstream.contrib.slim.nets.common import normal, published
from millstream.contrib.slim.nets.inception_parts import Base
from millstream.contrib.slim.nets.inception_tables import (
    V1_BLOCKS,
    V1_STEM,
    V2_BLOCKS,
    V2_STEM,
    V3_BLOCKS,
    V3_STEM,
)
from millstream.ir.graph_collections import GraphKeys
from millstream.ops import array, nn
from millstream.state.scoping import variable_scope


def _published(version):
    def publish(function):
        for module in (f"inception_v{version}", "inception"):
            published(module)(function)
        return function

    return publish


def _norm(collection, decay=0.9997, epsilon=0.001, **more):
    return {
        "decay": decay, "epsilon": epsilon,
        "variables_collections": {
            "beta": None, "gamma": None, "moving_mean": [collection],
            "moving_variance": [collection],
        },
        **more,
    }  # fmt: skip


def _scope(weight_decay, norm):
    layers = {} if norm is None else {"normalizer_fn": batch_norm, "normalizer_params": norm}
    with (
        arg_scope([conv2d, fully_connected], weights_regularizer=l2_regularizer(weight_decay)),
        arg_scope(
            [conv2d], weights_initializer=variance_scaling_initializer(), activation_fn=nn.relu,
            **layers,
        ) as scope,
    ):  # fmt: skip
        return scope


def _logits(net, num_classes, scope, **options):
    return conv2d(
        net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope=scope, **options
    )


def _squeezed(logits, spatial_squeeze):
    return array.squeeze(logits, [1, 2], name="SpatialSqueeze") if spatial_squeeze else logits


def _window(net, size):
    """Returns a window no larger than the image."""
    sizes = net.shape.as_list()
    if sizes[1] is None or sizes[2] is None:
        return size
    return [min(sizes[1], size[0]), min(sizes[2], size[1])]


# -- version 1


@_published(1)
def inception_v1_arg_scope(
    weight_decay=0.00004, use_batch_norm=True, batch_norm_var_collection="moving_vars"
):
    """Returns the argument scope of Inception v1.

    Args:
      weight_decay: factor of the L2 penalty.
      use_batch_norm: whether batches are normalised.
      batch_norm_var_collection: collection of the moving averages.
    """
    norm = None
    if use_batch_norm:
        norm = _norm(batch_norm_var_collection, updates_collections=GraphKeys.UPDATE_OPS)
    return _scope(weight_decay, norm)


@_published(1)
def inception_v1_base(inputs, final_endpoint="Mixed_5c", scope="InceptionV1"):
    """Makes Inception v1 without its head.

    Args:
      inputs: `[batch, height, width, channels]`.
      final_endpoint: name of the last layer.
      scope: variable scope.

    Returns:
      `(last layer, all layers by name)`.

    Raises:
      ValueError: if there is no such layer.
    """
    with (
        variable_scope(scope, "InceptionV1", [inputs]),
        arg_scope([conv2d, fully_connected], weights_initializer=normal(0.01)),
        arg_scope([conv2d, max_pool2d], stride=1, padding="SAME"),
    ):
        base = Base(inputs, final_endpoint)
        base.make(V1_STEM + V1_BLOCKS)
        return base.finished()


@_published(1)
def inception_v1(
    inputs, num_classes=1000, is_training=True, dropout_keep_prob=0.8, prediction_fn=softmax,
    spatial_squeeze=True, reuse=None, scope="InceptionV1",
):  # fmt: skip
    """Is Inception v1 (GoogLeNet), for images of 224 × 224.

    Args:
      inputs: `[batch, height, width, channels]`.
      num_classes: number of classes.
      is_training: whether dropout is on and batches are normalised by their own moments.
      dropout_keep_prob: probability of dropout to keep an element.
      prediction_fn: function from logits to predictions.
      spatial_squeeze: whether the logits lose the axes of space.
      reuse: whether the variables must exist already.
      scope: variable scope.

    Returns:
      `(logits, dictionary of the layers' outputs)`.
    """
    with (
        variable_scope(
            scope, "InceptionV1", [inputs, num_classes] if scope is None else [inputs],
            reuse=reuse,
        ) as scope,
        arg_scope([batch_norm, dropout], is_training=is_training),
    ):  # fmt: skip
        net, end_points = inception_v1_base(inputs, scope=scope)
        with variable_scope("Logits"):
            net = avg_pool2d(net, [7, 7], stride=1, scope="MaxPool_0a_7x7")
            net = dropout(net, dropout_keep_prob, scope="Dropout_0b")
            logits = _squeezed(_logits(net, num_classes, "Conv2d_0c_1x1"), spatial_squeeze)
            end_points["Logits"] = logits
            end_points["Predictions"] = prediction_fn(logits, scope="Predictions")
        return logits, end_points


inception_v1.default_image_size = 224

# -- version 2


@_published(2)
def inception_v2_arg_scope(weight_decay=0.00004, batch_norm_var_collection="moving_vars"):
    """Returns the argument scope of Inception v2; see `inception_v1_arg_scope`."""
    norm = _norm(batch_norm_var_collection, updates_collections=GraphKeys.UPDATE_OPS)
    return _scope(weight_decay, norm)


@_published(2)
def inception_v2_base(
    inputs, final_endpoint="Mixed_5c", min_depth=16, depth_multiplier=1.0, scope=None
):
    """Makes Inception v2 without its head.

    Args:
      inputs: `[batch, height, width, channels]`.
      final_endpoint: name of the last layer.
      min_depth: the smallest number of channels.
      depth_multiplier: factor of the numbers of channels.
      scope: variable scope.

    Returns:
      `(last layer, all layers by name)`.

    Raises:
      ValueError: if there is no such layer, or the factor is not positive.
    """
    base = Base(inputs, final_endpoint, min_depth, depth_multiplier)
    with (
        variable_scope(scope, "InceptionV2", [inputs]),
        arg_scope([conv2d, max_pool2d, avg_pool2d, separable_conv2d], stride=1, padding="SAME"),
    ):
        width = base.depth(64)
        net = separable_conv2d(
            inputs, width, [7, 7], depth_multiplier=min(int(width / 3), 8), stride=2,
            weights_initializer=normal(1.0), scope="Conv2d_1a_7x7",
        )  # fmt: skip
        base.add("Conv2d_1a_7x7", net)
        base.make(V2_STEM + V2_BLOCKS)
        return base.finished()


@_published(2)
def inception_v2(
    inputs, num_classes=1000, is_training=True, dropout_keep_prob=0.8, min_depth=16,
    depth_multiplier=1.0, prediction_fn=softmax, spatial_squeeze=True, reuse=None,
    scope="InceptionV2",
):  # fmt: skip
    """Is Inception v2, for images of 224 × 224.

    Args:
      min_depth: the smallest number of channels.
      depth_multiplier: factor of the numbers of channels.

    The other arguments, and the result, are those of `inception_v1`.

    Raises:
      ValueError: if the factor is not positive.
    """
    with (
        variable_scope(scope, "InceptionV2", [inputs, num_classes] if scope is None else [inputs],
                       reuse=reuse) as scope,
        arg_scope([batch_norm, dropout], is_training=is_training),
    ):  # fmt: skip
        net, end_points = inception_v2_base(
            inputs, scope=scope, min_depth=min_depth, depth_multiplier=depth_multiplier
        )
        with variable_scope("Logits"):
            size = _window(net, [7, 7])
            net = avg_pool2d(net, size, padding="VALID", scope="AvgPool_1a_{}x{}".format(*size))
            net = dropout(net, keep_prob=dropout_keep_prob, scope="Dropout_1b")
            logits = _squeezed(_logits(net, num_classes, "Conv2d_1c_1x1"), spatial_squeeze)
        end_points["Logits"] = logits
        end_points["Predictions"] = prediction_fn(logits, scope="Predictions")
        return logits, end_points


inception_v2.default_image_size = 224

# -- version 3


@_published(3)
def inception_v3_arg_scope(
    weight_decay=0.00004, batch_norm_var_collection="moving_vars", batch_norm_decay=0.9997,
    batch_norm_epsilon=0.001, updates_collections=GraphKeys.UPDATE_OPS, use_fused_batchnorm=True,
):  # fmt: skip
    """Returns the argument scope of Inception v3.

    Args:
      weight_decay: factor of the L2 penalty.
      batch_norm_var_collection: collection of the moving averages.
      batch_norm_decay: weight of the old value in them.
      batch_norm_epsilon: small number against division by zero.
      updates_collections: collections of their updates.
      use_fused_batchnorm: whether one node does the normalisation.
    """
    norm = _norm(
        batch_norm_var_collection, batch_norm_decay, batch_norm_epsilon,
        updates_collections=updates_collections, fused=use_fused_batchnorm,
    )  # fmt: skip
    return _scope(weight_decay, norm)


@_published(3)
def inception_v3_base(
    inputs, final_endpoint="Mixed_7c", min_depth=16, depth_multiplier=1.0, scope=None
):
    """Makes Inception v3 without its head; arguments and result as for `inception_v2_base`."""
    base = Base(inputs, final_endpoint, min_depth, depth_multiplier)
    with variable_scope(scope, "InceptionV3", [inputs]):
        with arg_scope([conv2d, max_pool2d, avg_pool2d], stride=1, padding="VALID"):
            base.make(V3_STEM)
        with arg_scope([conv2d, max_pool2d, avg_pool2d], stride=1, padding="SAME"):
            base.make(V3_BLOCKS)
        return base.finished()


@_published(3)
def inception_v3(
    inputs, num_classes=1000, is_training=True, dropout_keep_prob=0.8, min_depth=16,
    depth_multiplier=1.0, prediction_fn=softmax, spatial_squeeze=True, reuse=None,
    scope="InceptionV3",
):  # fmt: skip
    """Is Inception v3, for images of 299 × 299, with auxiliary logits.

    The arguments, and the result, are those of `inception_v2`; `AuxLogits` is among the outputs.

    Raises:
      ValueError: if the factor is not positive.
    """
    with (
        variable_scope(scope, "InceptionV3", [inputs, num_classes] if scope is None else [inputs],
                       reuse=reuse) as scope,
        arg_scope([batch_norm, dropout], is_training=is_training),
    ):  # fmt: skip
        net, end_points = inception_v3_base(
            inputs, scope=scope, min_depth=min_depth, depth_multiplier=depth_multiplier
        )
        depth = Base(inputs, "", min_depth, depth_multiplier).depth
        with arg_scope([conv2d, max_pool2d, avg_pool2d], stride=1, padding="SAME"):
            end_points["AuxLogits"] = _auxiliary(
                end_points["Mixed_6e"], depth, num_classes, spatial_squeeze
            )
        with variable_scope("Logits"):
            size = _window(net, [8, 8])
            net = avg_pool2d(net, size, padding="VALID", scope="AvgPool_1a_{}x{}".format(*size))
            net = dropout(net, keep_prob=dropout_keep_prob, scope="Dropout_1b")
            end_points["PreLogits"] = net
            logits = _squeezed(_logits(net, num_classes, "Conv2d_1c_1x1"), spatial_squeeze)
        end_points["Logits"] = logits
        end_points["Predictions"] = prediction_fn(logits, scope="Predictions")
        return logits, end_points


def _auxiliary(net, depth, num_classes, spatial_squeeze):
    """Makes logits half way, which help training."""
    with variable_scope("AuxLogits"):
        net = avg_pool2d(net, [5, 5], stride=3, padding="VALID", scope="AvgPool_1a_5x5")
        net = conv2d(net, depth(128), [1, 1], scope="Conv2d_1b_1x1")
        size = _window(net, [5, 5])
        net = conv2d(
            net, depth(768), size, weights_initializer=normal(0.01), padding="VALID",
            scope="Conv2d_2a_{}x{}".format(*size),
        )  # fmt: skip
        logits = _logits(net, num_classes, "Conv2d_2b_1x1", weights_initializer=normal(0.001))
        return _squeezed(logits, spatial_squeeze)


inception_v3.default_image_size = 299
