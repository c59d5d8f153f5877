"""Updates of variables by gradients: `ApplyAdam` and its kin, dense and sparse, ref and resource.

One row of the table makes up to four ops. A sparse op is given the rows of a gradient that are not
zero, and their indices; it touches those rows of the variable and its slots, and no others.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from millstream.base.dtypes import Floating, Int32, Int64, Number, resource
from millstream.base.lazy import jnp
from millstream.ir import registry
from millstream.ir.opdef import ArgSpec, AttrSpec, OpDef, Writes
from millstream.ir.spec import f, pos
from millstream.ops.state import formulas
from millstream.ops.state.checks import (
    invalid,
    merged,
    merged_all,
    require_rank,
    shape_behind,
    spell,
)
from millstream.ops.state.order import (
    apply_in_waves,
    skipped_index,
    waves,
    without_skipped,
)
from millstream.ops.state.rules import named

_GRADIENTS = ("grad", "delta")


class _Row(NamedTuple):
    """One optimizer.

    Attributes:
      name: what stands behind `Apply`.
      states: how many of the formula's first parameters are variables.
      formula: its update.
      forms: which ops there are: `d`ense and `s`parse ref ops, `D`ense and `S`parse resource ops.
    """

    name: str
    states: int
    formula: Callable[..., Any]
    forms: str = "dsDS"


_TABLE = (
    _Row("GradientDescent", 1, formulas.gradient_descent, "dD"),
    _Row("Momentum", 2, formulas.momentum),
    _Row("KerasMomentum", 2, formulas.keras_momentum, "DS"),
    _Row("Adagrad", 2, formulas.adagrad),
    _Row("AdagradV2", 2, formulas.adagrad_v2),
    _Row("AdagradDA", 3, formulas.adagrad_da),
    _Row("Adadelta", 3, formulas.adadelta),
    _Row("Adam", 3, formulas.adam, "dD"),
    _Row("AdamWithAmsgrad", 4, formulas.adam_with_amsgrad, "D"),
    _Row("AdaMax", 3, formulas.ada_max, "dD"),
    _Row("RMSProp", 3, formulas.rms_prop),
    _Row("CenteredRMSProp", 4, formulas.centered_rms_prop),
    _Row("Ftrl", 3, formulas.ftrl),
    _Row("FtrlV2", 3, formulas.ftrl_v2),
    _Row("ProximalAdagrad", 2, formulas.proximal_adagrad),
    _Row("ProximalGradientDescent", 1, formulas.proximal_gradient_descent),
    _Row("AddSign", 2, formulas.add_sign, "dD"),
    _Row("PowerSign", 2, formulas.power_sign, "dD"),
)

_ATTRS = ("use_nesterov", "update_slots")


class _Signature:
    """The operands of one op: states, then the others in the formula's order, then attrs."""

    def __init__(self, row: _Row, sparse: bool) -> None:
        self.formula_names = list(inspect.signature(row.formula).parameters)[1:]
        self.states = self.formula_names[: row.states]
        self.attrs = [n for n in self.formula_names if n in _ATTRS]
        others = self.formula_names[row.states : len(self.formula_names) - len(self.attrs)]
        self.gradient = next(n for n in others if n in _GRADIENTS)
        self.operands = others
        if sparse:
            at = others.index(self.gradient)
            self.gradient = "grad"
            self.operands = [*others[:at], "grad", "indices", *others[at + 1 :]]

    @property
    def scalars(self) -> list[str]:
        """The hyperparameters."""
        return [n for n in self.operands if n not in (self.gradient, "indices")]


# -- run-time checks


def _check_states(names: Sequence[str], states: Sequence[Any]) -> None:
    var = states[0]
    for name, state in zip(names[1:], states[1:], strict=True):
        if state.shape != var.shape:
            raise invalid(
                f"{names[0]} and {name} do not have the same shape"
                f"{spell(var.shape)} {spell(state.shape)}"
            )


def _check_scalars(names: Sequence[str], operands: dict[str, Any]) -> None:
    for name in names:
        if operands[name].ndim:
            raise invalid(f"{name} is not a scalar: {spell(operands[name].shape)}")


