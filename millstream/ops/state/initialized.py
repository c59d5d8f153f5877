"""The value of a variable, or a substitute while it has none."""

import numpy as np

from millstream.ir.spec import Host, Ref, Resource, Returns, Tensor, op
from millstream.ops.state.checks import merged, shape_behind


@op(effect=Host())
def ValueOrDefault[T](ref: Ref[T], default: Tensor[T]) -> Returns(value=Tensor[T]):
    """Gives the value of a variable, or `default` if it is not initialised."""


@op(effect=Host())
def ResourceValueOrDefault[T](resource: Tensor[Resource], default: Tensor[T]) -> Returns(
    value=Tensor[T]
):
    """Gives the value of the variable behind a handle, or `default` if it is not initialised."""


@ValueOrDefault.shape
def _(ref, default):
    return merged(ref, default)


@ResourceValueOrDefault.shape
def _(resource_handle, default):
    return merged(shape_behind(resource_handle), default)


def _snapshot(value):
    # A later node of the step may overwrite the variable's buffer, which is donated to it then.
    return np.array(value)


@ValueOrDefault.run
def _(ref, default):
    return default if ref.value is None else _snapshot(ref.value)


@ResourceValueOrDefault.run
def _(resource, default):
    return default if resource.value is None else _snapshot(resource.value)


@ValueOrDefault.gradient
def _(_node, dy):
    return [None, dy]


@ResourceValueOrDefault.gradient
def _(_node, dy):
    return [None, dy]
