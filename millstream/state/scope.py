"""`VariableScope`: the defaults of `get_variable`, and which scope is current."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from millstream.base.dtypes import Float, as_dtype
from millstream.base.export import export, export_constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import name_scope

_SCOPES_KEY = ("__varscope",)


class ReuseMode(enum.Enum):
    """Values of a scope's `reuse` beside true and false."""

    AUTO_REUSE = 1


AUTO_REUSE = ReuseMode.AUTO_REUSE
export_constant("AUTO_REUSE", AUTO_REUSE)

SETTINGS = (
    "initializer", "regularizer", "caching_device", "partitioner", "custom_getter", "dtype",
    "use_resource", "constraint",
)  # fmt: skip
"""What a scope hands down to variables and to the scopes inside it."""


def _setting(name: str, doc: str) -> property:
    return property(lambda self: getattr(self, f"_{name}"), doc=doc)


def _setter(name: str) -> Callable[[Any, Any], None]:
    def set_value(self: Any, value: Any) -> None:
        setattr(self, f"_{name}", value)

    set_value.__name__ = f"set_{name}"
    set_value.__doc__ = f"Sets the scope's `{name}`."
    return set_value


@export("VariableScope")
class VariableScope:
    """The defaults of `tf.get_variable` in some scope, and the prefix of the names there.

    Args:
      reuse: whether variables must exist already (true), must not (false), or may
        (`tf.AUTO_REUSE`).
      name: prefix of names, without a slash at its end.
      initializer: default initializer.
      regularizer: default regularizer.
      caching_device: default caching device.
      partitioner: default partitioner.
      custom_getter: default custom getter.
      name_scope: the name scope that was opened with it.
      dtype: default element type.
      use_resource: whether variables are resource variables by default.
      constraint: default constraint.
    """

    def __init__(
        self, reuse: Any, name: str = "", initializer: Any = None, regularizer: Any = None,
        caching_device: Any = None, partitioner: Any = None, custom_getter: Any = None,
        name_scope: str = "", dtype: Any = Float, use_resource: Any = None, constraint: Any = None,
    ) -> None:  # fmt: skip
        self._name = name
        self._reuse = reuse
        self._name_scope = name_scope
        self._initializer, self._regularizer = initializer, regularizer
        self._caching_device, self._partitioner = caching_device, partitioner
        self._custom_getter, self._dtype = custom_getter, dtype
        self._use_resource, self._constraint = use_resource, constraint

    @property
    def name(self) -> str:
        """Prefix of the names of its variables, without a slash at its end."""
        return self._name

    @property
    def original_name_scope(self) -> str:
        """The name scope that was opened with it."""
        return self._name_scope

    @property
    def reuse(self) -> Any:
        """Whether variables must exist (true), must not (false) or may (`tf.AUTO_REUSE`)."""
        return self._reuse

    initializer = _setting("initializer", "Default initializer.")
    regularizer = _setting("regularizer", "Default regularizer.")
    caching_device = _setting("caching_device", "Default caching device.")
    partitioner = _setting("partitioner", "Default partitioner.")
    custom_getter = _setting("custom_getter", "Default custom getter.")
    dtype = _setting("dtype", "Default element type.")
    use_resource = _setting("use_resource", "Whether variables are resource variables.")
    constraint = _setting("constraint", "Default constraint.")
    set_initializer = _setter("initializer")
    set_regularizer = _setter("regularizer")
    set_caching_device = _setter("caching_device")
    set_partitioner = _setter("partitioner")
    set_custom_getter = _setter("custom_getter")
    set_dtype = _setter("dtype")
    set_use_resource = _setter("use_resource")

    def reuse_variables(self) -> None:
        """Makes the scope one in which variables must exist already."""
        self._reuse = True

    def settings(self) -> dict[str, Any]:
        """Returns what it hands down, by name."""
        return {name: getattr(self, f"_{name}") for name in SETTINGS}

    # -- collections

    def get_collection(self, name: Any) -> list[Any]:
        """Returns the items of a collection whose names begin with the scope's."""
        prefix = f"{self._name}/" if self._name else ""
        return get_default_graph().get_collection(name, prefix)

    def trainable_variables(self) -> list[Any]:
        """Returns the trainable variables of the scope."""
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def global_variables(self) -> list[Any]:
        """Returns the global variables of the scope."""
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Any]:
        """Returns the local variables of the scope."""
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    # -- variables

    def get_variable(
        self, var_store: Any, name: str, shape: Any = None, dtype: Any = None,
        initializer: Any = None, regularizer: Any = None, reuse: Any = None, trainable: Any = None,
        collections: Any = None, caching_device: Any = None, partitioner: Any = None,
        validate_shape: bool = True, use_resource: Any = None, custom_getter: Any = None,
        constraint: Any = None, synchronization: Any = None, aggregation: Any = None,
    ) -> Any:  # fmt: skip
        """Returns the scope's variable called `name` from `var_store`; see `tf.get_variable`."""
        with name_scope(None):
            _check_initializer_type(initializer, dtype)
            given = {
                "initializer": initializer, "regularizer": regularizer, "dtype": dtype,
                "caching_device": caching_device, "partitioner": partitioner,
                "use_resource": use_resource, "custom_getter": custom_getter,
                "constraint": constraint,
            }  # fmt: skip
            own = self.settings()
            settings = {k: own[k] if v is None else v for k, v in given.items()}
            return var_store.get_variable(
                f"{self._name}/{name}" if self._name else name, shape=shape,
                reuse=self._reuse if reuse is None else reuse, trainable=trainable,
                collections=collections, validate_shape=validate_shape,
                synchronization=synchronization, aggregation=aggregation, **settings,
            )  # fmt: skip

    def _get_partitioned_variable(self, var_store: Any, name: str | None, **kwargs: Any) -> Any:
        """Returns a partitioned variable; without a name it is called as the scope is."""
        full = "/".join(part for part in (self._name, name) if part)
        own = self.settings()
        own.pop("custom_getter")
        settings = {k: v for k, v in own.items() if kwargs.get(k) is None}
        kwargs.setdefault("reuse", self._reuse)
        with name_scope(None):
            return var_store.get_partitioned(full, **{**kwargs, **settings})