def _check_dense(name: str, var: Any, grad: Any) -> None:
    if grad.shape != var.shape:
        raise invalid(
            f"var and {name} do not have the same shape{spell(var.shape)} {spell(grad.shape)}"
        )


def _check_sparse(var: Any, grad: Any, indices: Any) -> None:
    if not var.ndim:
        raise invalid("var must be at least 1 dimensional")
    if indices.ndim != 1:
        raise invalid("indices must be one-dimensional")
    if grad.ndim != var.ndim:
        raise invalid(
            f"var and grad do not have the same rank {spell(var.shape)} {spell(grad.shape)}"
        )
    for axis in range(1, var.ndim):
        if grad.shape[axis] != var.shape[axis]:
            raise invalid(f"var and grad must match in dimension {axis}")
    if grad.shape[0] != indices.shape[0]:
        raise invalid("grad must be the same size as indices in the first dimension.")


def _outside_text(indices: Any, size: int) -> str:
    bad = int(np.argmax((indices < 0) | (indices >= size)))
    return f"Index {indices[bad]} at offset {bad} in indices is out of range"


# -- kernels and references


def _update(row: _Row, xp: Any, states: Sequence[Any], operands: dict[str, Any]) -> tuple[Any, ...]:
    """Applies the formula to arrays of equal shape."""
    return row.formula(xp, *states, **operands)


def _dense(row: _Row, signature: _Signature, xp: Any) -> Callable[..., Any]:
    names = [*signature.operands, *signature.attrs]

    def rule(*arrays: Any) -> Any:
        states, operands = arrays[: row.states], dict(zip(names, arrays[row.states :], strict=True))
        _check_states(signature.states, states)
        _check_scalars(signature.scalars, operands)
        _check_dense(signature.gradient, states[0], operands[signature.gradient])
        new = _update(row, xp, states, operands)
        return new if len(new) > 1 else new[0]

    return named(rule, [*signature.states, *names])


def _take_sparse(
    row: _Row, signature: _Signature, arrays: Sequence[Any]
) -> tuple[tuple[Any, ...], Any, Any, Callable[..., Any]]:
    """Checks a sparse op's arrays; returns states, indices, gradient and the update of rows."""
    names = [*signature.operands, *signature.attrs]
    states, operands = arrays[: row.states], dict(zip(names, arrays[row.states :], strict=True))
    _check_states(signature.states, states)
    _check_scalars(signature.scalars, operands)
    grad, indices = operands.pop("grad"), operands.pop("indices")
    _check_sparse(states[0], grad, indices)
    formula_gradient = next(n for n in signature.formula_names if n in _GRADIENTS)

    def update(xp: Any, rows: Sequence[Any], grad_rows: Any) -> tuple[Any, ...]:
        return _update(row, xp, rows, {**operands, formula_gradient: grad_rows})

    return tuple(states), indices, grad, update


def _sparse_kernel(row: _Row, signature: _Signature) -> Callable[..., Any]:
    position = row.states + signature.operands.index("indices")

    def kernel(check: Any, node: Any, *arrays: Any) -> Any:
        states, indices, grad, update = _take_sparse(row, signature, arrays)
        size = states[0].shape[0]
        good = (indices >= 0) & (indices < size)
        skipped = indices == skipped_index(indices.dtype)
        check(jnp.all(good | skipped), partial(_outside_text, size=size), indices)

        def step(tables: Any, at: Any) -> Any:
            new = update(jnp, [t.at[at].get(mode="clip") for t in tables], grad)
            return tuple(
                t.at[at].set(rows, mode="drop") for t, rows in zip(tables, new, strict=True)
            )

        at = jnp.where(good, indices, size)
        are_distinct = node.inputs[position].op.type == "Unique"
        new = step(states, at) if are_distinct else apply_in_waves(step, states, at, size)
        return new if len(new) > 1 else new[0]

    return named(
        kernel, ["check", "node", *signature.states, *signature.operands, *signature.attrs]
    )


