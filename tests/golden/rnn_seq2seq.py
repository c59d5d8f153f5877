"""Records attention, decoders and losses of TF 1.15's `tf.contrib.seq2seq`.

python tests/golden/rnn_seq2seq.py
"""

from programs import main


def _x(tf, np, *shape):
    size = int(np.prod(shape))
    return tf.constant(np.sin(np.arange(size) * 1.7).astype("f").reshape(shape))


def _seq(tf):
    return tf.contrib.seq2seq


def _nested(tf, value):
    return [t for t in tf.contrib.framework.nest.flatten(value) if isinstance(t, tf.Tensor)]


def _helper(tf, np, lengths=(4, 2)):
    return _seq(tf).TrainingHelper(_x(tf, np, 2, 4, 3), list(lengths))


def _decode(tf, np, cell, helper, start, impute=False, layer=None, most=None):
    decoder = _seq(tf).BasicDecoder(cell, helper, start, layer)
    outputs, state, lengths = _seq(tf).dynamic_decode(
        decoder, impute_finished=impute, maximum_iterations=most
    )
    return outputs, state, lengths


def training_helper(tf, np):
    cell = tf.nn.rnn_cell.GRUCell(4)
    return _decode(tf, np, cell, _helper(tf, np), cell.zero_state(2, tf.float32))


def training_helper_layer(tf, np):
    cell = tf.nn.rnn_cell.BasicLSTMCell(4)
    outputs, state, lengths = _decode(
        tf, np, cell, _helper(tf, np), cell.zero_state(2, tf.float32), True, tf.layers.Dense(5)
    )
    return outputs, state, lengths


def greedy_helper(tf, np):
    cell = tf.nn.rnn_cell.GRUCell(5)
    helper = _seq(tf).GreedyEmbeddingHelper(_x(tf, np, 5, 3) * 3.0, [1, 2, 3], 0)
    return _decode(tf, np, cell, helper, _x(tf, np, 3, 5), True, most=6)


def greedy_function(tf, np):
    cell = tf.nn.rnn_cell.GRUCell(5)
    helper = _seq(tf).GreedyEmbeddingHelper(
        lambda ids: tf.one_hot(ids, 5), tf.fill([2], 1), tf.constant(4)
    )
    return _decode(tf, np, cell, helper, cell.zero_state(2, tf.float32), most=5)


def inference_helper(tf, np):
    cell = tf.nn.rnn_cell.GRUCell(3)
    helper = _seq(tf).InferenceHelper(
        lambda outputs: outputs, [3], tf.float32, _x(tf, np, 2, 3),
        lambda ids: tf.reduce_sum(ids, 1) > 0.4,
    )  # fmt: skip
    return _decode(tf, np, cell, helper, cell.zero_state(2, tf.float32), most=5)


def custom_helper(tf, np):
    cell = tf.nn.rnn_cell.GRUCell(3)
    helper = _seq(tf).CustomHelper(
        lambda: (tf.zeros([2], tf.bool), _x(tf, np, 2, 3)),
        lambda time, outputs, state: tf.argmax(outputs, 1, output_type=tf.int32),
        lambda time, outputs, state, sample_ids: (tf.fill([2], time >= 2), outputs, state),
    )
    return _decode(tf, np, cell, helper, cell.zero_state(2, tf.float32))


def scheduled_output(tf, np):
    cell = tf.nn.rnn_cell.GRUCell(3)
    helper = _seq(tf).ScheduledOutputTrainingHelper(_x(tf, np, 2, 4, 3), [4, 3], 1.0, seed=3)
    return _decode(tf, np, cell, helper, cell.zero_state(2, tf.float32))[0].rnn_output


def scheduled_output_never(tf, np):
    cell = tf.nn.rnn_cell.GRUCell(3)
    helper = _seq(tf).ScheduledOutputTrainingHelper(
        _x(tf, np, 2, 4, 2), [4, 3], 0.0, seed=3, auxiliary_inputs=_x(tf, np, 2, 4, 1)
    )
    return _decode(tf, np, cell, helper, cell.zero_state(2, tf.float32))[0].rnn_output


