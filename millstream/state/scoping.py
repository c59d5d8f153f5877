"""`tf.variable_scope`: opens a variable scope together with a name scope."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from millstream.base.export import export
from millstream.ir.apply import graph_of
from millstream.ir.default import get_default_graph
from millstream.ir.scopes import name_scope
from millstream.state.scope import (
    AUTO_REUSE,
    SETTINGS,
    ScopeStore,
    VariableScope,
    get_scope_store,
    wrapped_getter,
)


class PureVariableScope:
    """A context that changes the current variable scope only, not the name scope.

    Args:
      name_or_scope: a name, which is put behind the current scope's, or a scope to return to.
      reuse: as in `VariableScope`; scopes inside inherit true.
      name_scope: the name scope that was opened with it.
      **settings: what differs from the outer scope's settings; `None` where nothing does.
    """

    def __init__(
        self, name_or_scope: Any, reuse: Any = None, name_scope: str | None = None, **settings: Any
    ) -> None:
        self._target = name_or_scope
        self._reuse = reuse
        self._name_scope = name_scope
        self._settings = {k: v for k, v in settings.items() if v is not None}
        self._left: list[tuple[ScopeStore, VariableScope, dict[str, int] | None]] = []

    def _scope(self, outer: VariableScope) -> VariableScope:
        """Returns the scope to make current."""
        if isinstance(self._target, VariableScope):
            base, name = self._target, self._target.name
            reuse = self._reuse or base.reuse
            opened = base.original_name_scope
        else:
            base = outer
            name = f"{outer.name}/{self._target}" if outer.name else self._target
            reuse = self._reuse or outer.reuse
            opened = self._target if self._name_scope is None else self._name_scope
        settings = {**base.settings(), **self._settings}
        if "custom_getter" in self._settings:
            settings["custom_getter"] = wrapped_getter(
                self._settings["custom_getter"], base.custom_getter
            )
        return VariableScope(reuse, name=name, name_scope=opened, **settings)

    def __enter__(self) -> VariableScope:
        store = get_scope_store()
        scope = self._scope(store.current_scope)
        store.open_scope(scope.name)
        # A scope that is returned to leaves the counts as they were.
        kept = dict(store.opened) if isinstance(self._target, VariableScope) else None
        self._left.append((store, store.current_scope, kept))
        store.current_scope = scope
        return scope

    def __exit__(self, *_: object) -> None:
        store, outer, opened = self._left.pop()
        if opened is not None:
            store.opened = opened
        else:
            store.close_subscopes(store.current_scope.name)
        store.current_scope = outer


@export("variable_scope")
class variable_scope:
    """Is a context for sharing variables: names made by `tf.get_variable` begin with the scope's.

    Args:
      name_or_scope: a name, or a `VariableScope` to return to.
      default_name: the name to take, made unique, if `name_or_scope` is `None`.
      values: tensors whose graph to use.
      initializer: default initializer in the scope.
      regularizer: default regularizer.
      caching_device: default caching device.
      partitioner: default partitioner.
      custom_getter: default custom getter; it wraps the outer scope's.
      reuse: true if variables must exist, `None` to inherit, `tf.AUTO_REUSE` to make those that do
        not.
      dtype: default element type.
      use_resource: whether variables are resource variables.
      constraint: default constraint.
      auxiliary_name_scope: whether to open a name scope as well.

    Returns:
      Entering gives the `VariableScope`.

    Raises:
      ValueError: for another `reuse`, or a reuse without a name.
      TypeError: if there is no name, or it is neither string nor scope.

    Example:
      >>> with tf.variable_scope("model", reuse=tf.AUTO_REUSE):
      ...     w = tf.get_variable("w", [3])
    """

    def __init__(
        self, name_or_scope, default_name=None, values=None, initializer=None, regularizer=None,
        caching_device=None, partitioner=None, custom_getter=None, reuse=None, dtype=None,
        use_resource=None, constraint=None, auxiliary_name_scope=True,
    ) -> None:  # fmt: skip
        given = locals()
        if default_name is None and name_or_scope is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        if reuse not in (True, False, None, AUTO_REUSE):
            raise ValueError("The reuse parameter must be True or False or None.")
        if not isinstance(auxiliary_name_scope, bool):
            raise TypeError(
                "The auxiliary_name_scope must be `True` or `False`, while get "
                f"{auxiliary_name_scope}"
            )
        self._target, self._default_name = name_or_scope, default_name
        # There is no scope that does not inherit reuse.
        self._reuse = reuse or None
        self._settings = {name: given[name] for name in SETTINGS}
        self._opens_name_scope = auxiliary_name_scope
        self._graph = graph_of(values or ())
        self._again: tuple[str | None, PureVariableScope] | None = None
        self._stacks: list[ExitStack] = []

    def __enter__(self) -> VariableScope:
        with ExitStack() as stack:
            stack.enter_context(self._graph.as_default())
            if self._again is None:
                entered = self._enter_first(stack)
            else:
                opened, pure = self._again
                if opened is not None:
                    stack.enter_context(name_scope(opened))
                entered = stack.enter_context(pure)
            self._stacks.append(stack.pop_all())
        return entered

    def __exit__(self, *error: Any) -> None:
        self._stacks.pop().__exit__(*error)

    def _enter_first(self, stack: ExitStack) -> VariableScope:
        target = self._target
        if target is None:
            if self._reuse:
                raise ValueError("reuse=True cannot be used without a name_or_scope")
            opened = self._open_name_scope(stack, self._default_name)
            name = get_scope_store().unique_name(self._default_name)
            pure = PureVariableScope(name, name_scope=opened, **self._settings)
        elif isinstance(target, (str, VariableScope)):
            is_name = isinstance(target, str)
            label = target if is_name else target.name.rpartition("/")[2]
            opened = self._open_name_scope(stack, label)
            pure = PureVariableScope(
                target, self._reuse, name_scope=opened if is_name else None, **self._settings
            )
        else:
            raise TypeError("VariableScope: name_or_scope must be a string or VariableScope.")
        entered = stack.enter_context(pure)
        self._again = (opened, pure)
        return entered

    def _open_name_scope(self, stack: ExitStack, label: str) -> str | None:
        """Opens the name scope, and returns what re-enters it; `None` if none is opened."""
        if not self._opens_name_scope:
            current = get_default_graph().get_name_scope()
            return stack.enter_context(name_scope(f"{current}/" if current else None))
        # Only the root scope has no label; the name scope is then left alone.
        return stack.enter_context(name_scope(label)) if label else None


@export("variable_op_scope")
@contextmanager
def variable_op_scope(
    values, name_or_scope, default_name=None, initializer=None, regularizer=None,
    caching_device=None, partitioner=None, custom_getter=None, reuse=None, dtype=None,
    use_resource=None, constraint=None,
) -> Iterator[VariableScope]:  # fmt: skip
    """Is `variable_scope` with the arguments in their order of before TF 1.0."""
    with variable_scope(
        name_or_scope, default_name=default_name, values=values, initializer=initializer,
        regularizer=regularizer, caching_device=caching_device, partitioner=partitioner,
        custom_getter=custom_getter, reuse=reuse, dtype=dtype, use_resource=use_resource,
        constraint=constraint,
    ) as scope:  # fmt: skip
        yield scope
