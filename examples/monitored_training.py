"""A training loop with hooks: a plain TensorFlow 1.x program.

`tf.train.MonitoredTrainingSession` initialises or restores the model, saves checkpoints and
summaries, logs, and stops. A hook of our own halves the learning rate when the loss stops falling.
Press Ctrl-C: under Millstream the state is saved first. Run it again, and it goes on from there.

    millstream run examples/monitored_training.py
    millstream run examples/monitored_training.py --steps 2000 --out /tmp/spiral
"""

import numpy as np
import tensorflow as tf

tf.app.flags.DEFINE_integer("steps", 600, "The step to train up to.")
tf.app.flags.DEFINE_integer("batch_size", 50, "Points in a batch.")
tf.app.flags.DEFINE_float("learning_rate", 0.5, "The first learning rate.")
tf.app.flags.DEFINE_integer("seed", 1, "Seed of the initial weights and of the data.")
tf.app.flags.DEFINE_string("out", "out/monitored_training", "Directory of the model.")
FLAGS = tf.app.flags.FLAGS


def spirals(count, seed):
    """Returns the points of two spirals, `[count, 2]`, and which one each is on."""
    random = np.random.RandomState(seed)
    kind = random.randint(0, 2, count)
    turn = random.uniform(0.25, 1.0, count)
    angle = 2 * np.pi * turn + np.pi * kind
    points = turn[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return (points + random.normal(0, 0.02, points.shape)).astype(np.float32), kind


class HalveWhenStuck(tf.train.SessionRunHook):
    """Halves a variable when the loss, averaged over some steps, is no smaller than before."""

    def __init__(self, rate, loss, every=100):
        self.rate, self.loss, self.every = rate, loss, every

    def begin(self):
        self.halve = self.rate.assign(self.rate / 2)
        self.losses, self.best = [], np.inf

    def before_run(self, run_context):
        return tf.train.SessionRunArgs(self.loss)

    def after_run(self, run_context, run_values):
        self.losses.append(run_values.results)
        if len(self.losses) < self.every:
            return
        mean, self.losses = np.mean(self.losses), []
        if mean > 0.95 * self.best:
            run_context.session.run(self.halve)
            tf.logging.info("mean loss %.4f: the learning rate is halved", mean)
        self.best = min(self.best, mean)


def main(_):
    tf.logging.set_verbosity(tf.logging.INFO)
    tf.set_random_seed(FLAGS.seed)
    points, kind = spirals(1000, FLAGS.seed)
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    y = tf.placeholder(tf.int64, [None], name="y")
    hidden = tf.layers.dense(x, 32, activation=tf.nn.tanh)
    hidden = tf.layers.dense(hidden, 32, activation=tf.nn.tanh)
    logits = tf.layers.dense(hidden, 2)
    loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32))
    rate = tf.get_variable("rate", initializer=FLAGS.learning_rate, trainable=False)
    step = tf.train.get_or_create_global_step()
    train = tf.train.MomentumOptimizer(rate, 0.9).minimize(loss, global_step=step)
    tf.summary.scalar("loss", loss)
    tf.summary.scalar("rate", rate)

    random = np.random.RandomState(FLAGS.seed)

    def batch():
        chosen = random.randint(0, len(points), FLAGS.batch_size)
        return {x: points[chosen], y: kind[chosen]}

    hooks = [
        tf.train.StopAtStepHook(last_step=FLAGS.steps),
        tf.train.LoggingTensorHook({"loss": loss, "step": step}, every_n_iter=100),
        tf.train.NanTensorHook(loss),
        HalveWhenStuck(rate, loss),
        tf.train.FeedFnHook(batch),
    ]
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=FLAGS.out,
        hooks=hooks,
        save_checkpoint_steps=200,
        save_summaries_steps=20,
    ) as session:
        while not session.should_stop():
            session.run(train)

    with tf.train.SingularMonitoredSession(checkpoint_dir=FLAGS.out) as session:
        test, wanted = spirals(1000, FLAGS.seed + 1)
        found = session.run([loss, accuracy, step, rate], {x: test, y: wanted})
    print("step %d  learning rate %g" % (found[2], found[3]))
    print("test loss %.2f" % found[0])
    print("test accuracy  %.1f %%" % (100 * found[1]))


if __name__ == "__main__":
    tf.app.run()
