"""The input pipelines that are timed; see cases.py."""

import os
import tempfile

import numpy as np
from registry import case


def _pipeline(tf, paths, parse, calls=None):
    dataset = tf.data.TFRecordDataset(paths).repeat().map(parse, num_parallel_calls=calls)
    dataset = dataset.shuffle(1000, seed=1).batch(128).prefetch(1)
    element = dataset.make_one_shot_iterator().get_next()
    sess = tf.Session()
    return lambda: sess.run([part.op for part in element])


def write_records(tf, count=4000):
    """Writes examples with 784 bytes, a label and 16 floats each; returns the file's name."""
    path = os.path.join(tempfile.mkdtemp(), "records")
    rng = np.random.RandomState(0)
    train = tf.train
    with tf.python_io.TFRecordWriter(path) as writer:
        for number in range(count):
            pixels = rng.randint(0, 256, 784).astype(np.uint8).tobytes()
            feature = {
                "image": train.Feature(bytes_list=train.BytesList(value=[pixels])),
                "label": train.Feature(int64_list=train.Int64List(value=[number % 1000])),
                "x": train.Feature(float_list=train.FloatList(value=rng.rand(16))),
            }
            features = train.Features(feature=feature)
            writer.write(train.Example(features=features).SerializeToString())
    return path


def features_wanted(tf):
    return {
        "image": tf.FixedLenFeature([], tf.string),
        "label": tf.FixedLenFeature([], tf.int64),
        "x": tf.FixedLenFeature([16], tf.float32),
    }


@case
def input_records_parse_shuffle_batch(tf):
    """Takes a batch of 128 examples: records, parsed one by one, shuffled, batched."""

    def parse(record):
        found = tf.parse_single_example(record, features_wanted(tf))
        pixels = tf.cast(tf.decode_raw(found["image"], tf.uint8), tf.float32) / 255.0
        return pixels, found["label"], found["x"]

    return _pipeline(tf, write_records(tf), parse)


@case
def input_records_shuffle_batch_parse(tf):
    """Takes a batch of 128 examples: records, shuffled, batched, parsed as a batch."""

    def parse(records):
        found = tf.parse_example(records, features_wanted(tf))
        pixels = tf.cast(tf.decode_raw(found["image"], tf.uint8), tf.float32) / 255.0
        return pixels, found["label"], found["x"]

    dataset = tf.data.TFRecordDataset(write_records(tf)).repeat()
    dataset = dataset.shuffle(1000, seed=1).batch(128).map(parse).prefetch(1)
    element = dataset.make_one_shot_iterator().get_next()
    sess = tf.Session()
    return lambda: sess.run([part.op for part in element])


@case
def input_jpeg_decode_resize(tf):
    """Takes a batch of 32 pictures: 400x300 JPEGs decoded and resized to 128x128."""
    directory = tempfile.mkdtemp()
    y, x = np.mgrid[:300, :400]
    names = []
    with tf.Session() as sess:
        pixels = tf.placeholder(tf.uint8, [300, 400, 3])
        encoded = tf.image.encode_jpeg(pixels, quality=90)
        for number in range(16):
            parts = [x + number * 7, y * 2, x * y // (number + 1)]
            picture = np.stack([part % 256 for part in parts], -1).astype(np.uint8)
            names.append(os.path.join(directory, f"{number}.jpg"))
            with open(names[-1], "wb") as file:
                file.write(sess.run(encoded, {pixels: picture}))

    def load(name):
        picture = tf.image.decode_jpeg(tf.read_file(name), channels=3)
        return tf.image.resize_images(picture, [128, 128]) / 255.0

    dataset = tf.data.Dataset.from_tensor_slices(names).repeat().map(load, num_parallel_calls=2)
    dataset = dataset.batch(32).prefetch(1)
    element = dataset.make_one_shot_iterator().get_next()
    sess = tf.Session()
    return lambda: sess.run(element.op)
