"""Records what TF 1.15 makes of expressions over `tf.nn`: nodes, static shapes, values and errors.

    python tests/golden/nn_nodes.py

Each expression is evaluated in a fresh graph; the tests evaluate the same strings with Millstream.
`x(2, None)` is a float32 placeholder, `xi` and `xl` its int32 and int64 twins, `u()` a float32 one of unknown rank;
`v(2, 3)` is an array of float32 values that go up and down, `c` a constant of them, `vi` small
integers, `p` rows of probabilities.
"""

# ruff: noqa: E501 - one expression a line, whatever it raises
import gzip
import json
import os

EXPRESSIONS = """
tf.nn.relu(x(3, 4))
tf.nn.relu6(v(3, 4))
tf.nn.relu6([1, -2, 9], name="r")
tf.nn.elu(v(3, 4))
tf.nn.selu(v(3, 4))
tf.nn.softplus(v(3, 4))
tf.nn.softsign(v(3, 4), name="s")
tf.nn.leaky_relu(v(3, 4))
tf.nn.leaky_relu(x(3, 4), alpha=0.1, name="l")
tf.nn.leaky_relu(vi(3, 4))
tf.nn.crelu(x(3, 4))
tf.nn.crelu(v(3, 4), axis=0, name="c")
tf.nn.swish(v(3, 4))
tf.nn.swish(x(3, 4))
tf.nn.bias_add(x(3, 4), x(4))
tf.nn.bias_add(v(2, 3, 2, 2), v(3), data_format="NCHW", name="b")
tf.nn.bias_add(v(2, 3), v(3), data_format="N...C")
tf.nn.bias_add(v(2, 3), v(3), data_format="CN")
tf.nn.bias_add(v(2, 3), v(4))
tf.nn.l2_loss(v(3, 4))
tf.nn.xw_plus_b(x(3, 4), x(4, 2), x(2))
tf.nn.xw_plus_b(v(3, 4), v(4, 2), v(2), name="xw")
tf.nn.relu_layer(v(3, 4), v(4, 2), v(2))
tf.nn.zero_fraction(v(3, 4))
tf.nn.zero_fraction(x(3, None))
tf.nn.softmax(x(3, 4))
tf.nn.softmax(v(3, 4), name="sm")
tf.nn.softmax(v(2, 3, 4), axis=1)
tf.nn.softmax(v(2, 3, 4), dim=0)
tf.nn.softmax(v(2, 3, 4), axis=-1)
tf.nn.softmax(v(2, 3, 4), axis=2)
tf.nn.softmax(x(None, 3, 4), axis=-2)
tf.nn.softmax(u(), axis=1)
tf.nn.softmax(v(2, 3), axis=2)
tf.nn.softmax(v(2, 3), axis=-3)
tf.nn.softmax(v(3), axis=0)
tf.nn.softmax(3.0)
tf.nn.softmax(v(0, 3))
tf.nn.softmax(v(2, 3), axis=1, dim=1)
tf.nn.softmax([1, 2])
tf.nn.log_softmax(v(3, 4))
tf.nn.log_softmax(v(2, 3, 4), axis=1, name="ls")
tf.nn.log_softmax(v(2, 3), dim=0)
tf.nn.softmax_cross_entropy_with_logits(labels=p(3, 4), logits=v(3, 4))
tf.nn.softmax_cross_entropy_with_logits(labels=x(3, 4), logits=x(3, 4))
tf.nn.softmax_cross_entropy_with_logits(labels=x(None, 4), logits=x(None, 4), name="xent")
tf.nn.softmax_cross_entropy_with_logits(v(3, 4), v(3, 4))
tf.nn.softmax_cross_entropy_with_logits(labels=v(3, 4))
tf.nn.softmax_cross_entropy_with_logits(labels=p(3, 4), logits=v(3, 4), dim=0)
tf.nn.softmax_cross_entropy_with_logits_v2(labels=p(3, 4), logits=v(3, 4))
tf.nn.softmax_cross_entropy_with_logits_v2(labels=p(2, 3, 4), logits=v(2, 3, 4))
tf.nn.softmax_cross_entropy_with_logits_v2(labels=p(2, 3, 4), logits=v(2, 3, 4), axis=1, name="e")
tf.nn.softmax_cross_entropy_with_logits_v2(labels=x(None, None), logits=x(None, None))
tf.nn.softmax_cross_entropy_with_logits_v2(labels=u(), logits=u())
tf.nn.softmax_cross_entropy_with_logits_v2(labels=p(3, 4), logits=v(3, 4), dim=-1)
tf.nn.softmax_cross_entropy_with_logits_v2(labels=p(3, 4), logits=v(2, 4))
tf.nn.softmax_cross_entropy_with_logits_v2(labels=p(3, 4).astype(np.float16), logits=v(3, 4).astype(np.float16))
tf.nn.softmax_cross_entropy_with_logits_v2(labels=p(3, 4), logits=v(3, 4).astype(np.float16))
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=vi(3), logits=v(3, 6))
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=xi(3), logits=x(3, 4))
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=vi(2, 3), logits=v(2, 3, 6), name="ss")
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=xi(None), logits=x(None, 4))
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=xi(None, 2), logits=x(None, 2, 4))
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=ui(), logits=u())
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=vi(3, 1), logits=v(3, 6))
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=vi(2), logits=v(3, 6))
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=np.int64(1), logits=v(6))
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=np.array([1, 7]), logits=v(2, 3))
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=vi(3), logits=v(3, 6).astype(np.float16))
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=vi(3), logits=3.0)
tf.nn.sparse_softmax_cross_entropy_with_logits(vi(3), v(3, 6))
tf.nn.sigmoid_cross_entropy_with_logits(labels=p(3, 4), logits=v(3, 4))
tf.nn.sigmoid_cross_entropy_with_logits(labels=x(3, 4), logits=x(3, 4), name="ce")
tf.nn.sigmoid_cross_entropy_with_logits(labels=v(3, 4), logits=v(3, 3))
tf.nn.sigmoid_cross_entropy_with_logits(labels=v(3, 4))
tf.nn.weighted_cross_entropy_with_logits(labels=p(3, 4), logits=v(3, 4), pos_weight=0.3)
tf.nn.weighted_cross_entropy_with_logits(targets=x(3, 4), logits=x(3, 4), pos_weight=2, name="w")
tf.nn.weighted_cross_entropy_with_logits(labels=v(3, 4), logits=v(3, 3), pos_weight=2)
tf.nn.log_poisson_loss(p(3, 4), v(3, 4))
tf.nn.log_poisson_loss(p(3, 4), v(3, 4), compute_full_loss=True, name="lp")
tf.nn.log_poisson_loss(x(3, 4), x(3, 4), True)
tf.nn.log_poisson_loss(v(3, 4), v(3, 3))
tf.nn.dropout(x(3, 4), 0.5)
tf.nn.dropout(x(3, 4), keep_prob=0.5, name="d", seed=3)
tf.nn.dropout(x(3, 4), keep_prob=tf.placeholder(tf.float32))
tf.nn.dropout(x(3, 4), rate=0.3, noise_shape=[3, 1])
tf.nn.dropout(x(None, 4), rate=0.3, noise_shape=[None, 1])
tf.nn.dropout(x(None, 4), rate=0.3)
tf.nn.dropout(x(3, 4), keep_prob=1.0)
tf.nn.dropout(v(3, 4), rate=0.0)
tf.nn.dropout(x(3, 4), keep_prob=1)
tf.nn.dropout(x(3, 4), keep_prob=0.0)
tf.nn.dropout(x(3, 4), keep_prob=1.5)
tf.nn.dropout(x(3, 4), rate=1.0)
tf.nn.dropout(x(3, 4), rate=tf.placeholder(tf.float32, []))
tf.nn.dropout(xi(3, 4), rate=0.5)
tf.nn.dropout(x(3, 4), keep_prob=0.5, rate=0.5)
tf.nn.dropout(x(3, 4))
tf.nn.dropout(x(3, 4), 0.5, [2, 4])
tf.nn.dropout(x(3, 4), 0.5, tf.shape(x(1, 4)))
tf.compat.v2.nn.dropout(x(3, 4), 0.2, name="d2")
tf.nn.dropout(x(3, 4), tf.constant(0.5))
tf.nn.moments(x(3, 4), [0])
tf.nn.moments(c(2, 3, 4), [0, 1])
tf.nn.moments(c(2, 3, 4), [1], keep_dims=True, name="m")
tf.nn.moments(c(2, 3, 4), [0, 2], keepdims=True)
tf.nn.moments(tf.constant(v(3, 4).astype(np.float16)), [0])
tf.nn.moments(x(None, 4), [0], shift=2.0)
tf.nn.moments(c(3, 4), axes=-1)
tf.nn.sufficient_statistics(v(2, 3, 4), [0, 1])
tf.nn.sufficient_statistics(x(None, 4), [0])
tf.nn.sufficient_statistics(x(None, 4), [0], shift=x(4), name="ss")
tf.nn.sufficient_statistics(v(2, 3, 4), [0], shift=0.5, keep_dims=True)
tf.nn.sufficient_statistics(v(2, 3, 4), [0], keepdims=True)
tf.nn.sufficient_statistics(u(), [0])
tf.nn.normalize_moments(4.0, v(3), v(3) ** 2, None)
tf.nn.normalize_moments(4.0, v(3), v(3) ** 2, v(3), name="nm")
tf.nn.weighted_moments(v(2, 3, 4), [0, 1], v(2, 3, 1) + 1)
tf.nn.weighted_moments(v(3, 4), [0], v(3, 4) + 1, keep_dims=True, name="wm")
tf.nn.weighted_moments(x(3, 4), [0], 2.0)
tf.nn.weighted_moments(v(3, 4).astype(np.float16), [0], v(3, 1).astype(np.float16) + 1)
tf.nn.weighted_moments(x(None, 4), [0], x(None, 1))
tf.nn.batch_normalization(x(3, 4), x(4), x(4), x(4), x(4), 1e-3)
tf.nn.batch_normalization(v(3, 4), v(4), v(4) ** 2, None, None, 1e-3)
tf.nn.batch_normalization(v(3, 4), v(4), v(4) ** 2, v(4), None, 1e-3, name="bn")
tf.nn.batch_normalization(v(3, 4), v(4), v(4) ** 2, None, v(4), 0.01)
tf.nn.fused_batch_norm(x(2, 3, 4, 5), v(5), v(5))
tf.nn.fused_batch_norm(v(2, 3, 4, 5), v(5), v(5), name="f")[:3]
tf.nn.fused_batch_norm(x(2, 3, 4, 5), v(5), v(5), v(5), v(5) ** 2, is_training=False)[:3]
tf.nn.fused_batch_norm(v(2, 3, 4, 5), v(5), v(5), v(5), v(5) ** 2, epsilon=1e-7)
tf.nn.fused_batch_norm(v(2, 3, 4, 5).astype(np.float16), v(5), v(5))[:3]
tf.nn.fused_batch_norm(v(2, 3, 4, 5), v(5), v(5), is_training=False)
tf.nn.batch_norm_with_global_normalization(v(2, 3, 4, 5), v(5), v(5) ** 2, v(5), v(5), 1e-3, True)
tf.nn.batch_norm_with_global_normalization(v(1, 1, 4, 5), v(5), v(5) ** 2, v(5), v(5), 1e-3, False, name="g")
tf.nn.l2_normalize(x(3, 4), 1)
tf.nn.l2_normalize(v(3, 4), axis=0, epsilon=0.1, name="l2")
tf.nn.l2_normalize(v(3, 4), dim=[0, 1])
tf.math.l2_normalize(v(3, 4), 1)
tf.nn.lrn(v(2, 3, 4, 7))
tf.nn.local_response_normalization(v(2, 3, 4, 7), depth_radius=2, bias=1.5, alpha=0.3, beta=0.75, name="n")
tf.nn.lrn(v(2, 3, 4))
tf.nn.conv2d(x(1, 4, 4, 1), x(2, 2, 1, 3), [1, 1, 1, 1], "SAME")
tf.nn.conv2d(v(2, 5, 6, 3), v(3, 2, 3, 4), strides=[1, 2, 2, 1], padding="SAME", name="c")
tf.nn.conv2d(v(2, 5, 6, 3), v(3, 2, 3, 4), strides=2, padding="VALID")
tf.nn.conv2d(v(2, 5, 6, 3), v(3, 2, 3, 4), strides=[2, 3], padding="VALID", dilations=[1, 2])
tf.nn.conv2d(v(2, 7, 8, 3), filters=v(3, 3, 3, 2), strides=1, padding="SAME", dilations=2)
tf.nn.conv2d(v(1, 5, 5, 1), v(3, 3, 1, 2), [1, 1, 1, 1], [[0, 0], [1, 2], [0, 1], [0, 0]])
tf.nn.conv2d(v(1, 5, 5, 1), v(3, 3, 1, 2), [1, 1, 1, 1], [[0, 0], [0, 0], [0, 0], [0, 0]])
tf.nn.conv2d(v(1, 5, 5, 1), v(3, 3, 1, 2), [1, 1, 1, 1], "EXPLICIT")
tf.nn.conv2d(v(1, 5, 5, 1), v(3, 3, 2, 2), [1, 1, 1, 1], "SAME")
tf.nn.conv2d(v(1, 2, 2, 1), v(3, 3, 1, 2), [1, 1, 1, 1], "VALID")
tf.nn.conv2d(v(1, 5, 5, 1), v(3, 3, 1, 2), [1, 1, 1], "SAME")
tf.nn.conv2d(v(1, 5, 5, 1), v(3, 3, 1, 2), [2, 1, 1, 1], "SAME")
tf.nn.conv2d(v(1, 5, 5, 1), v(3, 3, 1, 2), [1, 1, 1, 1], "BAD")
tf.nn.conv2d(v(5, 5, 1), v(3, 3, 1, 2), [1, 1, 1, 1], "SAME")
tf.nn.conv2d(x(None, None, None, 3), x(3, 3, 3, 8), [1, 2, 2, 1], "SAME")
tf.nn.conv2d(x(None, None, None, 3), x(3, 3, 3, 8), [1, 2, 2, 1], "VALID")
tf.nn.conv2d(u(), x(3, 3, 3, 8), [1, 2, 2, 1], "VALID")
tf.nn.conv2d(x(None, 3, 8, 8), x(3, 3, 3, 8), [1, 1, 2, 2], "SAME", data_format="NCHW")
tf.nn.conv2d(x(1, 4, 4, 1), x(2, 2, 1, 3), [1, 1, 1, 1], "SAME", filters=x(2, 2, 1, 3))
tf.nn.conv2d(x(1, 4, 4, 1), None, [1, 1, 1, 1], "SAME")
tf.nn.conv2d_backprop_input([2, 5, 6, 3], v(3, 2, 3, 4), v(2, 3, 3, 4), [1, 2, 2, 1], "SAME")
tf.nn.conv2d_backprop_filter(v(2, 5, 6, 3), [3, 2, 3, 4], v(2, 3, 3, 4), [1, 2, 2, 1], "SAME")
tf.nn.conv2d_transpose(v(1, 3, 3, 2), v(3, 3, 4, 2), [1, 6, 6, 4], [1, 2, 2, 1])
tf.nn.conv2d_transpose(v(1, 3, 3, 2), v(3, 3, 4, 2), [1, 6, 6, 4], 2, name="t")
tf.nn.conv2d_transpose(v(1, 3, 3, 2), v(3, 3, 4, 2), tf.stack([1, 7, 7, 4]), [1, 2, 2, 1], "VALID")
tf.nn.conv2d_transpose(x(None, 3, 3, 2), x(3, 3, 4, 2), tf.stack([xi(), 6, 6, 4]), [1, 2, 2, 1])
tf.nn.conv2d_transpose(v(1, 3, 3, 2), v(3, 3, 4, 3), [1, 6, 6, 4], [1, 2, 2, 1])
tf.nn.conv2d_transpose(v(1, 3, 3, 2), v(3, 3, 4, 2), [1, 6, 6, 4], [1, 2, 2, 1], "FULL")
tf.nn.atrous_conv2d(v(1, 7, 8, 2), v(3, 3, 2, 3), 2, "SAME")
tf.nn.atrous_conv2d(v(1, 7, 8, 2), v(3, 3, 2, 3), 2, "VALID", name="a")
tf.nn.atrous_conv2d(v(1, 7, 8, 2), v(3, 3, 2, 3), 1, "SAME")
tf.nn.atrous_conv2d_transpose(v(1, 7, 8, 3), v(3, 3, 2, 3), [1, 7, 8, 2], 2, "SAME")
tf.nn.convolution(v(1, 7, 8, 2), v(3, 3, 2, 3), "SAME")
tf.nn.convolution(v(1, 7, 8, 2), v(3, 3, 2, 3), "VALID", strides=[2, 1], name="cv")
tf.nn.convolution(v(1, 7, 8, 2), v(3, 3, 2, 3), "SAME", dilation_rate=[2, 2])
tf.nn.convolution(v(1, 7, 8, 2), v(3, 3, 2, 3), "VALID", dilation_rate=[1, 2])
tf.nn.convolution(v(1, 9, 2), v(3, 2, 3), "SAME")
tf.nn.convolution(v(1, 9, 2), v(3, 2, 3), "SAME", dilation_rate=[2])
tf.nn.convolution(v(1, 4, 4, 4, 2), v(2, 2, 2, 2, 3), "SAME")
tf.nn.convolution(v(1, 4, 4, 4, 2), v(2, 2, 2, 2, 3), "VALID", dilation_rate=[2, 1, 2])
tf.nn.convolution(x(None, None, 8, 2), v(3, 3, 2, 3), "SAME", dilation_rate=[2, 2])
tf.nn.convolution(v(1, 7, 8, 2), v(3, 3, 2, 3), "SAME", strides=[2, 2], dilation_rate=[2, 2])
tf.nn.conv1d(v(2, 9, 3), v(3, 3, 4), 1, "SAME")
tf.nn.conv1d(v(2, 9, 3), v(3, 3, 4), 2, "VALID", name="c1")
tf.nn.conv1d(x(2, 9, 3), x(3, 3, 4), [1, 2, 1], "VALID", data_format="NWC")
tf.nn.conv1d(x(None, 9, 3), x(3, 3, 4), stride=1, padding="SAME", dilations=2)
tf.nn.conv1d_transpose(v(2, 4, 3), v(3, 5, 3), [2, 8, 5], 2)
tf.nn.conv3d(v(1, 3, 4, 5, 2), v(2, 2, 2, 2, 3), [1, 1, 1, 1, 1], "SAME")
tf.nn.conv3d(v(1, 3, 4, 5, 2), v(2, 2, 2, 2, 3), [1, 2, 1, 2, 1], "VALID", name="c3")
tf.nn.conv3d_transpose(v(1, 2, 2, 2, 3), v(2, 2, 2, 2, 3), [1, 4, 4, 4, 2], [1, 2, 2, 2, 1])
tf.nn.conv3d_backprop_filter_v2(v(1, 3, 4, 5, 2), [2, 2, 2, 2, 3], v(1, 3, 4, 5, 3), [1, 1, 1, 1, 1], "SAME")
tf.nn.conv_transpose(v(1, 3, 3, 2), v(3, 3, 4, 2), [1, 6, 6, 4], 2)
tf.nn.depthwise_conv2d(v(1, 5, 6, 3), v(3, 3, 3, 2), [1, 1, 1, 1], "SAME")
tf.nn.depthwise_conv2d(v(1, 5, 6, 3), v(3, 3, 3, 2), [1, 2, 2, 1], "VALID", name="dw")
tf.nn.depthwise_conv2d(v(1, 7, 8, 3), v(3, 3, 3, 1), [1, 1, 1, 1], "SAME", rate=[2, 2])
tf.nn.depthwise_conv2d(x(None, 7, 8, 3), x(3, 3, 3, 1), [1, 1, 1, 1], "VALID", rate=[2, 1])
tf.nn.depthwise_conv2d_native(v(1, 5, 6, 3), v(2, 3, 3, 2), [1, 1, 1, 1], "SAME")
tf.nn.depthwise_conv2d_backprop_input([1, 5, 6, 3], v(3, 3, 3, 2), v(1, 3, 3, 6), [1, 2, 2, 1], "SAME")
tf.nn.depthwise_conv2d_backprop_filter(v(1, 5, 6, 3), [3, 3, 3, 2], v(1, 3, 3, 6), [1, 2, 2, 1], "SAME")
tf.nn.separable_conv2d(v(1, 5, 6, 3), v(3, 3, 3, 2), v(1, 1, 6, 4), [1, 1, 1, 1], "SAME")
tf.nn.separable_conv2d(v(1, 7, 8, 3), v(3, 3, 3, 2), v(1, 1, 6, 4), [1, 1, 1, 1], "VALID", rate=[2, 2], name="sc")
tf.nn.separable_conv2d(v(1, 5, 6, 3), v(3, 3, 3, 2), v(1, 1, 5, 4), [1, 1, 1, 1], "SAME")
tf.nn.max_pool(x(1, 4, 4, 1), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
tf.nn.max_pool(v(1, 5, 7, 2), [1, 3, 3, 1], [1, 2, 2, 1], "SAME", name="mp")
tf.nn.max_pool(v(1, 5, 7, 2), 3, 2, "VALID")
tf.nn.max_pool(v(1, 5, 7, 2), [3, 2], [2, 1], "VALID")
tf.nn.max_pool(v(1, 4, 4, 4), [1, 1, 1, 2], [1, 1, 1, 2], "VALID")
tf.nn.max_pool(v(1, 4, 4, 4), [2, 1, 1, 1], [2, 1, 1, 1], "VALID")
tf.nn.max_pool(x(None, None, 7, 2), [1, 3, 3, 1], [1, 2, 2, 1], "VALID")
tf.nn.max_pool2d(v(1, 5, 7, 2), 2, 2, "SAME")
tf.nn.max_pool_v2(v(1, 5, 7, 2), 2, 2, "SAME")
tf.nn.max_pool_v2(v(1, 5, 7), 2, 2, "SAME")
tf.nn.max_pool_v2(v(1, 4, 4, 4, 2), 2, 2, "VALID")
tf.nn.max_pool1d(v(1, 7, 2), 3, 2, "SAME")
tf.nn.max_pool3d(v(1, 4, 5, 6, 2), [1, 2, 2, 2, 1], [1, 2, 2, 2, 1], "SAME")
tf.nn.max_pool3d(v(1, 4, 5, 6, 2), 3, 2, "VALID", name="m3")
tf.nn.max_pool_with_argmax(v(2, 5, 7, 2), [1, 3, 3, 1], [1, 2, 2, 1], "SAME")
tf.nn.max_pool_with_argmax(v(2, 4, 4, 2), [1, 2, 2, 1], [1, 2, 2, 1], "VALID", include_batch_in_index=True)
tf.nn.avg_pool(x(1, 4, 4, 1), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
tf.nn.avg_pool(v(1, 5, 7, 2), [1, 3, 3, 1], [1, 2, 2, 1], "SAME", name="ap")
tf.nn.avg_pool2d(v(1, 5, 7, 2), 2, 2, "SAME")
tf.nn.avg_pool_v2(v(1, 5, 7, 2), 2, 2, "SAME")
tf.nn.avg_pool1d(v(1, 7, 2), 3, 2, "SAME")
tf.nn.avg_pool3d(v(1, 4, 5, 6, 2), 2, 2, "SAME")
tf.nn.pool(v(1, 5, 7, 2), [2, 2], "MAX", "SAME")
tf.nn.pool(v(1, 5, 7, 2), [2, 2], "AVG", "VALID", strides=[2, 2], name="pl")
tf.nn.pool(v(1, 7, 8, 2), [2, 2], "MAX", "SAME", dilation_rate=[2, 2])
tf.nn.pool(v(1, 7, 2), [3], "AVG", "SAME")
tf.nn.pool(v(1, 5, 7, 2), [2, 2], "SUM", "SAME")
tf.nn.dilation2d(v(1, 5, 6, 2), v(2, 3, 2), [1, 1, 1, 1], [1, 1, 1, 1], "SAME")
tf.nn.dilation2d(v(1, 7, 8, 2), v(2, 3, 2), [1, 2, 2, 1], [1, 2, 2, 1], "VALID", name="di")
tf.nn.erosion2d(v(1, 5, 6, 2), v(2, 3, 2), [1, 1, 1, 1], [1, 1, 1, 1], "SAME")
tf.nn.nce_loss(x(50, 8), x(50), xl(4, 1), x(4, 8), 5, 50)
tf.nn.nce_loss(x(50, 8), x(50), xl(None, 2), x(None, 8), 5, 50, num_true=2, name="foo", remove_accidental_hits=True)
tf.nn.nce_loss([x(25, 8), x(25, 8)], x(50), xi(4, 1), x(4, 8), 5, 50, partition_strategy="div")
tf.nn.nce_loss(c(6, 3), c(6), tf.constant([[1], [4]], tf.int64), c(2, 3), 2, 6, sampled_values=(tf.constant([3, 1], tf.int64), tf.constant([[.5], [.2]]), tf.constant([.3, .4])))
tf.nn.nce_loss(c(6, 3), c(6), tf.constant([[1], [4]], tf.int64), c(2, 3), 2, 6, sampled_values=(tf.constant([3, 1], tf.int64), tf.constant([[.5], [.2]]), tf.constant([.3, .4])), remove_accidental_hits=True)
tf.nn.sampled_softmax_loss(x(50, 8), x(50), xl(4, 1), x(4, 8), 5, 50)
tf.nn.sampled_softmax_loss(x(50, 8), x(50), xl(None, 1), x(None, 8), 5, 50, remove_accidental_hits=False, name="bar", seed=3)
tf.nn.sampled_softmax_loss(c(6, 3), c(6), tf.constant([[1], [4]], tf.int64), c(2, 3), 2, 6, sampled_values=(tf.constant([3, 1], tf.int64), tf.constant([[.5], [.2]]), tf.constant([.3, .4])))
tf.nn.with_space_to_batch(v(1, 8, 8, 1), [2, 2], "VALID", lambda a, num_spatial_dims, padding: a * 2)
""".strip().splitlines()


