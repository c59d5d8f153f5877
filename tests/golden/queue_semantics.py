"""Records what queues and readers do, step by step, under TF 1.15: values and errors.

python tests/golden/queue_semantics.py

A scenario is a list of steps on one session; the outcome of each is a value or an error's class and
message. The tests run the same scenarios with Millstream.
"""

import json
import os
import re
import sys
import tempfile

import numpy as np

LIMIT_MS = 100


class Trial:
    """One scenario on one session."""

    def __init__(self, tf):
        self.tf = tf
        self.graph = tf.Graph()
        self.outcomes = []
        with self.graph.as_default():
            self.session = tf.Session()

    def run(self, fetches, feeds=None, limited=False):
        """Runs a step and notes its outcome."""
        limit = self.tf.RunOptions(timeout_in_ms=LIMIT_MS) if limited else None
        try:
            value = self.session.run(fetches, feeds, options=limit)
        except self.tf.errors.OpError as error:
            message = error.message.splitlines()[0]
            message = re.sub(r"'_\d+_", "'_N_", message)
            self.outcomes.append([type(error).__name__, message])
            return
        parts = list(value) if isinstance(value, (list, tuple)) else [value]
        self.outcomes.append([_plain(part) for part in parts])


def _plain(value):
    if value is None:
        return None
    listed = np.asarray(value).tolist()
    return json.loads(json.dumps(listed, default=lambda b: b.decode("latin1")))


def fifo(t):
    tf, x = t.tf, t.tf.placeholder(t.tf.float32)
    n = tf.placeholder(tf.int32, [])
    q = tf.FIFOQueue(3, [tf.float32], shapes=[[]])
    one, many, get = q.enqueue(x), q.enqueue_many([x]), q.dequeue()
    batch, some, size = q.dequeue_many(n), q.dequeue_up_to(n), q.size()
    t.run(one, {x: [1.0]})
    t.run(batch, {n: -1})
    t.run(some, {n: -1})
    t.run(batch, {n: 0})
    t.run(many, {x: [1, 2]})
    t.run(batch, {n: 2})
    t.run(many, {x: [1, 2, 3]})
    t.run(one, {x: 4}, limited=True)
    t.run(get)
    t.run(size)
    t.run(q.close())
    t.run(q.close())
    t.run(q.close(cancel_pending_enqueues=True))
    t.run(one, {x: 1})
    t.run(many, {x: [1]})
    t.run(many, {x: []})
    t.run(batch, {n: 3})
    t.run(size)
    t.run(some, {n: 3})
    t.run(some, {n: 3})
    t.run(get)
    t.run(batch, {n: 0})
    t.run(q.is_closed())


def waiting(t):
    tf = t.tf
    q = tf.FIFOQueue(3, tf.float32, shapes=[[]])
    t.run(q.dequeue(), limited=True)
    t.run(q.dequeue_many(2), limited=True)
    t.run(q.size())


def shapeless(t):
    tf, x = t.tf, t.tf.placeholder(t.tf.float32)
    q = tf.FIFOQueue(4, [tf.float32, tf.string])
    t.run(q.enqueue([x, "a"]), {x: [1, 2]})
    t.run(q.enqueue([x, "b"]), {x: 3})
    t.run(q.dequeue_many(2))
    t.run(q.dequeue())
    t.run(q.dequeue())


def padding(t):
    tf, x = t.tf, t.tf.placeholder(t.tf.float32)
    q = tf.PaddingFIFOQueue(10, [tf.float32, tf.string], [[None, 2], [None]])
    put = q.enqueue([x, tf.placeholder_with_default(["a"], [None])])
    t.run(put, {x: np.ones((1, 2))})
    t.run(put, {x: np.ones((3, 2))})
    t.run(q.dequeue_many(2))
    t.run(put, {x: np.ones((1, 3))})
    t.run(put, {x: np.ones(2)})
    t.run(q.close())
    t.run(q.dequeue_many(2))


def priority(t):
    tf = t.tf
    keys = [3, 1, 2, 1, 3, 2, 1, 1, 2, 3, 3, 1, 0, 2, 1]
    q = tf.PriorityQueue(100, [tf.string], [()])
    t.run(q.enqueue_many([np.array(keys, np.int64), [str(i) for i in range(15)]]))
    t.run(q.dequeue_many(6))
    for _ in range(9):
        t.run(q.dequeue())
    t.run(q.close())
    t.run(q.dequeue())


