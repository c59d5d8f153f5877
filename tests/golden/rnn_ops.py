"""Records fused recurrent ops and CTC of TF 1.15.

python tests/golden/rnn_ops.py
"""

from programs import main


def _wave(np, *shape, **kw):
    size = int(np.prod(shape))
    return np.sin(np.arange(size) * 1.7 + kw.get("at", 0)).astype("f").reshape(shape)


def _lstm_operands(tf, np, time=()):
    w = lambda *shape, **kw: tf.placeholder_with_default(_wave(np, *shape, **kw), shape)  # noqa: E731
    return dict(
        x=w(*(time + (2, 3))), cs_prev=w(2, 4, at=1), h_prev=w(2, 4, at=2), w=w(7, 16, at=3),
        wci=w(4, at=4), wcf=w(4, at=5), wco=w(4, at=6), b=w(16, at=7),
    )  # fmt: skip


def _with_gradients(tf, outputs, operands):
    getattr(tf.contrib, "rnn", None)  # TF registers the gradients there
    loss = tf.reduce_sum(tf.square(outputs.cs)) + tf.reduce_sum(tf.sin(outputs.h))
    names = sorted(operands)
    return [list(outputs), tf.gradients(loss, [operands[name] for name in names])]


def lstm_block_cell(tf, np):
    operands = _lstm_operands(tf, np)
    return _with_gradients(tf, tf.raw_ops.LSTMBlockCell(**operands), operands)


def lstm_block_cell_peephole(tf, np):
    operands = _lstm_operands(tf, np)
    outputs = tf.raw_ops.LSTMBlockCell(
        forget_bias=0.3, cell_clip=0.5, use_peephole=True, **operands
    )
    return _with_gradients(tf, outputs, operands)


def block_lstm(tf, np):
    operands = _lstm_operands(tf, np, (5,))
    outputs = tf.raw_ops.BlockLSTM(seq_len_max=np.int64(5), **operands)
    return _with_gradients(tf, outputs, operands)


def block_lstm_short_peephole(tf, np):
    operands = _lstm_operands(tf, np, (5,))
    outputs = tf.raw_ops.BlockLSTM(
        seq_len_max=np.int64(3), cell_clip=0.5, use_peephole=True, **operands
    )
    return [o[:3] for o in outputs], _with_gradients(tf, outputs, operands)[1]


def block_lstm_v2(tf, np):
    operands = _lstm_operands(tf, np, (5,))
    outputs = tf.raw_ops.BlockLSTMV2(seq_len_max=np.int64(5), **operands)
    return list(outputs)


def gru_block_cell(tf, np):
    getattr(tf.contrib, "rnn", None)
    w = lambda *shape, **kw: tf.placeholder_with_default(_wave(np, *shape, **kw), shape)  # noqa: E731
    operands = dict(
        x=w(2, 3), h_prev=w(2, 4), w_ru=w(7, 8, at=1), w_c=w(7, 4, at=2), b_ru=w(8), b_c=w(4)
    )
    outputs = tf.raw_ops.GRUBlockCell(**operands)
    loss = tf.reduce_sum(tf.square(outputs.h))
    return [list(outputs), tf.gradients(loss, [operands[name] for name in sorted(operands)])]


def _labels(tf, np, *rows):
    places = [(b, t) for b, row in enumerate(rows) for t in range(len(row))]
    return tf.SparseTensor(
        np.array(places, np.int64).reshape(-1, 2),
        np.array([label for row in rows for label in row], np.int32),
        np.array([len(rows), max(map(len, rows))], np.int64),
    )


def _ctc(tf, np, rows, lengths, time=6, classes=5, scale=2.0, **options):
    logits = tf.constant(scale * _wave(np, time, len(rows), classes))
    loss = tf.nn.ctc_loss(_labels(tf, np, *rows), logits, lengths, **options)
    return [loss, tf.gradients(tf.reduce_sum(loss * [1.0, 2.0]), logits)]


def nodes_ctc(tf, np):
    logits = tf.constant(_wave(np, 6, 2, 5))
    return tf.nn.ctc_loss(_labels(tf, np, [1, 1, 2], [0]), logits, [6, 4])


