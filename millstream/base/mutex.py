"""A lock that no sleeping thread ever owns.

CPython hands a `threading.Lock` to a waiting thread before that thread has the interpreter lock.
Threads that share one then wake each other in turns, once per use, and get slower the more there
are. Here a waiting thread is only told to try again, and whoever runs may pass it.
"""

from __future__ import annotations

import threading
from collections import deque


class Mutex:
    """A lock for short sections; use it with `with`.

    One token lies in `_token` while nobody owns the lock: taking it is atomic. Who finds none
    queues a gate of his own, looks again, and sleeps at the gate until somebody puts the token
    back.

    Example:
      >>> lock = Mutex()
      >>> with lock:
      ...     counter += 1
    """

    __slots__ = ("_gates", "_token")

    def __init__(self) -> None:
        self._token: list[None] = [None]
        self._gates: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        try:
            self._token.pop()
        except IndexError:
            self._wait()

    def _wait(self) -> None:
        while True:
            gate = threading.Lock()
            gate.acquire()
            self._gates.append(gate)
            try:
                self._token.pop()
            except IndexError:
                gate.acquire()
            else:
                self._forget(gate)
                return
            try:
                self._token.pop()
            except IndexError:
                continue
            return

    def _forget(self, gate: threading.Lock) -> None:
        try:
            self._gates.remove(gate)
        except ValueError:
            return  # it was opened meanwhile; who opens the next is the owner, which is us

    def __exit__(self, *_: object) -> None:
        self._token.append(None)
        if self._gates:
            try:
                self._gates.popleft().release()
            except IndexError:
                return  # another owner opened it
