"""`tf.train.basic_train_loop`: calls a function until a supervisor says stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.base import errors
from millstream.base.export import export


@export("train.basic_train_loop")
def basic_train_loop(
    supervisor: Any,
    train_step_fn: Callable[..., Any],
    args: Any = None,
    kwargs: Any = None,
    master: str = "",
) -> None:
    """Trains in a supervisor's session, anew if a machine was lost.

    Args:
      supervisor: a `Supervisor`.
      train_step_fn: a function of the session and `args`, called until the supervisor should stop.
      args: its further arguments.
      kwargs: its keyword arguments.
      master: the session's target.
    """
    while True:
        try:
            with supervisor.managed_session(master) as sess:
                while not supervisor.should_stop():
                    train_step_fn(sess, *(args or ()), **(kwargs or {}))
            return
        except errors.AbortedError:
            continue
