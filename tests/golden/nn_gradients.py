# ruff: noqa: E501 - one expression a line
"""Records values, gradients and second gradients of `tf.nn` functions as TF 1.15 computes them.

    python tests/golden/nn_gradients.py

A row is an expression over inputs `a`, `b`, `c` and their shapes. Of each expression the file holds
the value, the gradients by all inputs (cotangents go up and down like the data), and the gradient of
those gradients. `t` before a shape makes data with many ties.
"""

import os

ROWS = """
tf.nn.relu(a) | 3,4
tf.nn.relu6(a * 5.) | 3,4
tf.nn.elu(a) | 3,4
tf.nn.selu(a) | 3,4
tf.nn.softplus(a) | 3,4
tf.nn.softsign(a) | 3,4
tf.nn.leaky_relu(a, 0.3) | 3,4
tf.nn.crelu(a) | 3,4
tf.nn.swish(a) | 3,4
tf.nn.bias_add(a, b) | 2,3,2,4 | 4
tf.nn.l2_loss(a) | 3,4
tf.nn.softmax(a) | 3,5
tf.nn.softmax(a, axis=0) | 3,5
tf.nn.log_softmax(a) | 3,5
tf.nn.softmax_cross_entropy_with_logits_v2(labels=tf.nn.softmax(tf.stop_gradient(a) * 3.), logits=a) | 3,5
tf.nn.softmax_cross_entropy_with_logits(labels=tf.nn.softmax(b), logits=a) | 3,5 | 3,5
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[1, 0, 4], logits=a) | 3,5
tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.nn.sigmoid(b), logits=a) | 3,5 | 3,5
tf.nn.weighted_cross_entropy_with_logits(labels=tf.nn.sigmoid(b), logits=a, pos_weight=2.5) | 3,5 | 3,5
tf.nn.log_poisson_loss(tf.nn.softplus(b) + 2., a, True) | 3,5 | 3,5
tf.nn.l2_normalize(a, 1) | 3,5
tf.nn.moments(a, [0, 1])[1] | 3,5,2
tf.nn.batch_normalization(a, b, tf.nn.softplus(c), c, b, 0.01) | 4,3 | 3 | 3
tf.nn.fused_batch_norm(a, b, c)[0] | 2,3,4,3 | 3 | 3
tf.nn.fused_batch_norm(a, b, c, mean=[.1, .2, .3], variance=[.5, 1., 2.], is_training=False)[0] | 2,3,4,3 | 3 | 3
tf.nn.lrn(a, 2, 1.5, 0.3, 0.75) | 2,2,3,7
tf.nn.conv2d(a, b, [1, 1, 1, 1], "SAME") | 2,5,6,3 | 3,3,3,4
tf.nn.conv2d(a, b, [1, 2, 2, 1], "SAME") | 2,5,6,3 | 3,2,3,4
tf.nn.conv2d(a, b, [1, 2, 3, 1], "VALID") | 2,7,9,2 | 2,3,2,3
tf.nn.conv2d(a, b, [1, 2, 2, 1], "SAME") | 2,5,6,3 | 1,1,3,4
tf.nn.conv2d(a, b, [1, 1, 1, 1], "SAME") | 1,6,7,1 | 4,5,1,2
tf.nn.conv2d(a, b, [1, 1, 1, 1], [[0, 0], [1, 2], [0, 1], [0, 0]]) | 1,5,5,1 | 3,3,1,2
tf.transpose(tf.nn.conv2d(tf.transpose(a, [0, 2, 3, 1]), b, [1, 2, 1, 1], "SAME"), [0, 3, 1, 2]) | 2,3,5,6 | 3,2,3,2
tf.nn.conv2d_transpose(a, b, [1, 6, 6, 4], [1, 2, 2, 1]) | 1,3,3,2 | 3,3,4,2
tf.nn.atrous_conv2d(a, b, 2, "SAME") | 1,7,8,2 | 3,3,2,3
tf.nn.conv1d(a, b, 2, "SAME") | 2,9,3 | 3,3,4
tf.nn.depthwise_conv2d(a, b, [1, 2, 2, 1], "SAME") | 2,5,6,3 | 3,3,3,2
tf.nn.separable_conv2d(a, b, c, [1, 1, 1, 1], "VALID") | 1,5,6,3 | 3,3,3,2 | 1,1,6,4
tf.nn.max_pool(a, [1, 2, 2, 1], [1, 2, 2, 1], "SAME") | 2,5,7,2
tf.nn.max_pool(a, [1, 2, 2, 1], [1, 2, 2, 1], "VALID") | t2,5,7,2
tf.nn.max_pool(a, [1, 3, 3, 1], [1, 2, 2, 1], "SAME") | t2,5,7,2
tf.nn.max_pool(a, [1, 3, 2, 1], [1, 1, 1, 1], "VALID") | t1,5,6,2
tf.nn.avg_pool(a, [1, 2, 2, 1], [1, 2, 2, 1], "SAME") | 2,5,7,2
tf.nn.avg_pool(a, [1, 3, 3, 1], [1, 2, 2, 1], "SAME") | 2,5,7,2
tf.nn.max_pool_with_argmax(a, [1, 3, 3, 1], [1, 2, 2, 1], "SAME")[0] | t2,5,7,2
tf.nn.conv3d(a, b, [1, 1, 2, 1, 1], "SAME") | 1,3,4,5,2 | 2,3,2,2,3
tf.nn.max_pool3d(a, 2, 2, "SAME") | t1,3,4,5,2
tf.nn.avg_pool3d(a, 3, 2, "SAME") | 1,3,4,5,2
tf.nn.dilation2d(a, b, [1, 1, 2, 1], [1, 2, 1, 1], "SAME") | 1,6,7,2 | 2,3,2
tf.nn.erosion2d(a, b, [1, 1, 1, 1], [1, 1, 1, 1], "VALID") | 1,6,7,2 | 2,3,2
""".strip().splitlines()


