"""Assignments of whole variables: `Assign`, `AssignAdd`, `CountUpTo` and their resource forms."""

import operator

import numpy as np

from millstream.base.dtypes import Int32, Int64, Number
from millstream.base.errors import OutOfRangeError
from millstream.base.lazy import lax
from millstream.ir import static_value
from millstream.ir.spec import Ref, Resource, Returns, Tensor, Type, Writes, f, op
from millstream.ops.state.checks import invalid, merged, shape_behind, spell
from millstream.ops.state.rules import named

_NO_GRADIENT = "an assignment is not a function of its operands"


# -- replace the value


@op(effect=Writes("ref", initial=True))
def Assign[T](
    ref: Ref[T], value: Tensor[T], *, validate_shape: bool = True, use_locking: bool = True
) -> Returns(output_ref=Ref[T]):
    """Gives a variable a new value; with `validate_shape` one of the variable's own shape."""


@Assign.shape
def _(ref, value, validate_shape):
    return merged(ref, value) if validate_shape else value


def _require_shape(declared, value):
    if not declared.is_compatible_with(value.shape):
        raise invalid(
            "Assign requires shapes of both tensors to match. "
            f"lhs shape= {spell(declared)} rhs shape= {spell(value.shape)}"
        )


@Assign.kernel
@Assign.reference
def _(value, node, validate_shape):
    if validate_shape:
        _require_shape(node.inputs[0].shape, value)
    return value


@op(effect=Writes("resource", initial=True))
def AssignVariableOp[dtype](resource: Tensor[Resource], value: Tensor[dtype]) -> None:
    """Gives the variable behind a handle a new value."""


@AssignVariableOp.shape
def _(resource_handle, value):
    merged(shape_behind(resource_handle), value)


@AssignVariableOp.kernel
@AssignVariableOp.reference
def _(value, node):
    _require_shape(shape_behind(static_value.handle_data(node.inputs[0])), value)
    return value


Assign.no_gradient(_NO_GRADIENT)
AssignVariableOp.no_gradient(_NO_GRADIENT)
Assign.examples(f[2, 3], f[2, 3])
AssignVariableOp.examples(f[2, 3], f[2, 3])
Assign.fails("Shapes must be equal rank", f[2, 3], f[3])


# -- add to and subtract from the value


@op(effect=Writes("ref"))
def AssignAdd[T: Number](ref: Ref[T], value: Tensor[T], *, use_locking: bool = False) -> Returns(
    output_ref=Ref[T]
):
    """Adds to a variable."""


@op(effect=Writes("ref"))
def AssignSub[T: Number](ref: Ref[T], value: Tensor[T], *, use_locking: bool = False) -> Returns(
    output_ref=Ref[T]
):
    """Subtracts from a variable."""


@op(effect=Writes("resource"))
def AssignAddVariableOp[dtype](resource: Tensor[Resource], value: Tensor[dtype]) -> None:
    """Adds to the variable behind a handle."""


@op(effect=Writes("resource"))
def AssignSubVariableOp[dtype](resource: Tensor[Resource], value: Tensor[dtype]) -> None:
    """Subtracts from the variable behind a handle."""


def _other_size(state, value):
    return invalid("Parameters and update must be the same size")


def _other_shape(state, value):
    return invalid(
        f"Cannot update variable with shape {spell(state.shape)} using a Tensor with shape "
        f"{spell(value.shape)}, shapes must be equal."
    )


def _updater(misfit, compute):
    def update(state, value):
        if state.shape != value.shape:
            raise misfit(state, value)
        return compute(state, value)

    return update


_UPDATES = (
    # op, name of the state, check, kernel, reference
    (AssignAdd, "ref", _other_size, lambda a, b: lax.add(a, b), operator.add),
    (AssignSub, "ref", _other_size, lambda a, b: lax.sub(a, b), operator.sub),
    (AssignAddVariableOp, "resource", _other_shape, lambda a, b: lax.add(a, b), operator.add),
    (AssignSubVariableOp, "resource", _other_shape, lambda a, b: lax.sub(a, b), operator.sub),
)

for _op, _state, _misfit, _kernel, _reference in _UPDATES:
    _op.kernel(named(_updater(_misfit, _kernel), (_state, "value")))
    _op.reference(named(_updater(_misfit, _reference), (_state, "value")))
    _op.no_gradient(_NO_GRADIENT)
    _op.examples(f[2, 3], f[2, 3])

for _op in (AssignAdd, AssignSub):
    _op.shape(lambda ref, value: merged(ref, value))
for _op in (AssignAddVariableOp, AssignSubVariableOp):
    _op.shape(AssignVariableOp.shape_rule.fn)


# -- count up


@op(effect=Writes("ref"))
def CountUpTo[T: (Int32, Int64)](ref: Ref[T], *, limit: int) -> Tensor[T]:
    """Gives a variable's value and adds one to it; ends the step once `limit` is reached."""


@op(effect=Writes("resource"))
def ResourceCountUpTo(
    resource: Tensor[Resource], *, limit: int, T: Type[Int32, Int64]
) -> Tensor["T"]:
    """Gives the value of the variable behind a handle and adds one to it, up to `limit`."""


def _refuse(limit):
    raise OutOfRangeError(None, None, f"Reached limit of {limit}")


def _count_kernel(check, state, limit):
    check(state < limit, lambda: _refuse(limit))
    return state + state.dtype.type(1), state


def _count_reference(state, limit):
    if state >= limit:
        _refuse(limit)
    return state + state.dtype.type(1), state


for _op, _state in ((CountUpTo, "ref"), (ResourceCountUpTo, "resource")):
    _op.kernel(named(_count_kernel, ("check", _state, "limit")))
    _op.reference(named(_count_reference, (_state, "limit")))
    _op.shape_scalar()
    _op.no_gradient("integers have no gradient")
CountUpTo.examples(np.int32(2), limit=5)
ResourceCountUpTo.examples(np.array(2, np.int64), limit=5, T=Int64)
