"""`tf.test.TestCase`: sessions, assertions that hold and that fail, threads, temporary files."""

import collections
import os
import subprocess
import sys
import threading
import unittest

import numpy as np
import pytest

import millstream as tf

Point = collections.namedtuple("Point", "x y")


class Sample(tf.test.TestCase):
    __test__ = False

    def runTest(self):
        """Does nothing: the functions below call the methods."""


@pytest.fixture
def case():
    found = Sample()
    found.setUp()
    yield found
    found._clear_cached_session()
    tf.reset_default_graph()


HOLD = [
    lambda t: t.assertAllEqual([np.nan, 1], [np.nan, 1]),
    lambda t: t.assertAllEqual(tf.constant(["a"]), [b"a"]),
    lambda t: t.assertNotAllEqual([1, 2], [1, 3]),
    lambda t: t.assertNotAllEqual([1, 2], [[1, 2]]),
    lambda t: t.assertAllClose([np.inf, np.nan], [np.inf, np.nan]),
    lambda t: t.assertAllClose([tf.constant(1.0), tf.constant([1.0, 2])], [1, [1, 2]]),
    lambda t: t.assertAllClose({"a": tf.constant(1.0)}, {"a": 1}),
    lambda t: t.assertAllClose(Point(1.0, [2.0]), Point(1.0, [2.0])),
    lambda t: t.assertAllClose([[1, 2], [3]], [[1, 2], [3]]),
    lambda t: t.assertAllClose([1.0], [1.1], atol=0.2),
    lambda t: t.assertNotAllClose([1.0], [1.1]),
    lambda t: t.assertAllCloseAccordingToType(np.float16(1.0005), np.float16(1)),
    lambda t: t.assertAllGreater(tf.constant([2, 3]), 1),
    lambda t: t.assertAllLess([2, 3], 4),
    lambda t: t.assertAllGreaterEqual([2, 3], 2),
    lambda t: t.assertAllLessEqual([2, 3], 3),
    lambda t: t.assertAllInRange([1, 2], 1, 2),
    lambda t: t.assertAllInSet([1, 2], {1, 2, 3}),
    lambda t: t.assertNear(1, 1.1, 0.2),
    lambda t: t.assertArrayNear([1.0, 2], [1.0, 2.01], 0.1),
    lambda t: t.assertNDArrayNear(np.array([1.0]), np.array([1.01]), 0.1),
    lambda t: t.assertShapeEqual(np.zeros([2, 3]), tf.zeros([2, 3])),
    lambda t: t.assertDTypeEqual(tf.constant(1.0), np.float32),
    lambda t: t.assertDeviceEqual("/cpu:0", "/device:CPU:0"),
    lambda t: t.assertProtoEquals("simple_value: 1", tf.Summary.Value(simple_value=1)),
    lambda t: t.assertProtoEqualsVersion("", tf.Graph().as_graph_def()),
    lambda t: t.assertStartsWith("abc", "ab"),
    lambda t: t.assertItemsEqual([1, 2], [2, 1]),
    lambda t: t.assertSameStructure([1, (2,)], [3, (4,)]),
    lambda t: t.assertSparseTensorValueEqual(([[0]], [1], [2]), ([[0]], [1], [2])),
    lambda t: t.assertEquals(1, 1),  # noqa: PT009 - the old name is what is tested
    lambda t: t.assertRegexpMatches("abc", "b"),  # noqa: PT009
]
FAIL = [
    (lambda t: t.assertAllEqual([1, 2], [1, 3]), "not equal at"),
    (lambda t: t.assertAllEqual([1, 2], [[1, 2]]), "Shape mismatch"),
    (lambda t: t.assertAllEqual(1, [1]), "Shape mismatch"),
    (lambda t: t.assertAllEqual(tf.constant(["a"]), ["a"]), "not equal at"),
    (lambda t: t.assertNotAllEqual([1, 2], [1, 2]), "equal at all elements"),
    (lambda t: t.assertAllClose([1.0], [1.1]), "Not equal to tolerance"),
    (lambda t: t.assertAllClose([[1, 2], [3]], [[1, 2], [3.1]]), "Not equal to tolerance"),
    (lambda t: t.assertAllClose({"a": 1.0}, {"b": 1.0}), "counts"),
    (lambda t: t.assertAllClose(Point(1.0, 2.0), Point(1.0, 3.0)), "Not equal to tolerance"),
    (lambda t: t.assertNotAllClose([1.0], [1.0]), "close at all elements"),
    (lambda t: t.assertAllGreater(tf.constant([2, 1]), 1), r"not > 1: \[1\]"),
    (lambda t: t.assertAllLess([2, 4], 4), r"not < 4: \[4\]"),
    (
        lambda t: t.assertAllInRange([1, 2], 1, 2, open_upper_bound=True),
        r"range from 1 to 2: \[2\]",
    ),
    (lambda t: t.assertAllInRange(tf.constant(["a"]), 1, 2), "no order"),
    (lambda t: t.assertAllInSet([1, 4], {1, 2, 3}), "not in"),
    (lambda t: t.assertNear(1, 1.5, 0.2), "1.5"),
    (lambda t: t.assertShapeEqual(np.zeros([2, 3]), tf.zeros([2])), "Shape mismatch"),
    (lambda t: t.assertDTypeEqual(tf.constant(1.0), tf.int32), "float32"),
    (lambda t: t.assertDeviceEqual("/cpu:0", "/cpu:1"), "CPU:1"),
    (lambda t: t.assertProtoEquals("simple_value: 2", tf.Summary.Value(simple_value=1)), "2"),
    (lambda t: t.assertStartsWith("abc", "x"), "lacks 'x'"),
]


