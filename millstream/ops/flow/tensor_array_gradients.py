"""Gradients of TensorArray ops: those of elements live in an array of the same indices, which is
named after the `gradients` scope that asks for them.
"""

from __future__ import annotations

from typing import Any

from millstream.ir.default import get_default_graph
from millstream.ir.opdef import OpDef
from millstream.ir.scopes import name_scope
from millstream.ops.array.identities import Identity


def gradient_source(tensor: Any) -> str:
    """Gives the name of the gradient array that a gradient belongs to: its `gradients` scope.

    Raises:
      ValueError: If the tensor is not within one.
    """
    parts = tensor.op.name.split("/")
    found = [i for i, part in enumerate(parts) if part.startswith("gradients")]
    if not found:
        raise ValueError(
            "Expected op/tensor name to start with gradients (excluding scope), got: "
            f"{tensor.op.name}. This means that a tf.gradients op with this op in its dependency "
            "path has a custom name that does not start with 'gradients'."
        )
    return "/".join(parts[: found[-1] + 1])


class Family:
    """The ops of one version.

    Args:
      grad: The op that makes gradient arrays.
      write: That which writes one element; the others accordingly.
    """

    def __init__(
        self, grad: OpDef, write: OpDef, read: OpDef, gather: OpDef, scatter: OpDef,
        concat: OpDef, split: OpDef,
    ) -> None:  # fmt: skip
        self.grad, self.write, self.read = grad, write, read
        self.gather, self.scatter = gather, scatter
        self.concat, self.split = concat, split

    def gradient_array(self, handle: Any, flow: Any, dy: Any) -> tuple[Any, Any]:
        """Adds the nodes that TensorFlow adds for `TensorArray.grad`."""
        graph = get_default_graph()
        with name_scope(None, "TensorArrayGrad", [handle]), graph.colocate_with(handle):
            made = self.grad(handle, flow, source=gradient_source(dy))
            handle = made[0] if len(self.grad.outputs) > 1 else made
            with graph.control_dependencies([handle.op]):
                return handle, Identity(flow, name="gradient_flow")

    def register(self) -> None:
        """Hangs the gradient rules on the ops."""
        self.read.gradient(self._of_read)
        self.write.gradient(self._of_write)
        self.gather.gradient(self._of_gather)
        self.scatter.gradient(self._of_scatter)
        self.concat.gradient(self._of_concat)
        self.split.gradient(self._of_split)

    def _of_read(self, node: Any, dy: Any) -> list[Any]:
        handle, index, flow = node.inputs
        array, flow = self.gradient_array(handle, flow, dy)
        with name_scope(None, "TensorArrayWrite", [array, index, dy]):
            return [None, None, self.write(array, index, dy, flow)]

    def _of_write(self, node: Any, dflow: Any) -> list[Any]:
        handle, index, value, _ = node.inputs
        array, flow = self.gradient_array(handle, dflow, dflow)
        dx = self.read(array, index, flow, dtype=node.attrs["T"])
        return [None, None, _shaped_like(dx, value), dflow]

    def _of_gather(self, node: Any, dy: Any) -> list[Any]:
        handle, indices, flow = node.inputs
        array, flow = self.gradient_array(handle, flow, dy)
        with name_scope(None, "TensorArrayScatter", [array, dy, indices]):
            return [None, None, self.scatter(array, indices, dy, flow)]

    def _of_scatter(self, node: Any, dflow: Any) -> list[Any]:
        handle, indices, value, _ = node.inputs
        array, flow = self.gradient_array(handle, dflow, dflow)
        dx = self.gather(array, indices, flow, dtype=node.attrs["T"])
        return [None, None, _shaped_like(dx, value), dflow]

    def _of_concat(self, node: Any, dy: Any, _: Any) -> list[Any]:
        handle, flow = node.inputs
        array, flow = self.gradient_array(handle, flow, dy)
        lengths = node.outputs[1]
        with name_scope(None, "TensorArraySplit", [array, dy, lengths]):
            return [None, self.split(array, dy, lengths, flow)]

    def _of_split(self, node: Any, dflow: Any) -> list[Any]:
        handle, value, _, _ = node.inputs
        array, flow = self.gradient_array(handle, dflow, dflow)
        dx = self.concat(array, flow, dtype=node.attrs["T"])[0]
        return [None, _shaped_like(dx, value), None, dflow]


def _shaped_like(dx: Any, value: Any) -> Any:
    dx.set_shape(value.shape)
    return dx
