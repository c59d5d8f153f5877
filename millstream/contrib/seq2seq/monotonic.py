"""`tf.contrib.seq2seq.monotonic_attention`: alignments that only move forwards."""

import numpy as np

from millstream.base.export import export
from millstream.contrib.seq2seq.memory import size_of
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import array, math
from millstream.ops.flow.functional import scan
from millstream.ops.math.clipping import clip_by_value
from millstream.ops.math.scans import cumprod, cumsum
from millstream.ops.random.functions import random_normal


@export("contrib.seq2seq.safe_cumprod")
def safe_cumprod(x, *args, **kwargs):
    """Computes the cumulative product of numbers in `[0, 1]` through logarithms.

    Args:
      x: the numbers; those below the smallest positive float count as that.
      *args: as for `tf.cumprod`.
      **kwargs: as for `tf.cumprod`.
    """
    with name_scope(None, "SafeCumprod", [x]):
        x = to_tensor(x, name="x")
        tiny = float(np.finfo(x.dtype.np).tiny)
        return math.exp(cumsum(math.log(clip_by_value(x, tiny, 1)), *args, **kwargs))


@export("contrib.seq2seq.monotonic_attention")
def monotonic_attention(p_choose_i, previous_attention, mode):
    """Computes where attention moves, given the chance to stop at each entry.

    Args:
      p_choose_i: `[batch, max_time]` probabilities to stop at an entry.
      previous_attention: `[batch, max_time]` alignments of the step before.
      mode: `"recursive"`: exact, a loop over entries; `"parallel"`: fast, inexact when
        probabilities come close to 0 or 1; `"hard"`: for probabilities that are 0 or 1.

    Returns:
      `[batch, max_time]` alignments.

    Raises:
      ValueError: for another mode.
    """
    p_choose_i = to_tensor(p_choose_i, name="p_choose_i")
    previous_attention = to_tensor(previous_attention, name="previous_attention")
    if mode == "recursive":
        return _recursive(p_choose_i, previous_attention)
    if mode == "parallel":
        passed = safe_cumprod(1 - p_choose_i, axis=1, exclusive=True)
        reached = cumsum(previous_attention / clip_by_value(passed, 1e-10, 1.0), axis=1)
        return p_choose_i * passed * reached
    if mode == "hard":
        p_choose_i *= cumsum(previous_attention, axis=1)
        return p_choose_i * cumprod(1 - p_choose_i, axis=1, exclusive=True)
    raise ValueError("mode must be 'recursive', 'parallel', or 'hard'.")


def _recursive(p, previous):
    batch = size_of(p, 0)
    passed = array.concat([array.ones((batch, 1)), 1 - p[:, :-1]], 1)
    steps = [array.transpose(passed), array.transpose(previous)]
    mass = scan(
        lambda x, both: array.reshape(both[0] * x + both[1], (batch,)),
        steps,
        array.zeros((batch,)),
    )
    return p * array.transpose(mass)


def monotonic_probabilities(score, previous_alignments, sigmoid_noise, mode, seed=None):
    """Returns alignments of scores; noise drives the scores apart while training."""
    if sigmoid_noise > 0:
        noise = random_normal(array.shape(score), dtype=score.dtype, seed=seed)
        score += sigmoid_noise * noise
    chances = math.cast(score > 0, score.dtype) if mode == "hard" else math.sigmoid(score)
    return monotonic_attention(chances, previous_alignments, mode)
