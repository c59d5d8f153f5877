"""CTCGreedyDecoder and CTCBeamSearchDecoder: labels from a network's output over time."""

import numpy as np

from millstream.base import errors
from millstream.ir.spec import (
    AtLeast,
    Double,
    Dynamic,
    Float,
    Int32,
    Int64,
    Returns,
    Tensor,
    Tensors,
    f,
    op,
)

__all__ = []


@op(effect=Dynamic(), defaults={"T": Float})
def CTCGreedyDecoder[T: (Float, Double)](
    inputs: Tensor[T], sequence_length: Tensor[Int32], *, merge_repeated: bool = False
) -> Returns(
    decoded_indices=Tensor[Int64],
    decoded_values=Tensor[Int64],
    decoded_shape=Tensor[Int64],
    log_probability=Tensor[T],
):
    """Takes the likeliest class at every time and drops the blanks, which are the last class.

    `log_probability` `[batch, 1]` is the negative sum of the greatest logits.
    """


@op(effect=Dynamic(), defaults={"T": Float})
def CTCBeamSearchDecoder[T: (Float, Double)](
    inputs: Tensor[T],
    sequence_length: Tensor[Int32],
    *,
    beam_width: AtLeast(1),
    top_paths: AtLeast(1),
    merge_repeated: bool = True,
) -> Returns(
    decoded_indices=Tensors[Int64, "top_paths"],
    decoded_values=Tensors[Int64, "top_paths"],
    decoded_shape=Tensors[Int64, "top_paths"],
    log_probability=Tensor[T],
):
    """Finds the `top_paths` likeliest label sequences, keeping `beam_width` prefixes at a time.

    Source: Graves et al., Connectionist Temporal Classification (2006), section 3.2.
    """


def _sizes(inputs, sequence_length):
    _, batch, _ = inputs.with_rank(3).as_list()
    (count,) = sequence_length.with_rank(1).as_list()
    if None not in (batch, count) and batch != count:
        raise ValueError(f"Dimensions must be equal, but are {batch} and {count}")
    return count if batch is None else batch


@CTCGreedyDecoder.shape
def _(inputs, sequence_length):
    return [None, 2], [None], [2], [_sizes(inputs, sequence_length), 1]


@CTCBeamSearchDecoder.shape
def _(inputs, sequence_length, top_paths):
    batch = _sizes(inputs, sequence_length)
    paths = range(top_paths)
    sparse = [[None, 2] for _ in paths], [[None] for _ in paths], [[2] for _ in paths]
    return *(shape for group in sparse for shape in group), [batch, top_paths]


def _check_lengths(lengths, steps):
    for b, length in enumerate(lengths.tolist()):
        if length > steps:
            raise errors.FailedPreconditionError(
                None, None, f"sequence_length({b}) <= {steps}"
            )  # fmt: skip


def _sparse(rows):
    """Returns label sequences as the parts of a sparse matrix."""
    places = [(b, at) for b, row in enumerate(rows) for at in range(len(row))]
    indices = np.array(places, np.int64).reshape(-1, 2)
    values = np.array([label for row in rows for label in row], np.int64)
    return indices, values, np.array([len(rows), max(map(len, rows), default=0)], np.int64)


@CTCGreedyDecoder.reference
def _(inputs, sequence_length, merge_repeated):
    steps, batch, classes = inputs.shape
    _check_lengths(sequence_length, steps)
    best = inputs.argmax(2)
    alive = np.arange(steps)[:, None] < sequence_length
    kept = alive & (best != classes - 1)
    if merge_repeated:
        kept[1:] &= best[1:] != best[:-1]
    rows = [best[kept[:, b], b].tolist() for b in range(batch)]
    total = np.where(alive, inputs.max(2), 0).sum(0, dtype=inputs.dtype)
    return *_sparse(rows), -total[:, None]


