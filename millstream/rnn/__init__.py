"""Recurrent networks: cells, unrolled and dynamic loops over time.

The public names are `tf.nn.rnn_cell.*`, `tf.nn.*_rnn` and what `tf.contrib.rnn` adds to them.
"""
