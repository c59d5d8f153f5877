"""Records cells, their wrappers and unrolled recurrent networks of TF 1.15.

python tests/golden/rnn_static.py
"""

from programs import main


def _x(tf, np, *shape):
    size = int(np.prod(shape))
    return tf.constant(np.sin(np.arange(size) * 1.7).astype("f").reshape(shape))


def _steps(tf, np, count=3, batch=2, inputs=3):
    return [_x(tf, np, batch, inputs) * (i + 1.0) for i in range(count)]


def _cells(tf):
    return tf.nn.rnn_cell


def nodes_basic_rnn_cell(tf, np):
    cell = _cells(tf).BasicRNNCell(4)
    return cell(_x(tf, np, 2, 3), cell.zero_state(2, tf.float32))


def nodes_basic_lstm_cell(tf, np):
    cell = _cells(tf).BasicLSTMCell(4, forget_bias=0.5)
    return cell(_x(tf, np, 2, 3), cell.zero_state(2, tf.float32))


def nodes_basic_lstm_cell_one_state(tf, np):
    cell = _cells(tf).BasicLSTMCell(4, state_is_tuple=False, activation=tf.nn.relu)
    return cell(_x(tf, np, 2, 3), _x(tf, np, 2, 8))


def nodes_lstm_cell(tf, np):
    cell = _cells(tf).LSTMCell(4)
    return cell(_x(tf, np, 2, 3), cell.zero_state(2, tf.float32))


def nodes_lstm_cell_everything(tf, np):
    cell = _cells(tf).LSTMCell(
        4,
        use_peepholes=True,
        cell_clip=0.6,
        initializer=tf.random_uniform_initializer(-0.5, 0.5),
        num_proj=3,
        proj_clip=0.4,
        forget_bias=0.3,
        name="mine",
    )
    return cell(_x(tf, np, 2, 3), (_x(tf, np, 2, 4), _x(tf, np, 2, 3)))


def nodes_lstm_cell_sharded(tf, np):
    cell = _cells(tf).LSTMCell(
        4, num_proj=2, num_unit_shards=2, num_proj_shards=2, state_is_tuple=False
    )
    return cell(_x(tf, np, 2, 4), _x(tf, np, 2, 6))


def nodes_gru_cell(tf, np):
    cell = _cells(tf).GRUCell(4)
    return cell(_x(tf, np, 2, 3), cell.zero_state(2, tf.float32))


def nodes_gru_cell_initializers(tf, np):
    cell = _cells(tf).GRUCell(
        4,
        activation="relu",
        kernel_initializer=tf.orthogonal_initializer(),
        bias_initializer=tf.constant_initializer(0.1),
    )
    return cell(_x(tf, np, 2, 3), _x(tf, np, 2, 4))


def nodes_multi(tf, np):
    cells = _cells(tf)
    cell = cells.MultiRNNCell([cells.BasicLSTMCell(4), cells.GRUCell(3)])
    return cell(_x(tf, np, 2, 3), cell.zero_state(2, tf.float32))


def nodes_multi_one_state(tf, np):
    cells = _cells(tf)
    cell = cells.MultiRNNCell([cells.GRUCell(4), cells.GRUCell(3)], state_is_tuple=False)
    return cell(_x(tf, np, 2, 3), _x(tf, np, 2, 7))


def nodes_dropout(tf, np):
    cells = _cells(tf)
    cell = cells.DropoutWrapper(cells.BasicLSTMCell(4), 0.9, 0.8, 0.7, seed=5)
    return cell(_x(tf, np, 2, 3), cell.zero_state(2, tf.float32))


def nodes_dropout_no_seed(tf, np):
    cells = _cells(tf)
    cell = cells.DropoutWrapper(cells.GRUCell(4), output_keep_prob=0.5)
    return cell(_x(tf, np, 2, 3), cell.zero_state(2, tf.float32))


def nodes_dropout_variational(tf, np):
    cells = _cells(tf)
    cell = cells.DropoutWrapper(
        cells.BasicLSTMCell(4), 0.9, 0.8, 0.7, variational_recurrent=True, input_size=3,
        dtype=tf.float32, seed=7,
    )  # fmt: skip
    _, state = cell(_x(tf, np, 2, 3), cell.zero_state(2, tf.float32))
    return cell(_x(tf, np, 2, 3), state)