def helpers(tf, np):
    """Returns the names that the expressions use, for a given TensorFlow."""

    def integers(*shape):
        return (np.arange(int(np.prod(shape))) * 7 % 6).astype(np.int32).reshape(shape)

    def values(*shape):
        steps = np.arange(int(np.prod(shape)))
        return (steps * 37 % 101 / np.float32(25) - 2).astype(np.float32).reshape(shape)

    def probabilities(*shape):
        e = np.exp(values(*shape))
        return e / e.sum(-1, keepdims=True)

    return {
        "tf": tf,
        "np": np,
        "x": lambda *shape: tf.placeholder(tf.float32, list(shape), name="x"),
        "xi": lambda *shape: tf.placeholder(tf.int32, list(shape), name="xi"),
        "xl": lambda *shape: tf.placeholder(tf.int64, list(shape), name="xl"),
        "u": lambda: tf.placeholder(tf.float32, name="u"),
        "ui": lambda: tf.placeholder(tf.int32, name="ui"),
        "v": values,
        "c": lambda *shape: tf.constant(values(*shape)),
        "vi": integers,
        "p": probabilities,
    }


def plain(np, value):
    """Returns an array as what JSON can hold."""
    array = np.asarray(value)
    numbers = [str(x) if x != x or abs(x) == float("inf") else x for x in array.ravel().tolist()]
    if array.dtype.kind == "f":
        numbers = [x if isinstance(x, str) else float("%.7g" % x) for x in numbers]
    return {"dtype": str(array.dtype), "shape": list(array.shape), "data": numbers}


