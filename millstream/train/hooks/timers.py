"""`tf.train.SecondOrStepTimer`: tells a hook when it is its turn again."""

from __future__ import annotations

import time
from typing import Any

from millstream.base.export import export
from millstream.ir.graph import Graph
from millstream.train.global_step_read import get_or_create_global_step_read


@export("train.SecondOrStepTimer", "estimator.SecondOrStepTimer")
class SecondOrStepTimer:
    """Triggers once in so many seconds, or once in so many steps.

    Args:
      every_secs: seconds between two triggers.
      every_steps: steps between two triggers.

    Raises:
      ValueError: unless exactly one of the two is given.
    """

    def __init__(self, every_secs: float | None = None, every_steps: int | None = None) -> None:
        if every_secs is None and every_steps is None:
            raise ValueError("Either every_secs or every_steps should be provided.")
        if every_secs is not None and every_steps is not None:
            raise ValueError("Can not provide both every_secs and every_steps.")
        self._every_secs = every_secs
        self._every_steps = every_steps
        self.reset()

    def reset(self) -> None:
        """Forgets when it was triggered last."""
        self._last_triggered_step: Any = None
        self._last_triggered_time: float | None = None

    def should_trigger_for_step(self, step: Any) -> bool:
        """Returns whether a step is due: the first is; one that was triggered is not again."""
        last = self._last_triggered_step
        if last is None:
            return True
        if last == step:
            return False
        if self._every_steps is not None:
            return bool(step >= last + self._every_steps)
        return time.time() >= (self._last_triggered_time or 0) + (self._every_secs or 0)

    def update_last_triggered_step(self, step: Any) -> tuple[float | None, Any]:
        """Notes that a step was triggered.

        Returns:
          Seconds and steps since the trigger before; two Nones the first time.
        """
        now = time.time()
        if self._last_triggered_step is None:
            elapsed = None, None
        else:
            elapsed = now - (self._last_triggered_time or 0), step - self._last_triggered_step
        self._last_triggered_time, self._last_triggered_step = now, step
        return elapsed

    def last_triggered_step(self) -> Any:
        """Returns the step that was triggered last, or None."""
        return self._last_triggered_step


class NeverTriggerTimer:
    """Is a timer that no step is due for."""

    def reset(self) -> None:
        """Has nothing to forget."""

    def should_trigger_for_step(self, step: Any) -> bool:
        """Returns False."""
        return False

    def update_last_triggered_step(self, step: Any) -> tuple[None, None]:
        """Returns two Nones."""
        return None, None

    def last_triggered_step(self) -> None:
        """Returns None."""


def step_tensor_for(hook: object, graph: Graph | None = None) -> Any:
    """Returns the tensor by which a hook reads the global step.

    Raises:
      RuntimeError: if the graph cannot have one.
    """
    tensor = get_or_create_global_step_read(graph)
    if tensor is None:
        raise RuntimeError(f"Global step should be created to use {type(hook).__name__}.")
    return tensor
