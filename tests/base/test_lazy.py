"""JAX is imported by the first use of one of its attributes and not before."""

import subprocess
import sys
import threading

import pytest

from millstream.base.lazy import LazyModule

PROGRAM = """
import sys
from millstream.base.lazy import jax, jax_loaded, jnp, lax
repr(jnp), hasattr(jax, "__wrapped__")
assert not jax_loaded() and "jax" not in sys.modules
assert jnp.add is jax.numpy.add and lax.add(1, 2) == 3
assert jax_loaded()
"""


def test_jax_is_loaded_on_first_use():
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)


def test_attributes_are_kept():
    module = LazyModule("json")
    import json

    assert module.dumps is json.dumps
    assert "dumps" in vars(module)


def test_submodules_are_imported():
    assert LazyModule("xml").dom.__name__ == "xml.dom"


def test_missing_attribute():
    with pytest.raises(AttributeError, match="module 'json' has no attribute 'nothing'"):
        _ = LazyModule("json").nothing


def test_threads_may_race():
    module = LazyModule("wave")
    found: list = []
    threads = [threading.Thread(target=lambda: found.append(module.open)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    assert len(found) == 8
