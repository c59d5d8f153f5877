"""Everything that touches JAX beyond its documented interface, in one place.

Nothing here imports JAX unless a JAX array is at hand or something is compiled.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from millstream.base.lazy import jax


def is_jax_array(value: Any) -> bool:
    """Tells whether a value is a JAX array, without importing JAX to find out."""
    module = sys.modules.get("jax")
    return module is not None and isinstance(value, module.Array)


def view(value: Any) -> Any:
    """Gives a value of either tier as NumPy sees it, read-only and without a copy where possible.

    A live view keeps the array's buffer from being donated; `np.asarray` would also cache the view
    in the array, for as long as that lives.
    """
    if value.__class__ is np.ndarray or isinstance(value, np.generic) or not is_jax_array(value):
        return value
    uncached = getattr(value, "_single_device_array_to_np_array_did_copy", None)
    if uncached is None:
        return np.asarray(value)
    array = uncached()[0]
    return array if array.ndim else array[()]


def x64() -> Any:
    """Gives the context in which 64-bit types work, whatever the user's own flags say."""
    return jax.enable_x64(True)


def fetched(value: Any) -> Any:
    """Gives a fetched value as an array of the user's own; what is no array passes."""
    if not is_jax_array(value):
        return value
    array = view(value)
    return array.copy() if array.__class__ is np.ndarray else array