def shape_list(tensor):
    return None if tensor.shape.ndims is None else tensor.shape.as_list()


def tensors_of(tf, result):
    if isinstance(result, (list, tuple)):
        return [t for item in result for t in tensors_of(tf, item)]
    return [result] if isinstance(result, tf.Tensor) else []


def nodes_of(graph):
    return [
        [op.name, op.type, [t.name for t in op.inputs], [c.name for c in op.control_inputs]]
        for op in graph.get_operations()
    ]


def record(tf, np, text):
    """Returns what becomes of one expression."""
    graph = tf.Graph()
    with graph.as_default():
        try:
            tensors = tensors_of(tf, eval(text, helpers(tf, np)))
        except Exception as error:
            return {"raises": type(error).__name__, "message": str(error)[:200]}
        entry = {"nodes": nodes_of(graph), "shapes": [shape_list(t) for t in tensors]}
        kinds = {op.type for op in graph.get_operations()}
        if kinds & {"Placeholder", "RandomUniform"}:
            return entry
        with tf.Session() as session:
            try:
                entry["values"] = [plain(np, v) for v in session.run(tensors)]
            except tf.errors.OpError as error:
                entry["fails"] = type(error).__name__
    return entry


def main():
    import numpy as np
    import tensorflow as tf

    tf.compat.v1.logging.set_verbosity("ERROR")
    out = {text: record(tf, np, text) for text in EXPRESSIONS}
    path = os.path.splitext(os.path.abspath(__file__))[0] + ".json.gz"
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as f:
        f.write(json.dumps(out, indent=0).encode())


if __name__ == "__main__":
    main()
