"""Datasets that keep elements: shuffle, cache."""

from __future__ import annotations

import itertools
import threading
import uuid
import weakref
from collections import deque
from typing import Any

from millstream.formats import gfile
from millstream.formats.tfrecord import TFRecordWriter, read_records
from millstream.ops.data import codec
from millstream.ops.data.core import INFINITE, Dataset, Element, Iterator, Scope
from millstream.ops.data.transforms import Unary
from millstream.ops.data.words import Words

type Elements = list[Element]

# By scope and dataset: where the seeds of the dataset's next iterator come from.
_seeds: weakref.WeakKeyDictionary[Scope, dict[int, tuple[Any, Words]]] = weakref.WeakKeyDictionary()
_seeds_lock = threading.Lock()


class Shuffle(Unary):
    """The elements in an order that is random within a buffer.

    Args:
      source: the dataset.
      size: size of the buffer, in elements.
      seeds: two seeds; zeros for an unpredictable order.
      reshuffle: whether every iteration has an order of its own.
    """

    def __init__(self, source: Dataset, size: int, seeds: tuple[int, int], reshuffle: bool) -> None:
        super().__init__(source)
        self.size, self.seeds, self.reshuffle = size, seeds, reshuffle

    def iterate(self, scope: Scope) -> Iterator:
        seeds = self._next_seeds(scope) if self.reshuffle else self.seeds
        return Shuffled(self.source, scope, self.size, Words(*seeds), 1)

    def _next_seeds(self, scope: Scope) -> tuple[int, int]:
        with _seeds_lock:
            known = _seeds.setdefault(scope, {})
            # The dataset is kept with its words: a number is only its own while it lives.
            _, words = known.setdefault(id(self), (self, Words(*self.seeds)))
            return words.next(), words.next()


class ShuffleAndRepeat(Unary):
    """The elements several times, shuffled; the buffer is filled across the ends."""

    def __init__(self, source: Dataset, size: int, seeds: tuple[int, int], count: int) -> None:
        super().__init__(source)
        self._size, self._seeds, self._count = size, seeds, count

    @property
    def cardinality(self) -> int:
        size = self.source.cardinality
        if self._count < 0:
            return 0 if size == 0 else INFINITE
        return size if size < 0 else size * self._count

    def iterate(self, scope: Scope) -> Iterator:
        return Shuffled(self.source, scope, self._size, Words(*self._seeds), self._count)


class Shuffled(Iterator):
    """Gives elements from a ring buffer, each chosen among those of the oldest epoch in it."""

    saved = ("buffer", "slices", "epochs", "words", "incoming")

    def __init__(self, source: Dataset, scope: Scope, size: int, words: Words, epochs: int) -> None:
        self._source, self._scope, self._size = source, scope, size
        self._words = words
        self.epochs = epochs
        self.input: Iterator | None = source.iterate(scope) if epochs else None
        self.buffer: Elements = []
        self.slices: Any = deque([[0, 0]])  # first and end of each epoch's elements
        self._is_fresh = True
        # Elements for places that the call that took them will free.
        self.incoming: Any = deque[Element]()

    @property
    def words(self) -> Any:
        """Where the generator is."""
        return self._words.save()

    @words.setter
    def words(self, state: Any) -> None:
        self._words.restore(state)

    def take(self, count: int) -> Elements:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        found: Elements = []
        try:
            while len(found) < count:
                self._fill(count - len(found))
                if not self._held():
                    break
                found.append(self._choose())
        except Exception as error:
            if not found:
                raise
            self._failure = error
        return found

    def _held(self) -> int:
        return self.slices[-1][1] - self.slices[0][0]

    def _fill(self, wanted: int) -> None:
        """Fills the buffer, knowing that `wanted` elements are going to be chosen."""
        incoming = self.incoming
        while (room := self._size - self._held()) > 0:
            if not incoming:
                if self.input is None:
                    return
                incoming.extend(self.input.take(room + wanted - 1))
                if not incoming:
                    self._end_epoch()
                    continue
                self._is_fresh = False
            while incoming and room:
                self._put(incoming.popleft())
                room -= 1

    def _put(self, element: Element) -> None:
        last = self.slices[-1]
        place = last[1] % self._size
        if place < len(self.buffer):
            self.buffer[place] = element
        else:
            self.buffer.append(element)
        last[1] += 1

    def _end_epoch(self) -> None:
        old, self.input = self.input, None
        assert old is not None
        old.close()
        self.epochs -= 1 if self.epochs > 0 else 0
        if self.epochs and not (self._is_fresh and self.epochs < 0):
            end = self.slices[-1][1]
            self.slices.append([end, end])
            self.input, self._is_fresh = self._source.iterate(self._scope), True

    def _choose(self) -> Element:
        slices = self.slices
        while slices[0][0] == slices[0][1]:
            slices.popleft()
        oldest = slices[0]
        first, size, buffer = oldest[0], self._size, self.buffer
        place = (first + self._words.next() % (oldest[1] - first)) % size
        chosen = buffer[place]
        front = first % size
        buffer[place] = buffer[front]
        buffer[front] = ()
        oldest[0] = first + 1
        return chosen

    def save(self) -> dict[str, Any]:
        slices = [list(part) for part in self.slices]
        return {**super().save(), "slices": slices, "incoming": list(self.incoming)}

    def restore(self, state: dict[str, Any]) -> None:
        slices = deque(list(part) for part in state["slices"])
        lists = {"buffer": list(state["buffer"]), "incoming": deque(state["incoming"])}
        super().restore({**state, **lists, "slices": slices})

    def restore_child(self, name: str, state: Any) -> None:
        if state is not None and self.input is None:
            self.input = self._source.iterate(self._scope)
        super().restore_child(name, state)


