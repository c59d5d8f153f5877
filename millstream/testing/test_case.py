"""`tf.test.TestCase`: absl's test case with sessions and comparisons of arrays."""

import contextlib
import os
import random
import re
import tempfile
import threading
from unittest import mock

import numpy as np
from google.protobuf import text_format

from millstream.base import errors, nest
from millstream.base.export import export, export_constant
from millstream.ir.default import reset_default_graph
from millstream.ir.device import canonical_name
from millstream.ir.random_seed import set_random_seed
from millstream.runtime.session import Session, get_default_session
from millstream.testing.arrays import ArrayAssertions
from millstream.testing.environment import get_temp_dir, gpu_device_name

_SEED = 87654321

export_constant("test.mock", mock)


class _Thread(threading.Thread):
    """A thread whose failure fails the test when it is joined."""

    def __init__(self, case, target, args, kwargs):
        super().__init__(daemon=True)
        self._case, self._job = case, (target, args or (), kwargs or {})
        self._error = None
        self._is_joined = False

    def run(self):
        """Runs the target and keeps its exception."""
        target, args, kwargs = self._job
        try:
            target(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - reported by `check`
            self._error = error

    def join(self):
        """Waits for the thread and fails the test if the target failed."""
        self._is_joined = True
        super().join()
        if self._error is not None:
            self._case.fail(f"Error in checkedThread: {self._error}")

    def check_termination(self):
        """Fails the test if nobody joined the thread."""
        if not self._is_joined:
            self._case.fail("A checked thread was not joined.")


def _on(session, use_gpu, force_gpu):
    """Is a context in which nodes go to the CPU, unless GPUs are wanted."""
    if force_gpu:
        return session.graph.device(gpu_device_name() or "/device:GPU:0")
    return contextlib.nullcontext() if use_gpu else session.graph.device("/device:CPU:0")


class _Captured:
    """What was written to a stream while it was captured."""

    def __init__(self):
        self._text = ""

    def contents(self):
        """Returns the text."""
        return self._text


@export("test.TestCase")
class TestCase(ArrayAssertions):
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
        self._directory = None

    def setUp(self):
        """Clears the default graph and seeds the generators."""
        super().setUp()
        self._clear_cached_session()
        random.seed(_SEED)
        np.random.seed(_SEED)
        reset_default_graph()
        set_random_seed(_SEED)

    def tearDown(self):
        """Closes the cached session; fails if a checked thread was not joined."""
        threads, self._threads = self._threads, []
        self._clear_cached_session()
        for thread in threads:
            thread.check_termination()
        super().tearDown()

    def _clear_cached_session(self):
        if self._cached_session is not None:
            self._cached_session.close()
            self._cached_session = None

    # -- sessions

    @contextlib.contextmanager
    def session(self, graph=None, config=None, use_gpu=False, force_gpu=False):
        """Is a context with a new default session of `graph` (default: the default graph)."""
        with Session(graph=graph, config=config) as session, _on(session, use_gpu, force_gpu):
            yield session

    @contextlib.contextmanager
    def cached_session(self, graph=None, config=None, use_gpu=False, force_gpu=False):
        """Is a context with a session that lasts for the whole test.

        Raises:
          ValueError: if it was made with another graph or config.
        """
        if self._cached_session is None:
            self._cached_session = Session(graph=graph, config=config)
            self._cached_with = (graph, config)
        elif self._cached_with != (graph, config):
            raise ValueError("The graph or config used to get the cached session is different")
        wanted = self._cached_session
        with wanted.graph.as_default(), wanted.as_default(), _on(wanted, use_gpu, force_gpu):
            yield wanted

    def test_session(self, graph=None, config=None, use_gpu=False, force_gpu=False):
        """Is `cached_session`, or `session` if a graph is given; deprecated in TF 1.11."""
        if self.id().endswith(".test_session"):
            self.skipTest("Not a test: its name only looks like one's.")
        if graph is None:
            return self.cached_session(graph, config, use_gpu, force_gpu)
        return self.session(graph, config, use_gpu, force_gpu)

    def evaluate(self, tensors):
        """Returns the arrays of a structure of tensors, run in the default or cached session."""
        session = get_default_session()
        if session is not None:
            return session.run(tensors)
        with self.cached_session() as session:
            return session.run(tensors)

    def get_temp_dir(self):
        """Returns a directory for files of this test."""
        if self._directory is None:
            self._directory = tempfile.mkdtemp(dir=get_temp_dir())
        return self._directory

    def checkedThread(self, target, args=None, kwargs=None):
        """Returns a thread, to be started and joined, whose failure fails the test."""
        thread = _Thread(self, target, args, kwargs)
        self._threads.append(thread)
        return thread

    # -- errors, messages, structures

    @contextlib.contextmanager
    def captureWritesToStream(self, stream):
        """Is a context that catches what is written to a stream's file, and gives it as text."""
        captured = _Captured()
        number = stream.fileno()
        kept = os.dup(number)
        with tempfile.TemporaryFile() as file:
            stream.flush()
            os.dup2(file.fileno(), number)
            try:
                yield captured
            finally:
                stream.flush()
                os.dup2(kept, number)
                os.close(kept)
                file.seek(0)
                captured._text = file.read().decode()

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


# Names of `unittest` that programs of TF 1.x's time use, and Python 3.12 no longer has.
for _old, _new in {
    "assert_": "assertTrue",
    "assertEquals": "assertEqual",
    "assertNotEquals": "assertNotEqual",
    "assertAlmostEquals": "assertAlmostEqual",
    "assertNotAlmostEquals": "assertNotAlmostEqual",
    "assertRegexpMatches": "assertRegex",
    "assertNotRegexpMatches": "assertNotRegex",
    "assertRaisesRegexp": "assertRaisesRegex",
}.items():
    if not hasattr(TestCase, _old):
        setattr(TestCase, _old, getattr(TestCase, _new))