def _sparse_reference(row: _Row, signature: _Signature) -> Callable[..., Any]:
    def reference(*arrays: Any) -> Any:
        states, indices, grad, update = _take_sparse(row, signature, arrays)
        size = states[0].shape[0]
        indices, grad = without_skipped(indices, grad)
        if ((indices < 0) | (indices >= size)).any():
            raise invalid(_outside_text(indices, size))
        tables = tuple(state.copy() for state in states)
        for positions in waves(indices):
            at = indices[positions]
            new = update(np, [t[at] for t in tables], grad[positions])
            for table, rows in zip(tables, new, strict=True):
                table[at] = rows
        return tables if len(tables) > 1 else tables[0]

    return named(reference, [*signature.states, *signature.operands, *signature.attrs])


# -- shapes


def _shape_rule(row: _Row, signature: _Signature, sparse: bool, of_ref: bool) -> Callable[..., Any]:
    def rule(*shapes: Any) -> Any:
        states = shapes[: row.states]
        whole = merged_all(states if of_ref else [shape_behind(h) for h in states])
        operands = dict(zip(signature.operands, shapes[row.states :], strict=True))
        for name in signature.scalars:
            require_rank(operands[name], 0)
        gradient = operands[signature.gradient]
        if not sparse:
            return merged(whole, gradient)
        require_rank(operands["indices"], 1)
        if whole.ndims is not None:
            rows = operands["indices"].merge_with([None])
            merged(gradient, rows.concatenate(whole.with_rank_at_least(1)[1:]))
        return whole

    states = signature.states if of_ref else [f"{n}_handle" for n in signature.states]
    return named(rule, [*states, *signature.operands])


# -- declarations


def _operand(name: str) -> ArgSpec:
    if name == "indices":
        return ArgSpec(name, type_attr="Tindices")
    return ArgSpec(name, dtype=Int64) if name == "global_step" else ArgSpec(name, type_attr="T")


def _declare(row: _Row, form: str) -> OpDef:
    sparse, of_ref = form in "sS", form in "ds"
    signature = _Signature(row, sparse)
    states = [
        ArgSpec(n, type_attr="T", is_ref=True) if of_ref else ArgSpec(n, dtype=resource)
        for n in signature.states
    ]
    attrs = [AttrSpec("T", "type", Number, inferred=True)]
    if sparse:
        attrs.append(AttrSpec("Tindices", "type", (Int32, Int64), inferred=True))
    attrs.append(AttrSpec("use_locking", "bool", default=False))
    attrs += [AttrSpec(n, "bool", default=n == "update_slots") for n in signature.attrs]
    opdef = OpDef(
        f"{'' if of_ref else 'Resource'}{'Sparse' * sparse}Apply{row.name}",
        [*states, *(_operand(n) for n in signature.operands)],
        [ArgSpec("out", type_attr="T", is_ref=True)] if of_ref else [],
        attrs,
        effect=Writes(*signature.states, sparse=sparse),
        doc=row.formula.__doc__ or "",
    )
    registry.register(opdef)
    opdef.shape(_shape_rule(row, signature, sparse, of_ref))
    opdef.kernel(_sparse_kernel(row, signature) if sparse else _dense(row, signature, jnp))
    opdef.reference(_sparse_reference(row, signature) if sparse else _dense(row, signature, np))
    opdef.computes(T=Floating)
    opdef.no_gradient("an update of a variable is not a function of its operands")
    opdef.examples(*_example(signature, sparse))
    return opdef


def _example(signature: _Signature, sparse: bool) -> list[Any]:
    """Makes operands: positive slots, hyperparameters between 0 and 1."""
    values: dict[str, Any] = {
        "grad": f[2, 3] if sparse else f[4, 3],
        "delta": f[4, 3],
        "indices": np.array([3, 1], np.int32),
        "global_step": np.int64(3),
        "lr_power": -0.5,
    }
    states = [f[4, 3], *[pos[4, 3]] * (len(signature.states) - 1)]
    return [*states, *(values.get(n, 0.25) for n in signature.operands)]


OPS: dict[str, OpDef] = {}
"""The ops of this module by name; each is also a name of the module."""

for _row in _TABLE:
    for _form in _row.forms:
        _op = _declare(_row, _form)
        OPS[_op.name] = _op
globals().update(OPS)
