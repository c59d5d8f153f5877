"""Records TF 1.15's `tf.contrib.legacy_seq2seq`.

python tests/golden/rnn_legacy.py
"""

from programs import main


def _x(tf, np, *shape):
    size = int(np.prod(shape))
    return tf.constant(np.sin(np.arange(size) * 1.7).astype("f").reshape(shape))


def _vectors(tf, np, count):
    return [_x(tf, np, 2, 4) * (i + 1.0) for i in range(count)]


def _symbols(tf, np, count, most=5):
    return [tf.constant([(2 * i + 1) % most, (i + 3) % most]) for i in range(count)]


def _loss(tf, np, outputs):
    targets = _symbols(tf, np, len(outputs))
    weights = [tf.constant([1.0, 0.5])] * len(outputs)
    return tf.contrib.legacy_seq2seq.sequence_loss(outputs, targets, weights)


def _all(tf, np, result):
    outputs, state = result
    return [_loss(tf, np, outputs), outputs, tf.contrib.framework.nest.flatten(state)]


def _legacy(tf):
    return tf.contrib.legacy_seq2seq


def _gru(tf, units=6):
    return tf.nn.rnn_cell.GRUCell(units)


def train_basic(tf, np):
    return _all(
        tf, np, _legacy(tf).basic_rnn_seq2seq(_vectors(tf, np, 3), _vectors(tf, np, 2), _gru(tf))
    )


def train_tied(tf, np):
    cell = tf.nn.rnn_cell.BasicLSTMCell(6)
    return _all(
        tf, np, _legacy(tf).tied_rnn_seq2seq(_vectors(tf, np, 3), _vectors(tf, np, 2), cell)
    )


def train_embedding(tf, np):
    return _all(
        tf, np,
        _legacy(tf).embedding_rnn_seq2seq(
            _symbols(tf, np, 3), _symbols(tf, np, 3), _gru(tf), 5, 6, 4
        )
    )  # fmt: skip


def train_embedding_fed(tf, np):
    return _all(
        tf, np,
        _legacy(tf).embedding_rnn_seq2seq(
            _symbols(tf, np, 3), _symbols(tf, np, 3), _gru(tf), 5, 6, 4, feed_previous=True
        )
    )  # fmt: skip


def embedding_tensor(tf, np):
    return _all(
        tf, np,
        _legacy(tf).embedding_rnn_seq2seq(
            _symbols(tf, np, 3), _symbols(tf, np, 3), tf.nn.rnn_cell.BasicLSTMCell(4), 5, 6, 4,
            feed_previous=tf.placeholder_with_default(True, []),
        )
    )  # fmt: skip


def train_embedding_tied(tf, np):
    return _all(
        tf, np,
        _legacy(tf).embedding_tied_rnn_seq2seq(
            _symbols(tf, np, 3), _symbols(tf, np, 3), _gru(tf), 6, 4
        )
    )  # fmt: skip


def train_attention(tf, np):
    return _all(
        tf, np,
        _legacy(tf).embedding_attention_seq2seq(
            _symbols(tf, np, 3), _symbols(tf, np, 3), _gru(tf), 5, 6, 4, num_heads=2
        )
    )  # fmt: skip


def train_attention_initial(tf, np):
    return _all(
        tf, np,
        _legacy(tf).embedding_attention_seq2seq(
            _symbols(tf, np, 3), _symbols(tf, np, 3), tf.nn.rnn_cell.BasicLSTMCell(4), 5, 6, 4,
            initial_state_attention=True, feed_previous=True,
        )
    )  # fmt: skip


def attention_projection(tf, np):
    projection = (_x(tf, np, 4, 6), _x(tf, np, 6))
    outputs, state = _legacy(tf).embedding_attention_seq2seq(
        _symbols(tf, np, 3), _symbols(tf, np, 3), _gru(tf, 4), 5, 6, 4,
        output_projection=projection, feed_previous=True,
    )  # fmt: skip
    return outputs, state


def one2many(tf, np):
    outputs, states = _legacy(tf).one2many_rnn_seq2seq(
        _symbols(tf, np, 3), {"a": _symbols(tf, np, 2)}, _gru(tf, 4), {"a": _gru(tf, 4)}, 5,
        {"a": 6}, 4,
    )  # fmt: skip
    return outputs["a"], states["a"]


def buckets(tf, np):
    targets = _symbols(tf, np, 4)
    weights = [tf.ones([2])] * 4
    _, losses = _legacy(tf).model_with_buckets(
        _symbols(tf, np, 4), _symbols(tf, np, 4), targets, weights, [(2, 2), (4, 4)],
        lambda x, y: _legacy(tf).embedding_rnn_seq2seq(x, y, _gru(tf), 5, 6, 4),
        per_example_loss=True,
    )  # fmt: skip
    return losses


def error_loss_lengths(tf, np):
    return _legacy(tf).sequence_loss([_x(tf, np, 2, 3)], [], [])


def error_no_inputs(tf, np):
    return _legacy(tf).attention_decoder([], _x(tf, np, 2, 4), _x(tf, np, 2, 3, 4), _gru(tf, 4))


if __name__ == "__main__":
    main()