def ctc(tf, np):
    return _ctc(tf, np, [[1, 1, 2], [0]], [6, 4])


def ctc_sharp(tf, np):
    return _ctc(tf, np, [[1, 3, 2], [0, 0, 0]], [6, 6], scale=30.0)


def ctc_all_repeats(tf, np):
    return _ctc(tf, np, [[1, 1], [0]], [2, 2])


def ctc_no_merge(tf, np):
    return _ctc(tf, np, [[1, 1, 2], [0]], [3, 2], ctc_merge_repeated=False)


def ctc_collapse(tf, np):
    return _ctc(tf, np, [[1, 1, 2], [0, 4]], [6, 6], preprocess_collapse_repeated=True)


def ctc_ignore(tf, np):
    return _ctc(tf, np, [[1, 1, 2], [0]], [2, 0], ignore_longer_outputs_than_inputs=True)


def ctc_too_long(tf, np):
    return _ctc(tf, np, [[1, 1, 2], [0]], [2, 1])


def ctc_no_labels(tf, np):
    return _ctc(tf, np, [[], [0]], [2, 1])


def ctc_bad_labels(tf, np):
    return _ctc(tf, np, [[4, 1], [0]], [6, 6])


def ctc_dense_labels(tf, np):
    return tf.nn.ctc_loss(tf.constant([[1]]), tf.zeros([2, 1, 3]), [2])


def ctc_long(tf, np):
    rows = [[i * 7 % 11 for i in range(12)], [i * 3 % 11 for i in range(7)]]
    return _ctc(tf, np, rows, [40, 33], 40, 12, 3.0)


def ctc_batch_major(tf, np):
    logits = tf.constant(_wave(np, 2, 6, 5))
    return tf.nn.ctc_loss(
        _labels(tf, np, [1], [2, 3]), logits=logits, sequence_length=[6, 6], time_major=False
    )


def ctc_v2_dense(tf, np):
    logits = tf.constant(_wave(np, 6, 2, 5))
    labels = tf.constant([[1, 2, 2], [3, 0, 0]])
    loss = tf.nn.ctc_loss_v2(labels, logits, [3, 1], [6, 6])
    return loss, tf.gradients(loss, logits)


def ctc_v2_blank(tf, np):
    logits = tf.constant(_wave(np, 6, 2, 5))
    return tf.nn.ctc_loss_v2(
        _labels(tf, np, [1, 4], [0]), logits, None, [6, 5], blank_index=2
    ), tf.nn.ctc_loss_v2(tf.constant([[1, 0], [3, 0]]), logits, [2, 1], [6, 5], blank_index=-1)


def ctc_v2_needs_blank(tf, np):
    return tf.nn.ctc_loss_v2(_labels(tf, np, [1], [0]), tf.zeros([6, 2, 5]), None, [6, 5])


def nodes_greedy(tf, np):
    logits = tf.constant(_wave(np, 9, 2, 4))
    return tf.nn.ctc_greedy_decoder(logits, [9, 7])


def greedy_apart(tf, np):
    logits = tf.constant(_wave(np, 9, 2, 4))
    return tf.nn.ctc_greedy_decoder(logits, [9, 0], merge_repeated=False)


def nodes_beam(tf, np):
    logits = tf.constant(2 * _wave(np, 9, 2, 4))
    return tf.nn.ctc_beam_search_decoder(logits, [9, 7], beam_width=20, top_paths=3)


def beam_narrow(tf, np):
    logits = tf.constant(2 * _wave(np, 12, 3, 6))
    return tf.nn.ctc_beam_search_decoder(logits, [12, 11, 4], 4, 3, merge_repeated=False)


def beam_v2(tf, np):
    logits = tf.constant(_wave(np, 12, 3, 6))
    return tf.nn.ctc_beam_search_decoder_v2(logits, [12, 11, 4])


def beam_too_many(tf, np):
    return tf.nn.ctc_beam_search_decoder(tf.zeros([2, 1, 3]), [2], 1, 2)


if __name__ == "__main__":
    main()
