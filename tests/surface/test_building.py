"""Building graphs loads NumPy alone: JAX comes with the first compile."""

import subprocess
import sys

PROGRAM = """
import sys
import millstream as tf

x = tf.placeholder(tf.float32, [None, 4])
labels = tf.placeholder(tf.int64, [None])
w = tf.get_variable("w", [4, 3])
logits = tf.matmul(x, w) + tf.Variable(tf.zeros([3]))
loss = tf.reduce_mean(
    tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
train = tf.train.AdamOptimizer().minimize(loss)
saver = tf.train.Saver()
message = tf.get_default_graph().as_graph_def()
with tf.Graph().as_default():
    tf.import_graph_def(message)
assert not {"jax", "jaxlib", "scipy", "tensorboard"} & set(sys.modules)
"""


def test_building_a_training_graph_does_not_import_jax():
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
