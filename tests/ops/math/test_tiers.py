"""Cases in which both tiers must agree, though no gradient can be compared with quotients."""

import jax
import numpy as np
import pytest

import millstream as tf
from millstream.base import dtypes

FLOATS = np.array(
    [0, 1.9, -1.9, 300.7, -300.7, 7e4, 3e9, -3e9, 1e10, 1e19, -1e19, 1e20, np.nan, np.inf, -np.inf],
    np.float32,
)
NAN = np.float32(np.nan)


def _both(name, *arrays, **attrs):
    """Runs an op by its reference and by its kernel."""
    with tf.Graph().as_default(), np.errstate(all="ignore"):
        result = getattr(tf.raw_ops, name)(*[tf.constant(a) for a in arrays], **attrs)
        node, static = result.op, result.op.opdef.static
        names = [arg.name for arg in node.opdef.inputs]
        reference = np.asarray(node.opdef.reference.bind(node)(*arrays))
        kernel = node.opdef.kernel.bind(node, check=lambda *_: None)

        def traced(*given):
            rest = iter(given)
            return kernel(
                *[a if n in static else next(rest) for n, a in zip(names, arrays, strict=True)]
            )

        with jax.enable_x64(True):
            moving = [a for n, a in zip(names, arrays, strict=True) if n not in static]
            compiled = np.asarray(jax.jit(traced)(*moving))
    return reference, compiled


def _agree(name, *arrays, **attrs):
    reference, compiled = _both(name, *arrays, **attrs)
    assert reference.dtype == compiled.dtype
    np.testing.assert_array_equal(compiled, reference)
    return reference


@pytest.mark.parametrize("target", ["int8", "uint8", "int16", "uint16", "int32", "int64", "uint32"])
@pytest.mark.parametrize("source", [np.float32, np.float64, np.float16])
def test_floats_that_do_not_fit_become_the_same_integers(source, target):
    with np.errstate(over="ignore"):
        data = FLOATS.astype(source)
    _agree("Cast", data, DstT=dtypes.as_dtype(target))


def test_floats_become_the_same_uint64():
    _agree("Cast", np.array([0, 1.5, 3e9, 1.5e19, -2.5], np.float64), DstT=dtypes.uint64)


@pytest.mark.parametrize("target", [dtypes.bfloat16, dtypes.float16])
def test_truncation_drops_bits(target):
    data = np.array([1.00390625, 3.14159, -0.1], np.float32)
    found = _agree("Cast", data, DstT=target, Truncate=True).astype(np.float32)
    assert np.all(np.abs(found) <= np.abs(data))


@pytest.mark.parametrize("name", ["Max", "Min"])
def test_extremes_pass_over_nan(name):
    data = np.array([[NAN, 1, 2], [3, NAN, 1], [NAN, NAN, NAN]], np.float32)
    found = _agree(name, data, np.int32(1))
    empty = -np.inf if name == "Max" else np.inf
    assert found.tolist() == ([2, 3, empty] if name == "Max" else [1, 1, empty])


@pytest.mark.parametrize("name", ["ArgMax", "ArgMin"])
def test_positions_pass_over_nan(name):
    data = np.array([[NAN, 1, 2], [3, NAN, 1], [NAN, NAN, NAN]], np.float32)
    assert _agree(name, data, np.int32(1)).tolist() == (
        [2, 0, 0] if name == "ArgMax" else [1, 2, 0]
    )


@pytest.mark.parametrize("name", ["Maximum", "Minimum"])
def test_nan_wins_on_the_left_only(name):
    found = _agree(name, np.array([NAN, 1], np.float32), np.array([1, NAN], np.float32))
    assert np.isnan(found[0])
    assert found[1] == 1


@pytest.mark.parametrize(
    "name", ["UnsortedSegmentMax", "UnsortedSegmentMin", "UnsortedSegmentProd"]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int32])
def test_empty_segments_hold_the_identity(name, dtype):
    found = _agree(name, np.array([1, 2, 3], dtype), np.array([0, -1, 2], np.int32), np.int32(4))
    limits = np.finfo(dtype) if np.issubdtype(dtype, np.floating) else np.iinfo(dtype)
    assert found[1] == {"Max": limits.min, "Min": limits.max, "rod": 1}[name[-3:]]


@pytest.mark.parametrize("reverse", [False, True])
def test_exclusive_logsumexp_starts_with_the_lowest_number(reverse):
    data = np.array([1, 2, 3], np.float64)
    reference, compiled = _both(
        "CumulativeLogsumexp", data, np.int32(0), exclusive=True, reverse=reverse
    )
    np.testing.assert_allclose(compiled, reference, rtol=1e-12)
    assert reference[-1 if reverse else 0] == np.finfo(np.float64).min


@pytest.mark.parametrize("shift", ["LeftShift", "RightShift"])
def test_shifts_out_of_range_take_the_nearest_count(shift):
    counts = np.array([-1, 0, 7, 8, 100], np.int8)
    for value in (1, -1, 100):
        _agree(shift, np.full(5, value, np.int8), counts)


def test_float_range_adds_up_its_steps():
    found = _agree("Range", np.float32(0), np.float32(1), np.float32(0.1))
    assert found[7] == np.float32(0.70000005)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_cholesky_reads_the_lower_triangle(dtype):
    data = np.array([[4, 99, 99], [1, 3, 99], [0.5, 0.25, 2]], dtype)
    reference, compiled = _both("Cholesky", data)
    tolerance = 1e-2 if dtype == np.float16 else 1e-5
    np.testing.assert_allclose(compiled, reference, rtol=tolerance)
    lower = reference.astype(np.float64)
    np.testing.assert_allclose(np.tril(lower @ lower.T), np.tril(data), rtol=tolerance)
