"""Threads for what may wait, kept for the next step: to start one costs more than a small step."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

_MOST_IDLE = 32


class Workers:
    """Runs functions in threads of their own, as many at a time as are asked for.

    A thread whose function returned waits for the next; `_idle` holds the mailboxes of those that
    wait. They are daemons: a program may end while one waits.
    """

    def __init__(self) -> None:
        self._idle: list[Any] = []

    def start(self, work: Callable[[], None]) -> None:
        """Runs `work`, which must not raise, in another thread."""
        try:
            mailbox = self._idle.pop()
        except IndexError:
            mailbox = queue.SimpleQueue[Callable[[], None]]()
            mailbox.put(work)
            threading.Thread(target=self._serve, args=(mailbox,), daemon=True).start()
        else:
            mailbox.put(work)

    def _serve(self, mailbox: queue.SimpleQueue[Callable[[], None]]) -> None:
        # Work is not bound to a name: an idle thread would keep what it refers to alive.
        mailbox.get()()
        while len(self._idle) < _MOST_IDLE:
            self._idle.append(mailbox)
            mailbox.get()()


workers = Workers()
"""The threads that all sessions of the process share."""
