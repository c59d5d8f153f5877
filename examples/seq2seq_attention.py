"""Learns to read dates: "3rd of march 2014", "14/03/07" or "mar 3, 2014" become 2014-03-03.

An encoder that runs both ways, and a decoder with attention, character by character: a plain
TensorFlow 1.x program with `tf.contrib.seq2seq`. It prints how many dates of a test set come out
right, by greedy decoding and by beam search.

    millstream run examples/seq2seq_attention.py
    millstream run examples/seq2seq_attention.py --steps 1000
"""

import datetime
import time

import numpy as np
import tensorflow as tf

flags = tf.app.flags
flags.DEFINE_integer("steps", 300, "How many batches to train on.")
flags.DEFINE_integer("batch_size", 64, "Dates in a batch.")
flags.DEFINE_integer("units", 96, "Units of encoder and decoder.")
flags.DEFINE_integer("beams", 4, "Beams of the search.")
flags.DEFINE_integer("test", 512, "Dates in the test set.")
FLAGS = flags.FLAGS

CHARACTERS = "\n^ ,-./0123456789abcdefghijklmnopqrstuvwxyz"
END, START = 0, 1
NUMBER = {character: i for i, character in enumerate(CHARACTERS)}
LONGEST, TARGET = 30, 10


# --- dates -----------------------------------------------------------------------------------


