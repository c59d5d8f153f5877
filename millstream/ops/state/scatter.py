"""Updates of some rows of a variable: `ScatterAdd` and its kin, on refs and on resource handles."""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.base.dtypes import (
    BFloat16,
    Double,
    DType,
    Float,
    Half,
    Int32,
    Int64,
    Number,
    resource,
)
from millstream.base.lazy import jnp, lax
from millstream.base.shapes import TensorShape
from millstream.ir import registry
from millstream.ir.opdef import ArgSpec, AttrSpec, OpDef, Writes
from millstream.ir.spec import f, pos
from millstream.ops.state.checks import (
    check_in_range,
    invalid,
    merged,
    require_in_range,
    shape_behind,
    spell,
)
from millstream.ops.state.order import apply_in_waves, waves, without_skipped
from millstream.ops.state.rules import named

_COMPARED = (Half, BFloat16, Float, Double, Int32, Int64)


# -- kernels and references: (rows of) the state, indices, updates -> the state


def _require_shapes(state: Any, indices: Any, updates: Any) -> None:
    if updates.shape not in ((), indices.shape + state.shape[1:]):
        raise invalid(
            "Must have updates.shape = indices.shape + params.shape[1:] or updates.shape = [], got "
            f"updates.shape {spell(updates.shape)}, indices.shape {spell(indices.shape)}, "
            f"params.shape {spell(state.shape)}"
        )


def _divided(x: Any, y: Any) -> Any:
    return lax.div(x, y)  # truncates integers, as C++ does


def _divide_rows(state: Any, indices: Any, updates: Any) -> Any:
    """Divides in waves, since what XLA could divide at once is a table of products."""
    updates = jnp.broadcast_to(updates, indices.shape + state.shape[1:])
    rows = updates.reshape((-1, *state.shape[1:]))

    def step(states: Any, at: Any) -> Any:
        (table,) = states
        return (table.at[at].set(_divided(table.at[at].get(mode="clip"), rows), mode="drop"),)

    return apply_in_waves(step, (state,), indices.reshape(-1), state.shape[0])[0]


_KERNELS: dict[str, Any] = {
    "Update": lambda s, i, u: s.at[i].set(u, mode="drop"),
    "Add": lambda s, i, u: s.at[i].add(u, mode="drop"),
    "Sub": lambda s, i, u: s.at[i].add(-u, mode="drop"),
    "Mul": lambda s, i, u: s.at[i].multiply(u, mode="drop"),
    "Div": _divide_rows,
    "Min": lambda s, i, u: s.at[i].min(u, mode="drop"),
    "Max": lambda s, i, u: s.at[i].max(u, mode="drop"),
}


def _assign_at(state: Any, indices: Any, updates: Any) -> None:
    state[indices] = updates


def _divide_at(state: Any, indices: Any, updates: Any) -> None:
    rows = np.broadcast_to(updates, indices.shape + state.shape[1:])
    rows, flat = rows.reshape((-1, *state.shape[1:])), indices.ravel()
    for positions in waves(flat):
        quotient = state[flat[positions]] / rows[positions]
        state[flat[positions]] = np.trunc(quotient) if state.dtype.kind in "iu" else quotient


_REFERENCES: dict[str, Any] = {
    "Update": _assign_at,
    "Add": np.add.at,
    "Sub": np.subtract.at,
    "Mul": np.multiply.at,
    "Div": _divide_at,
    "Min": np.minimum.at,
    "Max": np.maximum.at,
}


def _kernel(compute: Any) -> Any:
    def kernel(check: Any, state: Any, indices: Any, updates: Any) -> Any:
        _require_shapes(state, indices, updates)
        return compute(state, check_in_range(check, indices, state.shape[0]), updates)

    return kernel


def _reference(compute: Any) -> Any:
    def reference(state: Any, indices: Any, updates: Any) -> Any:
        _require_shapes(state, indices, updates)
        indices, updates = without_skipped(indices, updates)
        require_in_range(indices, state.shape[0])
        state = state.copy()
        compute(state, indices, updates)
        return state

    return reference


# -- shapes


