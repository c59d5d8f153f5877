"""Records recurrent networks that loop over time in TF 1.15.

python tests/golden/rnn_dynamic.py
"""

from programs import main


def _x(tf, np, *shape):
    size = int(np.prod(shape))
    return tf.constant(np.sin(np.arange(size) * 1.7).astype("f").reshape(shape))


def _cells(tf):
    return tf.nn.rnn_cell


def dynamic_lstm(tf, np):
    return tf.nn.dynamic_rnn(_cells(tf).BasicLSTMCell(4), _x(tf, np, 2, 5, 3), dtype=tf.float32)


def dynamic_lengths(tf, np):
    return tf.nn.dynamic_rnn(
        _cells(tf).LSTMCell(4, num_proj=2), _x(tf, np, 2, 5, 3), [3, 5], dtype=tf.float32
    )


def dynamic_short_lengths(tf, np):
    return tf.nn.dynamic_rnn(
        _cells(tf).GRUCell(4), _x(tf, np, 3, 5, 3), [0, 2, 3], dtype=tf.float32, scope="mine"
    )


def dynamic_no_length(tf, np):
    return tf.nn.dynamic_rnn(
        _cells(tf).GRUCell(4), _x(tf, np, 2, 5, 3), [0, 0], initial_state=_x(tf, np, 2, 4)
    )


def dynamic_time_major(tf, np):
    cells = _cells(tf)
    cell = cells.MultiRNNCell([cells.BasicLSTMCell(4), cells.GRUCell(3)])
    return tf.nn.dynamic_rnn(cell, _x(tf, np, 5, 2, 3), dtype=tf.float32, time_major=True)


def dynamic_initial(tf, np):
    cells = _cells(tf)
    cell = cells.BasicLSTMCell(4)
    start = cells.LSTMStateTuple(_x(tf, np, 2, 4), 0.5 * _x(tf, np, 2, 4))
    return tf.nn.dynamic_rnn(cell, _x(tf, np, 2, 5, 3), initial_state=start)


def dynamic_unknown_sizes(tf, np):
    x = tf.placeholder_with_default(np.ones([2, 5, 3], "f"), [None, None, 3])
    lengths = tf.placeholder_with_default(np.array([2, 4]), [None])
    return tf.nn.dynamic_rnn(_cells(tf).GRUCell(4), x, lengths, dtype=tf.float32)


def dynamic_dropout(tf, np):
    cells = _cells(tf)
    cell = cells.DropoutWrapper(
        cells.BasicLSTMCell(4), 0.8, 0.8, variational_recurrent=True, input_size=3,
        dtype=tf.float32, seed=4,
    )  # fmt: skip
    return tf.nn.dynamic_rnn(cell, _x(tf, np, 2, 5, 3), dtype=tf.float32)


def dynamic_reused(tf, np):
    cell = _cells(tf).GRUCell(3)
    with tf.variable_scope("a"):
        first, _ = tf.nn.dynamic_rnn(cell, _x(tf, np, 2, 5, 3), dtype=tf.float32)
    with tf.variable_scope("a", reuse=True):
        second, _ = tf.nn.dynamic_rnn(cell, first, dtype=tf.float32)
    return first, second


def bidirectional(tf, np):
    cells = _cells(tf)
    return tf.nn.bidirectional_dynamic_rnn(
        cells.GRUCell(4), cells.BasicLSTMCell(3), _x(tf, np, 2, 5, 3), dtype=tf.float32
    )


def bidirectional_lengths(tf, np):
    cells = _cells(tf)
    return tf.nn.bidirectional_dynamic_rnn(
        cells.GRUCell(4), cells.GRUCell(4), _x(tf, np, 2, 5, 3), [2, 4], dtype=tf.float32
    )


def stack_bidirectional(tf, np):
    rnn = tf.contrib.rnn
    return rnn.stack_bidirectional_dynamic_rnn(
        [rnn.GRUCell(3), rnn.GRUCell(2)], [rnn.GRUCell(3), rnn.GRUCell(2)],
        _x(tf, np, 2, 5, 3), dtype=tf.float32, sequence_length=[2, 5],
    )  # fmt: skip


