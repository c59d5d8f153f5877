"""Static inputs: tensors whose value must be known when a region is compiled, such as new shapes.

While a region is traced, a value is either concrete (constants, shapes of traced arrays, anything
computed from these alone) or traced. What a static input depends on is found out while planning: if
it leads back to constants, shapes, feeds and results of host nodes only, the node can be compiled,
and those feeds and results become part of the executable's identity, by value. Otherwise the node
runs on the host.
"""

from __future__ import annotations

from collections.abc import Iterable

from millstream.compiler.buffer_values import maker_of
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor
from millstream.rewrite.fold import SHAPE_OPS
from millstream.rewrite.program import Program

type Leaves = frozenset[Tensor]

MOST_ELEMENTS = 1024
"""A tensor larger than this is never made part of an executable's identity."""

_NONE: Leaves = frozenset()


class StaticAnalysis:
    """Tells, for tensors visited in topological order, which outside values spell their value."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._leaves: dict[Tensor, Leaves] = {}

    def leaves(self, tensor: Tensor) -> Leaves | None:
        """Gives the feeds and host results that a tensor's value follows from, or None."""
        if tensor in self._program.values:
            return _NONE
        if tensor in self._program.fed:
            return frozenset((tensor,)) if _may_be_small(tensor) else None
        return self._leaves.get(tensor)

    def needed_by(self, node: Operation) -> Leaves | None:
        """Gives what must be known to compile a node, or None if that cannot be known."""
        return self._union(self._static_inputs(node)) if node.opdef.static else _NONE

    def _static_inputs(self, node: Operation) -> list[Tensor]:
        names = node.opdef.static_names(node)
        tensors = self._program.inputs(node)
        wanted: list[Tensor] = []
        for arg, (start, stop) in zip(node.opdef.inputs, node.opdef.input_spans(node)):
            if arg.name in names:
                wanted += tensors[start:stop]
        return wanted

    def crossing(self, nodes: Iterable[Operation]) -> Leaves:
        """Gives the tensors from other regions that static inputs of a region's nodes follow from.

        Within one region a shape is concrete while it is traced; from another it is an array.
        """
        members = set(nodes)
        stack = [t for n in members if n.opdef.static for t in self._static_inputs(n)]
        seen: set[Tensor] = set()
        found: set[Tensor] = set()
        while stack:
            tensor = stack.pop()
            if tensor in seen or tensor in self._program.values or tensor in self._program.fed:
                continue
            seen.add(tensor)
            if tensor.op not in members:
                found.add(tensor)
            elif tensor.op.type == "TensorArraySizeV3":
                size = self._size_given(tensor.op)
                stack += [] if size is None else [size]
            elif tensor.op.type not in SHAPE_OPS:
                stack += self._program.inputs(tensor.op)
        return frozenset(found)

    def note_host(self, node: Operation) -> None:
        """Records a node that runs on the host: its results are concrete afterwards."""
        for tensor in node.values():
            if _may_be_small(tensor) and not tensor.dtype.is_ref:
                self._leaves[tensor] = frozenset((tensor,))

    def note_numeric(self, node: Operation) -> None:
        """Records a node of a region: its results are concrete if all that they follow from is."""
        if node.type in SHAPE_OPS:
            self._leaves.update((t, _NONE) for t in node.values())
            return
        opdef = node.opdef
        if node.type == "TensorArraySizeV3":
            self._note_array_size(node)
        if opdef.effect is not None or opdef.stateful or not opdef.reference:
            return
        if not all(_may_be_small(t) for t in node.values()):
            return
        tensors = self._program.inputs(node)
        found = None if any(t.dtype.is_ref for t in tensors) else self._union(tensors)
        if found is not None:
            self._leaves.update((t, found) for t in node.values())

    def _note_array_size(self, node: Operation) -> None:
        """Records that an array of fixed size has the size that it was made with."""
        size = self._size_given(node)
        found = None if size is None else self.leaves(size)
        if found is not None:
            self._leaves[node.values()[0]] = found

    def _size_given(self, node: Operation) -> Tensor | None:
        maker = maker_of(self._program.inputs(node)[0])
        if maker is None or maker.attrs["dynamic_size"]:
            return None
        return self._program.inputs(maker)[0]

    def _union(self, tensors: list[Tensor]) -> Leaves | None:
        result = _NONE
        for tensor in tensors:
            leaves = self.leaves(tensor)
            if leaves is None:
                return None
            if leaves:
                result = result | leaves
        return result


def _may_be_small(tensor: Tensor) -> bool:
    size = tensor.shape.num_elements()
    if size is not None:
        return size <= MOST_ELEMENTS
    return tensor.shape.ndims in (None, 1)
