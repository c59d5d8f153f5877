"""Writes a MetaGraph with queues, readers and tables: `python tests/golden/queue_graph.py`.

It has queue runners, a conditional around an enqueue as TF 1.15 writes it, and below `old/` the ops
with ref handles that graphs of before TF 1.0 have.
"""

import os
import sys

import numpy as np
import tensorflow as tf


def build():
    """Makes the graph; it reads the file `numbers.txt`."""
    names = tf.train.string_input_producer(["numbers.txt"], num_epochs=2, shuffle=False)
    _, line = tf.TextLineReader(name="reader").read(names)
    number = tf.string_to_number(line, tf.int32)
    tf.train.maybe_batch(
        [number, line], tf.equal(number % 2, 0), 3, name="kept", allow_smaller_final_batch=True
    )
    table = tf.contrib.lookup.index_table_from_tensor(["x", "y"], num_oov_buckets=1)
    tf.identity(table.lookup(tf.constant(["y", "z"])), name="ids")
    tf.tables_initializer()
    with tf.name_scope("old"):
        build_old(tf.raw_ops)


def build_old(ops):
    """Makes nodes with ref handles."""
    queue = ops.FIFOQueue(component_types=[tf.string], shapes=[[]], capacity=5, name="queue")
    path = tf.constant("numbers.txt")
    ops.QueueEnqueue(handle=queue, components=[path], name="enqueue")
    reader = ops.WholeFileReader(name="reader")
    ops.ReaderRead(reader_handle=reader, queue_handle=queue, name="read")
    table = ops.HashTable(key_dtype=tf.string, value_dtype=tf.int64, name="table")
    values = np.array([10, 20], np.int64)
    ops.InitializeTable(table_handle=table, keys=["1", "2"], values=values, name="init")
    ops.LookupTableFind(
        table_handle=table, keys=tf.constant(["2", "7"]), default_value=np.int64(-1), name="find"
    )
    shuffled = ops.RandomShuffleQueue(
        component_types=[tf.int32],
        shapes=[[]],
        capacity=50,
        min_after_dequeue=2,
        seed=1,
        seed2=2,
        name="shuffle",
    )
    ops.QueueEnqueueMany(handle=shuffled, components=[tf.range(20)], name="fill")
    ops.QueueDequeueMany(handle=shuffled, n=8, component_types=[tf.int32], name="some")


if __name__ == "__main__":
    build()
    tf.train.export_meta_graph(os.path.splitext(os.path.abspath(sys.argv[0]))[0] + ".meta")
