"""Ops of neural networks: activations, softmax, convolution, pooling, normalisation, losses.

The functions that other families need are here under their public names.
"""

from millstream.ops.nn.activations import (
    crelu,
    elu,
    leaky_relu,
    relu,
    relu6,
    selu,
    softplus,
    softsign,
    swish,
)
from millstream.ops.nn.bias import bias_add, l2_loss, relu_layer, xw_plus_b
from millstream.ops.nn.convolution import atrous_conv2d, conv1d, convolution
from millstream.ops.nn.convolutions import conv2d, conv2d_transpose, conv3d, conv3d_transpose
from millstream.ops.nn.cross_entropy import (
    log_poisson_loss,
    log_softmax,
    sigmoid_cross_entropy_with_logits,
    softmax,
    softmax_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
    weighted_cross_entropy_with_logits,
)
from millstream.ops.nn.dropout import dropout
from millstream.ops.nn.lrn import lrn
from millstream.ops.nn.moments import moments, sufficient_statistics, weighted_moments
from millstream.ops.nn.normalization import batch_normalization, fused_batch_norm, l2_normalize
from millstream.ops.nn.pools import (
    avg_pool,
    avg_pool1d,
    avg_pool3d,
    max_pool,
    max_pool1d,
    max_pool3d,
    pool,
)
from millstream.ops.nn.separable import depthwise_conv2d, separable_conv2d

__all__ = [
    *("atrous_conv2d", "avg_pool", "avg_pool1d", "avg_pool3d", "batch_normalization", "bias_add"),
    *("conv1d", "conv2d", "conv2d_transpose", "conv3d", "conv3d_transpose", "convolution"),
    *("crelu", "depthwise_conv2d", "dropout", "elu", "fused_batch_norm", "l2_loss"),
    *("l2_normalize", "leaky_relu", "log_poisson_loss", "log_softmax", "lrn", "max_pool"),
    *("max_pool1d", "max_pool3d", "moments", "pool", "relu", "relu6", "relu_layer", "selu"),
    *("separable_conv2d", "sigmoid_cross_entropy_with_logits", "softmax"),
    *("softmax_cross_entropy_with_logits", "softmax_cross_entropy_with_logits_v2", "softplus"),
    *("softsign", "sparse_softmax_cross_entropy_with_logits", "sufficient_statistics", "swish"),
    *("weighted_cross_entropy_with_logits", "weighted_moments", "xw_plus_b"),
]