@pytest.mark.parametrize("check", HOLD)
def test_holds(case, check):
    check(case)


@pytest.mark.parametrize(("check", "message"), FAIL)
def test_fails(case, check, message):
    with pytest.raises(AssertionError, match=message):
        check(case)


def test_devices_of_nodes(case):
    with case.session():
        assert tf.constant(1).device == "/device:CPU:0"
    with case.session(use_gpu=True):
        assert tf.constant(1).device == ""
    with case.cached_session():
        assert tf.constant(1).device == "/device:CPU:0"


def test_sessions(case):
    v = tf.Variable(3.0)
    with case.cached_session() as first:
        first.run(v.initializer)
        assert case.evaluate(v) == 3
    with case.cached_session() as second:
        assert second is first
    assert case.evaluate([v, {"a": v}]) == [3, {"a": 3}]
    with case.session() as third:
        assert third is not first
        with pytest.raises(tf.errors.FailedPreconditionError):
            case.evaluate(v)
    with pytest.raises(ValueError, match="different"), case.cached_session(config=tf.ConfigProto()):
        pass
    with case.test_session(graph=tf.Graph()) as fourth:
        assert fourth is not first


def test_evaluate_makes_a_session(case):
    assert case.evaluate(tf.constant(3) + 1) == 4


def test_seeds_and_graph_are_fresh_in_each_test():
    found = []

    class Seeded(tf.test.TestCase):
        def test_one(self):
            assert not tf.get_default_graph().get_operations()
            found.append((np.random.rand(), self.evaluate(tf.random_uniform([]))))

        test_two = test_one

    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Seeded)
    result = unittest.TestResult()
    suite.run(result)
    assert not result.failures
    assert not result.errors
    assert len(result.skipped) == 1  # `test_session`, which is none
    assert found[0] == found[1]
    # What TensorFlow 1.15 draws first in such a test.
    assert found[0][0] == pytest.approx(np.random.RandomState(87654321).rand())


