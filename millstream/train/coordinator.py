"""`tf.train.Coordinator`: ends a set of threads together, and passes on what went wrong in one.

A coordinator goes through two stages. Until `request_stop` its threads run; from then on
`should_stop` is true, and `join` waits for them to see it. The first exception that is reported is
kept and raised by `join` in the thread that waits; exceptions that only say that the input is at
its end stop the threads without being errors.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from millstream.base import errors, logging
from millstream.base.export import export

type ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]

_SHORTEST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.5


@export("train.Coordinator")
class Coordinator:
    """Stops several threads when one of them asks for it, and waits for them to end.

    Args:
      clean_stop_exception_types: tuple of exception classes that ask for a stop without being an
        error, by default `(tf.errors.OutOfRangeError,)`: the input is at its end.

    Example:
      >>> coord = Coordinator()
      >>> threads = [threading.Thread(target=work, args=(coord,)) for _ in range(4)]
      >>> for t in threads:
      ...     t.start()
      >>> coord.join(threads)
    """

    def __init__(self, clean_stop_exception_types: Any = None) -> None:
        kinds = clean_stop_exception_types
        self._clean = (errors.OutOfRangeError,) if kinds is None else tuple(kinds)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._trace: TracebackType | None = None
        self._joined = False
        self._threads: dict[threading.Thread, None] = {}

    # -- asking for a stop

    def request_stop(self, ex: BaseException | ExcInfo | None = None) -> None:
        """Asks the threads to stop; does nothing if that has been asked before.

        Args:
          ex: why: an exception, or what `sys.exc_info()` gave. The first one that is no clean stop
            is raised by `join`.

        Raises:
          BaseException: `ex`, if `join` has returned already, so that it does not get lost.
        """
        error, trace = _parts(ex)
        if isinstance(error, self._clean):
            error = trace = None
        with self._lock:
            if self._joined:
                if error is not None:
                    raise error.with_traceback(trace)
                return
            if self._stop.is_set():
                return
            if error is not None and self._error is None:
                logging.info("Error reported to Coordinator: %s, %s", type(error), error)
                self._error, self._trace = error, trace
            self._stop.set()

    def clear_stop(self) -> None:
        """Forgets that a stop was asked for, why, and that the threads were joined."""
        with self._lock:
            self._joined = False
            self._error = self._trace = None
            self._stop.clear()

    def should_stop(self) -> bool:
        """Tells whether a stop was asked for."""
        return self._stop.is_set()

    @contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """Gives a context that turns an exception into a request to stop.

        Example:
          >>> with coord.stop_on_exception():
          ...     while not coord.should_stop():
          ...         work()
        """
        try:
            yield
        except BaseException:  # noqa: BLE001 - `join` raises it
            self.request_stop(ex=sys.exc_info())

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Waits until a stop is asked for.

        Args:
          timeout: how long to wait at most, in seconds; None for ever.

        Returns:
          Whether it was asked for.
        """
        return self._stop.wait(timeout)

    # -- the threads

    def register_thread(self, thread: threading.Thread) -> None:
        """Adds a thread for `join` to wait for."""
        with self._lock:
            self._threads[thread] = None

    def join(
        self,
        threads: Iterable[threading.Thread] | None = None,
        stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:
        """Waits for all threads to end, and raises the exception that one of them reported.

        Args:
          threads: threads to wait for beside the registered ones.
          stop_grace_period_secs: how long threads may take to end after a stop was asked for, in
            seconds.
          ignore_live_threads: whether threads that still run after that are no error.

        Raises:
          RuntimeError: if threads still run when the grace period is over.
          BaseException: the exception that was given to `request_stop`.
        """
        with self._lock:
            waited_for = list(dict.fromkeys([*self._threads, *(threads or ())]))
        self._wait_for_end_or_stop(waited_for)
        deadline = time.monotonic() + stop_grace_period_secs
        for thread in waited_for:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
        alive = [thread.name for thread in waited_for if thread.is_alive()]
        with self._lock:
            self._joined = True
            self._threads = {}
            if self._error is not None:
                raise self._error.with_traceback(self._trace)
        if not alive:
            return
        message = f"Coordinator stopped with threads still running: {' '.join(alive)}"
        if not ignore_live_threads:
            raise RuntimeError(message)
        logging.info(message)

    def _wait_for_end_or_stop(self, threads: list[threading.Thread]) -> None:
        # The end of a thread wakes nobody, so it is looked for, the less often the longer it takes.
        pause = _SHORTEST_PAUSE_S
        while any(t.is_alive() for t in threads) and not self._stop.wait(pause):
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    @property
    def joined(self) -> bool:
        """Whether `join` has returned."""
        return self._joined

    def raise_requested_exception(self) -> None:
        """Raises the exception that was given to `request_stop`, if there was one."""
        with self._lock:
            if self._error is not None:
                raise self._error.with_traceback(self._trace)


def _parts(ex: BaseException | ExcInfo | None) -> tuple[BaseException | None, TracebackType | None]:
    if isinstance(ex, tuple):
        kind, error, trace = ex
        if error is None and kind is not None:
            error = kind()
        return error, trace
    return ex, None if ex is None else ex.__traceback__


@export("train.LooperThread")
class LooperThread(threading.Thread):
    """Calls a function over and over until its coordinator stops.

    Override `run_loop`, or give `target`. An exception in it stops the coordinator.

    Args:
      coord: the `Coordinator`, which the thread registers with.
      timer_interval_secs: seconds from the start of one call to the start of the next; None for no
        pause.
      target: what to call.
      args: its arguments.
      kwargs: its keyword arguments.

    Raises:
      ValueError: if `coord` is no `Coordinator`, or arguments are given without `target`.
    """

    def __init__(
        self,
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Any = None,
        args: Any = None,
        kwargs: Any = None,
    ) -> None:
        if not isinstance(coord, Coordinator):
            raise ValueError(f"'coord' argument must be a Coordinator: {coord}")
        if target is None and (args or kwargs):
            raise ValueError("'args' and 'kwargs' argument require that you also pass 'target'")
        super().__init__(daemon=True)
        self._coord = coord
        self._interval_s = timer_interval_secs
        self._work = target
        self._work_args = args or ()
        self._work_kwargs = kwargs or {}
        coord.register_thread(self)

    @staticmethod
    def loop(
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Any,
        args: Any = None,
        kwargs: Any = None,
    ) -> LooperThread:
        """Starts a thread that calls `target` over and over, and returns it."""
        looper = LooperThread(coord, timer_interval_secs, target, args, kwargs)
        looper.start()
        return looper

    def run(self) -> None:
        """Runs the loop; the thread's own function."""
        with self._coord.stop_on_exception():
            self.start_loop()
            due = time.monotonic()
            while not self._pause_until(due):
                due += self._interval_s or 0
                self.run_loop()
            self.stop_loop()

    def _pause_until(self, due: float) -> bool:
        """Waits for the next call's time; tells whether the coordinator stopped."""
        if self._interval_s is None:
            return self._coord.should_stop()
        return self._coord.wait_for_stop(max(0.0, due - time.monotonic()))

    def start_loop(self) -> None:
        """Is called when the thread starts."""

    def stop_loop(self) -> None:
        """Is called when the thread stops."""

    def run_loop(self) -> None:
        """Is called over and over."""
        if self._work:
            self._work(*self._work_args, **self._work_kwargs)