def _check_updates(state: TensorShape, indices: TensorShape, updates: TensorShape) -> TensorShape:
    if updates.ndims != 0 and state.ndims is not None:
        merged(updates, indices.concatenate(state.with_rank_at_least(1)[1:]))
    return state


def _check_resource_updates(handle: Any, indices: TensorShape, updates: TensorShape) -> None:
    _check_updates(shape_behind(handle), indices, updates)


# -- the table


def _declare(name: str, kind: str, types: tuple[DType, ...] | None, locking: bool) -> OpDef:
    """Declares `Scatter<kind>`, whose first input is a ref called `ref`."""
    return OpDef(
        name,
        [
            ArgSpec("ref", type_attr="T", is_ref=True),
            ArgSpec("indices", type_attr="Tindices"),
            ArgSpec("updates", type_attr="T"),
        ],
        [ArgSpec("output_ref", type_attr="T", is_ref=True)],
        [
            AttrSpec("T", "type", types, inferred=True),
            AttrSpec("Tindices", "type", (Int32, Int64), inferred=True),
            AttrSpec("use_locking", "bool", default=locking),
        ],
        effect=Writes("ref", sparse=True),
        doc=_DOCS[kind],
    )


def _declare_resource(name: str, kind: str, types: tuple[DType, ...] | None) -> OpDef:
    """Declares `ResourceScatter<kind>`, whose first input is a handle called `resource`."""
    return OpDef(
        name,
        [
            ArgSpec("resource", dtype=resource),
            ArgSpec("indices", type_attr="Tindices"),
            ArgSpec("updates", type_attr="dtype"),
        ],
        [],
        [
            AttrSpec("dtype", "type", types, inferred=True),
            AttrSpec("Tindices", "type", (Int32, Int64), inferred=True),
        ],
        effect=Writes("resource", sparse=True),
        doc=_DOCS[kind],
    )


_DOCS = {
    "Update": "Replaces the rows at `indices`; of a repeated index the last row stays.",
    "Add": "Adds to the rows at `indices`.",
    "Sub": "Subtracts from the rows at `indices`.",
    "Mul": "Multiplies the rows at `indices`.",
    "Div": "Divides the rows at `indices`.",
    "Min": "Lowers the rows at `indices` to the updates where these are smaller.",
    "Max": "Raises the rows at `indices` to the updates where these are larger.",
}


def _hang_rules(opdef: OpDef, kind: str, state: str) -> OpDef:
    registry.register(opdef)
    opdef.kernel(named(_kernel(_KERNELS[kind]), ("check", state, "indices", "updates")))
    opdef.reference(named(_reference(_REFERENCES[kind]), (state, "indices", "updates")))
    opdef.no_gradient("an assignment is not a function of its operands")
    opdef.examples(f[4, 3], np.array([0, 2], np.int32), f[2, 3])
    opdef.examples(f[4, 3], np.array([[0, 2, 0]], np.int64), pos[1, 3, 3])
    opdef.examples(f[4], np.array(2, np.int32), f[()] + 3.0)
    return opdef


def _make_ref(kind: str) -> OpDef:
    types = {"Update": None, "Min": _COMPARED, "Max": _COMPARED}.get(kind, Number)
    opdef = _declare(f"Scatter{kind}", kind, types, locking=kind == "Update")
    opdef.shape(named(_check_updates, ("ref", "indices", "updates")))
    return _hang_rules(opdef, kind, "ref")


def _make_resource(kind: str) -> OpDef:
    opdef = _declare_resource(f"ResourceScatter{kind}", kind, None if kind == "Update" else Number)
    opdef.shape(named(_check_resource_updates, ("resource_handle", "indices", "updates")))
    return _hang_rules(opdef, kind, "resource")


ScatterUpdate, ScatterAdd, ScatterSub, ScatterMul, ScatterDiv, ScatterMin, ScatterMax = map(
    _make_ref, _KERNELS
)
(
    ResourceScatterUpdate,
    ResourceScatterAdd,
    ResourceScatterSub,
    ResourceScatterMul,
    ResourceScatterDiv,
    ResourceScatterMin,
    ResourceScatterMax,
) = map(_make_resource, _KERNELS)
