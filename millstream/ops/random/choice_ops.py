"""RandomShuffle and Multinomial, and their public functions."""

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.ir.convert import convert_to_tensor
from millstream.ir.random_seed import seed_attrs
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Int32, Int64, Real, Tensor, Type, b, f, i, op
from millstream.ops.random import choice
from millstream.ops.random.state import RNG


@op(effect=RNG)
def RandomShuffle[T](value: Tensor[T], *, seed: int = 0, seed2: int = 0) -> Tensor[T]:
    """Puts the rows of a tensor, along its first axis, in random order."""


@op(effect=RNG, static="num_samples")
def Multinomial[T: Real](
    logits: Tensor[T],
    num_samples: Tensor[Int32],
    *,
    seed: int = 0,
    seed2: int = 0,
    output_dtype: Type[Int32, Int64] = Int64,
) -> Tensor["output_dtype"]:
    """Draws classes, for each row of unnormalised log-probabilities."""


def _shuffled(rng, value, xp):
    if value.ndim == 0 or value.size < 2:
        return rng, value
    rng, order = choice.permutation(rng, value.shape[0], xp)
    return rng, value[order]


RandomShuffle.shape_unchanged()
RandomShuffle.reference(lambda value, rng: _shuffled(rng, value, np))
RandomShuffle.kernel(lambda value, rng: _shuffled(rng, value, jnp))
RandomShuffle.no_gradient("TensorFlow registers none")
RandomShuffle.examples(f[17], seed=1, seed2=2)
RandomShuffle.examples(i[4, 2], seed=1, seed2=2)
RandomShuffle.examples(b[2], seed=1, seed2=2)
RandomShuffle.examples(f[()], seed=1).examples(f[3, 0], seed=1)


def check_logits(logits, num_samples):
    """Raises InvalidArgumentError for what cannot be drawn from; returns the number of samples."""
    count = int(num_samples)
    message = None
    if logits.ndim != 2:
        message = f"logits should be a matrix, got shape {list(logits.shape)}"
    elif count < 0:
        message = f"num_samples should be nonnegative, got {count}"
    elif logits.shape[1] < 1:
        message = f"num_classes should be positive, got {logits.shape[1]}"
    if message:
        raise errors.InvalidArgumentError(None, None, message)
    return count


def samples_shape(logits, num_samples, num_samples_value):
    """Is the body of the shape rules of ops that draw classes."""
    logits.assert_has_rank(2)
    num_samples.assert_has_rank(0)
    count = None if num_samples_value is None else int(num_samples_value)
    if count is not None and count < 0:
        raise ValueError(f"num_samples must be non-negative but is {count}")
    return [logits.with_rank(2)[0], count]


@Multinomial.shape
def _(logits, num_samples, num_samples_value):
    return samples_shape(logits, num_samples, num_samples_value)


@Multinomial.reference
def _(logits, num_samples, output_dtype, rng):
    count = check_logits(logits, num_samples)
    return choice.multinomial(rng, logits, count, output_dtype.np)


@Multinomial.kernel
def _(logits, num_samples, output_dtype, rng):
    count = check_logits(logits, num_samples)
    return choice.multinomial(rng, logits, count, output_dtype.np, jnp)


Multinomial.no_gradient("its output is integers")
Multinomial.examples(f[3, 5], 7, seed=1, seed2=2)
Multinomial.examples(f[3, 5], 1, seed=1, seed2=2, output_dtype=Int32)
Multinomial.examples(f[2, 4], 0, seed=1).examples(f[0, 4], 2, seed=1)
Multinomial.fails("rank", f[3], 2)
Multinomial.fails("num_classes should be positive", f[2, 0], 2)
Multinomial.fails("-1", f[2, 3], -1)


@export("random_shuffle", "random.shuffle")
def random_shuffle(value, seed=None, name=None):
    """Puts the rows of a tensor, along its first axis, in random order.

    Args:
      value: Any tensor.
      seed: Seed of this node; see `tf.set_random_seed`.
      name: Name of the node.
    """
    return RandomShuffle(value, **seed_attrs(seed), name=name)


@export("multinomial", "random.multinomial")
def multinomial(logits, num_samples, seed=None, name=None, output_dtype=None):
    """Draws classes, for each row of unnormalised log-probabilities.

    Args:
      logits: `[rows, classes]`, unnormalised log-probabilities.
      num_samples: Number of samples of each row, a scalar.
      seed: Seed of this node; see `tf.set_random_seed`.
      name: Name of the node.
      output_dtype: int32 or int64 (the default).

    Returns:
      Classes, `[rows, num_samples]`.
    """
    return _categorical("multinomial", logits, num_samples, output_dtype, seed, name)


@export("random.categorical")
def categorical(logits, num_samples, dtype=None, seed=None, name=None):
    """Draws classes, for each row of unnormalised log-probabilities.

    Args:
      logits: `[rows, classes]`, unnormalised log-probabilities.
      num_samples: Number of samples of each row, a scalar.
      dtype: int32 or int64 (the default).
      seed: Seed of this node; see `tf.set_random_seed`.
      name: Name of the node.

    Returns:
      Classes, `[rows, num_samples]`.
    """
    return _categorical("categorical", logits, num_samples, dtype, seed, name)


def _categorical(default, logits, num_samples, dtype, seed, name):
    with name_scope(name, default, [logits]):
        logits = convert_to_tensor(logits, name="logits")
        seeds = seed_attrs(seed)
        return Multinomial(logits, num_samples, **seeds, output_dtype=dtype or Int64)
