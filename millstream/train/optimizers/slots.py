"""Slot variables: a variable beside each trained one, of its shape, on its device."""

from __future__ import annotations

from typing import Any

from millstream.ir.scopes import colocated
from millstream.ir.tensor import Tensor
from millstream.ops import array
from millstream.state.get_variable import get_variable
from millstream.state.initializers import Zeros
from millstream.state.scope import get_variable_scope
from millstream.state.scoping import variable_scope
from millstream.state.slice_info import SaveSliceInfo
from millstream.train.saveable import is_resource


def create_slot(primary: Any, val: Any, name: str, colocate_with_primary: bool = True) -> Any:
    """Makes a slot of `primary` with the initial value `val`, called `<primary>/<name>`."""
    static = val.shape.is_fully_defined()
    scope = variable_scope(None, f"{primary.op.name}/{name}")
    with scope, colocated(primary, colocate_with_primary):
        return _slot(primary, val, static, None, None)


def create_slot_with_initializer(
    primary: Any,
    initializer: Any,
    shape: Any,
    dtype: Any,
    name: str,
    colocate_with_primary: bool = True,
) -> Any:
    """Makes a slot of `primary` of a given shape and dtype, set by `initializer`."""
    static = shape.is_fully_defined()
    scope = variable_scope(None, f"{primary.op.name}/{name}")
    with scope, colocated(primary, colocate_with_primary):
        return _slot(primary, initializer, static, shape if static else None, dtype)


def create_zeros_slot(
    primary: Any, name: str, dtype: Any = None, colocate_with_primary: bool = True
) -> Any:
    """Makes a slot of `primary`, of its shape (and dtype by default), set to zeros."""
    dtype = primary.dtype.base_dtype if dtype is None else dtype
    shape = primary.shape
    if shape.is_fully_defined():
        return create_slot_with_initializer(
            primary, Zeros(), shape, dtype, name, colocate_with_primary
        )
    dynamic = array.shape(primary if isinstance(primary, Tensor) else primary.initialized_value())
    return create_slot(primary, array.zeros(dynamic, dtype), name, colocate_with_primary)


def _slot(primary: Any, initializer: Any, validate_shape: bool, shape: Any, dtype: Any) -> Any:
    scope = get_variable_scope()
    partitioner = scope.partitioner
    scope.set_partitioner(None)
    try:
        slot = get_variable(
            "",
            initializer=initializer,
            trainable=False,
            use_resource=is_resource(primary),
            shape=shape,
            dtype=dtype,
            validate_shape=validate_shape,
        )
    finally:
        scope.set_partitioner(partitioner)
    _share_slice(primary, slot)
    return slot


def _share_slice(primary: Any, slot: Any) -> None:
    """Makes the slot of a part of a partitioned variable a part itself, for checkpoints."""
    info = getattr(primary, "_save_slice_info", None)
    if info is None:
        return
    own = slot.op.name[len(primary.op.name) + 1 :]
    slot._set_save_slice_info(
        SaveSliceInfo(
            f"{info.full_name}/{own}", info.full_shape[:], info.var_offset[:], info.var_shape[:]
        )
    )
