"""Learns to write documentation: a language model of the texts in Python's own library.

Two layers of LSTM with dropout, trained on sequences that go on from batch to batch, a plain
TensorFlow 1.x program after the model of Zaremba et al. (2014). It prints the perplexity: among
how many words the model hesitates on average.

    millstream run examples/ptb_lstm.py
    millstream run examples/ptb_lstm.py --epochs 10 --units 650 --keep 0.5
"""

import ast
import collections
import glob
import os
import re
import time

import numpy as np
import tensorflow as tf

flags = tf.app.flags
flags.DEFINE_integer("epochs", 4, "How often to read the whole text.")
flags.DEFINE_integer("units", 200, "Units of a layer.")
flags.DEFINE_integer("layers", 2, "Number of layers.")
flags.DEFINE_integer("vocabulary", 4000, "How many words to know; rarer ones become <unk>.")
flags.DEFINE_integer("batch_size", 20, "How many places of the text to read at once.")
flags.DEFINE_integer("steps", 20, "How far to go back in time.")
flags.DEFINE_integer("words", 150000, "How much of the text to use.")
flags.DEFINE_float("keep", 0.9, "Probability to keep an element in dropout.")
FLAGS = flags.FLAGS


# --- text ------------------------------------------------------------------------------------


def docstrings(path):
    """Yields the documentation strings of a file of Python source."""
    with open(path, "rb") as file:
        tree = ast.parse(file.read())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            yield ast.get_docstring(node) or ""


def read_words():
    """Returns the words and full stops of the documentation in the standard library, in order."""
    library = os.path.dirname(os.__file__)
    words = []
    for pattern in ("*.py", "*/*.py"):
        for path in sorted(glob.glob(os.path.join(library, pattern))):
            if "site-packages" in path or "test" in path:
                continue
            try:
                for text in docstrings(path):
                    text = re.sub(r"\.(\s|$)", " <eos> ", text.lower())
                    words.extend(re.findall(r"<eos>|[a-z]+(?:'[a-z]+)?", text))
            except (SyntaxError, ValueError):
                continue  # the library holds a few files that are broken on purpose
    return words[: FLAGS.words]


def number_words(words):
    """Returns the words as numbers, 0 for the rare ones, and the list of words by number."""
    frequent = collections.Counter(words).most_common(FLAGS.vocabulary - 1)
    names = ["<unk>"] + [word for word, _ in frequent]
    numbers = {word: i for i, word in enumerate(names)}
    return np.array([numbers.get(word, 0) for word in words], np.int32), names


def batches(text):
    """Yields inputs and targets `[batch, steps]`; row by row the text goes on in the next batch."""
    rows = len(text) // FLAGS.batch_size
    text = text[: rows * FLAGS.batch_size].reshape(FLAGS.batch_size, rows)
    for at in range(0, rows - FLAGS.steps - 1, FLAGS.steps):
        yield text[:, at : at + FLAGS.steps], text[:, at + 1 : at + FLAGS.steps + 1]


# --- the model -------------------------------------------------------------------------------


class Model(object):
    def __init__(self, training):
        size, units = FLAGS.vocabulary, FLAGS.units
        keep = FLAGS.keep if training else 1.0
        self.inputs = tf.placeholder(tf.int32, [FLAGS.batch_size, FLAGS.steps], name="inputs")
        self.targets = tf.placeholder(tf.int32, [FLAGS.batch_size, FLAGS.steps], name="targets")

        def layer():
            cell = tf.nn.rnn_cell.BasicLSTMCell(units, forget_bias=0.0)
            return tf.nn.rnn_cell.DropoutWrapper(cell, output_keep_prob=keep)

        cell = tf.nn.rnn_cell.MultiRNNCell([layer() for _ in range(FLAGS.layers)])
        self.start = cell.zero_state(FLAGS.batch_size, tf.float32)
        embedding = tf.get_variable("embedding", [size, units])
        vectors = tf.nn.dropout(tf.nn.embedding_lookup(embedding, self.inputs), keep_prob=keep)
        outputs, self.end = tf.nn.dynamic_rnn(cell, vectors, initial_state=self.start)
        logits = tf.layers.dense(tf.reshape(outputs, [-1, units]), size, name="softmax")
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.reshape(self.targets, [-1]), logits=logits
        )
        self.loss = tf.reduce_mean(losses)
        if not training:
            return
        variables = tf.trainable_variables()
        gradients, _ = tf.clip_by_global_norm(tf.gradients(self.loss * FLAGS.steps, variables), 5.0)
        self.rate = tf.placeholder(tf.float32, [], name="rate")
        optimizer = tf.train.GradientDescentOptimizer(self.rate)
        self.train = optimizer.apply_gradients(zip(gradients, variables))


def run_epoch(sess, model, text, rate=None):
    """Reads a text once, and learns if there is a learning rate; returns perplexity and words/s."""
    total, count = 0.0, 0
    began = time.time()
    state = sess.run(model.start)
    fetches = [model.loss, model.end] + ([model.train] if rate else [])
    for inputs, targets in batches(text):
        feed = {model.inputs: inputs, model.targets: targets}
        for (c, h), value in zip(model.start, state):
            feed[c], feed[h] = value.c, value.h
        if rate:
            feed[model.rate] = rate
        loss, state = sess.run(fetches, feed)[:2]
        total += loss
        count += 1
    words = count * FLAGS.batch_size * FLAGS.steps
    return np.exp(total / count), words / (time.time() - began)


def main(_):
    text, names = number_words(read_words())
    cut = len(text) * 9 // 10
    print("%d words, %d different ones" % (len(text), len(names)))
    tf.set_random_seed(1)
    initializer = tf.random_uniform_initializer(-0.1, 0.1)
    with tf.variable_scope("model", initializer=initializer):
        trained = Model(training=True)
    with tf.variable_scope("model", reuse=True):
        tested = Model(training=False)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for epoch in range(FLAGS.epochs):
            rate = 0.5 ** max(epoch - FLAGS.epochs // 2, 0)
            perplexity, speed = run_epoch(sess, trained, text[:cut], rate)
            print("epoch %d: training perplexity %.1f (%.0f words/s)" % (epoch, perplexity, speed))
        perplexity, _ = run_epoch(sess, tested, text[cut:])
        print("test perplexity %.1f" % perplexity)


if __name__ == "__main__":
    tf.app.run()
