"""A small convolutional network on small pictures, fed by queues: a plain TensorFlow 1.x program.

The program makes its own pictures in the format of the CIFAR-10 binary files: ten classes of
coloured shapes before a noisy ground, 32 x 32 pixels, one byte for the label and 3,072 for the
pixels. Readers, decoding, distortion and shuffling run in the threads of queue runners while the
network trains.

    millstream run examples/cifar10_queues.py
    millstream run examples/cifar10_queues.py --steps 600 --data /tmp/pictures
"""

import os
import time

import numpy as np
import tensorflow as tf

tf.app.flags.DEFINE_integer("steps", 300, "How many batches to train on.")
tf.app.flags.DEFINE_integer("batch_size", 64, "Pictures in a batch.")
tf.app.flags.DEFINE_float("learning_rate", 1e-3, "Adam's learning rate.")
tf.app.flags.DEFINE_integer("readers", 2, "How many threads prepare pictures.")
tf.app.flags.DEFINE_integer("seed", 1, "Seed of the pictures, weights and distortions.")
tf.app.flags.DEFINE_string("data", "out/cifar10_queues", "Directory for the files with pictures.")
FLAGS = tf.app.flags.FLAGS

SIZE, CROP, CLASSES = 32, 24, 10
PER_FILE, FILES, TEST_SIZE = 800, 5, 1000


# --- pictures --------------------------------------------------------------------------------


def masks(random):
    """Returns ten kinds of shapes, at a random place and size, as `[10, 32, 32]` booleans."""
    y, x = np.mgrid[:SIZE, :SIZE] - random.uniform(13, 19, [2, 1, 1])
    r = random.uniform(7, 10)
    square, disc = np.maximum(abs(x), abs(y)) < r, x * x + y * y < r * r
    return np.stack(
        [
            square,
            disc,
            abs(x) + abs(y) < r * 1.3,
            square & ~(np.maximum(abs(x), abs(y)) < r * 0.6),
            disc & (x * x + y * y > r * r * 0.4),
            (abs(x) < r * 0.35) | (abs(y) < r * 0.35),
            abs(abs(x) - abs(y)) < r * 0.35,
            square & (y > x),
            square & (np.floor(y / 3) % 2 == 0),
            square & (np.floor(x / 3) % 2 == 0),
        ]
    )