def stack_bidirectional_time_major(tf, np):
    rnn = tf.contrib.rnn
    return rnn.stack_bidirectional_dynamic_rnn(
        [rnn.GRUCell(3)], [rnn.GRUCell(3)], _x(tf, np, 5, 2, 3), dtype=tf.float32, time_major=True
    )


def _raw(tf, np, emit=False, keep=False):
    cell = _cells(tf).BasicLSTMCell(4)
    inputs = tf.TensorArray(tf.float32, 5).unstack(_x(tf, np, 5, 2, 3))
    lengths = tf.constant([3, 5])

    def loop_fn(time, cell_output, cell_state, loop_state):
        state = cell.zero_state(2, tf.float32) if cell_output is None else cell_state
        finished = time >= lengths
        following = tf.cond(
            tf.reduce_all(finished), lambda: tf.zeros([2, 3]), lambda: inputs.read(time)
        )
        following.set_shape([2, 3])
        emitted = cell_output
        if emit:
            emitted = tf.zeros([]) if cell_output is None else tf.reduce_sum(cell_output, 1)
        kept = None
        if keep:
            kept = tf.constant(1.0) if cell_output is None else loop_state * 2.0
        return finished, following, state, emitted, kept

    array, state, last = tf.nn.raw_rnn(cell, loop_fn)
    return [array.stack(), state, last]


def raw_rnn(tf, np):
    return _raw(tf, np)


def raw_rnn_emitting(tf, np):
    return _raw(tf, np, True, True)


def _trained(tf, np, outputs, state):
    flat = tf.contrib.framework.nest.flatten(state)
    return [tf.reduce_mean(tf.square(outputs - 0.5)) + tf.reduce_sum(tf.square(flat[0])), outputs]


def train_dynamic_lstm(tf, np):
    cells = _cells(tf)
    cell = cells.MultiRNNCell([cells.BasicLSTMCell(5), cells.BasicLSTMCell(5)])
    return _trained(tf, np, *tf.nn.dynamic_rnn(cell, _x(tf, np, 2, 6, 3), dtype=tf.float32))


def train_dynamic_gru_lengths(tf, np):
    return _trained(
        tf, np,
        *tf.nn.dynamic_rnn(_cells(tf).GRUCell(5), _x(tf, np, 2, 6, 3), [2, 5], dtype=tf.float32)
    )  # fmt: skip


def train_bidirectional(tf, np):
    cells = _cells(tf)
    outputs, states = tf.nn.bidirectional_dynamic_rnn(
        cells.GRUCell(4), cells.LSTMCell(4, use_peepholes=True), _x(tf, np, 2, 5, 3), [2, 4],
        dtype=tf.float32,
    )  # fmt: skip
    return _trained(tf, np, tf.concat(outputs, 2), states)


def train_raw_rnn(tf, np):
    outputs, state, _ = _raw(tf, np)
    return _trained(tf, np, outputs, state)


def train_stepwise_scan(tf, np):
    cell = _cells(tf).GRUCell(4)
    start = cell.zero_state(2, tf.float32)
    outputs = tf.scan(lambda state, x: cell(x, state)[1], _x(tf, np, 5, 2, 3), start)
    return _trained(tf, np, outputs, outputs[-1])


def error_no_dtype(tf, np):
    return tf.nn.dynamic_rnn(_cells(tf).GRUCell(4), _x(tf, np, 2, 5, 3))


def error_lengths_rank(tf, np):
    return tf.nn.dynamic_rnn(
        _cells(tf).GRUCell(4), _x(tf, np, 2, 5, 3), [[1], [2]], dtype=tf.float32
    )


def error_lengths_count(tf, np):
    lengths = tf.placeholder_with_default(np.array([1, 2, 3]), [None])
    return tf.nn.dynamic_rnn(_cells(tf).GRUCell(4), _x(tf, np, 2, 5, 3), lengths, dtype=tf.float32)


def error_depth(tf, np):
    x = tf.placeholder(tf.float32, [2, 5, None])
    return tf.nn.dynamic_rnn(_cells(tf).GRUCell(4), x, dtype=tf.float32)


def error_rank(tf, np):
    return tf.nn.dynamic_rnn(_cells(tf).GRUCell(4), _x(tf, np, 2, 5), dtype=tf.float32)


def error_loop_fn(tf, np):
    return tf.nn.raw_rnn(_cells(tf).GRUCell(4), 3)


if __name__ == "__main__":
    main()
