"""Handles of variables, and what can be asked of them: have they a value, and which."""

import numpy as np

from millstream.base.dtypes import Bool, Int32, Int64
from millstream.base.errors import NotFoundError
from millstream.base.lazy import jnp
from millstream.base.shapes import UNKNOWN, TensorShape
from millstream.ir.spec import (
    Float,
    Host,
    Reads,
    Ref,
    Resource,
    Returns,
    Shape,
    Tensor,
    Type,
    f,
    op,
)
from millstream.ir.spec import (
    Variable as VariableEffect,
)
from millstream.ops.state.checks import shape_behind


@op(effect=VariableEffect())
def VariableV2(*, shape: Shape, dtype: Type, container: str = "", shared_name: str = "") -> Returns(
    ref=Ref["dtype"]
):
    """Holds a variable; its output is a mutable reference to the variable's value."""


@op(effect=VariableEffect())
def Variable(*, shape: Shape, dtype: Type, container: str = "", shared_name: str = "") -> Returns(
    ref=Ref["dtype"]
):
    """Is `VariableV2` in graphs of before TF 0.12; a scalar shape may mean an unknown one."""


@op(effect=VariableEffect())
def VarHandleOp(
    *, container: str = "", shared_name: str = "", dtype: Type, shape: Shape
) -> Returns(resource=Tensor[Resource]):
    """Gives the handle of a resource variable."""


@op(effect=VariableEffect())
def TemporaryVariable(*, shape: Shape, dtype: Type, var_name: str = "") -> Returns(
    ref=Ref["dtype"]
):
    """Holds a variable that lives until `DestroyTemporaryVariable` takes its value."""


@VariableV2.shape
def _(shape):
    return shape


@Variable.shape
def _(shape):
    return UNKNOWN if shape.ndims == 0 else shape


@TemporaryVariable.shape
def _(shape):
    return shape


VarHandleOp.shape_scalar()

for _handle in (VariableV2, Variable, VarHandleOp, TemporaryVariable):
    _handle.no_gradient("it has no inputs")


@op(effect=Reads("ref"))
def DestroyTemporaryVariable[T](ref: Ref[T], *, var_name: str) -> Returns(value=Tensor[T]):
    """Gives the last value of a temporary variable."""


@DestroyTemporaryVariable.kernel
@DestroyTemporaryVariable.reference
def _(ref):
    return ref


DestroyTemporaryVariable.shape_unchanged()
DestroyTemporaryVariable.no_gradient("its value is the result of assignments")
DestroyTemporaryVariable.examples(f[2, 3], var_name="t")


# -- initialised or not


@op(effect=Host())
def IsVariableInitialized[dtype](ref: Ref[dtype]) -> Returns(is_initialized=Tensor[Bool]):
    """Tells whether a variable has a value."""


@IsVariableInitialized.run
def _(ref):
    return np.bool_(ref.value is not None)


@op(effect=Host())
def VarIsInitializedOp(resource: Tensor[Resource]) -> Returns(is_initialized=Tensor[Bool]):
    """Tells whether the variable behind a handle has a value."""


@VarIsInitializedOp.run
def _(resource):
    return np.bool_(resource.value is not None)


@op(effect=Host())
def DestroyResourceOp(resource: Tensor[Resource], *, ignore_lookup_error: bool = True) -> None:
    """Takes away the value of the variable behind a handle, and the memory it needs."""


@DestroyResourceOp.run
def _(resource, ctx, ignore_lookup_error):
    had_value = ctx.resources.clear_cell(resource.key)
    if not had_value and not ignore_lookup_error:
        raise NotFoundError(None, None, f"Resource {resource.key[-1]} does not exist.")


IsVariableInitialized.shape_scalar()
VarIsInitializedOp.shape_scalar()
for _question in (IsVariableInitialized, VarIsInitializedOp, DestroyResourceOp):
    _question.no_gradient("it does not depend on the variable's value")


# -- reading


@op(effect=Reads("resource"))
def ReadVariableOp(resource: Tensor[Resource], *, dtype: Type) -> Returns(value=Tensor["dtype"]):
    """Gives the value of the variable behind a handle."""


@ReadVariableOp.shape
def _(resource_handle, dtype):
    if resource_handle is None:
        return UNKNOWN
    shape, found = resource_handle
    if found is not dtype:
        raise ValueError(
            f"Trying to read variable with wrong dtype. Expected {found.name} got {dtype.name}"
        )
    return shape


@ReadVariableOp.kernel
@ReadVariableOp.reference
def _(resource):
    return resource


@ReadVariableOp.gradient
def _(node, dy):
    return dy


ReadVariableOp.examples(f[2, 3], dtype=Float)


@op(effect=Reads("input"), defaults={"out_type": Int32})
def VariableShape[out_type: (Int32, Int64)](
    input: Tensor[Resource],
) -> Tensor[out_type]:
    """Gives the shape of the variable behind a handle."""


@VariableShape.shape
def _(input_handle):
    return TensorShape([shape_behind(input_handle).ndims])


@VariableShape.kernel
def _(input, out_type):
    return jnp.array(input.shape, out_type.np)


@VariableShape.reference
def _(input, out_type):
    return np.array(input.shape, out_type.np)


VariableShape.no_gradient("a shape does not depend on values")
VariableShape.examples(f[2, 3])
