"""Metrics over several batches equal what NumPy says of all of them together."""

import numpy as np
import pytest

import millstream as tf

RANDOM = np.random.RandomState(0)
LABELS = RANDOM.randint(2, size=(5, 8))
SCORES = np.clip(0.3 * LABELS + 0.7 * RANDOM.uniform(size=(5, 8)), 0, 1).astype(np.float32)
WEIGHTS = RANDOM.uniform(size=(5, 8)).astype(np.float32)


def stream(make, *batches):
    """Feeds batches one by one; returns the last update and the value after it."""
    with tf.Graph().as_default():
        holders = [tf.placeholder(tf.as_dtype(b.dtype), b.shape[1:]) for b in batches]
        metric, update = make(*holders)
        with tf.Session() as sess:
            sess.run(tf.local_variables_initializer())
            for batch in zip(*batches, strict=True):
                last = sess.run(update, dict(zip(holders, batch, strict=True)))
            value = sess.run(metric)
    if np.ndim(last) == 0:
        np.testing.assert_allclose(value, last, rtol=1e-6)
    return value


def test_weighted_mean():
    found = stream(lambda x, w: tf.metrics.mean(x, w), SCORES, WEIGHTS)
    np.testing.assert_allclose(found, np.average(SCORES, weights=WEIGHTS), rtol=1e-5)


def test_accuracy_precision_recall():
    decided = (SCORES > 0.5).astype(np.int64)
    right = decided == LABELS
    both = (decided & LABELS).sum()
    np.testing.assert_allclose(stream(tf.metrics.accuracy, LABELS, decided), right.mean())
    np.testing.assert_allclose(
        stream(tf.metrics.precision, LABELS, decided), both / decided.sum(), rtol=1e-6
    )
    np.testing.assert_allclose(
        stream(tf.metrics.recall, LABELS, decided), both / LABELS.sum(), rtol=1e-6
    )


def test_area_under_the_curve_is_the_share_of_pairs_in_order():
    found = stream(
        lambda y, p: tf.metrics.auc(y, p, num_thresholds=2000), LABELS.astype(bool), SCORES
    )
    yes, no = SCORES[LABELS == 1], SCORES[LABELS == 0]
    np.testing.assert_allclose(found, (yes[:, None] > no).mean(), atol=2e-3)


def test_mean_overlap_of_classes():
    labels, found = RANDOM.randint(4, size=(2, 5, 8))
    overlap = [
        ((labels == k) & (found == k)).sum() / ((labels == k) | (found == k)).sum()
        for k in range(4)
    ]
    np.testing.assert_allclose(
        stream(lambda y, p: tf.metrics.mean_iou(y, p, 4), labels, found), np.mean(overlap),
        rtol=1e-5,
    )  # fmt: skip


def test_root_of_mean_squared_error():
    found = stream(tf.metrics.root_mean_squared_error, SCORES, WEIGHTS)
    np.testing.assert_allclose(found, np.sqrt(((SCORES - WEIGHTS) ** 2).mean()), rtol=1e-5)


@pytest.mark.parametrize("k", [1, 3])
def test_recall_and_precision_among_the_best(k):
    scores = RANDOM.uniform(size=(5, 6, 7)).astype(np.float32)
    labels = RANDOM.randint(7, size=(5, 6, 1))
    best = np.argsort(-scores, axis=-1)[..., :k]
    hits = (best == labels).any(-1).mean()
    recall = stream(lambda y, p: tf.metrics.recall_at_k(y, p, k), labels, scores)
    precision = stream(lambda y, p: tf.metrics.precision_at_k(y, p, k), labels, scores)
    np.testing.assert_allclose([recall, precision], [hits, hits / k])


def test_average_precision_of_sparse_labels():
    with tf.Graph().as_default():
        labels = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], tf.constant([1, 3, 2], tf.int64), [2, 2])
        scores = tf.constant([[0.1, 0.4, 0.3, 0.2], [0.1, 0.2, 0.3, 0.4]])
        metric, update = tf.metrics.average_precision_at_k(labels, scores, 3)
        with tf.Session() as sess:
            sess.run(tf.local_variables_initializer())
            # Ranks 1 and 3 of two labels; rank 2 of one.
            np.testing.assert_allclose(sess.run(update), ((1 + 2 / 3) / 2 + 1 / 2) / 2)
            np.testing.assert_allclose(sess.run(metric), sess.run(metric))


def test_correlation():
    found = stream(
        lambda a, b: tf.contrib.metrics.streaming_pearson_correlation(a, b), SCORES, WEIGHTS
    )
    np.testing.assert_allclose(found, np.corrcoef(SCORES.ravel(), WEIGHTS.ravel())[0, 1], rtol=1e-4)


def test_predictions_outside_of_the_unit_interval():
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, [1])
        _, update = tf.metrics.auc(tf.constant([1]), x)
        sess.run(tf.local_variables_initializer())
        with pytest.raises(
            tf.errors.InvalidArgumentError, match=r"predictions must be in \[0, 1\]"
        ):
            sess.run(update, {x: [1.5]})


def test_metric_variables_are_a_collection_of_their_own():
    with tf.Graph().as_default():
        tf.metrics.mean([1.0], name="m")
        names = [v.name for v in tf.get_collection(tf.GraphKeys.METRIC_VARIABLES)]
        assert names == ["m/total:0", "m/count:0"]
        assert tf.global_variables() == []


def test_collections_of_values_and_updates():
    with tf.Graph().as_default():
        value, update = tf.metrics.mean(
            [1.0], metrics_collections="values", updates_collections=["updates", "all"]
        )
        assert tf.get_collection("values") == [value]
        assert tf.get_collection("updates") == tf.get_collection("all") == [update]