def shuffled(t):
    tf = t.tf
    for seed in (1, 7):
        q = tf.RandomShuffleQueue(100, 5, [tf.int32], shapes=[[]], seed=seed)
        t.run(q.enqueue_many([np.arange(40)]))
        t.run(q.dequeue_many(10))
        for _ in range(5):
            t.run(q.dequeue())
        t.run(q.dequeue_up_to(20))
        t.run(q.dequeue(), limited=True)
        t.run(q.close())
        t.run(q.dequeue_many(6))
        t.run(q.dequeue_up_to(10))
        t.run(q.dequeue())


def shared(t):
    tf = t.tf
    with tf.variable_scope(""):
        first = tf.FIFOQueue(5, tf.int32, shapes=[[]], shared_name="s")
        second = tf.FIFOQueue(5, tf.int32, shapes=[[]], shared_name="s")
        t.run(first.enqueue(3))
        t.run(second.dequeue())
        t.run(tf.FIFOQueue(6, tf.int32, shapes=[[]], shared_name="s").size())
        t.run(tf.RandomShuffleQueue(2, 2, tf.int32).size())


def _read(t, reader, files, count, up_to=None):
    tf = t.tf
    q = tf.FIFOQueue(9, tf.string, shapes=[[]])
    got = reader.read(q) if up_to is None else reader.read_up_to(q, up_to)
    t.run(q.enqueue_many([files]))
    t.run(q.close())
    for _ in range(count):
        t.run(list(got))
    t.run([reader.num_records_produced(), reader.num_work_units_completed()])
    t.run(reader.serialize_state())
    t.run(reader.reset())
    t.run([reader.num_records_produced(), reader.num_work_units_completed()])


def text_lines(t):
    _read(t, t.tf.TextLineReader(), ["a.txt", "c.txt"], 6)
    _read(t, t.tf.TextLineReader(skip_header_lines=1), ["a.txt", "c.txt"], 4)
    _read(t, t.tf.TextLineReader(), ["a.txt", "c.txt"], 3, up_to=4)


def whole_files(t):
    _read(t, t.tf.WholeFileReader(), ["a.txt", "c.txt"], 3)
    _read(t, t.tf.IdentityReader(), ["x", "y"], 3)


def fixed_lengths(t):
    kind = t.tf.FixedLengthRecordReader
    _read(t, kind(3, header_bytes=2, footer_bytes=1), ["fix.bin"], 4)
    _read(t, kind(3, header_bytes=2, footer_bytes=1, hop_bytes=2), ["fix.bin"], 5)
    _read(t, kind(20), ["fix.bin"], 1)
    _read(t, kind(3, header_bytes=2, footer_bytes=1), ["fix.bin"], 3, up_to=2)


def records(t):
    _read(t, t.tf.TFRecordReader(), ["a.rec"], 4)
    _read(t, t.tf.TFRecordReader(), ["a.rec", "a.rec"], 3, up_to=2)


SCENARIOS = (fifo, waiting, shapeless, padding, priority, shuffled, shared)
READING = (text_lines, whole_files, fixed_lengths, records)


def _write_files(tf):
    with open("a.txt", "w") as file:
        file.write("a0\na1\na2\n")
    with open("c.txt", "wb") as file:
        file.write(b"x\r\ny")
    with open("fix.bin", "wb") as file:
        file.write(b"HHabcdefghijF")
    with tf.python_io.TFRecordWriter("a.rec") as writer:
        for index in range(3):
            writer.write(b"record%d" % index)


def record_all(tf):
    """Returns the outcomes of all scenarios by name; works in a directory of its own."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        try:
            _write_files(tf)
            found = {}
            for scenario in SCENARIOS + READING:
                trial = Trial(tf)
                with trial.graph.as_default():
                    scenario(trial)
                trial.session.close()
                found[scenario.__name__] = trial.outcomes
            return found
        finally:
            os.chdir(before)


if __name__ == "__main__":
    import tensorflow

    tensorflow.compat.v1.logging.set_verbosity("ERROR")
    with open(os.path.splitext(os.path.abspath(sys.argv[0]))[0] + ".json", "w") as out:
        json.dump(record_all(tensorflow), out, indent=0)
        out.write("\n")
