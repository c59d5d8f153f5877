"""What a dataset and an iterator are at run time.

State. A `Dataset` is an immutable description: it makes any number of iterators. An `Iterator`
walks over the elements once; it owns the iterators of its inputs. An element is a tuple with one
component per flat tensor: arrays, NumPy scalars, `bytes` for scalar strings, other objects for
variants. Components are never changed in place.

`take(n)` gives up to `n` elements, none at the end. Whoever needs many asks for many, so that
reading, parsing and mapping work on lists of elements; nobody asks for more than he is going to
give out or store, so that elements are neither lost nor read ahead of their time.

Invariants.
- An error takes its element with it: whoever asks again gets the elements that come after it. The
  elements before it, taken by the same call, are given first, and the error next.
- One thread uses an iterator at a time. Those that hand elements from thread to thread wait on the
  one condition of their `Scope`; they never call another iterator while they hold it.
- Threads end when their iterator is closed or forgotten, or their scope closed.

Example:
  >>> from millstream.ops.data.sources import Elements
  >>> iterator = Elements([(1,), (2,)]).iterate(Scope())
  >>> iterator.take(5), iterator.take(5)
  ([(1,), (2,)], [])
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from millstream.base import errors

type Element = tuple[Any, ...]

INFINITE, UNKNOWN = -1, -2


class Scope:
    """What the iterators of one pipeline share.

    Attributes:
      condition: What they wait on.
      closed: Whether they are to end.
    """

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.closed = False
        self._cancelled: set[int] = set()

    def close(self) -> None:
        """Wakes up everyone who waits, for good."""
        with self.condition:
            self.closed = True
            self.condition.notify_all()

    def cancel(self, thread: int) -> None:
        """Wakes up one thread that waits; its step was given up."""
        with self.condition:
            self._cancelled.add(thread)
            self.condition.notify_all()

    def resume(self, thread: int) -> None:
        """Undoes `cancel`."""
        with self.condition:
            self._cancelled.discard(thread)

    def wait_for(self, ready: Callable[[], Any]) -> None:
        """Waits, holding the condition, until `ready` says so.

        Raises:
          CancelledError: If the pipeline was closed or the thread's step given up.
        """
        while not ready():
            if self.closed or threading.get_ident() in self._cancelled:
                raise errors.CancelledError(None, None, "Iterator was cancelled")
            self.condition.wait()


class Dataset:
    """A description of elements.

    Attributes:
      inputs: The datasets that it is made from.
      cardinality: Number of elements, if that is known: INFINITE and UNKNOWN are negative.
    """

    inputs: tuple[Dataset, ...] = ()

    @property
    def cardinality(self) -> int:
        """Number of elements."""
        return UNKNOWN

    def iterate(self, scope: Scope) -> Iterator:
        """Makes an iterator."""
        raise TypeError(f"{type(self).__name__} cannot be iterated over")


class Iterator:
    """Walks over the elements of a dataset.

    Subclasses define `take`, or `next` for those that give elements one by one.

    Attributes:
      children: Names of the attributes that hold iterators of inputs.
      saved: Names of the attributes that make up its state.
    """

    children: tuple[str, ...] = ("input",)
    saved: tuple[str, ...] = ()
    _failure: BaseException | None = None

    def next(self) -> Element | None:
        """Gives the next element; None at the end."""
        found = self.take(1)
        return found[0] if found else None

    def take(self, count: int) -> list[Element]:
        """Gives up to `count` elements, which is positive; none at the end."""
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        found: list[Element] = []
        try:
            while len(found) < count:
                element = self.next()
                if element is None:
                    break
                found.append(element)
        except Exception as error:
            if not found:
                raise
            self._failure = error
        return found

    def close(self) -> None:
        """Frees what it holds."""
        for name in self.children:
            child = getattr(self, name, None)
            for one in child if isinstance(child, list) else [child]:
                if one is not None:
                    one.close()

    def save(self) -> dict[str, Any]:
        """Gives its state as plain values and arrays, for `restore` of a fresh iterator."""
        state: dict[str, Any] = {name: getattr(self, name) for name in self.saved}
        for name in self.children:
            child = getattr(self, name)
            if isinstance(child, list):
                state[name] = [_saved(one) for one in child]
            else:
                state[name] = _saved(child)
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Puts itself into a state."""
        for name in self.saved:
            setattr(self, name, state[name])
        for name in self.children:
            self.restore_child(name, state[name])

    def restore_child(self, name: str, state: Any) -> None:
        """Restores the iterators that an attribute holds."""
        child = getattr(self, name)
        if isinstance(child, list):
            for place, (one, saved) in enumerate(zip(child, state, strict=True)):
                child[place] = _restored(one, saved)
        else:
            setattr(self, name, _restored(child, state))


def _saved(child: Iterator | None) -> Any:
    return None if child is None else child.save()


def _restored(child: Iterator | None, state: Any) -> Iterator | None:
    if state is None or child is None:
        return None
    child.restore(state)
    return child


def invalid(message: str) -> errors.InvalidArgumentError:
    """Makes the error for operands that make no sense."""
    return errors.InvalidArgumentError(None, None, message)


def as_array(component: Any) -> Any:
    """Gives a component as host nodes and functions take it."""
    if component.__class__ is bytes or not isinstance(component, (np.ndarray, np.generic)):
        if isinstance(component, (bool, int, float, complex)):
            return np.asarray(component)
        if component.__class__ is bytes:
            array = np.empty((), object)
            array[()] = component
            return array
    return component


def plain(component: Any) -> Any:
    """Gives a component as it is stored: scalar strings as `bytes`."""
    if component.__class__ is np.ndarray and component.dtype == object and not component.ndim:
        return component.item()
    return component


def components(arrays: Any) -> Element:
    """Makes an element of the arrays that a function gave."""
    return tuple([plain(array) for array in arrays])
