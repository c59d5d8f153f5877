"""What an input function returned, as features, labels and the hooks that they need."""

from __future__ import annotations

import inspect
from typing import Any

from millstream.ir.scopes import device
from millstream.train.session_run_hook import SessionRunHook


class _DatasetInitializerHook(SessionRunHook):
    """Initialises the iterator of a dataset when the session is made."""

    def __init__(self, iterator: Any) -> None:
        self._iterator = iterator

    def begin(self) -> None:
        self._initializer = self._iterator.initializer

    def after_create_session(self, session: Any, coord: Any) -> None:
        session.run(self._initializer)


def parameters_of(function: Any) -> tuple[str, ...]:
    """Returns the names of the parameters that a function can be given by name."""
    names = tuple(
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    )
    return names[1:] if names[:1] == ("self",) else names


def call_input_fn(input_fn: Any, mode: str, params: Any, config: Any) -> Any:
    """Calls an input function with those of `mode`, `params` and `config` that it takes."""
    offered = {"mode": mode, "params": params, "config": config}
    wanted = parameters_of(input_fn)
    kwargs = {name: value for name, value in offered.items() if name in wanted}
    with device("/cpu:0"):
        return input_fn(**kwargs)


def is_dataset(value: Any) -> bool:
    """Returns whether a value is a `tf.data.Dataset`."""
    return hasattr(value, "make_initializable_iterator")


def features_and_labels(result: Any) -> tuple[Any, Any, list[SessionRunHook]]:
    """Takes apart what an input function returned.

    Args:
      result: features, a pair of features and labels, or a dataset of either.

    Returns:
      Features, labels or None, and hooks.

    Raises:
      ValueError: if it is a tuple or list of another length.
    """
    hooks: list[SessionRunHook] = []
    if is_dataset(result):
        iterator = result.make_initializable_iterator()
        hooks.append(_DatasetInitializerHook(iterator))
        result = iterator.get_next()
    if isinstance(result, (list, tuple)):
        if len(result) != 2:
            raise ValueError("input_fn should return (features, labels) as a len 2 tuple.")
        return result[0], result[1], hooks
    return result, None, hooks