def scheduled_embedding_never(tf, np):
    cell = tf.nn.rnn_cell.GRUCell(5)
    helper = _seq(tf).ScheduledEmbeddingTrainingHelper(
        _x(tf, np, 2, 4, 3), [4, 3], _x(tf, np, 5, 3), 0.0
    )
    return _decode(tf, np, cell, helper, cell.zero_state(2, tf.float32))[0]


def _attended(tf, np, make, layer_size=3, lengths=None, **options):
    memory = _x(tf, np, 2, 5, 4)
    mechanism = make(_seq(tf), memory, lengths)
    cell = _seq(tf).AttentionWrapper(
        tf.nn.rnn_cell.BasicLSTMCell(4), mechanism, attention_layer_size=layer_size, **options
    )
    outputs, state, _ = _decode(tf, np, cell, _helper(tf, np), cell.zero_state(2, tf.float32))
    loss = tf.reduce_mean(tf.square(outputs.rnn_output - 0.3)) + tf.reduce_sum(state.cell_state.c)
    kept = [outputs.rnn_output, state.attention, state.time, _nested(tf, state.alignments)]
    if options.get("alignment_history"):
        kept.append(state.alignment_history.stack())
    return [loss, kept]


def train_luong(tf, np):
    return _attended(tf, np, lambda s, m, n: s.LuongAttention(4, m, n))


def train_luong_scaled(tf, np):
    return _attended(
        tf, np, lambda s, m, n: s.LuongAttention(4, m, n, scale=True), lengths=[3, 5],
        alignment_history=True,
    )  # fmt: skip


def train_bahdanau(tf, np):
    return _attended(tf, np, lambda s, m, n: s.BahdanauAttention(6, m, n), lengths=[3, 5])


def train_bahdanau_normalized(tf, np):
    return _attended(
        tf, np, lambda s, m, n: s.BahdanauAttention(6, m, n, normalize=True), None,
        output_attention=False,
    )  # fmt: skip


def train_bahdanau_hardmax(tf, np):
    return _attended(tf, np, lambda s, m, n: s.BahdanauAttention(6, m, n, probability_fn=s.hardmax))


def train_bahdanau_monotonic(tf, np):
    return _attended(tf, np, lambda s, m, n: s.BahdanauMonotonicAttention(6, m, n, normalize=True))


def train_luong_monotonic(tf, np):
    return _attended(
        tf, np, lambda s, m, n: s.LuongMonotonicAttention(4, m, n, score_bias_init=-1.0)
    )


def luong_monotonic_hard(tf, np):
    return _attended(
        tf, np, lambda s, m, n: s.LuongMonotonicAttention(4, m, n, mode="hard"), lengths=[3, 5]
    )


def luong_monotonic_recursive(tf, np):
    return _attended(tf, np, lambda s, m, n: s.LuongMonotonicAttention(4, m, n, mode="recursive"))


def train_two_mechanisms(tf, np):
    return _attended(
        tf, np, lambda s, m, n: [s.LuongAttention(4, m, n), s.BahdanauAttention(3, m, n)], [2, 3]
    )


def _searched(tf, np, width=3, attention=False, penalty=0.0, coverage=0.0, most=5):
    s = _seq(tf)
    cell = tf.nn.rnn_cell.GRUCell(4)
    start = s.tile_batch(_x(tf, np, 2, 4), width)
    if attention:
        memory = s.tile_batch(_x(tf, np, 2, 5, 4), width)
        lengths = s.tile_batch(tf.constant([3, 5]), width)
        cell = s.AttentionWrapper(
            cell, s.LuongAttention(4, memory, lengths), 3, alignment_history=attention == "kept"
        )
        start = cell.zero_state(2 * width, tf.float32).clone(cell_state=start)
    decoder = s.BeamSearchDecoder(
        cell, _x(tf, np, 6, 3) * 3.0, tf.fill([2], 1), 0, start, width, tf.layers.Dense(6),
        length_penalty_weight=penalty, coverage_penalty_weight=coverage,
    )  # fmt: skip
    outputs, state, lengths = s.dynamic_decode(decoder, maximum_iterations=most)
    return [
        outputs.predicted_ids, list(outputs.beam_search_decoder_output), state.log_probs,
        state.lengths, lengths, _nested(tf, state.cell_state),
    ]  # fmt: skip


