"""Trains on images from TFRecord files through tf.data: a plain TensorFlow 1.x program.

    millstream run examples/tf_data_records.py
    millstream run examples/tf_data_records.py --steps 600 --shards 8

Draws noisy pictures of circles, squares, triangles and crosses, writes them as PNGs into TFRecord
files, and trains a small convolutional network on what a pipeline reads, decodes, mirrors, shuffles
and batches. Prints the accuracy on pictures of another file.
"""

import os
import time

import numpy as np
import tensorflow as tf

flags = tf.app.flags
flags.DEFINE_integer("steps", 300, "How many batches to train on.")
flags.DEFINE_integer("batch_size", 64, "Pictures in a batch.")
flags.DEFINE_integer("shards", 4, "How many files hold the training pictures.")
flags.DEFINE_integer("per_shard", 500, "Pictures in a file.")
flags.DEFINE_string("data", "out/tf_data_records", "Directory for the files.")
FLAGS = flags.FLAGS

SIZE = 28
SHAPES = ["circle", "square", "triangle", "cross"]


def draw(rng, label):
    """Returns a picture, uint8 `[SIZE, SIZE, 1]`, of a shape somewhere in noise."""
    y, x = np.mgrid[:SIZE, :SIZE]
    radius = rng.uniform(5, 9)
    y = y - rng.uniform(radius, SIZE - radius)
    x = x - rng.uniform(radius, SIZE - radius)
    inside = [
        np.hypot(x, y) < radius,
        np.maximum(abs(x), abs(y)) < radius * 0.85,
        (abs(x) < (y + radius) * 0.6) & (y < radius * 0.8),
        (np.minimum(abs(x), abs(y)) < radius * 0.3) & (np.maximum(abs(x), abs(y)) < radius),
    ][label]
    picture = np.where(inside, rng.uniform(120, 255), rng.uniform(0, 60))
    noisy = picture + rng.normal(0, 25, picture.shape)
    return noisy.clip(0, 255).astype(np.uint8)[:, :, np.newaxis]


def bytes_feature(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def int64_feature(value):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def write_file(path, count, seed):
    """Writes pictures of all shapes in turn to a TFRecord file."""
    rng = np.random.RandomState(seed)
    with tf.Graph().as_default(), tf.Session() as sess:
        picture = tf.placeholder(tf.uint8, [SIZE, SIZE, 1])
        png = tf.image.encode_png(picture)
        with tf.python_io.TFRecordWriter(path) as writer:
            for i in range(count):
                label = i % len(SHAPES)
                encoded = sess.run(png, {picture: draw(rng, label)})
                features = tf.train.Features(
                    feature={"png": bytes_feature(encoded), "label": int64_feature(label)}
                )
                writer.write(tf.train.Example(features=features).SerializeToString())


def parse(record):
    """Turns a record into a picture in -1…1, `[SIZE, SIZE, 1]`, and its label."""
    wanted = {
        "png": tf.FixedLenFeature([], tf.string),
        "label": tf.FixedLenFeature([], tf.int64),
    }
    parsed = tf.parse_single_example(record, wanted)
    picture = tf.image.decode_png(parsed["png"], channels=1)
    picture.set_shape([SIZE, SIZE, 1])
    return tf.cast(picture, tf.float32) / 127.5 - 1.0, parsed["label"]


def mirror(picture, label):
    return tf.image.random_flip_left_right(picture), label


def training_input(paths):
    files = tf.data.Dataset.from_tensor_slices(paths).shuffle(len(paths), seed=1)
    records = files.interleave(tf.data.TFRecordDataset, cycle_length=4, block_length=8)
    pictures = records.map(parse, num_parallel_calls=2).cache()
    pictures = pictures.shuffle(1000, seed=2).repeat().map(mirror)
    return pictures.batch(FLAGS.batch_size).prefetch(2)


def test_input(path):
    return tf.data.TFRecordDataset(path).map(parse).batch(FLAGS.batch_size)


def network(pictures):
    """Returns the logits of the shapes, `[batch, shapes]`."""
    hidden = tf.layers.conv2d(pictures, 16, 5, strides=2, activation=tf.nn.relu)
    hidden = tf.layers.conv2d(hidden, 32, 3, strides=2, activation=tf.nn.relu)
    hidden = tf.layers.dense(tf.layers.flatten(hidden), 64, activation=tf.nn.relu)
    return tf.layers.dense(hidden, len(SHAPES))


def train_and_test(train_paths, test_path):
    """Trains, and returns the accuracy on the test pictures."""
    tf.set_random_seed(3)
    train, test = training_input(train_paths), test_input(test_path)
    iterator = tf.data.Iterator.from_structure(train.output_types, train.output_shapes)
    start_training, start_test = iterator.make_initializer(train), iterator.make_initializer(test)
    pictures, labels = iterator.get_next()
    logits = network(pictures)
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    step = tf.train.AdamOptimizer(2e-3).minimize(loss)
    correct = tf.equal(tf.argmax(logits, 1), labels)
    with tf.Session() as sess:
        sess.run([tf.global_variables_initializer(), start_training])
        start = time.time()
        for number in range(1, FLAGS.steps + 1):
            value, _ = sess.run([loss, step])
            if number % 100 == 0:
                print("step %4d: loss %.4f" % (number, value))
        seconds = time.time() - start
        print("%.0f pictures per second" % (FLAGS.steps * FLAGS.batch_size / seconds))
        sess.run(start_test)
        found = []
        while True:
            try:
                found.extend(sess.run(correct))
            except tf.errors.OutOfRangeError:
                return np.mean(found)


def main(_):
    if not os.path.isdir(FLAGS.data):
        os.makedirs(FLAGS.data)
    paths = [
        os.path.join(FLAGS.data, "%05d-of-%05d.tfrecord" % (i, FLAGS.shards + 1))
        for i in range(FLAGS.shards + 1)
    ]
    for seed, path in enumerate(paths):
        write_file(path, FLAGS.per_shard, seed)
    print("wrote %d pictures to %s" % (FLAGS.per_shard * len(paths), FLAGS.data))
    accuracy = train_and_test(paths[:-1], paths[-1])
    print("accuracy: %.3f" % accuracy)


if __name__ == "__main__":
    tf.app.run()
