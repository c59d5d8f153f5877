"""Nodes that call Python functions: PyFunc, `tf.py_func`."""

import itertools
import threading
import traceback
import weakref

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import as_dtype
from millstream.base.export import export
from millstream.formats.values import to_array
from millstream.ir.default import get_default_graph
from millstream.ir.spec import Host, Tensors, Type, op

__all__ = ["numpy_function", "py_func"]


@op(effect=Host(blocking=True))
def PyFunc(input: Tensors["Tin", 0], *, token: str, Tout: list[Type]) -> Tensors["Tout", 0]:
    """Calls the Python function that `token` stands for, in this process."""


@op(effect=Host(blocking=True))
def PyFuncStateless(
    input: Tensors["Tin", 0], *, token: str, Tout: list[Type]
) -> Tensors["Tout", 0]:
    """Calls the Python function that `token` stands for, which depends on nothing but its input."""


class _Functions:
    """The functions by token. A function lives as long as the graph that uses it."""

    def __init__(self):
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._by_token = weakref.WeakValueDictionary()
        self._kept = weakref.WeakKeyDictionary()

    def add(self, graph, function):
        """Keeps a function for a graph; returns its token."""
        held = _Held(function)
        with self._lock:
            token = f"pyfunc_{next(self._numbers)}"
            self._by_token[token] = held
            self._kept.setdefault(graph, []).append(held)
        return token

    def find(self, token):
        """Returns the function of a token.

        Raises:
          InvalidArgumentError: if this process has none.
        """
        held = self._by_token.get(token)
        if held is None:
            raise errors.InvalidArgumentError(
                None, None, f"callback {token} is not found: it was registered by another process"
            )
        return held.function


class _Held:
    def __init__(self, function):
        self.function = function


_functions = _Functions()


# Which error of the tree an exception of the function becomes; others are unknown errors.
_ERRORS = {
    ValueError: errors.InvalidArgumentError,
    TypeError: errors.InvalidArgumentError,
    StopIteration: errors.OutOfRangeError,
    MemoryError: errors.ResourceExhaustedError,
    NotImplementedError: errors.UnimplementedError,
}


def _error_of(error):
    kind = next((e for c, e in _ERRORS.items() if type(error) is c), errors.UnknownError)
    trace = "".join(traceback.format_tb(error.__traceback__)[1:])
    return kind(None, None, f"{type(error).__name__}: {error}\n{trace}")


def _call(input, token, Tout):
    function = _functions.find(token)
    try:
        results = function(*[_public(array) for array in input])
    except Exception as error:
        raise _error_of(error) from error
    if not isinstance(results, (list, tuple)):
        results = [] if results is None else [results]
    if len(results) != len(Tout):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"{token} returns {len(results)} values, but expects to see {len(Tout)} values.",
        )
    return tuple(
        _converted(value, dtype, at, token)
        for at, (value, dtype) in enumerate(zip(results, Tout, strict=True))
    )


def _public(array):
    """Returns an operand as TF gives it to the function: scalars as NumPy scalars."""
    return array[()] if isinstance(array, np.ndarray) and not array.ndim else array


def _converted(value, dtype, at, token):
    """Returns a result as an array of the declared type.

    Raises:
      InvalidArgumentError: if its type is another.
    """
    array = np.asarray(value)
    if array.dtype.kind in "SUO":
        array, found = to_array(value)
    else:
        found = as_dtype(array.dtype)
        # Types of scalars follow other rules in NumPy 2 than in the NumPy that TF 1.15 had, so
        # a scalar takes the declared type if it is of the same kind.
        if not array.ndim and array.dtype.kind == dtype.np.kind:
            return array.astype(dtype.np)
    if found != dtype:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"{at}-th value returned by {token} is {_word(found)}, but expects {_word(dtype)}",
        )
    return array


def _word(dtype):
    """Returns the name of a type as errors have it."""
    return {"float32": "float", "float64": "double", "float16": "half"}.get(dtype.name, dtype.name)


for _opdef in (PyFunc, PyFuncStateless):
    _opdef.shape_unknown()
    _opdef.run(_call)
    _opdef.no_gradient("a Python function has none that is known")


@export("py_func")
def py_func(func, inp, Tout, stateful=True, name=None):
    """Returns tensors that a Python function computes from arrays when the node runs.

    The function runs in this process, with Python's lock held. A graph with such nodes can be
    written to a file, but not used by another process.

    Args:
      func: takes as many arrays as `inp` has tensors; returns arrays (or numbers) of the types
        `Tout`, one, a list, or `None` for an empty list.
      inp: list of tensors.
      Tout: type, or list of types, of the results.
      stateful: whether it must run in every step that needs it, even with equal input.
      name: name of the node.

    Returns:
      A tensor, or a list if `Tout` is one; of unknown shape.

    Raises:
      InvalidArgumentError: when it runs, if the results have other types.
    """
    graph = get_default_graph()
    is_list = isinstance(Tout, (list, tuple))
    types = [as_dtype(t) for t in (Tout if is_list else [Tout])]
    token = _functions.add(graph, func)
    kind = PyFunc if stateful else PyFuncStateless
    results = kind(list(inp), token=token, Tout=types, name=name)
    return results if is_list else results[0]


@export("numpy_function")
def numpy_function(func, inp, Tout, name=None):
    """Is `py_func` for a function that may have state."""
    return py_func(func, inp, Tout, stateful=True, name=name)
