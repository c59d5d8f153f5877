"""Stack ops: in TensorFlow's graphs they carry values from a loop to the loop of its gradient.

A stack lives as long as the step that made it. Its handle's value is a `Stack`, which pushes and
pops change in place, in the order that control inputs give them.
"""

from typing import Any

from millstream.base.errors import InvalidArgumentError
from millstream.ir.spec import Host, Int32, Resource, Returns, Tensor, Type, op


class Stack:
    """Values, the last one on top.

    Args:
      limit: How many it may hold; negative for any number.
    """

    shape = ()

    def __init__(self, limit: int = -1) -> None:
        self._values: list[Any] = []
        self._limit = limit

    def push(self, value: Any) -> None:
        """Puts a value on top.

        Raises:
          InvalidArgumentError: If the stack is full.
        """
        if 0 <= self._limit <= len(self._values):
            raise InvalidArgumentError(None, None, f"Stack overflowed its max_size ({self._limit})")
        self._values.append(value)

    def pop(self) -> Any:
        """Takes the value on top.

        Raises:
          InvalidArgumentError: If there is none.
        """
        if not self._values:
            raise InvalidArgumentError(None, None, "Stack is empty when calling Pop().")
        return self._values.pop()

    def clear(self) -> None:
        """Takes all values."""
        self._values.clear()


@op(effect=Host())
def StackV2(max_size: Tensor[Int32], *, elem_type: Type, stack_name: str = "") -> Returns(
    handle=Tensor[Resource]
):
    """Makes a stack for at most `max_size` tensors, any number if that is negative."""


@op(effect=Host())
def StackPushV2[T](
    handle: Tensor[Resource], elem: Tensor[T], *, swap_memory: bool = False
) -> Tensor[T]:
    """Puts a tensor on top of a stack and passes it on."""


@op(effect=Host())
def StackPopV2(handle: Tensor[Resource], *, elem_type: Type) -> Returns(elem=Tensor["elem_type"]):
    """Takes the tensor on top of a stack."""


@op(effect=Host())
def StackCloseV2(handle: Tensor[Resource]) -> None:
    """Empties a stack."""


@StackV2.shape
def _(max_size: Any) -> Any:
    return [2]


@StackV2.run
def _(max_size: Any) -> Any:
    return Stack(int(max_size))


@StackPushV2.shape
def _(elem: Any) -> Any:
    return elem


@StackPushV2.run
def _(handle: Any, elem: Any) -> Any:
    handle.push(elem)
    return elem


@StackPopV2.run
def _(handle: Any) -> Any:
    return handle.pop()


@StackCloseV2.run
def _(handle: Any) -> Any:
    handle.clear()


for _opdef in (StackV2, StackPushV2, StackPopV2, StackCloseV2):
    _opdef.no_gradient("stacks are part of gradients themselves")
