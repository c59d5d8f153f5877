"""Everything that touches JAX beyond its documented interface, in one place.

Nothing here imports JAX unless a JAX array is at hand or something is compiled.
"""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import importlib.abc
import importlib.machinery
import os
import re
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from millstream.base import errors
from millstream.base.lazy import LazyModule, jax
from millstream.compiler import buffer_values
from millstream.ir.node import Operation
from millstream.ops.flow.buffers import Buffer
from millstream.ops.flow.traced_buffers import TracedBuffer, on_host

_config: Any = LazyModule("jax._src.config")

# -- arrays


def is_jax_array(value: Any) -> bool:
    """Tells whether a value is a JAX array, without importing JAX to find out."""
    # Another thread may be importing JAX just now: then nobody has made an array yet.
    array_type = getattr(sys.modules.get("jax"), "Array", None)
    return array_type is not None and isinstance(value, array_type)


def view(value: Any) -> Any:
    """Gives a value of either tier as NumPy sees it, read-only and without a copy where possible.

    A live view keeps the array's buffer from being donated; `np.asarray` would also cache the view
    in the array, for as long as that lives.
    """
    if value.__class__ is np.ndarray or not is_jax_array(value):
        return on_host(value) if value.__class__ is TracedBuffer else value
    uncached: Any = getattr(value, "_single_device_array_to_np_array_did_copy", None)
    array: Any = np.asarray(value) if uncached is None else uncached()[0]
    return array if array.ndim else array[()]


_COPY_BELOW_BYTES = 1 << 16


def fetched(value: Any) -> Any:
    """Gives a fetched value as an array of the user's own; what is no array passes.

    The value must be an executable's result that nothing else shares. A large one is not copied:
    the user gets a writable array over XLA's buffer, which lives as long as that array.
    """
    if not is_jax_array(value):
        return value
    array = view(value)
    if array.__class__ is not np.ndarray or array.nbytes < _COPY_BELOW_BYTES:
        return array.copy() if array.__class__ is np.ndarray else array
    if array.flags.writeable:
        return array
    if array.base is None or not array.flags.c_contiguous:
        return array.copy()
    memory = (ctypes.c_char * array.nbytes).from_address(array.ctypes.data)
    memory.owner = array  # type: ignore[attr-defined]
    writable: Any = np.frombuffer(memory, array.dtype)
    return writable.reshape(array.shape)


def on_device(value: Any) -> Any:
    """Copies a NumPy array to the device that compiled code runs on."""
    with jax.enable_x64(True):
        return jax.device_put(value)


# -- 64-bit types: on while we trace and call, whatever the user's own flag says


@cache
def x64_switch() -> tuple[Callable[[], Any], Callable[[Any], None]]:
    """Gives the functions that turn 64-bit types on for this thread, and back to what was."""
    state: Any = jax.enable_x64
    swap, put_back = getattr(state, "swap_local", None), getattr(state, "set_local", None)
    if swap is not None and put_back is not None and not state._update_thread_local_hook:
        return lambda: swap(True), put_back
    return _enter_context, lambda context: context.__exit__(None, None, None)


def _enter_context() -> Any:
    context = jax.enable_x64(True)
    context.__enter__()
    return context


# -- importing

_DRAWS_AT_IMPORT = "jax._src.clusters.k8s_cluster"


class _WithOwnRandom(importlib.abc.Loader):
    """Loads a module such that the `numpy.random` it sees is not the user's.

    One of JAX's modules draws random numbers when it is imported. JAX is imported in the middle of
    a program, by a background thread: the user's seeded stream must not notice.
    """

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: Any) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        plain_import = builtins.__import__

        def import_(name: str, *more: Any) -> Any:
            return _OtherNumPy() if name == "numpy" else plain_import(name, *more)

        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": import_}
        self._loader.exec_module(module)


