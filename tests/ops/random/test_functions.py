"""The public functions make TensorFlow 1.15's nodes, in its order, with its seeds."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[2] / "golden"
RECORDED = json.loads((GOLDEN / "random_nodes.json").read_text())


def script():
    spec = importlib.util.spec_from_file_location("random_nodes", GOLDEN / "random_nodes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RECORDER = script()


@pytest.mark.parametrize("graph_seed", [None, 5])
@pytest.mark.parametrize("call", RECORDED["graphs"])
def test_nodes_equal_recorded(call, graph_seed):
    expected = RECORDED["graphs"][call][0 if graph_seed is None else 1]
    found = json.loads(json.dumps(RECORDER.nodes(tf, call, graph_seed)))
    assert found == expected


@pytest.mark.parametrize(("graph_seed", "op_seed", "expected"), RECORDED["seeds"])
def test_seeds_equal_recorded(graph_seed, op_seed, expected):
    assert RECORDER.seeds(tf, graph_seed, op_seed) == expected


@pytest.mark.parametrize("tier", ["numpy", "xla"])
@pytest.mark.parametrize("call", RECORDED["values"])
def test_values_equal_recorded_in_both_tiers(call, tier, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", tier)
    assert RECORDER.checksums(tf, call) == RECORDED["values"][call]


@pytest.mark.parametrize("name", ["random_uniform", "random_crop"])
def test_aliases_are_the_same_function(name):
    aliases = {"random_uniform": tf.random.uniform, "random_crop": tf.image.random_crop}
    assert getattr(tf, name) is aliases[name]


def test_integers_need_a_limit():
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="Must specify maxval for integer dtype"):
            tf.random_uniform([2], dtype=tf.int32)
        with pytest.raises(ValueError, match="Invalid dtype"):
            tf.random_uniform([2], dtype=tf.uint8)


def run(fetches, times=1):
    with tf.Session() as session:
        return [session.run(fetches) for _ in range(times)]


def test_unseeded_streams_differ_between_sessions_and_runs():
    with tf.Graph().as_default():
        node = tf.random_uniform([8])
        first, second = run(node, 2)
        (third,) = run(node)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, third)


def test_seeded_streams_restart_with_each_session():
    with tf.Graph().as_default():
        node = tf.random_uniform([8], seed=1)
        first, second = run(node, 2)
        again = run(node, 2)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal([first, second], again)


def test_fixed_unigram_sampler_reads_weights_from_a_file(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("a,3\nb,5\nc,x,2.5\n")
    with tf.Graph().as_default():
        sampled = tf.nn.fixed_unigram_candidate_sampler(
            [[0, 1]], 2, 5, False, 3, vocab_file=str(path), seed=2
        )
        ((_, true_count, _),) = run(sampled)
    np.testing.assert_allclose(true_count, [[5 * 3 / 10.5, 5 * 5 / 10.5]], 1e-6)


def test_fixed_unigram_sampler_names_a_bad_line(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("3\nfoo\n")
    with tf.Graph().as_default():
        sampled = tf.nn.fixed_unigram_candidate_sampler(
            [[0, 1]], 2, 5, False, 2, vocab_file=str(path)
        )
        with pytest.raises(tf.errors.InvalidArgumentError, match="foo"):
            run(sampled)


def test_crop_is_a_piece_of_the_value_and_says_when_it_does_not_fit():
    with tf.Graph().as_default():
        value = np.arange(60).reshape(5, 6, 2)
        piece = tf.random_crop(value, [2, 3, 2], seed=1)
        for crop in run(piece, 5):
            row, column = divmod(int(crop[0, 0, 0]) // 2, 6)
            np.testing.assert_array_equal(crop, value[row : row + 2, column : column + 3])
        with pytest.raises(tf.errors.InvalidArgumentError, match="Need value"):
            run(tf.random_crop(value, [6, 3, 2]))


def test_gamma_gradient_is_that_of_the_quantile():
    from scipy.special import gammainc, gammaincinv

    with tf.Graph().as_default():
        alpha = tf.constant([0.3, 1.5, 20.0], tf.float64)
        sample = tf.random_gamma([50], alpha, dtype=tf.float64, seed=1)
        slope = tf.gradients(sample, alpha)[0]
        ((samples, found),) = run((sample, slope))
    a, step = np.array([0.3, 1.5, 20.0]), 1e-6
    level = gammainc(a, samples)
    wanted = (gammaincinv(a * (1 + step), level) - gammaincinv(a * (1 - step), level)).sum(0)
    np.testing.assert_allclose(found, wanted / (2 * step * a), 1e-4)
