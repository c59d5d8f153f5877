"""Updates of rows of variables, of either kind, in one vocabulary."""

from millstream.ir.scopes import control_dependencies
from millstream.ops.array import gather
from millstream.ops.state.scatter import (
    ResourceScatterAdd,
    ResourceScatterSub,
    ResourceScatterUpdate,
)
from millstream.state.assignments import scatter_add, scatter_sub, scatter_update
from millstream.train.saveable import is_resource

_BY_REF = {"add": scatter_add, "sub": scatter_sub, "update": scatter_update}
_BY_HANDLE = {
    "add": ResourceScatterAdd, "sub": ResourceScatterSub, "update": ResourceScatterUpdate,
}  # fmt: skip


def scatter(kind, variable, indices, rows, use_locking=False):
    """Adds, subtracts or sets rows; returns the variable's value afterwards."""
    if not is_resource(variable):
        return _BY_REF[kind](variable, indices, rows, use_locking=use_locking)
    with control_dependencies([_BY_HANDLE[kind](variable.handle, indices, rows)]):
        return variable.value()


def rows_of(variable, indices):
    """Returns rows of a variable's value."""
    return gather(variable, indices)
