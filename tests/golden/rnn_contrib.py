"""Records the cells, wrappers and fused cells of TF 1.15's `tf.contrib.rnn`.

python tests/golden/rnn_contrib.py
"""

from programs import main


def _x(tf, np, *shape):
    size = int(np.prod(shape))
    return tf.constant(np.sin(np.arange(size) * 1.7).astype("f").reshape(shape))


def _two_steps(make, inputs=None):
    """Makes a program that trains the cell which `make(rnn)` gives over two steps."""

    def program(tf, np):
        cell = make(tf.contrib.rnn)
        x = _x(tf, np, 2, 4) if inputs is None else inputs(tf, np)
        state = cell.zero_state(2, tf.float32)
        with tf.variable_scope("net"):
            first, state = cell(x, state)
            tf.get_variable_scope().reuse_variables()
            second, state = cell(x, state)
        flat = tf.contrib.framework.nest.flatten(state)
        total = tf.reduce_sum(tf.square(first)) + tf.reduce_sum(tf.sin(second))
        for part in flat:
            total += 0.1 * tf.reduce_sum(part)
        return [total / 10.0, first, second, flat]

    return program


train_ugrnn = _two_steps(lambda rnn: rnn.UGRNNCell(4))
train_intersection = _two_steps(lambda rnn: rnn.IntersectionRNNCell(4))
train_intersection_projected = _two_steps(lambda rnn: rnn.IntersectionRNNCell(5, num_in_proj=5))
train_nas = _two_steps(lambda rnn: rnn.NASCell(4))
train_nas_projected = _two_steps(lambda rnn: rnn.NASCell(4, num_proj=2, use_bias=True))
train_coupled = _two_steps(lambda rnn: rnn.CoupledInputForgetGateLSTMCell(4))
train_coupled_peephole = _two_steps(
    lambda rnn: rnn.CoupledInputForgetGateLSTMCell(
        4, use_peepholes=True, num_proj=3, proj_clip=0.5, layer_norm=True
    )
)
train_attention = _two_steps(lambda rnn: rnn.AttentionCellWrapper(rnn.GRUCell(3), 2))
train_attention_lstm = _two_steps(
    lambda rnn: rnn.AttentionCellWrapper(rnn.BasicLSTMCell(3), 3, attn_size=5, attn_vec_size=2)
)
train_highway = _two_steps(lambda rnn: rnn.HighwayWrapper(rnn.GRUCell(4)))
train_highway_apart = _two_steps(
    lambda rnn: rnn.HighwayWrapper(rnn.GRUCell(4), couple_carry_transform_gates=False)
)
train_layer_norm = _two_steps(lambda rnn: rnn.LayerNormBasicLSTMCell(3))
train_layer_norm_dropout = _two_steps(
    lambda rnn: rnn.LayerNormBasicLSTMCell(3, dropout_keep_prob=0.5, dropout_prob_seed=3)
)
train_layer_norm_off = _two_steps(lambda rnn: rnn.LayerNormBasicLSTMCell(3, layer_norm=False))
train_glstm = _two_steps(lambda rnn: rnn.GLSTMCell(4, number_of_groups=2))
train_glstm_projected = _two_steps(lambda rnn: rnn.GLSTMCell(6, number_of_groups=2, num_proj=4))
train_ind_rnn = _two_steps(lambda rnn: rnn.IndRNNCell(3))
train_indy_gru = _two_steps(lambda rnn: rnn.IndyGRUCell(3))
train_indy_lstm = _two_steps(lambda rnn: rnn.IndyLSTMCell(3))
train_sru = _two_steps(lambda rnn: rnn.SRUCell(4))
train_lstm_block = _two_steps(lambda rnn: rnn.LSTMBlockCell(3))
train_lstm_block_peephole = _two_steps(
    lambda rnn: rnn.LSTMBlockCell(3, use_peephole=True, cell_clip=0.3, forget_bias=0.5)
)
train_gru_block = _two_steps(lambda rnn: rnn.GRUBlockCell(3))
train_gru_block_v2 = _two_steps(lambda rnn: rnn.GRUBlockCellV2(3))
train_input_projection = _two_steps(lambda rnn: rnn.InputProjectionWrapper(rnn.GRUCell(3), 5))
train_output_projection = _two_steps(lambda rnn: rnn.OutputProjectionWrapper(rnn.GRUCell(3), 5))
train_embedding = _two_steps(
    lambda rnn: rnn.EmbeddingWrapper(rnn.GRUCell(3), 7, 5), lambda tf, np: tf.constant([1, 5])
)
train_phased = _two_steps(
    lambda rnn: rnn.PhasedLSTMCell(3, use_peepholes=True),
    lambda tf, np: (tf.constant([[0.5], [2.0]]), _x(tf, np, 2, 3)),
)
train_conv_lstm = _two_steps(
    lambda rnn: rnn.ConvLSTMCell(2, [4, 3, 2], 3, [2, 2]),
    lambda tf, np: _x(tf, np, 2, 4, 3, 2),
)
train_conv_1d = _two_steps(
    lambda rnn: rnn.Conv1DLSTMCell(input_shape=[4, 2], output_channels=3, kernel_shape=[2]),
    lambda tf, np: _x(tf, np, 2, 4, 2),
)


def _fused(make, lengths=None, initial=False):
    def program(tf, np):
        rnn = tf.contrib.rnn
        state = (_x(tf, np, 2, 4), 0.5 * _x(tf, np, 2, 4)) if initial else None
        outputs, last = make(rnn)(
            _x(tf, np, 5, 2, 3), initial_state=state, dtype=None if initial else tf.float32,
            sequence_length=lengths,
        )  # fmt: skip
        flat = tf.contrib.framework.nest.flatten(last)
        return [tf.reduce_sum(tf.square(outputs)) + tf.reduce_sum(flat[0]), outputs, flat]

    return program


train_lstm_fused = _fused(lambda rnn: rnn.LSTMBlockFusedCell(4))
train_lstm_fused_lengths = _fused(
    lambda rnn: rnn.LSTMBlockFusedCell(4, use_peephole=True, cell_clip=0.5), [3, 4], True
)
train_fused_reversed = _fused(
    lambda rnn: rnn.TimeReversedFusedRNN(rnn.LSTMBlockFusedCell(4)), [3, 5]
)
train_fused_adaptor = _fused(lambda rnn: rnn.FusedRNNCellAdaptor(rnn.GRUCell(4)))


def train_stack_bidirectional(tf, np):
    rnn = tf.contrib.rnn
    steps = [_x(tf, np, 2, 3) * (i + 1.0) for i in range(3)]
    outputs, fw, bw = rnn.stack_bidirectional_rnn(
        [rnn.GRUCell(3), rnn.GRUCell(2)], [rnn.GRUCell(3), rnn.GRUCell(2)], steps, dtype=tf.float32
    )
    return [tf.reduce_sum(tf.square(outputs[0])), outputs, fw, bw]


def error_grid_blocks(tf, np):
    return tf.contrib.rnn.GRUBlockCell()


def error_fused_no_dtype(tf, np):
    return tf.contrib.rnn.LSTMBlockFusedCell(4)(_x(tf, np, 5, 2, 3))


def error_attention_length(tf, np):
    return tf.contrib.rnn.AttentionCellWrapper(tf.contrib.rnn.GRUCell(3), 0)


def error_attention_state(tf, np):
    rnn = tf.contrib.rnn
    return rnn.AttentionCellWrapper(rnn.BasicLSTMCell(3), 2, state_is_tuple=False)


if __name__ == "__main__":
    main()