def picture(random, label):
    """Returns the bytes of one record: the label, then a channel after the other."""
    ground, shape = random.uniform(0, 1, [2, 3, 1, 1])
    shape = np.where(abs(shape - ground) < 0.25, (ground + 0.5) % 1.0, shape)
    pixels = np.where(masks(random)[label], shape, ground)
    pixels = pixels + random.normal(0, 0.12, [3, SIZE, SIZE])
    data = (np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return bytes(bytearray([label])) + data.tobytes()


def make_files(directory):
    """Writes the files unless they are there; returns the names of training files and test file."""
    train = [os.path.join(directory, "data_batch_%d.bin" % (i + 1)) for i in range(FILES)]
    test = os.path.join(directory, "test_batch.bin")
    if not os.path.isdir(directory):
        os.makedirs(directory)
    for number, name in enumerate([*train, test]):
        if os.path.exists(name):
            continue
        random = np.random.RandomState(1000 * FLAGS.seed + number)
        count = TEST_SIZE if name == test else PER_FILE
        with open(name, "wb") as out:
            out.write(b"".join(picture(random, i % CLASSES) for i in range(count)))
    return train, test


# --- the input pipeline ----------------------------------------------------------------------


def read_picture(queue):
    """Returns one picture `[32, 32, 3]` with values from 0 to 255, and its label."""
    reader = tf.FixedLengthRecordReader(record_bytes=1 + SIZE * SIZE * 3)
    _, value = reader.read(queue)
    record = tf.decode_raw(value, tf.uint8)
    label = tf.reshape(tf.cast(record[:1], tf.int32), [])
    planes = tf.reshape(record[1 : 1 + SIZE * SIZE * 3], [3, SIZE, SIZE])
    return tf.cast(tf.transpose(planes, [1, 2, 0]), tf.float32), label


def training_batches(files):
    """Returns shuffled batches of distorted pictures."""
    queue = tf.train.string_input_producer(files, seed=FLAGS.seed)
    image, label = read_picture(queue)
    image = tf.random_crop(image, [CROP, CROP, 3], seed=FLAGS.seed)
    image = tf.image.random_brightness(image, max_delta=40, seed=FLAGS.seed)
    image = tf.image.per_image_standardization(image)
    return tf.train.shuffle_batch(
        [image, label],
        batch_size=FLAGS.batch_size,
        num_threads=FLAGS.readers,
        capacity=1500,
        min_after_dequeue=1000,
        seed=FLAGS.seed,
    )


def test_batches(file):
    """Returns batches of the test pictures, once through the file; the last may be smaller."""
    queue = tf.train.string_input_producer([file], num_epochs=1, shuffle=False)
    image, label = read_picture(queue)
    edge = (SIZE - CROP) // 2
    image = tf.image.per_image_standardization(image[edge : edge + CROP, edge : edge + CROP])
    return tf.train.batch([image, label], 200, capacity=1000, allow_smaller_final_batch=True)


# --- the network -----------------------------------------------------------------------------


def weights(name, shape, fan_in):
    """Returns a variable of random weights."""
    initial = tf.truncated_normal_initializer(stddev=(2.0 / fan_in) ** 0.5, seed=FLAGS.seed)
    return tf.get_variable(name, shape, initializer=initial)


def logits_of(images, reuse=None):
    """Returns the class scores of a batch of pictures."""
    with tf.variable_scope("network", reuse=reuse):
        x, channels = images, 3
        for layer, width in enumerate([32, 32]):
            kernel = weights("kernel%d" % layer, [5, 5, channels, width], 25 * channels)
            bias = tf.get_variable("bias%d" % layer, [width], initializer=tf.zeros_initializer())
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME") + bias)
            x = tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
            channels = width
        x = tf.reshape(x, [-1, 6 * 6 * channels])
        for layer, width in enumerate([128, CLASSES]):
            inputs = x.get_shape().as_list()[1]
            matrix = weights("matrix%d" % layer, [inputs, width], inputs)
            bias = tf.get_variable("offset%d" % layer, [width], initializer=tf.zeros_initializer())
            x = tf.matmul(x, matrix) + bias
            x = tf.nn.relu(x) if layer == 0 else x
        return x


def train_and_test(session, coord, train_op, loss, right):
    """Trains, then counts the test pictures that are recognised; returns their share."""
    start = time.time()
    for step in range(1, FLAGS.steps + 1):
        if coord.should_stop():
            break
        _, value = session.run([train_op, loss])
        if step % 50 == 0:
            print("step %4d  loss %.3f  %.1f s" % (step, value, time.time() - start))
    hits = seen = 0
    try:
        while not coord.should_stop():
            batch = session.run(right)
            hits, seen = hits + batch.sum(), seen + len(batch)
    except tf.errors.OutOfRangeError:
        print("%d test pictures" % seen)
    return hits / float(seen)


def main(_):
    """Makes the pictures, trains, and prints the accuracy on the test pictures."""
    train_files, test_file = make_files(FLAGS.data)
    tf.set_random_seed(FLAGS.seed)
    images, labels = training_batches(train_files)
    test_images, test_labels = test_batches(test_file)
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits_of(images))
    )
    train_op = tf.train.AdamOptimizer(FLAGS.learning_rate).minimize(loss)
    scores = logits_of(test_images, reuse=True)
    right = tf.equal(tf.cast(tf.argmax(scores, 1), tf.int32), test_labels)
    coord = tf.train.Coordinator()
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        threads = tf.train.start_queue_runners(session, coord)
        try:
            accuracy = train_and_test(session, coord, train_op, loss, right)
        finally:
            coord.request_stop()
            coord.join(threads, stop_grace_period_secs=10)
    print("test accuracy %.3f" % accuracy)


if __name__ == "__main__":
    tf.app.run()
