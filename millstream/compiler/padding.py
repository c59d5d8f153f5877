"""`Unique` in compiled regions, where it serves to add up the rows of a sparse gradient.

`Unique` gives as many elements as there are different ones; XLA needs to know how many that are.
But where its results only say which rows of a variable to update, it may give as many as it was
given, with markers behind the different ones, which the ops that update rows skip. So the step of
an optimizer with a sparse gradient is compiled once, not for every number of different rows, and
no host node cuts it in two.

    Unique -> y, idx        y: rows to update, markers behind them
    Shape(y)[0] -> n        as many rows as there were indices
    UnsortedSegmentSum(values, idx, n) -> sums, zero for the markers
    SparseApplyAdagrad(…, sums, y)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from millstream.base import dtypes
from millstream.base.lazy import jnp
from millstream.ir.node import Operation
from millstream.ir.opdef import Writes
from millstream.ir.tensor import Tensor
from millstream.ops.state.order import skipped_index
from millstream.rewrite.program import Program

# What may be done to summed rows, row by row, before they reach a variable.
_ROWWISE = frozenset({"Cast", "Identity", "Mul", "Neg", "Square"})
_UPDATES = frozenset({"grad", "updates"})

type _Uses = dict[Tensor, list[tuple[Operation, int]]]


def find_padded(program: Program) -> frozenset[Operation]:
    """Finds the `Unique` nodes of a program that may give markers behind their elements."""
    nodes = [node for node in program.nodes if node.type == "Unique"]
    if not nodes:
        return frozenset()
    uses: _Uses = {}
    for node in program.nodes:
        for position, tensor in enumerate(program.inputs(node)):
            uses.setdefault(tensor, []).append((node, position))
    outside = {program.resolve(t) for t in program.fetches}
    return frozenset(node for node in nodes if _may_be_padded(node, uses, outside))


def _may_be_padded(node: Operation, uses: _Uses, outside: set[Tensor]) -> bool:
    elements, places = node.values()
    if node.inputs[0].dtype.base_dtype not in (dtypes.int32, dtypes.int64):
        return False
    return _is_safe(elements, _uses_of_elements(uses), uses, outside) and _is_safe(
        places, _uses_of_places(uses, outside), uses, outside
    )


def _is_safe(tensor: Tensor, allowed: Any, uses: _Uses, outside: set[Tensor]) -> bool:
    """Tells whether a tensor is not fetched and every use of it is allowed."""
    if tensor in outside:
        return False
    return all(allowed(node, position) for node, position in uses.get(tensor, ()))


def _uses_of_elements(uses: _Uses) -> Any:
    def allowed(node: Operation, position: int) -> bool:
        if node.type == "Shape":
            return all(_counts_segments(n, uses) for n, _ in _consumers(node, uses))
        return _is_row_update(node) and _name_of(node, position) == "indices"

    return allowed


def _counts_segments(node: Operation, uses: _Uses) -> bool:
    if node.type != "StridedSlice":
        return False
    return all(n.type == "UnsortedSegmentSum" and i == 2 for n, i in _consumers(node, uses))


def _uses_of_places(uses: _Uses, outside: set[Tensor]) -> Any:
    def allowed(node: Operation, position: int) -> bool:
        if node.type != "UnsortedSegmentSum" or position != 1:
            return False
        return _rows_reach_variables(node.values()[0], uses, outside)

    return allowed


def _rows_reach_variables(rows: Tensor, uses: _Uses, outside: set[Tensor]) -> bool:
    def allowed(node: Operation, position: int) -> bool:
        if node.type in _ROWWISE:
            return _rows_reach_variables(node.values()[0], uses, outside)
        return _is_row_update(node) and _name_of(node, position) in _UPDATES

    return _is_safe(rows, allowed, uses, outside)


def _consumers(node: Operation, uses: _Uses) -> Iterator[tuple[Operation, int]]:
    for tensor in node.values():
        yield from uses.get(tensor, ())


def _is_row_update(node: Operation) -> bool:
    effect = node.opdef.effect
    names = [arg.name for arg in node.opdef.inputs]
    return isinstance(effect, Writes) and effect.sparse and "indices" in names


def _name_of(node: Operation, position: int) -> str:
    return node.opdef.inputs[position].name


def padded_unique(node: Operation, x: Any) -> tuple[Any, Any]:
    """Is the kernel of a padded `Unique`: the different elements in rising order, then markers."""
    count = x.shape[0]
    out_idx = node.attrs["out_idx"].np
    if not count:
        return x, jnp.zeros(0, out_idx)
    order = jnp.argsort(x, stable=True)
    in_order = x[order]
    begins = jnp.concatenate([jnp.ones(1, bool), in_order[1:] != in_order[:-1]])
    place = jnp.cumsum(begins.astype(out_idx)) - 1
    elements = jnp.full(count, skipped_index(x.dtype), x.dtype).at[place].set(in_order)
    return elements, jnp.zeros(count, out_idx).at[order].set(place)
