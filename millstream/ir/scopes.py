"""Functions over the default graph: `tf.name_scope`, `tf.device`, `tf.control_dependencies`,
collections.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from millstream.base.export import export
from millstream.ir.apply import graph_of
from millstream.ir.default import get_default_graph


@export("name_scope", "keras.backend.name_scope")
class name_scope:
    """Is a context in which new nodes are called `<name>/…`.

    Entering it gives the scope's name with a slash.

    Args:
      name: the scope, made unique; one that ends in `/` is re-entered as it is; `""` is the root.
      default_name: the name to take if `name` is `None`.
      values: tensors whose graph to use.

    Raises:
      ValueError: if both names are `None` though `values` are given, or the name is not valid.
      TypeError: if the name is not a string.
    """

    def __init__(self, name: Any, default_name: Any = None, values: Any = None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name for name_scope must be a string, not {type(name).__name__}.")
        if name is None and default_name is None and values is not None:
            raise ValueError(
                f"At least one of name ({name}) and default_name ({default_name}) must be provided."
            )
        self._name = default_name if name is None else name
        self._values = values
        self._stack: list[Any] = []

    @property
    def name(self) -> Any:
        """The name that was asked for."""
        return self._name

    def __enter__(self) -> str:
        graph = graph_of(self._values or ())
        default = graph.as_default()
        default.__enter__()
        scope = graph.name_scope(self._name)
        try:
            entered = scope.__enter__()
        except BaseException:
            default.__exit__(None, None, None)
            raise
        self._stack.append((default, scope))
        return entered

    def __exit__(self, *exc: Any) -> None:
        default, scope = self._stack.pop()
        scope.__exit__(None, None, None)
        default.__exit__(None, None, None)


@export("op_scope")
@contextmanager
def op_scope(values: Any, name: Any, default_name: Any = None) -> Generator[str]:
    """Is `name_scope` with the arguments in their order of before TF 1.0."""
    with name_scope(name, default_name, values) as scope:
        yield scope


@export("control_dependencies")
def control_dependencies(control_inputs: Any) -> Any:
    """Is a context in which new nodes of the default graph wait for `control_inputs`.

    `None` forgets outer ones.
    """
    return get_default_graph().control_dependencies(control_inputs)


@export("device")
def device(device_name_or_function: Any) -> Any:
    """Is a context that places new nodes of the default graph on a device, given by name or
    function.
    """
    return get_default_graph().device(device_name_or_function)


@export("colocate_with")
@contextmanager
def colocate_with(op: Any, ignore_existing: bool = False) -> Generator[None]:
    """Is a context that places new nodes where `op` (a node, tensor or variable) is."""
    with get_default_graph().colocate_with(op, ignore_existing):
        yield


@export("container")
def container(container_name: str) -> Any:
    """Is a context that keeps the state of new stateful nodes in the resource container of that
    name.
    """
    return get_default_graph().container(container_name)


@export("add_to_collection")
def add_to_collection(name: Any, value: Any) -> None:
    """Appends `value` to a collection of the default graph."""
    get_default_graph().add_to_collection(name, value)


@export("add_to_collections")
def add_to_collections(names: Any, value: Any) -> None:
    """Appends `value` to several collections of the default graph."""
    get_default_graph().add_to_collections(names, value)


@export("get_collection")
def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    """Returns a copy of a collection of the default graph, filtered by the regular expression
    `scope`.
    """
    return get_default_graph().get_collection(key, scope)


@export("get_collection_ref")
def get_collection_ref(key: Any) -> list[Any]:
    """Returns a collection of the default graph, the list itself."""
    return get_default_graph().get_collection_ref(key)


@contextmanager
def colocated(node: Any, enabled: bool = True) -> Generator[None]:
    """Is `colocate_with(node)` if `enabled`, else nothing."""
    if enabled:
        with get_default_graph().colocate_with(node):
            yield
    else:
        yield
