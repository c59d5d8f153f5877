"""Gradients of `If`, `Case` and calls: the same choice between the gradients of the branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from millstream.autodiff.bodies import GradientBody, own_body
from millstream.autodiff.reverse import ReversePass, is_differentiable
from millstream.base import dtypes
from millstream.base.shapes import TensorShape
from millstream.ir.composite import IndexedSlices
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.func_graph import FuncGraph
from millstream.ir.function import register
from millstream.ir.node import Operation
from millstream.ir.static_value import handle_data
from millstream.ir.tensor import Tensor
from millstream.ops.array import zeros, zeros_like
from millstream.ops.flow.calling import FakeParam


def backpropagate(
    targets: Sequence[Tensor], seeds: Sequence[Any], sources: Sequence[Tensor]
) -> list[Any]:
    """Returns the gradients of `targets`, weighted by `seeds`, with respect to `sources`."""
    reverse = ReversePass(list(targets), list(sources), [], False, False, None, "")
    for target, seed in zip(targets, seeds):
        reverse.send(target, seed)
    reverse.run()
    return [reverse.total(source) for source in sources]


def dense(gradient: Any) -> Tensor:
    """Returns a gradient as a single tensor."""
    return convert_to_tensor(gradient)


def zeros_for(tensor: Tensor) -> Tensor:
    """Returns a gradient of zeros for a tensor, or for the variable behind a handle.

    Raises:
      ValueError: if the variable's shape is not known.
    """
    if tensor.dtype is not dtypes.resource:
        return zeros_like(tensor)
    data = handle_data(tensor)
    if data is None or not data[0].is_fully_defined():
        raise ValueError(f"The shape of the variable behind '{tensor.name}' is not known.")
    return zeros(data[0], data[1])


def function_attrs(node: Operation) -> list[tuple[str, int | None]]:
    """Lists where the functions of a node's branches stand among its attrs, in order of choice."""
    if "f" in node.attrs:
        return [("f", None)]
    if "branches" in node.attrs:
        return [("branches", i) for i in range(len(node.attrs["branches"]))]
    return [("then_branch", None), ("else_branch", None)]


def branches_gradient(node: Operation, dys: list[Any], wanted: list[bool]) -> list[Any]:
    """Is the gradient rule of nodes that run one of some functions.

    Args:
      node: The node.
      dys: The gradients of its outputs, None where there is none.
      wanted: For each input, whether its gradient is wanted.
    """
    return _Gradient(node, dys, wanted).make()


class _Gradient:
    def __init__(self, node: Operation, dys: list[Any], wanted: list[bool]) -> None:
        self._node = node
        places = function_attrs(node)
        self._offset = 0 if "f" in node.attrs else 1
        self._bodies = [own_body(node, attr, index) for attr, index in places]
        self._targets = [
            i
            for i, dy in enumerate(dys)
            if dy is not None and is_differentiable(node.values()[i].dtype)
        ]
        self._dys = [dense(dys[i]) for i in self._targets]
        self._wanted = [i - self._offset for i, w in enumerate(wanted) if w and i >= self._offset]

    def make(self) -> list[Any]:
        node = self._node
        grads = [self._differentiate(body) for body in self._bodies]
        found = [g.found for g in grads]
        used = [k for k in range(len(self._wanted)) if any(f[k] is not None for f in found)]
        result: list[Any] = [None] * len(node.inputs)
        if not used:
            return result
        for body in grads:
            self._complete(body, used)
        outputs = self._call(grads)
        for k, output in zip(used, outputs):
            result[self._wanted[k] + self._offset] = output
        return result

    def _differentiate(self, forward: FuncGraph) -> _Branch:
        body = _Branch(forward, self._node, self._node.inputs[self._offset :])
        with body.as_default():
            seeds = [body.capture(dy) for dy in self._dys]
            targets = [forward.outputs[i] for i in self._targets]
            sources = [forward.inputs[i] for i in self._wanted]
            body.found = backpropagate(targets, seeds, sources)
        return body

    def _complete(self, body: _Branch, used: list[int]) -> None:
        """Makes the outputs that all branches return."""
        assert body.forward is not None
        with body.as_default():
            for k in used:
                found = body.found[k]
                if found is None:
                    found = zeros_for(body.capture(body.forward.inputs[self._wanted[k]]))
                body.outputs.append(body.capture(dense(found)))

    def _call(self, grads: list[_Branch]) -> list[Tensor]:
        node = self._node
        captured = list(dict.fromkeys(t for g in grads for t in g.captures))
        saves = [(g, t) for g in grads for t in g.saved]
        kept = [self._keep(g, t) for g, t in saves]
        for body in grads:
            inputs = [body.capture(t) for t in captured]
            inputs += [
                body.saved[t]
                if g is body
                else body.add_input(t.dtype.base_dtype, t.shape, "unused.")
                for g, t in saves
            ]
            body.inputs[:] = inputs
        attrs = self._attrs(grads)
        inputs = [*node.inputs[: self._offset], *captured, *kept]
        attrs["Tin"] = tuple(t.dtype.base_dtype for t in inputs[self._offset :])
        graph = get_default_graph()
        types = attrs["Tout"]
        call = graph.create_node(node.opdef, inputs, attrs, types, node.type)
        for body in grads:
            body.caller = call
        for output, shape in zip(call.values(), self._shapes(grads)):
            output._shape = shape
        return list(call.values())

    def _keep(self, body: _Branch, tensor: Tensor) -> Tensor:
        """Returns the forward node's output that holds a tensor of one branch."""
        forward, node = body.forward, self._node
        assert forward is not None
        place = forward.saved_at.get(tensor)
        if place is not None:
            return node.values()[place]
        place = forward.saved_at[tensor] = len(node.values())
        dtype = tensor.dtype.base_dtype
        for other in self._bodies:
            if other is forward:
                other.outputs.append(tensor)
                continue
            with other.as_default(), other.control_dependencies(None):
                other.outputs.append(FakeParam(dtype=dtype, shape=tensor.shape))
        (made,) = node.add_outputs([dtype])
        made._shape = tensor.shape
        node.attrs["Tout"] = (*node.attrs["Tout"], dtype)
        if node.attrs.get("output_shapes"):
            node.attrs["output_shapes"] = (*node.attrs["output_shapes"], tensor.shape)
        return made

    def _attrs(self, grads: list[_Branch]) -> dict[str, Any]:
        attrs = dict(self._node.attrs)
        attrs["Tout"] = tuple(t.dtype.base_dtype for t in grads[0].outputs)
        if "output_shapes" in attrs:
            attrs["output_shapes"] = tuple(self._shapes(grads))
        refs = [register(g) for g in grads]
        if "branches" in attrs:
            attrs["branches"] = tuple(refs)
        else:
            for (attr, _), ref in zip(function_attrs(self._node), refs):
                attrs[attr] = ref
        return attrs

    def _shapes(self, grads: list[_Branch]) -> list[TensorShape]:
        shapes = [t.shape for t in grads[0].outputs]
        for other in grads[1:]:
            shapes = [
                a.most_specific_compatible_shape(b.shape) for a, b in zip(shapes, other.outputs)
            ]
        return shapes


class _Branch(GradientBody):
    """The body of the gradient of one branch.

    Attributes:
      found: The gradients of the inputs that are wanted, None where there is none.
    """

    found: list[Any]


def slices_or_dense(gradient: Any) -> Any:
    """Returns a gradient as it is if it is of some rows alone."""
    return gradient if isinstance(gradient, IndexedSlices) else dense(gradient)
