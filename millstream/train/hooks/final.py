"""Hooks that fetch at the end, and that feed every step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.base import errors, logging
from millstream.base.export import export
from millstream.train.session_run_hook import SessionRunArgs, SessionRunHook


@export("train.FinalOpsHook", "estimator.FinalOpsHook")
class FinalOpsHook(SessionRunHook):
    """Runs tensors once at the end and keeps their values.

    Args:
      final_ops: what to run, as for `Session.run`.
      final_ops_feed_dict: values by tensor.
    """

    def __init__(self, final_ops: Any, final_ops_feed_dict: Any = None) -> None:
        self._final_ops = final_ops
        self._final_ops_feed_dict = final_ops_feed_dict
        self._final_ops_values: Any = None

    @property
    def final_ops_values(self) -> Any:
        """The values, once the session has ended; None before."""
        return self._final_ops_values

    def end(self, session: Any) -> None:
        """Runs the tensors."""
        if self._final_ops is None:
            return
        try:
            self._final_ops_values = session.run(
                self._final_ops, feed_dict=self._final_ops_feed_dict
            )
        except (errors.OutOfRangeError, StopIteration) as error:
            logging.warning(
                "The tensors of a FinalOpsHook depend on an input that has ended; they may use "
                "only what the steps left in variables (update ops do that): %s", error,
            )  # fmt: skip
            raise


@export("train.FeedFnHook", "estimator.FeedFnHook")
class FeedFnHook(SessionRunHook):
    """Feeds every step with what a function returns.

    Args:
      feed_fn: a function of nothing that returns a dict of values by tensor.
    """

    def __init__(self, feed_fn: Callable[[], Any]) -> None:
        self.feed_fn = feed_fn

    def before_run(self, run_context: Any) -> SessionRunArgs:
        """Calls the function."""
        return SessionRunArgs(fetches=None, feed_dict=self.feed_fn())
