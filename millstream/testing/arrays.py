"""Assertions about arrays and tensors, for `tf.test.TestCase`."""

from __future__ import annotations

from typing import Any

import numpy as np
from absl.testing import absltest

from millstream.base import nest
from millstream.base.dtypes import as_dtype
from millstream.ir.composite import SparseTensorValue
from millstream.ir.tensor import Tensor


class ArrayAssertions(absltest.TestCase):
    """The part of `TestCase` that compares arrays; tensors are evaluated first."""

    def evaluate(self, tensors: Any) -> Any:
        """Returns the arrays of a structure of tensors."""
        raise TypeError(f"{type(self).__name__} has no session to evaluate {tensors}")

    def _array(self, value):
        if isinstance(value, Tensor):
            value = self.evaluate(value)
        return value if isinstance(value, np.ndarray) else np.array(value)

    def assertAllEqual(self, a, b, msg=None):
        """Asserts that two arrays have the same shape and elements; NaNs are equal."""
        a, b = self._array(a), self._array(b)
        self.assertEqual(a.shape, b.shape, f"Shape mismatch: {a.shape} vs {b.shape}. {msg or ''}")
        same = a == b
        if a.dtype.kind in "fc" and b.dtype.kind in "fc":
            same |= np.isnan(a) & np.isnan(b)
        if not np.all(same):
            where = np.argwhere(~np.atleast_1d(same))[:10].tolist()
            self.fail(f"not equal at {where}: {a[~same]} vs {b[~same]}. {msg or ''}")

    def assertNotAllEqual(self, a, b, msg=None):
        """Asserts that two arrays of one shape differ in at least one element."""
        try:
            self.assertAllEqual(a, b)
        except AssertionError:
            return
        raise AssertionError(f"The two values are equal at all elements. {msg or ''}")

    def assertAllClose(self, a, b, rtol=1e-6, atol=1e-6, msg=None):
        """Asserts that two structures of arrays are close: `|a - b| <= atol + rtol * |b|`."""
        a, b = self._structure(a), self._structure(b)
        if isinstance(a, dict) or isinstance(b, dict):
            self.assertCountEqual(list(a), list(b))
            for key in a:
                self.assertAllClose(a[key], b[key], rtol, atol, f"{msg or ''} [{key!r}]")
            return
        try:
            self._assert_close(self._array(a), self._array(b), rtol, atol, msg)
        except ValueError:  # a ragged list: compare its items
            self.assertEqual(len(a), len(b), msg)
            for one, other in zip(a, b, strict=True):
                self.assertAllClose(one, other, rtol, atol, msg)

    def _structure(self, value):
        """Evaluates the tensors in a structure, and makes dicts of namedtuples."""
        if hasattr(value, "_asdict"):
            value = value._asdict()
        tensors = nest.flatten(value)
        if any(isinstance(item, Tensor) for item in tensors):
            flat = [self._array(item) if isinstance(item, Tensor) else item for item in tensors]
            value = nest.pack_sequence_as(value, flat)
        return value

    def _assert_close(self, a, b, rtol, atol, msg):
        self.assertEqual(a.shape, b.shape, f"Shape mismatch: {a.shape} vs {b.shape}. {msg or ''}")
        wide = np.complex128 if "c" in (a.dtype.kind, b.dtype.kind) else np.float64
        np.testing.assert_allclose(
            a.astype(wide), b.astype(wide), rtol, atol, equal_nan=True, err_msg=msg or ""
        )

    def assertAllCloseAccordingToType(
        self,
        a,
        b,
        rtol=1e-6,
        atol=1e-6,
        float_rtol=1e-6,
        float_atol=1e-6,
        half_rtol=1e-3,
        half_atol=1e-3,
        bfloat16_rtol=1e-2,
        bfloat16_atol=1e-2,
        msg=None,
    ):
        """Is `assertAllClose` with wider tolerances for narrower types."""
        a, b = self._array(a), self._array(b)
        names = {a.dtype.name, b.dtype.name}
        for wanted, r, t in (
            ({"float32", "complex64"}, float_rtol, float_atol),
            ({"float16"}, half_rtol, half_atol),
            ({"bfloat16"}, bfloat16_rtol, bfloat16_atol),
        ):
            if names & wanted:
                rtol, atol = max(rtol, r), max(atol, t)
        self.assertAllClose(a, b, rtol, atol, msg)

    def assertNotAllClose(self, a, b, **kwargs):
        """Asserts that two structures of arrays are not close."""
        try:
            self.assertAllClose(a, b, **kwargs)
        except AssertionError:
            return
        raise AssertionError("The two values are close at all elements")

    def assertNear(self, f1, f2, err, msg=None):
        """Asserts that two numbers differ by at most `err`."""
        near = f1 == f2 or abs(f1 - f2) <= err
        self.assertTrue(near, f"{f1!r} != {f2!r} +/- {err!r}{f' ({msg})' if msg else ''}")

    def assertArrayNear(self, farray1, farray2, err, msg=None):
        """Asserts that two sequences of numbers differ by at most `err` per element."""
        self.assertEqual(len(farray1), len(farray2), msg)
        for f1, f2 in zip(farray1, farray2, strict=True):
            self.assertNear(float(f1), float(f2), err, msg)

    def assertNDArrayNear(self, ndarray1, ndarray2, err, msg=None):
        """Asserts that the norm of the difference of two arrays is below `err`."""
        distance = np.linalg.norm(np.asarray(ndarray1) - np.asarray(ndarray2))
        self.assertLess(distance, err, msg)

    def assertShapeEqual(self, np_array, tf_tensor, msg=None):
        """Asserts that an array has the static shape of a tensor."""
        self.assertAllEqual(np_array.shape, tf_tensor.get_shape().as_list(), msg)

    def assertDTypeEqual(self, target, expected_dtype):
        """Asserts that an array or tensor has a dtype."""
        found = as_dtype(self._array(target).dtype)
        self.assertEqual(found, as_dtype(expected_dtype))

    def _assert_all(self, a, holds, what):
        array = self._array(a)
        self.assertIn(array.dtype.kind, "biuf", f"The value {array} has no order")
        bad = ~holds(array)
        if bad.any():
            self.fail(f"{bad.sum()} of {array.size} elements are not {what}: {array[bad]}")

    def assertAllGreater(self, a, comparison_target):
        """Asserts that every element is greater than a number."""
        self._assert_all(a, lambda x: x > comparison_target, f"> {comparison_target}")

    def assertAllLess(self, a, comparison_target):
        """Asserts that every element is less than a number."""
        self._assert_all(a, lambda x: x < comparison_target, f"< {comparison_target}")

    def assertAllGreaterEqual(self, a, comparison_target):
        """Asserts that no element is less than a number."""
        self._assert_all(a, lambda x: x >= comparison_target, f">= {comparison_target}")

    def assertAllLessEqual(self, a, comparison_target):
        """Asserts that no element is greater than a number."""
        self._assert_all(a, lambda x: x <= comparison_target, f"<= {comparison_target}")

    def assertAllInRange(
        self, target, lower_bound, upper_bound, open_lower_bound=False, open_upper_bound=False
    ):
        """Asserts that every element lies in an interval."""
        above, below = (np.greater, np.greater_equal), (np.less, np.less_equal)
        self._assert_all(
            target,
            lambda x: (
                above[not open_lower_bound](x, lower_bound)
                & below[not open_upper_bound](x, upper_bound)
            ),
            f"in the range from {lower_bound} to {upper_bound}",
        )

    def assertAllInSet(self, target, expected_set):
        """Asserts that every element is one of a set."""
        found = set(self._array(target).ravel().tolist())
        self.assertLessEqual(found, set(expected_set), f"not in {expected_set}")

    def assertSparseTensorValueEqual(self, a, b):
        """Asserts that two `SparseTensorValue`s have the same parts."""
        for one, other in zip(SparseTensorValue(*a), SparseTensorValue(*b), strict=True):
            self.assertAllEqual(one, other)