class _OtherNumPy:
    random = np.random.RandomState(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


class _OwnRandomFinder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname != _DRAWS_AT_IMPORT:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _WithOwnRandom(spec.loader)
        return spec


# -- compiling

_CACHE_VARIABLE = "MILLSTREAM_CACHE_DIR"
_prepare_lock = threading.Lock()
_prepared = False


def prepare() -> None:
    """Imports JAX and points its persistent compilation cache at ours, unless it has one."""
    global _prepared
    with _prepare_lock:
        if _prepared:
            return
        _prepared = True
        sys.meta_path.insert(0, _OwnRandomFinder())
        directory = os.environ.get(_CACHE_VARIABLE)
        if directory is None:
            directory = str(Path("~/.cache/millstream/xla").expanduser())
        if directory and jax.config.jax_compilation_cache_dir is None:
            _use_cache(directory)


def _use_cache(directory: str) -> None:
    try:
        Path(directory).mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # a read-only home: every process compiles for itself
    settings: dict[str, Any] = {
        "jax_compilation_cache_dir": directory,
        "jax_persistent_cache_min_compile_time_secs": 0.1,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    for name, value in settings.items():
        if hasattr(jax.config, name):
            jax.config.update(name, value)


def compile_function(
    fn: Callable[..., Any], name: str, arguments: Any, options: dict[str, Any], keep: bool
) -> Any:
    """Compiles a function ahead of time.

    Args:
      fn: The function of (donated, kept, others), each a tuple of arrays.
      name: What to call it in XLA's dumps.
      arguments: Such tuples of `described` shapes.
      options: XLA's compile options.
      keep: Whether the executable may go to the persistent cache.
    """

    def region(donated: Any, kept: Any, args: Any) -> Any:
        return fn(donated, kept, args)

    region.__name__ = region.__qualname__ = re.sub(r"\W", "_", name)[:40] or "region"
    with jax.enable_x64(True), contextlib.nullcontext() if keep else _without_cache():
        jitted = jax.jit(region, donate_argnums=(0,), compiler_options=options or None)
        return jitted.lower(*arguments).compile()


def _without_cache() -> Any:
    """Gives a context in which nothing that this thread compiles is written to the cache."""
    state: Any = getattr(_config, "persistent_cache_min_compile_time_secs", None)
    return contextlib.nullcontext() if state is None else state(float("inf"))


def staged(fn: Callable[..., Any], *arguments: Any) -> tuple[Callable[..., Any], Any]:
    """Traces a function once.

    Args:
      fn: The function; what it takes from around it may be tracers.
      *arguments: Pytrees of arrays, tracers or shapes.

    Returns:
      A function that does the same without being traced again, and the shapes of what it returns.
    """
    closed, shapes = jax.make_jaxpr(fn, return_shape=True)(*arguments)
    run = jax.extend.core.jaxpr_as_fun(closed)
    tree = jax.tree_util.tree_structure(shapes)

    def call(*values: Any) -> Any:
        return jax.tree_util.tree_unflatten(tree, run(*jax.tree_util.tree_leaves(values)))

    return call, shapes


def described(outline: Any) -> Any:
    """Gives a shape and dtype as `compile_function` wants it."""
    if isinstance(outline, Buffer):
        return buffer_values.described(outline)
    return jax.ShapeDtypeStruct(*outline)


def wait_for(value: Any) -> None:
    """Waits until a result has been computed."""
    if isinstance(value, Buffer):
        jax.block_until_ready(value)
    else:
        value.block_until_ready()


# -- errors


@cache
def runtime_error() -> type[Exception]:
    """Gives the class of the errors that XLA raises while it runs something."""
    return jax.errors.JaxRuntimeError


_STATUS: dict[str, type[errors.OpError]] = {
    "RESOURCE_EXHAUSTED": errors.ResourceExhaustedError,
    "INVALID_ARGUMENT": errors.InvalidArgumentError,
    "UNIMPLEMENTED": errors.UnimplementedError,
    "DEADLINE_EXCEEDED": errors.DeadlineExceededError,
    "ABORTED": errors.AbortedError,
    "UNAVAILABLE": errors.UnavailableError,
}


def translate(error: Exception, node: Operation) -> errors.OpError:
    """Makes an error of the `tf.errors` tree of one that XLA raised in the region of `node`."""
    text = str(error).strip()
    code, _, rest = text.partition(":")
    kind: Any = _STATUS.get(code, errors.InternalError)
    return kind(None, node, f"XLA could not run the region of node {node.name!r}: {rest or text}")
