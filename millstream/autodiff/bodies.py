"""Bodies of gradients: functions that look into the body that they are the gradient of.

`GradientBody` is the body of the gradient of a branch or of a loop's body, the *forward* one. Its
nodes may use tensors of the forward body. What these are inside of it:

- an operand of the forward node that does not change: the operand itself;
- a constant, a view of something (a reshaped value), the handle of a gradient array: made again;
- in a loop, what follows from operands that do not change: computed again, so that a compiler can
  move it out of the loop;
- the contents of a `TensorArray` in a loop: those at the end, which have the same length;
- anything else: *saved*. The forward body returns it, the forward node has one more output (in a
  loop, of all iterations in one array), and the gradient's node takes that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from millstream.base import dtypes
from millstream.ir.copying import copy_body, copy_node
from millstream.ir.func_graph import FuncGraph
from millstream.ir.function import body_of, register, unique_function_name
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor

_VIEWS = frozenset(
    {"Cast", "ExpandDims", "Identity", "Reshape", "Shape", "Size", "Squeeze", "StopGradient"}
)
_HANDLES = frozenset({"TensorArrayGradV2", "TensorArrayGradV3"})
_UNSAVEABLE = frozenset({dtypes.resource, dtypes.string, dtypes.variant})


class GradientBody(FuncGraph):
    """The body of the gradient of another body.

    Attributes:
      forward: The body that it is the gradient of.
      node: The node that runs that.
      operands: For each input of `forward`, the operand that it has whenever it runs, or None.
      finals: For loop values that change, what they are after the loop.
      saved: Tensors of `forward` that are saved, and their placeholders here.
    """

    def __init__(
        self,
        forward: FuncGraph,
        node: Operation,
        operands: Sequence[Tensor | None],
        finals: Sequence[Tensor | None] = (),
    ) -> None:
        super().__init__(unique_function_name(f"{forward.name}_grad"))
        self.forward = forward
        self.node = node
        self.operands = list(operands)
        self.finals = list(finals)
        self.saved: dict[Tensor, Tensor] = {}
        self._position = {t: i for i, t in enumerate(forward.inputs)}
        self._fixed: dict[Tensor, bool] = {}

    def capture(self, tensor: Tensor) -> Tensor:
        """Returns what stands here for a tensor of the forward body or from around this one."""
        if tensor.graph is not self.forward:
            return super().capture(tensor)
        found = self._stands_for.get(tensor)
        if found is None:
            found = self._stands_for[tensor] = self._from_forward(tensor)
        return found

    def _from_forward(self, tensor: Tensor) -> Tensor:
        operand = self._operand(tensor)
        if operand is not None:
            return self.capture(operand)
        final = self._final(tensor)
        if final is not None:
            return self.capture(final)
        node = tensor.op
        if tensor not in self._position and self._is_cheap(tensor):
            return self._again(node, tensor.value_index)
        if tensor.dtype.base_dtype in _UNSAVEABLE:
            raise ValueError(
                f"The gradient of {self.node.type} '{self.node.name}' needs '{tensor.name}', which "
                f"cannot be saved: it is of type {tensor.dtype.name}."
            )
        placeholder = self.add_input(tensor.dtype.base_dtype, tensor.shape, "saved.")
        self.saved[tensor] = placeholder
        return placeholder

    def _operand(self, tensor: Tensor) -> Tensor | None:
        position = self._position.get(tensor)
        return None if position is None else self.operands[position]

    def _is_cheap(self, tensor: Tensor) -> bool:
        node = tensor.op
        if node.type == "Const" or node.type in _HANDLES:
            return True
        if not _is_pure(node):
            return False
        if node.type in _VIEWS:
            return True
        return bool(self.finals) and self._is_fixed(tensor)

    def _is_fixed(self, tensor: Tensor) -> bool:
        """Tells whether a tensor of a loop's body is the same in every iteration."""
        known = self._fixed.get(tensor)
        if known is None:
            position = self._position.get(tensor)
            if position is not None:
                known = self.operands[position] is not None
            else:
                known = _is_pure(tensor.op) and all(map(self._is_fixed, tensor.op.inputs))
            self._fixed[tensor] = known
        return known

    def _again(self, node: Operation, index: int) -> Tensor:
        inputs = [self.capture(t) for t in node.inputs]
        with self._unscoped(), self.as_default():
            copy = copy_node(node, inputs, ())
        self._stands_for.update(zip(node.values(), copy.values()))
        return copy.values()[index]

    def _final(self, tensor: Tensor) -> Tensor | None:
        if not self.finals or not is_contents(tensor):
            return None
        while tensor not in self._position:
            tensor = _before(tensor)
        return self.finals[self._position[tensor]]


def _is_pure(node: Operation) -> bool:
    return node.opdef.effect is None and not node.opdef.stateful and not node.control_inputs


def is_contents(tensor: Tensor) -> bool:
    """Tells whether a tensor is the flow of a `TensorArray`: its contents, no number."""
    if tensor.dtype.base_dtype is not dtypes.float32 or tensor.shape.ndims not in (0, None):
        return False
    if _argument(tensor.op.opdef.outputs, tensor.value_index, tensor.op).startswith("flow"):
        return True
    for node in tensor.consumers():
        for index, taken in enumerate(node.inputs):
            if taken is tensor and _argument_in(node, index) == "flow_in":
                return True
    return False


def _argument(args: Any, index: int, node: Operation) -> str:
    for arg, (start, stop) in zip(args, node.opdef.output_spans(node)):
        if start <= index < stop:
            return arg.name
    return ""


def _argument_in(node: Operation, index: int) -> str:
    for arg, (start, stop) in zip(node.opdef.inputs, node.opdef.input_spans(node)):
        if start <= index < stop:
            return arg.name
    return ""


def _before(tensor: Tensor) -> Tensor:
    """Gives the contents that an operation on a `TensorArray` made new contents of."""
    node = tensor.op
    for index, taken in enumerate(node.inputs):
        if node.type in ("Identity",) or _argument_in(node, index) == "flow_in":
            return taken
    raise ValueError(f"Cannot tell which TensorArray '{tensor.name}' belongs to.")


def own_body(node: Operation, attr: str, index: int | None = None) -> FuncGraph:
    """Returns a body that `node` runs and that is its alone, so that it can be changed.

    Args:
      node: The node.
      attr: The attr that names the function.
      index: Which one of a list of functions.
    """
    value = node.attrs[attr]
    ref = value if index is None else value[index]
    body = body_of(node.graph, ref)
    if body.caller is node:
        return body
    body = copy_body(body)  # other nodes may run the function too
    made: Any = register(body)
    if index is not None:
        made = (*value[:index], made, *value[index + 1 :])
    node.attrs[attr] = made
    body.caller = node
    return body
