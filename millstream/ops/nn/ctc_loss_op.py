"""CTCLoss: connectionist temporal classification, its loss and gradient at once.

It runs by its reference. How many labels a batch has differs from step to step, and a compiled
region that held them would be compiled anew for each number; the reference works on all sequences
of the batch together, in logarithms, and costs two short loops over time.

Notation: `l'` is a label sequence with blanks between its labels and at both ends, `s` a place in
it, `alpha[t, b, s]` the log probability of all ways to reach `s` at time `t`, that of `t` included;
`beta` that of all ways to go on from there.
"""

import numpy as np

from millstream.base import errors
from millstream.ir.spec import Double, Dynamic, Float, Int32, Int64, Returns, Tensor, f, op
from millstream.ops.by_name import ops

__all__ = []

_NEVER = -1e30
"""Stands for the logarithm of zero; sums of it stay finite."""


@op(effect=Dynamic(), defaults={"T": Float})
def CTCLoss[T: (Float, Double)](
    inputs: Tensor[T],
    labels_indices: Tensor[Int64],
    labels_values: Tensor[Int32],
    sequence_length: Tensor[Int32],
    *,
    preprocess_collapse_repeated: bool = False,
    ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False,
) -> Returns(loss=Tensor[T], gradient=Tensor[T]):
    """Computes `[batch]` losses and their `[time, batch, classes]` gradients by the logits.

    The last class is the blank. Where no path through time spells the labels the loss is infinite.

    Gradient: the second output, times that of the loss; there is no second gradient.

    Source: Graves et al., Connectionist Temporal Classification (2006).
    """


@CTCLoss.shape
def _(inputs, labels_indices, labels_values, sequence_length):
    time, batch, classes = inputs.with_rank(3).as_list()
    labels_indices.with_rank(2)
    labels_values.with_rank(1)
    (count,) = sequence_length.with_rank(1).as_list()
    if None not in (batch, count) and batch != count:
        raise ValueError(f"Dimensions must be equal, but are {batch} and {count}")
    batch = count if batch is None else batch
    return [batch], [time, batch, classes]


def _invalid(message):
    return errors.InvalidArgumentError(None, None, message)


def _check_lengths(lengths, steps):
    for b, length in enumerate(lengths.tolist()):
        if length < 0:
            raise _invalid(f"seq_len({b}) < 0")
        if length > steps:
            raise _invalid(f"sequence_length({b}) <= {steps}")


def _rows(indices, values, batch, classes, collapse):
    """Returns the labels of each sequence, without the blanks that may fill its end."""
    rows = [[] for _ in range(batch)]
    for b, label in zip(indices[:, 0].tolist(), values.tolist(), strict=True):
        if not 0 <= b < batch:
            raise _invalid(f"labels_indices name sequence {b}, but the batch has {batch}")
        rows[b].append(label)
    return [_row(b, row, classes, collapse) for b, row in enumerate(rows)]


def _row(b, row, classes, collapse):
    if not row:
        raise _invalid(f"Labels length is zero in batch {b}")
    if min(row) < 0:
        raise _invalid(f"All labels must be nonnegative integers, batch: {b} labels: {_spell(row)}")
    kept = []
    ended = False
    for at, label in enumerate(row):
        if ended and label < classes - 1:
            raise _invalid(
                "Saw a non-null label (index >= num_classes - 1) following a null label, batch: "
                f"{b} num_classes: {classes} labels: {_spell(row)} labels seen so far: "
                f"{_spell(kept)}"
            )
        ended = label >= classes - 1
        if not ended and not (collapse and at and row[at - 1] == label):
            kept.append(label)
    return kept


def _spell(row):
    return ",".join(map(str, row))


def _fits(rows, lengths, ignore):
    """Returns which sequences have time for their labels.

    Raises:
      InvalidArgumentError: if one has not, unless those are ignored.
    """
    fits = np.array([len(row) <= length for row, length in zip(rows, lengths, strict=True)], bool)
    if not ignore and not fits.all():
        b = int(np.argmin(fits))
        raise _invalid(
            f"Not enough time for target transition sequence (required: {len(rows[b])}, "
            f"available: {lengths[b]}){b}You can turn this error into a warning by using the flag "
            "ignore_longer_outputs_than_inputs"
        )
    return fits


class _Paths:
    """The places of every sequence's `l'`, `[batch, places]`, and the moves between them."""

    def __init__(self, rows, fits, classes, merge):
        rows = [row if ok else [] for row, ok in zip(rows, fits, strict=True)]
        self.places = np.array([2 * len(row) + 1 for row in rows])
        self.symbols = np.full((len(rows), max(self.places, default=1)), classes - 1)
        for symbols, row in zip(self.symbols, rows, strict=True):
            symbols[1 : 2 * len(row) : 2] = row
        blank = self.symbols == classes - 1
        before = np.roll(self.symbols, 2, axis=1)
        hops = ~blank & ~(merge & (before == self.symbols))
        hops[:, :2] = False
        self.stay = np.where(merge | blank, 0.0, _NEVER)
        self.hop = np.where(hops, 0.0, _NEVER)
        inside = np.arange(self.symbols.shape[1]) < self.places[:, None]
        self.inside = np.where(inside, 0.0, _NEVER)
        self.ends = np.where(
            inside & (np.arange(self.symbols.shape[1]) >= self.places[:, None] - 2), 0.0, _NEVER
        )


