"""`tf.test.TestCase`: absl's test case with sessions and comparisons of arrays."""

import contextlib
import random
import re
import threading
from unittest import mock

import numpy as np
from absl.testing import absltest
from google.protobuf import text_format

from millstream.base import errors, nest
from millstream.base.dtypes import as_dtype
from millstream.base.export import export, export_constant
from millstream.formats import protos
from millstream.ir.composite import SparseTensor, SparseTensorValue
from millstream.ir.default import get_default_graph, reset_default_graph
from millstream.ir.device import canonical_name
from millstream.ir.random_seed import set_random_seed
from millstream.ir.tensor import Tensor
from millstream.runtime.session import Session
from millstream.testing.environment import get_temp_dir

_SEED = 87654321

export_constant("test.mock", mock)


class _Thread(threading.Thread):
    """A thread whose failure fails the test when it is joined."""

    def __init__(self, case, target, args, kwargs):
        super().__init__(daemon=True)
        self._case, self._job = case, (target, args or (), kwargs or {})
        self._error = None

    def run(self):
        """Runs the target and keeps its exception."""
        target, args, kwargs = self._job
        try:
            target(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - reported by `check`
            self._error = error

    def join(self):
        """Waits for the thread and fails the test if the target failed."""
        super().join()
        if self._error is not None:
            self._case.fail(f"Error in checkedThread: {self._error}")

    def is_joined(self):
        """Returns whether the thread has ended."""
        return not self.is_alive()


@export("test.TestCase")
class TestCase(absltest.TestCase):
    """A `unittest.TestCase` that starts each test with an empty default graph and fixed seeds.

    Example:
      >>> class AddTest(TestCase):
      ...     def test_add(self):
      ...         with self.session():
      ...             self.assertAllEqual(tf.add([1], [2]).eval(), [3])
    """

    def __init__(self, methodName="runTest"):
        super().__init__(methodName)
        self._cached_session = None
        self._threads = []

    def setUp(self):
        """Clears the default graph and seeds the generators."""
        super().setUp()
        self._clear_cached_session()
        random.seed(_SEED)
        np.random.seed(_SEED)
        reset_default_graph()
        set_random_seed(_SEED)

    def tearDown(self):
        """Joins the checked threads and closes the cached session."""
        for thread in self._threads:
            thread.join()
        self._threads = []
        self._clear_cached_session()
        super().tearDown()

    def _clear_cached_session(self):
        if self._cached_session is not None:
            self._cached_session.close()
            self._cached_session = None

    # -- sessions

    @contextlib.contextmanager
    def session(self, graph=None, config=None, use_gpu=False, force_gpu=False):
        """Is a context with a new default session of `graph` (default: the default graph)."""
        del use_gpu, force_gpu
        with Session(graph=graph, config=config) as session:
            yield session

    @contextlib.contextmanager
    def cached_session(self, graph=None, config=None, use_gpu=False, force_gpu=False):
        """Is a context with a session that lasts for the whole test.

        Raises:
          ValueError: if it was made with another graph or config.
        """
        del use_gpu, force_gpu
        if self._cached_session is None:
            self._cached_session = Session(graph=graph, config=config)
            self._cached_with = (graph, config)
        elif self._cached_with != (graph, config):
            raise ValueError("The graph or config used to get the cached session is different")
        wanted = self._cached_session
        with wanted.graph.as_default(), wanted.as_default():
            yield wanted

    def test_session(self, graph=None, config=None, use_gpu=False, force_gpu=False):
        """Is `cached_session`, or `session` if a graph is given; deprecated in TF 1.11."""
        if graph is None:
            return self.cached_session(graph, config, use_gpu, force_gpu)
        return self.session(graph, config, use_gpu, force_gpu)

    # absl and pytest would take it for a test.
    test_session.__test__ = False

    def evaluate(self, tensors):
        """Returns the arrays of a structure of tensors, run in the default session."""
        session = self._cached_session or get_default_graph().default_session(None, "evaluate")
        return session.run(tensors)

    def get_temp_dir(self):
        """Returns a directory of this process for files of the tests."""
        return get_temp_dir()

    def checkedThread(self, target, args=None, kwargs=None):
        """Returns a thread, to be started and joined, whose failure fails the test."""
        thread = _Thread(self, target, args, kwargs)
        self._threads.append(thread)
        return thread

    # -- arrays

    def _array(self, value):
        if isinstance(value, Tensor | SparseTensor):
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

    def assertAllClose(self, a, b, rtol=1e-6, atol=1e-6, msg=None):
        """Asserts that two structures of arrays are close: `|a - b| <= atol + rtol * |b|`."""
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
        bad = ~holds(array)
        self.assertFalse(bad.any(), f"not {what}: {array[bad]}")

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
        self._assert_all(target, lambda x: np.isin(x, list(expected_set)), f"in {expected_set}")

    # -- errors, messages, structures

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(self, exception_type, expected_err_re_or_predicate):
        """Is a context that must raise an error that a predicate or expression accepts."""
        try:
            yield
        except exception_type as error:
            wanted = expected_err_re_or_predicate
            text = error.message if isinstance(error, errors.OpError) else str(error)
            matches = wanted(error) if callable(wanted) else re.search(wanted, text)
            if not matches:
                raise AssertionError(f"{type(error).__name__} does not match: {text}") from error
            return
        self.fail(f"{exception_type} was not raised")

    def assertRaisesOpError(self, expected_err_re_or_predicate):
        """Is `assertRaisesWithPredicateMatch` for errors of running nodes."""
        return self.assertRaisesWithPredicateMatch(errors.OpError, expected_err_re_or_predicate)

    def assertProtoEquals(self, expected_message_maybe_ascii, message, msg=None):
        """Asserts that a message equals another one, given as itself or as text."""
        expected = expected_message_maybe_ascii
        if isinstance(expected, str):
            expected = text_format.Merge(expected, type(message)())
        self.assertEqual(str(expected), str(message), msg)

    def assertProtoEqualsVersion(self, expected, actual, producer=134, min_consumer=0, msg=None):
        """Is `assertProtoEquals` with a version added to the expected text."""
        versions = f"versions {{ producer: {producer} min_consumer: {min_consumer} }}"
        self.assertProtoEquals(f"{versions}\n{expected}", actual, msg)

    def assertStartsWith(self, actual, expected_start, msg=None):
        """Asserts that a string starts with another."""
        self.assertTrue(
            actual.startswith(expected_start), msg or f"{actual!r} lacks {expected_start!r}"
        )

    def assertDeviceEqual(self, device1, device2, msg=None):
        """Asserts that two device strings mean the same."""
        self.assertEqual(canonical_name(device1), canonical_name(device2), msg)

    def assertItemsEqual(self, first, second, msg=None):
        """Asserts that two sequences have the same items in any order."""
        self.assertCountEqual(first, second, msg)

    def assertSameStructure(self, a, b, aname="a", bname="b", msg=None):
        """Asserts that two structures nest alike."""
        del aname, bname, msg
        nest.assert_same_structure(a, b)

    def assertSparseTensorValueEqual(self, a, b):
        """Asserts that two `SparseTensorValue`s have the same parts."""
        for one, other in zip(SparseTensorValue(*a), SparseTensorValue(*b), strict=True):
            self.assertAllEqual(one, other)


@export("test.assert_equal_graph_def")
def assert_equal_graph_def(actual, expected, checkpoint_v2=False, hash_table_shared_name=False):
    """Asserts that two `GraphDef`s have the same nodes, in any order; versions do not count.

    Args:
      actual: one.
      expected: the other.
      checkpoint_v2: whether random suffixes of temporary checkpoint names are ignored.
      hash_table_shared_name: whether random names of tables are ignored.

    Raises:
      AssertionError: if they differ.
      TypeError: if they are no `GraphDef`s.
    """
    for one in (actual, expected):
        if not isinstance(one, protos.GraphDef):
            raise TypeError(f"Expected a GraphDef, not {type(one).__name__}")
    ignored = ("value",) * checkpoint_v2 + ("shared_name",) * hash_table_shared_name
    first, second = _by_name(actual, ignored), _by_name(expected, ignored)
    if first.keys() != second.keys():
        raise AssertionError(f"nodes differ: {sorted(first.keys() ^ second.keys())}")
    for name, node in first.items():
        if node != second[name]:
            raise AssertionError(f"Node '{name}' differs:\n{node}\n{second[name]}")


def _by_name(graph_def, ignored):
    nodes = {}
    for node in graph_def.node:
        copy = type(node)()
        copy.CopyFrom(node)
        if copy.op == "Const" or "shared_name" in ignored:
            for key in ignored:
                copy.attr.pop(key, None)
        nodes[copy.name] = copy
    return nodes