class _Beams:
    """The prefixes that are kept: `labels` of each, and the logarithms of their probabilities.

    `blank` is the probability of the ways that end in a blank, `label` of those that end in the
    prefix's last label; `total` of both together.
    """

    def __init__(self):
        self.prefixes = [()]
        self.blank = np.zeros(1)
        self.label = np.full(1, -np.inf)
        self.total = np.zeros(1)

    def step(self, log_y, width):
        """Goes on by one time step."""
        blank = self.total + log_y[-1]
        label = self._repeated(log_y)
        grown = self._grown(log_y)
        self._keep(blank, label, grown, width)

    def _last(self):
        return np.array([p[-1] if p else -1 for p in self.prefixes])

    def _repeated(self, log_y):
        """Returns for each prefix its last label's new probability: repeated, or just added to
        the prefix without it where that is kept too.
        """
        place = {prefix: at for at, prefix in enumerate(self.prefixes)}
        result = np.full(len(self.prefixes), -np.inf)
        for at, prefix in enumerate(self.prefixes):
            if not prefix:
                continue
            before = place.get(prefix[:-1])
            ways = self.label[at]
            if before is not None:
                repeats = len(prefix) > 1 and prefix[-2] == prefix[-1]
                ways = np.logaddexp(ways, (self.blank if repeats else self.total)[before])
            result[at] = ways + log_y[prefix[-1]]
        return result

    def _grown(self, log_y):
        """Returns `[prefixes, classes - 1]` probabilities of prefixes that are one label longer."""
        grown = self.total[:, None] + log_y[:-1]
        last = self._last()
        rows = np.flatnonzero(last >= 0)
        grown[rows, last[rows]] = self.blank[rows] + log_y[last[rows]]
        place = {prefix: at for at, prefix in enumerate(self.prefixes)}
        for prefix in self.prefixes:
            before = place.get(prefix[:-1]) if prefix else None
            if before is not None:
                grown[before, prefix[-1]] = -np.inf
        return grown

    def _keep(self, blank, label, grown, width):
        total = np.logaddexp(blank, label)
        old = len(total)
        everything = np.concatenate([total, grown.ravel()])
        order = np.argsort(-everything, kind="stable")[:width]
        order = order[everything[order] > -np.inf]
        stays, grows = order[order < old], order[order >= old] - old
        rows, labels = np.divmod(grows, grown.shape[1])
        longer = [
            (*self.prefixes[row], added)
            for row, added in zip(rows.tolist(), labels.tolist(), strict=True)
        ]
        self.prefixes = [self.prefixes[i] for i in stays.tolist()] + longer
        new = grown[rows, labels]
        self.blank = np.concatenate([blank[stays], np.full(len(new), -np.inf)])
        self.label = np.concatenate([label[stays], new])
        self.total = np.concatenate([total[stays], new])


def _search(log_y, width, paths):
    beams = _Beams()
    for row in log_y:
        beams.step(row, width)
    if len(beams.prefixes) < paths:
        raise errors.InvalidArgumentError(
            None, None, "Less leaves in the beam search than requested."
        )
    order = np.argsort(-beams.total, kind="stable")[:paths]
    return [beams.prefixes[i] for i in order], beams.total[order]


def _merged(labels):
    return [label for at, label in enumerate(labels) if not at or labels[at - 1] != label]


@CTCBeamSearchDecoder.reference
def _(inputs, sequence_length, beam_width, top_paths, merge_repeated):
    steps, batch, _ = inputs.shape
    _check_lengths(sequence_length, steps)
    if top_paths > beam_width:
        raise errors.InvalidArgumentError(
            None, None, "requested more paths than the beam width."
        )  # fmt: skip
    wide = inputs.astype(np.float64)
    shifted = wide - wide.max(2, keepdims=True)
    log_y = shifted - np.log(np.exp(shifted).sum(2, keepdims=True))
    found = [
        _search(log_y[: max(length, 0), b], beam_width, top_paths)
        for b, length in enumerate(sequence_length.tolist())
    ]
    shown = _merged if merge_repeated else list
    paths = [_sparse([shown(prefixes[k]) for prefixes, _ in found]) for k in range(top_paths)]
    log_p = np.array([totals for _, totals in found], inputs.dtype).reshape(batch, top_paths)
    return *(part for parts in zip(*paths, strict=True) for part in parts), log_p


CTCGreedyDecoder.no_gradient("labels are integers")
CTCBeamSearchDecoder.no_gradient("labels are integers")

_lengths = np.array([5, 3], np.int32)
CTCGreedyDecoder.examples(f[5, 2, 4], _lengths)
CTCGreedyDecoder.examples(f[5, 2, 4], _lengths, merge_repeated=True)
CTCGreedyDecoder.fails("sequence_length(0) <= 4", f[4, 2, 4], _lengths)
CTCBeamSearchDecoder.examples(f[5, 2, 4], _lengths, beam_width=6, top_paths=2)
CTCBeamSearchDecoder.fails(
    "more paths than the beam width", f[5, 2, 4], _lengths, beam_width=1, top_paths=2
)
CTCBeamSearchDecoder.fails(
    "Less leaves", f[5, 2, 4], np.array([5, 0], np.int32), beam_width=3, top_paths=2
)
