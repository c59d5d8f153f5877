"""`tf.distributions` against TF 1.15: samples of seeds, densities, statistics, errors."""

import numpy as np
import pytest

import millstream as tf
from tests.ops import expressions

RECORD = expressions.load("distributions")


@pytest.mark.parametrize("text", RECORD)
def test_expression_is_as_in_tf(text):
    expressions.check(text, RECORD[text], nodes=False, shapes=False, rtol=2e-5)


@pytest.fixture
def sess():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def test_what_has_no_mean_is_nan_or_an_error(sess):
    lenient = tf.distributions.StudentT([0.5, 3.0], 0.0, 1.0)
    assert np.isnan(sess.run(lenient.mean())).tolist() == [True, False]
    strict = tf.distributions.StudentT([0.5, 3.0], 0.0, 1.0, allow_nan_stats=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match="The mean does not exist"):
        sess.run(strict.mean())


def test_counts_of_a_batch_add_up(sess):
    probs = [[0.2, 0.3, 0.5], [0.0, 0.1, 0.9]]
    counts = tf.distributions.Multinomial([4.0, 6.0], probs=probs).sample(50, seed=3)
    found = sess.run(counts)
    assert found.shape == (50, 2, 3)
    np.testing.assert_array_equal(found.sum(-1), np.tile([4.0, 6.0], (50, 1)))
    assert found[:, 1, 0].sum() == 0


def test_distribution_functions_broadcast(sess):
    x = np.array([[0.1], [0.6]], np.float32)
    beta = tf.distributions.Beta([0.5, 2.0, 3.0], 3.0)
    assert sess.run(beta.cdf(x)).shape == (2, 3)
    student = tf.distributions.StudentT([3.0, 1.5], 1.0, [1.0, 2.0])
    np.testing.assert_allclose(sess.run(student.cdf([[1.0], [1e9]])), [[0.5, 0.5], [1, 1]])


def test_a_uniform_distribution_has_quantiles(sess):
    assert sess.run(tf.distributions.Uniform(1.0, 3.0).quantile(0.25)) == 1.5


def test_gradients_pass_through_samples_of_real_numbers(sess):
    loc = tf.constant([0.5, 1.0])
    sample = tf.distributions.Normal(loc, 2.0).sample(3, seed=1)
    np.testing.assert_array_equal(sess.run(tf.gradients(sample, loc)[0]), [3, 3])
    counts = tf.distributions.Bernoulli(probs=loc).sample()
    assert tf.gradients(tf.to_float(counts), loc) == [None]


def test_a_class_of_ones_own(sess):
    class Coin(tf.distributions.Distribution):
        def __init__(self, name="Coin"):
            kind = tf.distributions.NOT_REPARAMETERIZED
            super().__init__(tf.float32, kind, False, True, dict(locals()), name=name)

        def _batch_shape(self):
            return tf.TensorShape([])

        _event_shape = _batch_shape

        def _prob(self, value):
            return 0.5 * tf.ones_like(value)

        def _stddev(self):
            return tf.constant(0.5)

    coin = Coin()
    assert coin.name == "Coin/"
    np.testing.assert_allclose(sess.run(coin.log_prob([0.0, 1.0])), np.log([0.5, 0.5]))
    assert sess.run(coin.variance()) == 0.25
    with pytest.raises(NotImplementedError, match="entropy is not implemented: Coin"):
        coin.entropy()


def test_divergences_are_registered_once():
    class Mine(tf.distributions.Normal):
        pass

    @tf.distributions.RegisterKL(Mine, tf.distributions.Normal)
    def special(a, b, name=None):
        return "special"

    with tf.Graph().as_default():
        mine, plain = Mine(0.0, 1.0), tf.distributions.Normal(0.0, 1.0)
        assert tf.distributions.kl_divergence(mine, plain) == "special"
        assert tf.distributions.kl_divergence(plain, mine) != "special"  # inherited
    with pytest.raises(ValueError, match=r"KL\(Mine \|\| Normal\) has already"):
        tf.distributions.RegisterKL(Mine, tf.distributions.Normal)(special)
    with pytest.raises(TypeError, match="callable"):
        tf.distributions.RegisterKL(Mine, Mine)("no function")
