"""`tf.make_template`: a function whose variables are made once and shared by all of its calls."""

from __future__ import annotations

import functools
from typing import Any

from millstream.base import origin
from millstream.base.export import export
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.state.scope import VariableScope, get_scope_store
from millstream.state.scoping import PureVariableScope, variable_scope


class Template:
    """Wraps a function so that the variables of its first call serve all later ones.

    Args:
      name: default name of the variable scope.
      func: the function.
      create_scope_now: whether the scope is opened now, not at the first call.
      unique_name: name of the scope, taken as it is.
      custom_getter: custom getter of the scope.

    Raises:
      ValueError: if there is no name.
    """

    def __init__(
        self, name: str | None, func: Any, create_scope_now: bool = False,
        unique_name: str | None = None, custom_getter: Any = None,
    ) -> None:  # fmt: skip
        if not name and not unique_name:
            raise ValueError("name cannot be None.")
        self._func = func
        self._name, self._unique_name = name, unique_name
        self._custom_getter = custom_getter
        self._scope: VariableScope | None = None
        self._was_called = False
        self._origin = origin.capture()
        if create_scope_now:
            pure_name = unique_name or get_scope_store().unique_name(name or "")
            with PureVariableScope(pure_name, custom_getter=custom_getter) as scope:
                self._scope = scope

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._scope is not None:
            with variable_scope(self._scope, reuse=self._was_called):
                return self._call(args, kwargs)
        with variable_scope(
            self._unique_name, self._name, custom_getter=self._custom_getter
        ) as scope:
            self._scope = scope
            return self._call(args, kwargs)

    def _call(self, args: Any, kwargs: Any) -> Any:
        trained = get_default_graph().get_collection_ref(GraphKeys.TRAINABLE_VARIABLES)
        before = len(trained)
        try:
            result = self._func(*args, **kwargs)
            if self._was_called and len(trained) != before:
                raise ValueError(
                    "Trainable variable created when calling a template after the first time, "
                    "perhaps you used tf.Variable when you meant tf.get_variable: "
                    f"{trained[before:]}"
                )
        except Exception as error:
            message = error.args[0] if error.args else ""
            made = f"{message}\n\noriginally defined at:\n  {self._origin}"
            error.args = (made, *error.args[1:])
            raise
        self._was_called = True
        return result

    # -- what it holds

    @property
    def name(self) -> str | None:
        """The name that it was given."""
        return self._name

    @property
    def func(self) -> Any:
        """The function that it wraps."""
        return self._func

    @property
    def variable_scope(self) -> VariableScope | None:
        """Its scope; `None` before the first call."""
        return self._scope

    @property
    def variable_scope_name(self) -> str | None:
        """The name of its scope with a slash at its end; `None` before the first call."""
        return None if self._scope is None else f"{self._scope.name.rstrip('/')}/"

    @property
    def variables(self) -> list[Any]:
        """Its global and local variables."""
        return self.global_variables + self.local_variables

    @property
    def global_variables(self) -> list[Any]:
        """Its global variables."""
        return self._collection(GraphKeys.GLOBAL_VARIABLES)

    @property
    def local_variables(self) -> list[Any]:
        """Its local variables."""
        return self._collection(GraphKeys.LOCAL_VARIABLES)

    @property
    def trainable_variables(self) -> list[Any]:
        """Its trainable variables."""
        return self._collection(GraphKeys.TRAINABLE_VARIABLES)

    def _collection(self, key: str) -> list[Any]:
        return [] if self._scope is None else self._scope.get_collection(key)


@export("make_template")
def make_template(
    name_: str, func_: Any, create_scope_now_: bool = False, unique_name_: str | None = None,
    custom_getter_: Any = None, **kwargs: Any,
) -> Template:  # fmt: skip
    """Returns `func_` as a function whose variables are made once and shared by all of its calls.

    Args:
      name_: default name of its variable scope, made unique.
      func_: a function that makes its variables by `tf.get_variable`.
      create_scope_now_: whether the scope is opened now, not at the first call.
      unique_name_: name of the scope, taken as it is.
      custom_getter_: custom getter of the scope.
      **kwargs: arguments that `func_` always gets.

    Example:
      >>> scale = tf.make_template("scale", lambda x: x * tf.get_variable("k", []))
      >>> a, b = scale(tf.ones([2])), scale(tf.ones([3]))
      >>> len(tf.global_variables())
      1
    """
    if kwargs:
        func_ = functools.partial(func_, **kwargs)
    return Template(
        name_, func_, create_scope_now=create_scope_now_, unique_name=unique_name_,
        custom_getter=custom_getter_,
    )  # fmt: skip
