"""Cancellation: how a step that fails or runs out of time wakes up what waits in it."""

from __future__ import annotations

from collections.abc import Callable

from millstream.base.mutex import Mutex


class CancellationManager:
    """Remembers who must be called when a step, or a session, is given up.

    Example:
      >>> manager = CancellationManager()
      >>> token = manager.register(lambda: print("woken"))
      >>> manager.cancel()
      woken
    """

    def __init__(self, parent: CancellationManager | None = None) -> None:
        self._lock = Mutex()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._next = 0
        self._cancelled = False
        self._parent = parent
        self._token = parent.register(self.cancel) if parent is not None else 0

    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def register(self, callback: Callable[[], None]) -> int | None:
        """Arranges for `callback` to be called on cancellation; at once if that has happened.

        Returns:
          A token for `deregister`.
        """
        with self._lock:
            self._next += 1
            token = self._next
            if not self._cancelled:
                self._callbacks[token] = callback
                return token
        callback()
        return token

    def deregister(self, token: int) -> None:
        """Takes back what `register` arranged."""
        with self._lock:
            self._callbacks.pop(token, None)

    def cancel(self) -> None:
        """Calls everyone registered, once."""
        with self._lock:
            if self._cancelled:
                return
            self._cancelled = True
            callbacks = list(self._callbacks.values())
            self._callbacks.clear()
        for callback in callbacks:
            callback()

    def close(self) -> None:
        """Leaves the parent: the step ended."""
        if self._parent is not None and self._token is not None:
            self._parent.deregister(self._token)
