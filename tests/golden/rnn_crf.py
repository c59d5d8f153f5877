"""Records TF 1.15's `tf.contrib.crf`.

python tests/golden/rnn_crf.py
"""

from programs import main


def _x(tf, np, *shape):
    size = int(np.prod(shape))
    return tf.constant(np.sin(np.arange(size) * 1.7).astype("f").reshape(shape))


def _tags(tf, np, batch, steps):
    return tf.constant(np.arange(batch * steps).reshape(batch, steps) % 3, tf.int32)


def train_likelihood(tf, np):
    scores = _x(tf, np, 3, 5, 3) + tf.get_variable("b", [3])
    found, transitions = tf.contrib.crf.crf_log_likelihood(
        scores, _tags(tf, np, 3, 5), tf.constant([5, 2, 1])
    )
    return [tf.reduce_mean(-found), found, transitions]


def likelihood_one_step(tf, np):
    return tf.contrib.crf.crf_log_likelihood(
        _x(tf, np, 2, 1, 3), _tags(tf, np, 2, 1), tf.constant([1, 0]), _x(tf, np, 3, 3)
    )[0]


def scores(tf, np):
    crf = tf.contrib.crf
    x, tags, lengths = _x(tf, np, 2, 4, 3), _tags(tf, np, 2, 4), tf.constant([4, 2])
    return [
        crf.crf_unary_score(tags, lengths, x),
        crf.crf_binary_score(tags, lengths, _x(tf, np, 3, 3)),
        crf.crf_sequence_score(x, tags, lengths, _x(tf, np, 3, 3)),
        crf.crf_log_norm(x, lengths, _x(tf, np, 3, 3)),
    ]


def multitag(tf, np):
    bitmap = tf.constant(np.arange(24).reshape(2, 4, 3) % 4 != 1)
    return tf.contrib.crf.crf_multitag_sequence_score(
        _x(tf, np, 2, 4, 3), bitmap, tf.constant([4, 2]), _x(tf, np, 3, 3)
    )


def decode(tf, np):
    return tf.contrib.crf.crf_decode(_x(tf, np, 3, 6, 4), _x(tf, np, 4, 4), tf.constant([6, 3, 1]))


def decode_one_step(tf, np):
    return tf.contrib.crf.crf_decode(_x(tf, np, 2, 1, 4), _x(tf, np, 4, 4), tf.constant([1, 1]))


def viterbi(tf, np):
    x = np.sin(np.arange(18) * 1.7).reshape(6, 3)
    tags, score = tf.contrib.crf.viterbi_decode(x, np.cos(np.arange(9)).reshape(3, 3))
    return [tf.constant(tags), tf.constant(score, tf.float32)]


if __name__ == "__main__":
    main()
