"""Rewrites of datasets that TensorFlow makes, where they change what comes out."""

from __future__ import annotations

import copy

from millstream.ops.data.buffers import Shuffle, ShuffleAndRepeat
from millstream.ops.data.core import Dataset
from millstream.ops.data.transforms import Repeat


def optimized(dataset: Dataset, passes: set[bytes]) -> Dataset:
    """Gives a dataset rewritten by some of TensorFlow's passes, named as there.

    Only one matters: with `shuffle_and_repeat_fusion`, what is shuffled and then repeated is filled
    from one epoch while the one before is still in the buffer.
    """
    if b"shuffle_and_repeat_fusion" not in passes:
        return dataset
    return _fused(dataset)


def _fused(dataset: Dataset) -> Dataset:
    inputs = tuple(_fused(source) for source in dataset.inputs)
    if isinstance(dataset, Repeat) and isinstance(inputs[0], Shuffle) and inputs[0].reshuffle:
        shuffle = inputs[0]
        return ShuffleAndRepeat(shuffle.source, shuffle.size, shuffle.seeds, dataset.count)
    if all(new is old for new, old in zip(inputs, dataset.inputs, strict=True)):
        return dataset
    other = copy.copy(dataset)
    other.inputs = inputs
    return other