def beam_search(tf, np):
    return _searched(tf, np)


def beam_search_penalty(tf, np):
    return _searched(tf, np, width=2, penalty=0.7, most=8)


def beam_search_attention(tf, np):
    return _searched(tf, np, attention=True)


def beam_search_history(tf, np):
    return _searched(tf, np, attention="kept")


def beam_search_coverage(tf, np):
    return _searched(tf, np, attention=True, penalty=1.0, coverage=0.5)


def gather_tree(tf, np):
    ids = np.arange(24).reshape(4, 2, 3) % 7
    parents = np.arange(24).reshape(4, 2, 3) % 3
    return tf.contrib.seq2seq.gather_tree(
        ids.astype("i"), parents.astype("i"), np.array([4, 2], "i"), np.array(5, "i")
    )


def gather_tree_bad(tf, np):
    ids = np.zeros([2, 1, 2], "i")
    return tf.contrib.seq2seq.gather_tree(ids, ids + 5, np.array([2], "i"), np.array(9, "i"))


def tile_batch(tf, np):
    return _seq(tf).tile_batch([_x(tf, np, 2, 3), tf.constant([1, 2])], 2)


def hardmax(tf, np):
    return _seq(tf).hardmax(_x(tf, np, 2, 4))


def safe_cumprod(tf, np):
    return _seq(tf).safe_cumprod(tf.constant([[0.5, 0.0, 0.3], [1.0, 0.9, 0.2]]), axis=1)


def _loss(tf, np, **options):
    weights = tf.constant([[1.0, 1.0, 0.5], [1.0, 0.0, 0.0]])
    targets = tf.constant([[1, 2, 0], [3, 3, 1]])
    return _seq(tf).sequence_loss(_x(tf, np, 2, 3, 4), targets, weights, **options)


def nodes_sequence_loss(tf, np):
    return _loss(tf, np)


def nodes_sequence_loss_time(tf, np):
    return _loss(tf, np, average_across_batch=False)


def nodes_sequence_loss_batch(tf, np):
    return _loss(tf, np, average_across_timesteps=False, name="l")


def nodes_sequence_loss_none(tf, np):
    return _loss(tf, np, average_across_timesteps=False, average_across_batch=False)


def sequence_loss_sums(tf, np):
    both = _loss(
        tf, np, average_across_timesteps=False, average_across_batch=False,
        sum_over_timesteps=True, sum_over_batch=True,
    )  # fmt: skip
    one = _loss(
        tf, np, average_across_timesteps=False, average_across_batch=False, sum_over_batch=True
    )
    return both, one


def error_loss_rank(tf, np):
    return _seq(tf).sequence_loss(_x(tf, np, 2, 3), tf.zeros([2, 3]), tf.zeros([2, 3]))


def error_loss_both(tf, np):
    return _loss(tf, np, sum_over_batch=True)


def error_no_decoder(tf, np):
    return _seq(tf).dynamic_decode(3)


def error_no_helper(tf, np):
    return _seq(tf).BasicDecoder(tf.nn.rnn_cell.GRUCell(3), 3, None)


def error_luong_depth(tf, np):
    return _attended(tf, np, lambda s, m, n: s.LuongAttention(5, m, n))


def error_memory_batch(tf, np):
    s = _seq(tf)
    cell = s.AttentionWrapper(
        tf.nn.rnn_cell.GRUCell(4), s.LuongAttention(4, _x(tf, np, 3, 5, 4)), 3
    )
    return cell.zero_state(2, tf.float32)


def error_mechanism(tf, np):
    return _seq(tf).AttentionWrapper(tf.nn.rnn_cell.GRUCell(4), 3)


def error_start_tokens(tf, np):
    return _seq(tf).GreedyEmbeddingHelper(_x(tf, np, 5, 3), 1, 0)


if __name__ == "__main__":
    main()