def test_errors_of_nodes(case):
    x = tf.placeholder(tf.int32, [None])
    with case.assertRaisesOpError("requested shape"), case.session() as session:
        session.run(tf.reshape(x, [3]), {x: [1, 2]})
    with pytest.raises(AssertionError, match="was not raised"), case.assertRaisesOpError("any"):
        pass
    with pytest.raises(AssertionError, match="does not match"):
        with case.assertRaisesWithPredicateMatch(ValueError, "other"):
            raise ValueError("this")
    with case.assertRaisesWithPredicateMatch(ValueError, lambda error: "this" in str(error)):
        raise ValueError("this")


def test_checked_threads(case):
    done = threading.Event()
    good = case.checkedThread(done.set)
    good.start()
    good.join()
    assert done.is_set()

    def fail(text):
        raise ValueError(text)

    bad = case.checkedThread(fail, args=("boom",))
    bad.start()
    with pytest.raises(AssertionError, match="boom"):
        bad.join()
    case.tearDown()
    left = case.checkedThread(done.set)
    left.start()
    with pytest.raises(AssertionError, match="not joined"):
        case.tearDown()


def test_temporary_directories(case):
    assert os.path.isdir(case.get_temp_dir())
    assert case.get_temp_dir() == case.get_temp_dir()
    assert Sample().get_temp_dir() != case.get_temp_dir()
    assert case.get_temp_dir().startswith(tf.test.get_temp_dir())


def test_captured_writes(case, capfd):
    with case.captureWritesToStream(sys.__stderr__) as captured:
        os.write(2, b"from below\n")
        print("from Python", file=sys.__stderr__)
    assert captured.contents() == "from below\nfrom Python\n"
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "later\n"


def test_main_runs_the_tests_of_a_program(tmp_path):
    program = tmp_path / "adds_test.py"
    program.write_text(
        "import millstream as tf\n"
        "class AddTest(tf.test.TestCase):\n"
        "  def testAdd(self):\n"
        "    with self.test_session():\n"
        "      self.assertAllEqual(tf.add([1], [2]).eval(), [3])\n"
        "  def testWrong(self):\n"
        "    self.assertAllEqual(self.evaluate(tf.add([1], [2])), [4])\n"
        "if __name__ == '__main__':\n"
        "  tf.test.main()\n"
    )
    run = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "FAILED (failures=1, skipped=1)" in run.stderr
    run = subprocess.run(
        [sys.executable, program, "AddTest.testAdd"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_graphs_are_compared():
    def graph_def(value):
        with tf.Graph().as_default() as graph:
            tf.constant(value, name="c")
            tf.no_op(name="n")
        return graph.as_graph_def()

    one = graph_def(1.0)
    other = graph_def(1.0)
    other.node.reverse()
    tf.test.assert_equal_graph_def(one, other)
    with pytest.raises(AssertionError, match="'c' differs"):
        tf.test.assert_equal_graph_def(one, graph_def(2.0))
    tf.test.assert_equal_graph_def(one, graph_def(2.0), checkpoint_v2=True)
    del other.node[0]
    with pytest.raises(AssertionError, match="nodes differ"):
        tf.test.assert_equal_graph_def(one, other)
    with pytest.raises(TypeError, match="GraphDef"):
        tf.test.assert_equal_graph_def(one, "text")


def test_devices():
    assert tf.test.gpu_device_name() in ("", "/device:GPU:0")
    assert tf.test.is_gpu_available() == bool(tf.test.gpu_device_name())
    assert tf.test.is_built_with_cuda() == tf.test.is_gpu_available()
    assert not tf.test.is_built_with_rocm()


def test_mock():
    with tf.test.mock.patch.object(os, "getcwd", lambda: "elsewhere"):
        assert os.getcwd() == "elsewhere"


def test_source_directory(monkeypatch):
    monkeypatch.setenv("TEST_SRCDIR", "/sources")
    assert tf.test.test_src_dir_path("a/b") == "/sources/a/b"