def nodes_residual(tf, np):
    cells = _cells(tf)
    cell = cells.ResidualWrapper(cells.BasicRNNCell(3))
    return cell(_x(tf, np, 2, 3), cell.zero_state(2, tf.float32))


def nodes_residual_fn(tf, np):
    cells = _cells(tf)
    cell = cells.ResidualWrapper(cells.BasicRNNCell(3), lambda x, y: x * 2.0 + y)
    return cell(_x(tf, np, 2, 3), cell.zero_state(2, tf.float32))


def nodes_device(tf, np):
    cells = _cells(tf)
    cell = cells.DeviceWrapper(cells.BasicRNNCell(3), "/cpu:0")
    return cell(_x(tf, np, 2, 3), cell.zero_state(2, tf.float32))


def nodes_zero_state_unknown(tf, np):
    cells = _cells(tf)
    cell = cells.MultiRNNCell([cells.BasicLSTMCell(4), cells.GRUCell(3)])
    return cell.zero_state(tf.shape(_x(tf, np, 5, 2))[0], tf.float32)


def nodes_static(tf, np):
    return tf.nn.static_rnn(_cells(tf).BasicLSTMCell(4), _steps(tf, np), dtype=tf.float32)


def static_lengths(tf, np):
    return tf.nn.static_rnn(
        _cells(tf).GRUCell(4), _steps(tf, np), dtype=tf.float32, sequence_length=[3, 1], scope="r"
    )


def nodes_static_initial(tf, np):
    cells = _cells(tf)
    cell = cells.MultiRNNCell([cells.BasicLSTMCell(4), cells.BasicLSTMCell(4)])
    return tf.nn.static_rnn(cell, _steps(tf, np), cell.zero_state(2, tf.float32))


def nodes_static_bidirectional(tf, np):
    cells = _cells(tf)
    return tf.nn.static_bidirectional_rnn(
        cells.GRUCell(4), cells.BasicRNNCell(3), _steps(tf, np), dtype=tf.float32
    )


def static_bidirectional_lengths(tf, np):
    cells = _cells(tf)
    return tf.nn.static_bidirectional_rnn(
        cells.LSTMCell(4), cells.LSTMCell(3), _steps(tf, np), dtype=tf.float32,
        sequence_length=[2, 3], scope="both",
    )  # fmt: skip


class _Saver(object):
    def __init__(self, tf, np):
        self.saved = []
        self.value = _x(tf, np, 2, 4)

    def state(self, name):
        return self.value

    def save_state(self, name, value):
        self.saved.append((name, value))
        return value.op


def nodes_static_state_saving(tf, np):
    return tf.nn.static_state_saving_rnn(_cells(tf).GRUCell(4), _steps(tf, np), _Saver(tf, np), "s")


def static_state_saving_lstm(tf, np):
    return tf.nn.static_state_saving_rnn(
        _cells(tf).BasicLSTMCell(4), _steps(tf, np), _Saver(tf, np), ("c", "h")
    )


def train_static_lstm(tf, np):
    cells = _cells(tf)
    cell = cells.MultiRNNCell(
        [cells.DropoutWrapper(cells.BasicLSTMCell(5), output_keep_prob=0.8) for _ in range(2)]
    )
    outputs, state = tf.nn.static_rnn(cell, _steps(tf, np, 4), dtype=tf.float32)
    return [tf.reduce_mean(tf.square(outputs[-1] - 1.0)) + tf.reduce_sum(state[0].c ** 2)]


def train_static_gru_lengths(tf, np):
    outputs, state = tf.nn.static_rnn(
        _cells(tf).GRUCell(5), _steps(tf, np, 4), dtype=tf.float32, sequence_length=[2, 4]
    )
    return [tf.reduce_mean(tf.square(outputs[-1] - 1.0)) + tf.reduce_sum(state**2)]


def shared_cell(tf, np):
    cell = _cells(tf).GRUCell(3)
    x = _x(tf, np, 2, 3)
    first, state = cell(x, cell.zero_state(2, tf.float32))
    return cell(first, state)


