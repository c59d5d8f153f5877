"""The elementary functions equal the C library's, or the correctly rounded values."""

import json
import math
import zlib
from pathlib import Path

import numpy as np
import pytest

from millstream.base.lazy import jax, jnp
from millstream.ops.random import exact, libm

SUMS = json.loads((Path(__file__).parents[2] / "golden" / "random_libm.json").read_text())


def call(tier, function, x):
    if tier == "numpy":
        return function(x, np)
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, jax.jit(lambda x: function(x, jnp))(x))


@pytest.mark.parametrize("tier", ["numpy", "jax"])
def test_float32_functions_equal_the_c_library_everywhere(tier):
    unit = np.arange(1 << 23, dtype=np.float64) / (1 << 23)
    radius = np.maximum(unit.astype(np.float32), np.float32(1e-7))
    angle = (unit * (2 * np.pi)).astype(np.float32)
    assert zlib.crc32(call(tier, libm.log32, radius).tobytes()) == SUMS["logf"]
    sine, cosine = call(tier, libm.sincos32, angle)
    assert zlib.crc32(sine.tobytes()) == SUMS["sinf"]
    assert zlib.crc32(cosine.tobytes()) == SUMS["cosf"]


def test_float64_functions_are_the_same_in_both_tiers_and_close_to_the_c_library():
    x = np.random.default_rng(1).random(200_000)
    x[:3] = [1e-7, 1.0, 1.0 - 2**-53]
    log = call("numpy", exact.log64, x)
    np.testing.assert_array_equal(log, call("jax", exact.log64, x))
    np.testing.assert_array_max_ulp(log[:5000], np.array([math.log(v) for v in x[:5000]]), 1)
    angle = x * (2 * np.pi)
    pairs = zip(
        call("numpy", exact.sincos64, angle), call("jax", exact.sincos64, angle),
        [math.sin, math.cos], strict=True,
    )  # fmt: skip
    for ours, compiled, c_function in pairs:
        np.testing.assert_array_equal(ours, compiled)
        wanted = np.array([c_function(v) for v in angle[:5000]])
        np.testing.assert_array_max_ulp(ours[:5000], wanted, 1)
