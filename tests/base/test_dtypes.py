"""What is Millstream's own about dtypes: the inside of a `DType` and the groups of types."""

import ml_dtypes
import numpy as np
import pytest

from millstream.base import dtypes
from millstream.base.dtypes import DType, as_dtype


@pytest.mark.parametrize(
    ("dtype", "held"),
    [
        (dtypes.float32, np.float32),
        (dtypes.bool_, np.bool_),
        (dtypes.string, object),
        (dtypes.quint8, np.uint8),
        (dtypes.qint32_ref, np.int32),
        (dtypes.bfloat16, ml_dtypes.bfloat16),
        (dtypes.resource, object),
    ],
)
def test_np_is_the_plain_numpy_dtype(dtype, held):
    assert dtype.np == np.dtype(held)


def test_there_is_one_object_per_type():
    assert as_dtype("float32") is as_dtype(1) is DType(1) is dtypes.float32
    assert dtypes.float32_ref.base_dtype is dtypes.float32
    assert dtypes.float32_ref.is_ref
    assert not dtypes.float32.is_ref


def test_bfloat16_bounds_are_finite():
    assert float(dtypes.bfloat16.max) == 3.3895313892515355e38
    assert dtypes.bfloat16.min == -dtypes.bfloat16.max


@pytest.mark.parametrize("dtype", [dtypes.string, dtypes.complex64, dtypes.qint8, dtypes.variant])
def test_bounds_of_unordered_types_are_errors(dtype):
    with pytest.raises(TypeError, match=f"minimum value of <dtype: '{dtype.name}'>"):
        _ = dtype.min
    with pytest.raises(TypeError, match=dtype.name):
        _ = dtype.limits


def test_groups_hold_tensorflows_types():
    assert len(dtypes.Number) == 17
    assert len(dtypes.Real) == 12
    assert set(dtypes.Floating) < set(dtypes.Real) < set(dtypes.Number)
    assert dtypes.Bool not in dtypes.Number


def test_unknown_spelling_is_named():
    with pytest.raises(TypeError, match="Cannot convert value 'flaot32' to a TensorFlow DType"):
        as_dtype("flaot32")