def reused_scope(tf, np):
    with tf.variable_scope("outer"):
        cell = _cells(tf).BasicLSTMCell(3)
        first, _ = tf.nn.static_rnn(cell, _steps(tf, np), dtype=tf.float32)
    with tf.variable_scope("outer", reuse=True):
        cell = _cells(tf).BasicLSTMCell(3)
        again, _ = tf.nn.static_rnn(cell, _steps(tf, np), dtype=tf.float32)
    return first[-1], again[-1]


def cell_scope_argument(tf, np):
    cell = _cells(tf).GRUCell(3)
    return cell(_x(tf, np, 2, 3), cell.zero_state(2, tf.float32), scope="elsewhere")


def cell_in_loop(tf, np):
    cells = _cells(tf)
    cell = cells.BasicLSTMCell(3)
    state = cell.zero_state(2, tf.float32)
    with tf.variable_scope("RNN"):
        for step, x in enumerate(_steps(tf, np)):
            if step > 0:
                tf.get_variable_scope().reuse_variables()
            out, state = cell(x, state)
    return out, state


class _Own(object):
    @staticmethod
    def make(tf):
        class Own(tf.nn.rnn_cell.RNNCell):
            @property
            def state_size(self):
                return 3

            @property
            def output_size(self):
                return 3

            def __call__(self, inputs, state, scope=None):
                with tf.variable_scope(scope or type(self).__name__):
                    w = tf.get_variable("w", [6, 3])
                    out = tf.tanh(tf.matmul(tf.concat([inputs, state], 1), w))
                return out, out

        return Own()


def nodes_own_cell(tf, np):
    return tf.nn.static_rnn(_Own.make(tf), _steps(tf, np), dtype=tf.float32)


def own_layer_cell(tf, np):
    class Own(tf.nn.rnn_cell.RNNCell):
        state_size = output_size = 3

        def call(self, inputs, state):
            out = tf.layers.dense(tf.concat([inputs, state], 1), 3, name="d")
            return out, out

    return tf.nn.static_rnn(Own(), _steps(tf, np), dtype=tf.float32)


def error_not_a_cell(tf, np):
    return tf.nn.static_rnn("cell", _steps(tf, np), dtype=tf.float32)


def error_not_a_list(tf, np):
    return tf.nn.static_rnn(_cells(tf).GRUCell(3), _x(tf, np, 2, 3), dtype=tf.float32)


def error_no_inputs(tf, np):
    return tf.nn.static_rnn(_cells(tf).GRUCell(3), [], dtype=tf.float32)


def error_no_dtype(tf, np):
    return tf.nn.static_rnn(_cells(tf).GRUCell(3), _steps(tf, np))


def error_no_input_size(tf, np):
    x = tf.placeholder(tf.float32, [2, None])
    return tf.nn.static_rnn(_cells(tf).GRUCell(3), [x], dtype=tf.float32)


def error_state_shape(tf, np):
    cell = _cells(tf).GRUCell(3)
    return cell(_x(tf, np, 2, 3), _x(tf, np, 2, 4))


def error_multi_empty(tf, np):
    return _cells(tf).MultiRNNCell([])


def error_multi_no_list(tf, np):
    return _cells(tf).MultiRNNCell(_cells(tf).GRUCell(3))


def error_multi_tuple_inside(tf, np):
    return _cells(tf).MultiRNNCell([_cells(tf).BasicLSTMCell(3)], state_is_tuple=False)


def error_dropout_keep(tf, np):
    return _cells(tf).DropoutWrapper(_cells(tf).GRUCell(3), input_keep_prob=1.5)


def error_variational_no_dtype(tf, np):
    return _cells(tf).DropoutWrapper(_cells(tf).GRUCell(3), 0.5, variational_recurrent=True)


def error_lstm_state_list(tf, np):
    cell = _cells(tf).MultiRNNCell([_cells(tf).GRUCell(3)])
    return cell(_x(tf, np, 2, 3), _x(tf, np, 2, 3))


def error_lstm_input(tf, np):
    cell = _cells(tf).LSTMCell(3)
    return cell(_x(tf, np, 2), cell.zero_state(2, tf.float32))


def error_static_lengths_shape(tf, np):
    return tf.nn.static_rnn(
        _cells(tf).GRUCell(3), _steps(tf, np), dtype=tf.float32, sequence_length=[[1], [2]]
    )


if __name__ == "__main__":
    main()