class Cache(Unary):
    """The elements, computed once per pipeline and kept in memory."""

    def __init__(self, source: Dataset) -> None:
        super().__init__(source)
        self._kept: weakref.WeakKeyDictionary[Scope, Elements] = weakref.WeakKeyDictionary()

    def iterate(self, scope: Scope) -> Iterator:
        return _Cached(self.source, scope, self._kept)


class _Cached(Iterator):
    saved = ("at", "collected")

    def __init__(self, source: Dataset, scope: Scope, kept: Any) -> None:
        self._scope, self._kept, self.at = scope, kept, 0
        complete = kept.get(scope)
        self.collected: Elements = [] if complete is None else complete
        self.input: Iterator | None = source.iterate(scope) if complete is None else None

    def take(self, count: int) -> Elements:
        if self.input is None:
            found = self.collected[self.at : self.at + count]
            self.at += len(found)
            return found
        found = self.input.take(count)
        self.collected.extend(found)
        self.at += len(found)
        if not found:
            self.input.close()
            self.input = None
            self._kept[self._scope] = self.collected
        return found

    def restore(self, state: dict[str, Any]) -> None:
        super().restore({**state, "collected": list(state["collected"])})
        if self.input is None:
            self._kept[self._scope] = self.collected


class FileCache(Unary):
    """The elements, computed once and kept in a file."""

    def __init__(self, source: Dataset, path: str) -> None:
        super().__init__(source)
        self._path = path

    def iterate(self, scope: Scope) -> Iterator:
        path = f"{self._path}.elements"
        if gfile.Exists(path):
            return _FromFile(path)
        return _ToFile(self.source.iterate(scope), path)


class _ToFile(Iterator):
    """Passes elements on and writes them to a file, which gets its name when it is complete."""

    saved = ("count",)

    def __init__(self, source: Iterator, path: str) -> None:
        self.input, self._path, self.count = source, path, 0
        self._part = f"{path}.{uuid.uuid4().hex}.part"
        self._writer: TFRecordWriter | None = TFRecordWriter(self._part)

    def take(self, count: int) -> Elements:
        found = self.input.take(count)
        if self._writer is None:
            return found
        for element in found:
            self._writer.write(codec.encode(element))
        self.count += len(found)
        if not found:
            self._writer.close()
            self._writer = None
            gfile.Rename(self._part, self._path, overwrite=True)
        return found

    def restore(self, state: dict[str, Any]) -> None:
        # What was passed on before is not there to be written: the file stays incomplete.
        super().restore(state)
        self._drop()

    def close(self) -> None:
        super().close()
        self._drop()

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            gfile.Remove(self._part)


class _FromFile(Iterator):
    children = ()
    saved = ("at",)

    def __init__(self, path: str) -> None:
        self._path, self._at = path, 0
        self._records = read_records(path)

    @property
    def at(self) -> int:
        """How many elements were given."""
        return self._at

    @at.setter
    def at(self, at: int) -> None:
        self._records = itertools.islice(read_records(self._path), at, None)
        self._at = at

    def take(self, count: int) -> Elements:
        found = [codec.decode(record) for record in itertools.islice(self._records, count)]
        self._at += len(found)
        return found
