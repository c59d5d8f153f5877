"""`tf.Variable` as programs call it: the creators in force decide what is made."""

from __future__ import annotations

import inspect
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from millstream.base.export import export
from millstream.ir.default import get_default_graph
from millstream.state.base import Variable
from millstream.state.options import VariableAggregation, VariableSynchronization
from millstream.state.ref_variable import RefVariable
from millstream.state.resource_variable import ResourceVariable
from millstream.state.scope import get_variable_scope

__all__ = [
    "Variable", "disable_resource_variables", "enable_resource_variables",
    "resource_variables_enabled", "variable_creator_scope",
]  # fmt: skip

export("Variable")(Variable)


class _Settings:
    """What holds for the process."""

    resource_by_default = False


class _Creators(threading.local):
    """The creators in force, innermost last, per thread and graph."""

    def __init__(self) -> None:
        super().__init__()
        self.of_graph: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()


_creators = _Creators()


@export("enable_resource_variables")
def enable_resource_variables() -> None:
    """Makes variables resource variables from now on, unless they ask for something else."""
    _Settings.resource_by_default = True


@export("disable_resource_variables")
def disable_resource_variables() -> None:
    """Makes variables ref variables from now on, unless they ask for something else."""
    _Settings.resource_by_default = False


@export("resource_variables_enabled")
def resource_variables_enabled() -> bool:
    """Returns whether variables are resource variables unless they ask for something else."""
    return _Settings.resource_by_default


@export("variable_creator_scope")
@contextmanager
def variable_creator_scope(variable_creator: Callable[..., Any]) -> Iterator[None]:
    """Is a context in which `variable_creator` decides what `tf.Variable` makes.

    Args:
      variable_creator: `(next_creator, **kwargs) -> variable`; it may change the arguments, call
        `next_creator(**kwargs)`, or make something else.
    """
    stack = _creators.of_graph.setdefault(get_default_graph(), [])
    stack.append(variable_creator)
    try:
        yield
    finally:
        stack.pop()


def wants_resource(use_resource: bool | None) -> bool:
    """Returns whether a variable is to be a resource variable, given what it asked for."""
    return _Settings.resource_by_default if use_resource is None else use_resource


def default_creator(next_creator: Any = None, **kwargs: Any) -> Variable:
    """Makes the variable that the arguments of `tf.Variable` describe."""
    del next_creator
    use_resource = kwargs.pop("use_resource", None)
    if use_resource is None:
        use_resource = get_variable_scope().use_resource
    if wants_resource(use_resource):
        kwargs.pop("expected_shape", None)
        return ResourceVariable(**kwargs)
    return RefVariable(**kwargs)


def create(
    initial_value=None, trainable=None, collections=None, validate_shape=True, caching_device=None,
    name=None, variable_def=None, dtype=None, expected_shape=None, import_scope=None,
    constraint=None, use_resource=None, synchronization=VariableSynchronization.AUTO,
    aggregation=VariableAggregation.NONE, shape=None,
):  # fmt: skip
    """Makes a variable through the creators in force."""
    kwargs = dict(locals())
    call = default_creator
    for creator in _creators.of_graph.get(get_default_graph(), ()):
        call = _bound(creator, call)
    return call(**kwargs)


def _bound(creator: Callable[..., Any], following: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **kwargs: creator(following, **kwargs)


def from_proto(variable_def: Any, import_scope: str | None = None) -> Variable:
    """Returns the variable that a `VariableDef` describes, of the default graph.

    Args:
      variable_def: a `VariableDef`.
      import_scope: scope that was put before the names in it.
    """
    kind = ResourceVariable if variable_def.is_resource else RefVariable
    return kind(variable_def=variable_def, import_scope=import_scope)


Variable._create = staticmethod(create)
Variable.from_proto = staticmethod(from_proto)
Variable.__signature__ = inspect.signature(create)  # type: ignore[attr-defined]