def _log_sum(*terms):
    top = np.maximum.reduce(terms)
    return top + np.log(sum(np.exp(term - top) for term in terms))


def _moved(x, by):
    """Shifts the last axis to higher places, or to lower ones."""
    result = np.full_like(x, _NEVER)
    if by > 0:
        result[..., by:] = x[..., :-by]
    else:
        result[..., :by] = x[..., -by:]
    return result


def _forward(emitted, paths):
    alpha = np.empty_like(emitted)
    last = np.full_like(emitted[0], _NEVER)
    last[:, :2] = 0
    alpha[0] = last + emitted[0] + paths.inside
    for t in range(1, len(emitted)):
        last = alpha[t - 1]
        reached = _log_sum(last + paths.stay, _moved(last, 1), _moved(last, 2) + paths.hop)
        alpha[t] = np.maximum(reached + emitted[t] + paths.inside, _NEVER)
    return alpha


def _backward(emitted, paths, lengths):
    beta = np.empty_like(emitted)
    after = np.full_like(emitted[0], _NEVER)
    for t in reversed(range(len(emitted))):
        if t + 1 < len(emitted):
            on = after + emitted[t + 1]
            hopped = _moved(on + paths.hop, -2)
            after = np.maximum(_log_sum(on + paths.stay, _moved(on, -1), hopped), _NEVER)
        after = np.where((t == lengths - 1)[:, None], paths.ends, after)
        beta[t] = after
    return beta


def _log_softmax(x):
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


@CTCLoss.reference
def _(
    inputs, labels_indices, labels_values, sequence_length, preprocess_collapse_repeated,
    ctc_merge_repeated, ignore_longer_outputs_than_inputs,
):  # fmt: skip
    steps, batch, classes = inputs.shape
    _check_lengths(sequence_length, steps)
    rows = _rows(labels_indices, labels_values, batch, classes, preprocess_collapse_repeated)
    fits = _fits(rows, sequence_length, ignore_longer_outputs_than_inputs)
    fits &= sequence_length > 0
    if not fits.any():
        return np.zeros(batch, inputs.dtype), np.zeros_like(inputs)
    log_y = _log_softmax(inputs.astype(np.float64))
    paths = _Paths(rows, fits, classes, ctc_merge_repeated)
    emitted = np.take_along_axis(log_y, paths.symbols[None], axis=2)
    loss, expected = _loss_and_expected(emitted, paths, sequence_length, classes)
    possible = loss < -_NEVER / 2
    gradient = np.exp(log_y) - np.where(possible[None, :, None], expected, 0)
    alive = (np.arange(steps)[:, None] < sequence_length) & fits
    gradient = np.where(alive[:, :, None], gradient, 0).astype(inputs.dtype)
    loss = np.where(fits, np.where(possible, loss, np.inf), 0)
    return loss.astype(inputs.dtype), gradient


def _loss_and_expected(emitted, paths, lengths, classes):
    """Returns `[batch]` losses and how often each class is expected at each time."""
    alpha = _forward(emitted, paths)
    beta = _backward(emitted, paths, lengths)
    at_end = alpha[np.maximum(lengths, 1) - 1, np.arange(len(lengths))] + paths.ends
    log_p = _log_sum(*np.moveaxis(at_end, 1, 0)) if at_end.size else np.zeros(len(lengths))
    shares = np.exp(np.minimum(alpha + beta - log_p[:, None], 0))
    one_hot = (paths.symbols[:, :, None] == np.arange(classes)).astype(np.float64)
    return -log_p, np.matmul(shares.transpose(1, 0, 2), one_hot).transpose(1, 0, 2)


@CTCLoss.gradient
def _(node, dloss, _):
    message = "Currently there is no way to take the second  derivative of ctc_loss due to the "
    once = ops.PreventGradient(
        node.outputs[1], message=message + "fused implementation's interaction with tf.gradients()"
    )
    return [ops.Mul(ops.ExpandDims(ops.ExpandDims(dloss, 0), -1), once), None, None, None]


_labels = (np.array([[0, 0], [0, 1], [1, 0]]), np.array([1, 1, 0], np.int32))
_lengths = np.array([5, 3], np.int32)
CTCLoss.examples(f[5, 2, 4], *_labels, _lengths)
CTCLoss.examples(f[5, 2, 4], *_labels, _lengths, ctc_merge_repeated=False)
CTCLoss.examples(f[5, 2, 4], *_labels, _lengths, preprocess_collapse_repeated=True)
_short = np.array([1, 3], np.int32)
CTCLoss.examples(f[5, 2, 4], *_labels, _short, ignore_longer_outputs_than_inputs=True)
CTCLoss.fails("Not enough time", f[5, 2, 4], *_labels, _short)
CTCLoss.fails("Labels length is zero in batch 2", f[5, 3, 4], *_labels, np.array([5, 3, 1], "i4"))
CTCLoss.fails("sequence_length(0) <= 5", f[5, 2, 4], *_labels, np.array([6, 3], np.int32))
