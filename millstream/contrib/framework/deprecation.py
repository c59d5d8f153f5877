"""Decorators that warn of functions and arguments that are no longer to be used."""

import functools
import inspect

from millstream.base.export import export
from millstream.base.logging import warning

_warned = set()


def _warn(function, what, date, instructions, once):
    key = (function, what)
    if once and key in _warned:
        return
    _warned.add(key)
    when = f"after {date}" if date else "in a future version"
    warning(
        "From %s: %s is deprecated and will be removed %s.\nInstructions for updating:\n%s",
        function.__code__.co_filename if hasattr(function, "__code__") else function,
        what, when, instructions,
    )  # fmt: skip


def _check_date(date, instructions):
    if date is not None:
        parts = str(date).split("-")
        if [len(p) for p in parts] != [4, 2, 2] or not all(p.isdigit() for p in parts):
            raise ValueError("Date must be YYYY-MM-DD.")
    if not instructions:
        raise ValueError("Don't deprecate things without conversion instructions!")


@export("contrib.framework.deprecated")
def deprecated(date, instructions, warn_once=True):
    """Decorates a function that should no longer be called: the first call warns.

    Args:
      date: when it goes, `YYYY-MM-DD`, or `None`.
      instructions: what to do instead.
      warn_once: whether only the first call warns.

    Raises:
      ValueError: for another form of date, or without instructions.
    """
    _check_date(date, instructions)

    def decorate(function):
        @functools.wraps(function)
        def warning_first(*args, **kwargs):
            name = f"{function.__name__} (from {function.__module__})"
            _warn(function, name, date, instructions, warn_once)
            return function(*args, **kwargs)

        return warning_first

    return decorate


@export("contrib.framework.deprecated_args")
def deprecated_args(date, instructions, *deprecated_arg_names_or_tuples, **kwargs):
    """Decorates a function some of whose arguments should no longer be given.

    Args:
      date: when they go, `YYYY-MM-DD`, or `None`.
      instructions: what to do instead.
      *deprecated_arg_names_or_tuples: names, or `(name, value that does not warn)`.
      **kwargs: `warn_once`, whether only the first call warns.

    Raises:
      ValueError: for another form of date, without instructions, or for arguments that the function
        does not have.
      TypeError: for another keyword.
    """
    _check_date(date, instructions)
    once = kwargs.pop("warn_once", True)
    if kwargs:
        raise TypeError(f"unexpected keyword arguments: {sorted(kwargs)}")
    pairs = [(p, None) if isinstance(p, str) else p for p in deprecated_arg_names_or_tuples]

    def decorate(function):
        signature = inspect.signature(function)
        accepts_any = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
        missing = [name for name, *_ in pairs if name not in signature.parameters]
        if missing and not accepts_any:
            raise ValueError(
                f"The following deprecated arguments are not present in the function signature: "
                f"{missing}."
            )

        @functools.wraps(function)
        def warning_first(*args, **given):
            bound = signature.bind_partial(*args, **given).arguments
            for name, *fine in pairs:
                if name in bound and not (fine and fine[0] is not None and bound[name] == fine[0]):
                    _warn(function, f"argument {name}", date, instructions, once)
            return function(*args, **given)

        return warning_first

    return decorate


@export("contrib.framework.deprecated_arg_values")
def deprecated_arg_values(date, instructions, warn_once=True, **deprecated_kwargs):
    """Decorates a function some of whose arguments should no longer have certain values.

    Args:
      date: when they go, `YYYY-MM-DD`, or `None`.
      instructions: what to do instead.
      warn_once: whether only the first call warns.
      **deprecated_kwargs: the arguments and those values.

    Raises:
      ValueError: for another form of date, or without instructions.
    """
    _check_date(date, instructions)
    if not deprecated_kwargs:
        raise ValueError("Specify which argument values are deprecated.")

    def decorate(function):
        signature = inspect.signature(function)

        @functools.wraps(function)
        def warning_first(*args, **given):
            bound = signature.bind_partial(*args, **given).arguments
            for name, value in deprecated_kwargs.items():
                if name in bound and bound[name] == value:
                    _warn(function, f"{name}={value}", date, instructions, warn_once)
            return function(*args, **given)

        return warning_first

    return decorate
