"""What host nodes are told of the step that runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from millstream.ir.node import Operation
from millstream.runtime.cancel import CancellationManager
from millstream.runtime.resources import ResourceManager


class Step:
    """One `Session.run` with host nodes in it.

    Attributes:
      session: The session.
      resources: What the session keeps between steps.
      step_id: A number of its own among the session's steps.
      cancel: Wakes up what waits in this step.
    """

    __slots__ = ("cancel", "resources", "session", "step_id")

    def __init__(self, session: Any, resources: ResourceManager, step_id: int) -> None:
        self.session = session
        self.resources = resources
        self.step_id = step_id
        self.cancel = CancellationManager(session.cancellation)

    def context(self, node: Operation) -> Context:
        """Makes what a node's `run` rule is given as `ctx`."""
        return Context(self, node)


class Context:
    """Is what the `run` rule of a host node is given as `ctx`.

    Attributes:
      node: The node that runs.
      session: The session that runs it.
      resources: The resource manager, with `get_or_create`, `lookup` and `delete`.
      step_id: Number of the step within the session.
      cancel: The step's `CancellationManager`; a node that waits registers how to wake it.
      device: The device that the node runs on.
    """

    __slots__ = ("cancel", "node", "resources", "session", "step_id")

    def __init__(self, step: Step, node: Operation) -> None:
        self.node = node
        self.session = step.session
        self.resources = step.resources
        self.step_id = step.step_id
        self.cancel = step.cancel

    def function(
        self, f: Any, captured: Sequence[Any] = ()
    ) -> Callable[[Sequence[Any]], list[Any]]:
        """Prepares a call of a function of the graph's library; see `millstream.ir.function`.

        Args:
          f: The `FunctionRef` that an attr holds, or a `FuncGraph`.
          captured: Arrays for what its body captured, in the order of its captures.

        Returns:
          A function from one array per argument to one array per output, for any thread.
        """
        return self.session.function_call(f, captured)

    @property
    def device(self) -> str:
        """The full name of the device that the node runs on."""
        return "/job:localhost/replica:0/task:0/device:CPU:0"

    @property
    def resource_name(self) -> str:
        """The name of the node's own resource: attr `shared_name`, else the node's name."""
        return self.node.attrs.get("shared_name") or self.node.name

    @property
    def container(self) -> str:
        """The container of the node's own resource."""
        return self.node.attrs.get("container", "")