def _check_initializer_type(initializer: Any, dtype: Any) -> None:
    if dtype is None or initializer is None or callable(initializer):
        return
    found, wanted = convert_to_tensor(initializer).dtype.base_dtype, as_dtype(dtype)
    if found is not wanted.base_dtype:
        raise ValueError(
            f"Initializer type '{found!r}' and explicit dtype '{wanted!r}' don't match."
        )


def wrapped_getter(inner: Any, outer: Any) -> Any:
    """Returns the custom getter that calls `inner`, whose getter in turn is `outer`'s."""
    if outer is None:
        return inner

    def getter(base: Any, *args: Any, **kwargs: Any) -> Any:
        return inner(partial(outer, base), *args, **kwargs)

    return getter


class ScopeStore(threading.local):
    """The current scope of a graph in a thread, and how often scopes were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: dict[str, int] = {}
        self.current_scope = VariableScope(False)

    def open_scope(self, name: str) -> None:
        """Counts that a scope was opened."""
        self.opened[name] = self.opened.get(name, 0) + 1

    def close_subscopes(self, name: str) -> None:
        """Forgets the scopes inside one that is left."""
        prefix = f"{name}/" if name else ""
        for key in [k for k in self.opened if k.startswith(prefix)]:
            del self.opened[key]

    def unique_name(self, prefix: str) -> str:
        """Returns `prefix`, with a number behind it if the current scope has opened it before."""
        outer = self.current_scope.name
        full = f"{outer}/{prefix}" if outer else prefix
        if not self.opened.get(full, 0):
            return prefix
        number = 1
        while self.opened.get(f"{full}_{number}", 0):
            number += 1
        return f"{prefix}_{number}"


def get_scope_store() -> ScopeStore:
    """Returns the scopes of the default graph."""
    found = get_default_graph().get_collection_ref(_SCOPES_KEY)
    if not found:
        found.append(ScopeStore())
    return found[0]


@export("get_variable_scope")
def get_variable_scope() -> VariableScope:
    """Returns the current variable scope."""
    return get_scope_store().current_scope