def ordinal(day):
    """Returns 1st, 2nd, …"""
    if 10 < day < 20:
        return "%dth" % day
    return "%d%s" % (day, {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th"))


def spelled(date, random):
    """Returns a date in one of the ways in which people write it."""
    month, short = date.strftime("%B").lower(), date.strftime("%b").lower()
    ways = [
        "%s of %s %d" % (ordinal(date.day), month, date.year),
        "%s %d, %d" % (month, date.day, date.year),
        "%s %d, %d" % (short, date.day, date.year),
        "%d %s %d" % (date.day, short, date.year),
        "%d.%d.%d" % (date.day, date.month, date.year),
        "%02d/%02d/%02d" % (date.year % 100, date.month, date.day),
        "%s, %s %s %d" % (date.strftime("%A").lower(), ordinal(date.day), short, date.year),
    ]
    return ways[random.randint(len(ways))]


def make_batch(count, random):
    """Returns sources `[count, LONGEST]`, their lengths, and targets `[count, TARGET]`."""
    sources = np.zeros([count, LONGEST], np.int32)
    lengths = np.zeros(count, np.int32)
    targets = np.zeros([count, TARGET], np.int32)
    for row in range(count):
        date = datetime.date(1970, 1, 1) + datetime.timedelta(days=random.randint(22000))
        text = spelled(date, random)
        sources[row, : len(text)] = [NUMBER[c] for c in text]
        lengths[row] = len(text)
        targets[row] = [NUMBER[c] for c in date.isoformat()]
    return sources, lengths, targets


def as_text(numbers):
    return "".join(CHARACTERS[n] for n in numbers if n not in (END, START))


# --- the model -------------------------------------------------------------------------------


class Model(object):
    def __init__(self):
        self.source = tf.placeholder(tf.int32, [None, LONGEST], name="source")
        self.length = tf.placeholder(tf.int32, [None], name="length")
        self.target = tf.placeholder(tf.int32, [None, TARGET], name="target")
        self.embedding = tf.get_variable("embedding", [len(CHARACTERS), 32])
        self.layer = tf.layers.Dense(len(CHARACTERS), use_bias=False, name="characters")
        self.memory, self.code = self.encode()
        self.batch = tf.shape(self.source)[0]
        with tf.variable_scope("decode"):
            self.loss = self.train_decoder()
        with tf.variable_scope("decode", reuse=True):
            self.greedy = self.decode_greedily()
        with tf.variable_scope("decode", reuse=True):
            self.beams = self.search()
        optimizer = tf.train.AdamOptimizer(0.003)
        gradients, variables = zip(*optimizer.compute_gradients(self.loss))
        gradients, _ = tf.clip_by_global_norm(gradients, 5.0)
        self.train = optimizer.apply_gradients(zip(gradients, variables))

    def vectors(self, characters):
        """Returns embeddings by a product: there are so few characters that this is faster."""
        return tf.tensordot(tf.one_hot(characters, len(CHARACTERS)), self.embedding, 1)

    def encode(self):
        half = FLAGS.units // 2
        vectors = self.vectors(self.source)
        outputs, states = tf.nn.bidirectional_dynamic_rnn(
            tf.nn.rnn_cell.GRUCell(half),
            tf.nn.rnn_cell.GRUCell(half),
            vectors,
            sequence_length=self.length,
            dtype=tf.float32,
        )
        return tf.concat(outputs, 2), tf.concat(states, 1)

    def cell(self, memory, length, code, count):
        """Returns the decoder's cell and its first state."""
        mechanism = tf.contrib.seq2seq.BahdanauAttention(FLAGS.units, memory, length)
        cell = tf.contrib.seq2seq.AttentionWrapper(
            tf.nn.rnn_cell.GRUCell(FLAGS.units), mechanism, attention_layer_size=FLAGS.units
        )
        return cell, cell.zero_state(count, tf.float32).clone(cell_state=code)

    def train_decoder(self):
        starts = tf.fill([self.batch, 1], START)
        inputs = tf.concat([starts, self.target[:, :-1]], 1)
        helper = tf.contrib.seq2seq.TrainingHelper(
            self.vectors(inputs), tf.fill([self.batch], TARGET)
        )
        cell, start = self.cell(self.memory, self.length, self.code, self.batch)
        decoder = tf.contrib.seq2seq.BasicDecoder(cell, helper, start, self.layer)
        outputs, _, _ = tf.contrib.seq2seq.dynamic_decode(decoder, maximum_iterations=TARGET)
        return tf.contrib.seq2seq.sequence_loss(
            outputs.rnn_output, self.target, tf.ones_like(self.target, tf.float32)
        )

    def decode_greedily(self):
        helper = tf.contrib.seq2seq.GreedyEmbeddingHelper(
            self.embedding, tf.fill([self.batch], START), END
        )
        cell, start = self.cell(self.memory, self.length, self.code, self.batch)
        decoder = tf.contrib.seq2seq.BasicDecoder(cell, helper, start, self.layer)
        outputs, _, _ = tf.contrib.seq2seq.dynamic_decode(decoder, maximum_iterations=TARGET)
        return outputs.sample_id

    def search(self):
        def tiled(tensor):
            return tf.contrib.seq2seq.tile_batch(tensor, FLAGS.beams)

        cell, start = self.cell(
            tiled(self.memory), tiled(self.length), tiled(self.code), self.batch * FLAGS.beams
        )
        decoder = tf.contrib.seq2seq.BeamSearchDecoder(
            cell,
            self.embedding,
            tf.fill([self.batch], START),
            END,
            start,
            FLAGS.beams,
            self.layer,
        )
        outputs, _, _ = tf.contrib.seq2seq.dynamic_decode(decoder, maximum_iterations=TARGET)
        return outputs.predicted_ids[:, :, 0]


def main(_):
    random = np.random.RandomState(1)
    test = make_batch(FLAGS.test, random)
    tf.set_random_seed(1)
    model = Model()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        began, loss = time.time(), 0.0
        for step in range(1, FLAGS.steps + 1):
            batch = make_batch(FLAGS.batch_size, random)
            feed = dict(zip([model.source, model.length, model.target], batch))
            loss += sess.run([model.loss, model.train], feed)[0]
            if step % 100 == 0:
                speed = step / (time.time() - began)
                print("step %d: loss %.4f (%.1f steps/s)" % (step, loss / 100, speed))
                loss = 0.0
        feed = dict(zip([model.source, model.length], test))
        greedy = sess.run(model.greedy, feed)
        beams = sess.run(model.beams, feed)
    for source, found in list(zip(test[0], greedy))[:6]:
        print("  %-30s %s" % (as_text(source), as_text(found)))
    print("right by greedy decoding: %.1f %%" % (100 * (greedy == test[2]).all(1).mean()))
    print("right by beam search:     %.1f %%" % (100 * (beams == test[2]).all(1).mean()))


if __name__ == "__main__":
    tf.app.run()
