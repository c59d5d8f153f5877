"""Streams equal TensorFlow 1.15's bit for bit, in NumPy and in JAX."""

import zlib
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from millstream.base.lazy import jax, jnp
from millstream.ops.random import sampler
from millstream.ops.random.philox import initial_state

GOLDEN = Path(__file__).parents[2] / "golden" / "random_streams.npz"
RUNS = 3
INT_RANGES = {"int32": (-5, 1000000007), "int64": (-(2**62), 2**61 + 12345)}


def golden():
    with np.load(GOLDEN) as data:
        return dict(data)


STREAMS = golden()
KEYS = [key for key in STREAMS if not key.endswith("/crc")]


def np_dtype(name):
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def sample(kind, dtype, size, rng, xp):
    if kind == "integers":
        return sampler.uniform_int(rng, [size], dtype, *INT_RANGES[dtype.name], xp)
    name = {"truncated": "truncated_normal"}.get(kind, kind)
    return getattr(sampler, name)(rng, [size], dtype, xp)


_JITTED = {}


def run(tier, kind, dtype, size, rng):
    if tier == "numpy":
        return sample(kind, dtype, size, rng, np)
    with jax.enable_x64(True):
        step = _JITTED.setdefault(
            (kind, dtype, size), jax.jit(lambda rng: sample(kind, dtype, size, rng, jnp))
        )
        rng, out = step(rng)
        return np.asarray(rng), np.asarray(out)


@pytest.mark.parametrize("tier", ["numpy", "jax"])
@pytest.mark.parametrize("key", KEYS)
def test_stream_equals_recorded(key, tier):
    kind, name, seed, seed2, size = key.split("/")
    dtype = np_dtype(name)
    rng = initial_state(int(seed), int(seed2))
    for expected, crc in zip(STREAMS[key], STREAMS[key + "/crc"], strict=True):
        rng, out = run(tier, kind, dtype, int(size), rng)
        assert out.dtype == dtype
        assert out.shape == (int(size),)
        head = out[: len(expected)]
        if dtype == np.float64 and kind != "uniform":
            # The C library's float64 functions are not correctly rounded; ours are.
            np.testing.assert_array_almost_equal_nulp(head, expected, 4)
        else:
            head = head.view(np.uint16) if dtype.itemsize == 2 else head
            np.testing.assert_array_equal(head, expected)
            assert zlib.crc32(out.tobytes()) == crc
