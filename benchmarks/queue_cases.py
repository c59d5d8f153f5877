"""The queues that are timed; see cases.py."""

import os
import tempfile

import numpy as np
from input_cases import features_wanted, write_records
from registry import case, session


@case
def queue_enqueue_dequeue(tf):
    """Adds a fed number to a queue and takes one out, in two steps."""
    queue = tf.FIFOQueue(100, tf.float32, shapes=[[]])
    x = tf.placeholder(tf.float32, [])
    put, get = queue.enqueue(x), queue.dequeue()
    sess = tf.Session()

    def step():
        sess.run(put, {x: 1.0})
        return sess.run(get)

    return step


@case
def queue_many_of_pictures(tf):
    """Adds and takes a batch of 64 pictures of 32x32x3 floats."""
    queue = tf.RandomShuffleQueue(1000, 0, tf.float32, shapes=[[32, 32, 3]], seed=1)
    images = tf.Variable(tf.zeros([64, 32, 32, 3]))
    put, get = queue.enqueue_many([images]), queue.dequeue_many(64)
    sess = session(tf)

    def step():
        sess.run(put)
        return sess.run(get.op)

    return step


def _started(tf, batch):
    """Starts the queue runners; returns the step that takes a batch."""
    sess = tf.Session()
    sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    tf.train.start_queue_runners(sess, tf.train.Coordinator())
    fetches = [part.op for part in batch]
    return lambda: sess.run(fetches)


@case
def queue_records_one_by_one(tf):
    """Takes a batch of 128 examples that one thread reads and parses one by one."""
    names = tf.train.string_input_producer([write_records(tf)])
    found = tf.parse_single_example(tf.TFRecordReader().read(names)[1], features_wanted(tf))
    pixels = tf.reshape(tf.decode_raw(found["image"], tf.uint8), [784])
    parts = [tf.cast(pixels, tf.float32) / 255.0, found["label"], found["x"]]
    return _started(tf, tf.train.shuffle_batch(parts, 128, 2000, 500, seed=1))


@case
def queue_records_in_blocks(tf):
    """Takes a batch of 128 examples that one thread reads and parses 64 at a time."""
    names = tf.train.string_input_producer([write_records(tf)])
    records = tf.TFRecordReader().read_up_to(names, 64)[1]
    found = tf.parse_example(records, features_wanted(tf))
    pixels = tf.reshape(tf.decode_raw(found["image"], tf.uint8), [-1, 784])
    parts = [tf.cast(pixels, tf.float32) / 255.0, found["label"], found["x"]]
    batch = tf.train.shuffle_batch(parts, 128, 2000, 500, seed=1, enqueue_many=True)
    return _started(tf, batch)


@case
def table_look_up(tf):
    """Looks 1,000 words up in a table of 10,000."""
    path = os.path.join(tempfile.mkdtemp(), "words.txt")
    with open(path, "w") as file:
        file.write("".join(f"word{i}\n" for i in range(10000)))
    table = tf.contrib.lookup.index_table_from_file(path, num_oov_buckets=10)
    numbers = np.random.RandomState(0).randint(0, 12000, 1000)
    ids = table.lookup(tf.constant([f"word{i}" for i in numbers]))
    sess = tf.Session()
    sess.run(tf.tables_initializer())
    return lambda: sess.run(ids)
