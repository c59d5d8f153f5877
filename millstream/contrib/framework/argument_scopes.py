"""`arg_scope`: default arguments of functions in a block."""

import functools
import threading
from contextlib import contextmanager

from millstream.base.export import export

_DECORATED = {}
_local = threading.local()


def _stack():
    if not hasattr(_local, "stack"):
        _local.stack = [{}]
    return _local.stack


@export("contrib.framework.current_arg_scope")
def current_arg_scope():
    """Returns the default arguments in force, by function."""
    return _stack()[-1]


@export("contrib.slim.arg_scope_func_key")
def arg_scope_func_key(op):
    """Returns the key of a function in scopes."""
    return getattr(op, "_key_op", str(op))


def _name_of(op):
    return f"{op.__module__}.{op.__name__}"


@export("contrib.framework.arg_scope", "contrib.slim.arg_scope")
@contextmanager
def arg_scope(list_ops_or_scope, **kwargs):
    """Is a context in which functions have other default arguments.

    Args:
      list_ops_or_scope: functions that `add_arg_scope` decorates, or what another `arg_scope`
        yielded, to be in force again.
      **kwargs: the arguments.

    Yields:
      The arguments now in force, by function.

    Raises:
      TypeError: if it is neither a list nor a scope.
      ValueError: if a function is not decorated, or arguments come with a scope.

    Example:
      >>> slim = tf.contrib.slim
      >>> with slim.arg_scope([slim.conv2d], padding="VALID"):
      ...     y = slim.conv2d(tf.ones([1, 8, 8, 3]), 4, 3)
      >>> y.shape.as_list()
      [1, 6, 6, 4]
    """
    if isinstance(list_ops_or_scope, dict):
        if kwargs:
            raise ValueError(
                "When attempting to re-use a scope by suppling a dictionary, kwargs must be empty."
            )
        scope = dict(list_ops_or_scope)
    elif isinstance(list_ops_or_scope, (list, tuple)):
        scope = _extended(list_ops_or_scope, kwargs)
    else:
        raise TypeError("list_ops_or_scope must either be a list/tuple or reused scope (i.e. dict)")
    _stack().append(scope)
    try:
        yield scope
    finally:
        _stack().pop()


def _extended(functions, kwargs):
    scope = dict(current_arg_scope())
    for function in functions:
        if not has_arg_scope(function):
            raise ValueError(f"{_name_of(function)} is not decorated with @add_arg_scope")
        key = arg_scope_func_key(function)
        scope[key] = {**scope.get(key, {}), **kwargs}
    return scope


@export("contrib.framework.add_arg_scope", "contrib.slim.add_arg_scope")
def add_arg_scope(func):
    """Decorates a function so that `arg_scope` can give it other default arguments."""
    key = arg_scope_func_key(func)

    @functools.wraps(func)
    def with_defaults(*args, **kwargs):
        defaults = current_arg_scope().get(key)
        return func(*args, **({**defaults, **kwargs} if defaults else kwargs))

    code = func.__code__
    named = code.co_varnames[: code.co_argcount]
    _DECORATED[key] = named[-len(func.__defaults__) :] if func.__defaults__ else ()
    with_defaults._key_op = key
    return with_defaults


@export("contrib.framework.has_arg_scope")
def has_arg_scope(func):
    """Tells whether a function is decorated with `add_arg_scope`."""
    return arg_scope_func_key(func) in _DECORATED


@export("contrib.framework.arg_scoped_arguments")
def arg_scoped_arguments(func):
    """Lists the arguments of a function that `arg_scope` can set.

    Raises:
      ValueError: if the function is not decorated.
    """
    if not has_arg_scope(func):
        raise ValueError(f"{_name_of(func)} is not decorated with @add_arg_scope")
    return _DECORATED[arg_scope_func_key(func)]
