"""The helpers of `tensorflow.python.util` that programs import, in today's Python."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections import namedtuple
from collections.abc import Callable
from typing import Any

ArgSpec = namedtuple("ArgSpec", ["args", "varargs", "keywords", "defaults"])

contextmanager = contextlib.contextmanager
getdoc = inspect.getdoc
getfile = inspect.getfile
getfullargspec = inspect.getfullargspec
getmembers = inspect.getmembers
getmodule = inspect.getmodule
getmro = inspect.getmro
getsource = inspect.getsource
isclass = inspect.isclass
isfunction = inspect.isfunction
isgenerator = inspect.isgenerator
ismethod = inspect.ismethod
ismodule = inspect.ismodule
isroutine = inspect.isroutine


def getargspec(target: Callable[..., Any]) -> ArgSpec:
    """Tells a function's parameters as Python 2's `inspect.getargspec` did."""
    spec = inspect.getfullargspec(target)
    return ArgSpec(spec.args, spec.varargs, spec.varkw, spec.defaults)


def fn_args(fn: Callable[..., Any]) -> tuple[str, ...]:
    """Names the parameters that a caller of `fn` can give; `self` is none of them."""
    if isinstance(fn, functools.partial):
        given = set(fn.keywords or ())
        return tuple(a for a in fn_args(fn.func)[len(fn.args) :] if a not in given)
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return tuple(n for n, p in inspect.signature(fn).parameters.items() if p.kind not in kinds)


def has_kwargs(fn: Callable[..., Any]) -> bool:
    """Tells whether `fn` takes any keyword argument (`**kwargs`)."""
    parameters = inspect.signature(fn).parameters.values()
    return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)


def get_func_name(func: Callable[..., Any]) -> str:
    """Names a function, a method, a partial application or a callable object."""
    inner = unwrap(func.func if isinstance(func, functools.partial) else func)[1]
    return getattr(inner, "__name__", type(inner).__name__)


def remove_undocumented(module_name: str, *_: Any, **__: Any) -> None:
    """Does nothing: it trimmed what TensorFlow's own modules published."""


def tf_export[F](*_: str, **__: Any) -> Callable[[F], F]:
    """Gives its decorated function back: only TensorFlow's own build reads these marks."""
    return lambda symbol: symbol


def make_decorator(target: Callable[..., Any], wrapper: Any, *_: Any, **__: Any) -> Any:
    """Makes `wrapper` look like `target`: its name, documentation and signature."""
    return functools.wraps(target)(wrapper)


def unwrap(decorated: Any) -> tuple[list[Any], Any]:
    """Gives the layers of decoration around a function, and the function itself."""
    layers: list[Any] = []
    while hasattr(decorated, "__wrapped__"):
        layers.append(decorated)
        decorated = decorated.__wrapped__
    return layers, decorated
