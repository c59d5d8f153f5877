"""Random words for datasets: Philox, drawn many at a time and given one by one."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

from millstream.ops.random.philox import blocks, initial_state

_BLOCKS = 256


class Words:
    """A stream of 32-bit words; two zeros as seeds stand for an unpredictable one."""

    def __init__(self, seed: int, seed2: int) -> None:
        if not (seed or seed2):
            seed, seed2 = secrets.randbits(63), secrets.randbits(63)
        self._seeds = seed, seed2
        self._given = 0
        self._words: list[int] = []
        self._first = 0  # number of the first of `_words`

    def next(self) -> int:
        """Gives the next word."""
        at = self._given - self._first
        if not 0 <= at < len(self._words):
            block = self._given // 4
            self._first, at = block * 4, self._given % 4
            parts = blocks(initial_state(*self._seeds), block, _BLOCKS)
            self._words = np.stack(parts, 1).ravel().tolist()
        self._given += 1
        return self._words[at]

    def save(self) -> list[Any]:
        """Gives what `restore` needs to go on from here."""
        return [*self._seeds, self._given]

    def restore(self, state: list[Any]) -> None:
        """Goes on where another stream was."""
        self._seeds = int(state[0]), int(state[1])
        self._given, self._words, self._first = int(state[2]), [], 0