def data(np, shape, step):
    """Returns values that go up and down; a shape that begins with `t` gives whole numbers."""
    sizes = [int(n) for n in shape.lstrip("t").split(",")]
    count = int(np.prod(sizes))
    values = (np.arange(count) * step % 101 / 25.0 - 2).astype(np.float32)
    return (np.round(values) if shape.startswith("t") else values).reshape(sizes)


def parse(row):
    text, *shapes = [part.strip() for part in row.split("|")]
    return text, shapes


def build(tf, np, row):
    """Returns what to run for one row: the value, the gradients, and the second gradients."""
    text, shapes = parse(row)
    inputs = [tf.constant(data(np, s, (37, 29, 41)[i])) for i, s in enumerate(shapes)]
    y = eval(text, {"tf": tf}, dict(zip("abc", inputs)))
    dy = tf.constant(
        data(np, ",".join(map(str, y.shape.as_list())) or "1", 53).reshape(y.shape.as_list())
    )
    first = tf.gradients(y, inputs, dy)
    total = tf.add_n([tf.reduce_sum(d * d) for d in first if d is not None])
    try:
        second = tf.gradients(total, [*inputs, dy])
    except LookupError:  # TensorFlow cannot differentiate this gradient again
        second = []
    return [y, *first, *second]


def record(tf, np, row):
    with tf.Graph().as_default(), tf.Session() as session:
        tensors = build(tf, np, row)
        known = [i for i, t in enumerate(tensors) if t is not None]
        return dict(zip(known, session.run([tensors[i] for i in known])))


def main():
    import numpy as np
    import tensorflow as tf

    tf.compat.v1.logging.set_verbosity("ERROR")
    arrays = {}
    for number, row in enumerate(ROWS):
        try:
            found = record(tf, np, row)
        except (tf.errors.OpError, ValueError) as error:
            raise RuntimeError(row) from error
        arrays.update({"%d.%d" % (number, i): value for i, value in found.items()})
    np.savez_compressed(os.path.splitext(os.path.abspath(__file__))[0] + ".npz", **arrays)


if __name__ == "__main__":
    main()
