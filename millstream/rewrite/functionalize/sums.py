"""Sums over the iterations of a gradient's loop, taken at once behind it.

The loop adds a product of two matrices, or a sum of rows, to the gradient of a weight in every
iteration. One product of what all iterations multiply gives the same, and reads and writes the
gradient once (see `millstream.autodiff.batching`, which does it for loops of our own).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from millstream.ir import registry
from millstream.ir.func_graph import FuncGraph
from millstream.ir.graph import Graph
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor
from millstream.ops.flow.calling import LoopRows

_ADDITIONS = frozenset({"Add", "AddV2"})


class Sum:
    """A loop variable that only adds up.

    Attributes:
      factors: What an iteration computes the addend of, tensors of the body.
    """

    def __init__(self, node: Operation) -> None:
        self._node = node
        self.factors = node.inputs

    def total(self, graph: Graph, start: Tensor, arrays: Sequence[Tensor]) -> Tensor:
        """Adds the nodes that give the sum, of the factors of all iterations."""
        rows = [_add(graph, LoopRows, [a], {"T": a.dtype.base_dtype}) for a in arrays]
        node = self._node
        added = _add(graph, node.opdef, rows, dict(node.attrs))
        return _add(graph, registry.get("AddV2"), [start, added], {"T": start.dtype.base_dtype})


def _add(graph: Graph, opdef: object, inputs: list[Tensor], attrs: dict[str, object]) -> Tensor:
    types = (inputs[0].dtype.base_dtype,)
    name = graph.unique_name("total") + "/"
    return graph.create_node(opdef, inputs, attrs, types, name).values()[0]  # type: ignore[arg-type]


def find_sum(
    body: FuncGraph, argument: Tensor, result: Tensor, is_inner: Callable[[Tensor], bool]
) -> Sum | None:
    """Finds out whether a loop variable only adds up products or rows.

    Args:
      body: The loop's body.
      argument: The variable.
      result: Its next value.
      is_inner: Tells whether a tensor is computed in the body, or taken from an array.
    """
    addition = result.op
    if addition.graph is not body or addition.type not in _ADDITIONS:
        return None
    others = [t for t in addition.inputs if t is not argument]
    if len(others) != 1 or set(argument.consumers()) != {addition}:
        return None
    addend = others[0]
    while addend.op.type == "Identity":
        addend = addend.op.inputs[0]
    node = addend.op
    product = node.type == "MatMul" and node.attrs["transpose_a"] and not node.attrs["transpose_b"]
    rows = node.type == "BiasAddGrad" and node.attrs["data_format"] == "NHWC"
    if not (product or rows) or not all(map(is_inner, node.inputs)):
        return None
    return Sum(node)
