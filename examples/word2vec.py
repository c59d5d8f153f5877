"""Learns which words are alike from the texts that the Python library says about itself.

Skip-gram with noise-contrastive estimation, a plain TensorFlow 1.x program. The text is the
documentation strings of Python's standard library: a quarter of a million words, always at hand.

    millstream run examples/word2vec.py
    millstream run examples/word2vec.py --steps 50000
"""

import ast
import collections
import glob
import math
import os
import re
import time

import numpy as np
import tensorflow as tf

flags = tf.app.flags
flags.DEFINE_integer("steps", 15000, "How many batches to train on.")
flags.DEFINE_integer("batch_size", 256, "Pairs of words in a batch.")
flags.DEFINE_integer("vocabulary", 3000, "How many words to know; rarer ones become UNK.")
flags.DEFINE_integer("dimensions", 96, "Length of a word's vector.")
flags.DEFINE_integer("window", 3, "How far away a word's neighbours may be.")
flags.DEFINE_integer("negatives", 64, "Noise words in a batch.")
FLAGS = flags.FLAGS

SHOWN = ["file", "string", "list", "true", "raise", "error", "method", "socket", "first", "time"]


# --- text ------------------------------------------------------------------------------------


def docstrings(path):
    """Yields the documentation strings of a file of Python source."""
    with open(path, "rb") as file:
        tree = ast.parse(file.read())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            yield ast.get_docstring(node) or ""


def read_words():
    """Returns the words of all documentation strings in the standard library, in order."""
    library = os.path.dirname(os.__file__)
    words = []
    for pattern in ("*.py", "*/*.py"):
        for path in sorted(glob.glob(os.path.join(library, pattern))):
            if "site-packages" in path or "test" in path:
                continue
            try:
                for text in docstrings(path):
                    words.extend(re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower()))
            except (SyntaxError, ValueError):
                continue  # the library holds a few files that are broken on purpose
    return words


def number_words(words):
    """Returns the words as numbers, 0 for the rare ones, and the list of words by number."""
    frequent = collections.Counter(words).most_common(FLAGS.vocabulary - 1)
    names = ["UNK"] + [word for word, _ in frequent]
    numbers = {word: i for i, word in enumerate(names)}
    return np.array([numbers.get(word, 0) for word in words]), names


def thin_out(text, random, threshold=1e-3):
    """Drops frequent words at random, so that rarer ones come to be each other's neighbours."""
    share = np.bincount(text, minlength=FLAGS.vocabulary)[text] / float(len(text))
    kept = random.uniform(size=len(text)) < np.sqrt(threshold / share)
    return text[kept & (text != 0)]


def batches(text, random):
    """Yields words `[batch]` and one neighbour of each, `[batch, 1]`, for ever."""
    thinned = thin_out(text, random)
    while True:
        at = random.randint(FLAGS.window, len(thinned) - FLAGS.window, size=FLAGS.batch_size)
        away = random.randint(1, FLAGS.window + 1, size=FLAGS.batch_size)
        away *= random.choice([-1, 1], size=FLAGS.batch_size)
        yield thinned[at], thinned[at + away][:, np.newaxis]


# --- the model -------------------------------------------------------------------------------


class Model(object):
    def __init__(self):
        size, width = FLAGS.vocabulary, FLAGS.dimensions
        self.words = tf.placeholder(tf.int32, [None], name="words")
        self.neighbours = tf.placeholder(tf.int32, [None, 1], name="neighbours")
        self.vectors = tf.Variable(tf.random_uniform([size, width], -0.1, 0.1), name="vectors")
        weights = tf.Variable(tf.truncated_normal([size, width], stddev=1.0 / math.sqrt(width)))
        biases = tf.Variable(tf.zeros([size]))
        losses = tf.nn.nce_loss(
            weights=weights,
            biases=biases,
            labels=self.neighbours,
            inputs=tf.nn.embedding_lookup(self.vectors, self.words),
            num_sampled=FLAGS.negatives,
            num_classes=size,
        )
        self.loss = tf.reduce_mean(losses)
        self.train = tf.train.AdagradOptimizer(0.5).minimize(self.loss)

        self.asked = tf.placeholder(tf.int32, [None], name="asked")
        unit = tf.nn.l2_normalize(self.vectors, 1)
        chosen = tf.nn.embedding_lookup(unit, self.asked)
        self.likeness = tf.matmul(chosen, unit, transpose_b=True)


def show_nearest(sess, model, names):
    asked = [names.index(word) for word in SHOWN if word in names]
    likeness = sess.run(model.likeness, {model.asked: asked})
    for word, row in zip(asked, likeness):
        nearest = [names[i] for i in np.argsort(-row) if i not in (0, word)][:6]
        print("  %-8s %s" % (names[word], ", ".join(nearest)))


def main(_):
    text, names = number_words(read_words())
    print("%d words, %d different ones kept" % (len(text), len(names)))
    FLAGS.vocabulary = len(names)
    tf.set_random_seed(1)
    model = Model()
    source = batches(text, np.random.RandomState(1))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        start, total, every = time.time(), 0.0, max(FLAGS.steps // 10, 1)
        for step in range(1, FLAGS.steps + 1):
            words, neighbours = next(source)
            _, loss = sess.run(
                [model.train, model.loss], {model.words: words, model.neighbours: neighbours}
            )
            total += loss
            if step % every == 0:
                rate = step * FLAGS.batch_size / (time.time() - start)
                print("step %6d  loss %7.3f  %7.0f words/s" % (step, total / every, rate))
                total = 0.0
        print("Words that are used alike:")
        show_nearest(sess, model, names)


if __name__ == "__main__":
    tf.app.run()
