"""TensorArrays: contents, errors, gradients, in both tiers."""

import numpy as np
import pytest

import millstream as tf
from millstream.base import errors


@pytest.fixture(params=["numpy", "xla"])
def run(request, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", request.param)

    def run(fetches, feed_dict=None):
        with tf.Session() as session:
            return session.run(fetches, feed_dict)

    with tf.Graph().as_default():
        yield run


def array(size, *values, dtype=tf.float32, **options):
    made = tf.TensorArray(dtype, size, **options)
    for index, value in enumerate(values):
        made = made.write(index, value)
    return made


def test_write_read_stack(run):
    made = array(3, [1.0, 2.0], [3.0, 4.0], clear_after_read=False)
    row, whole, size = run([made.read(1), made.stack(), made.size()])
    np.testing.assert_array_equal(row, [3, 4])
    np.testing.assert_array_equal(whole, [[1, 2], [3, 4], [0, 0]])
    assert size == 3
    assert made.stack().shape.as_list() == [None, 2]


def test_gather_scatter_concat_split(run):
    x = tf.placeholder(tf.float32, [None])
    made = tf.TensorArray(tf.float32, 2, clear_after_read=False).scatter(
        [1, 0], [[1.0, 1.0], [2.0, 2.0]]
    )
    pieces = tf.TensorArray(tf.float32, 2, infer_shape=False).split(x, [1, 2])
    gathered, joined, second = run(
        [made.gather([1]), made.concat(), pieces.read(1)], {x: [5, 6, 7]}
    )
    np.testing.assert_array_equal(gathered, [[1, 1]])
    np.testing.assert_array_equal(joined, [2, 2, 1, 1])
    np.testing.assert_array_equal(second, [6, 7])


def test_arrays_grow(run):
    made = array(0, 1.0, 2.0, dynamic_size=True).write(4, 9.0)
    np.testing.assert_array_equal(run(made.stack()), [1, 2, 0, 0, 9])


def test_strings_and_ragged_elements(run):
    words = array(2, "a", "b", dtype=tf.string)
    ragged = array(2, [1.0], [2.0, 3.0], infer_shape=False)
    stacked, joined = run([words.stack(), ragged.concat()])
    assert stacked.tolist() == [b"a", b"b"]
    np.testing.assert_array_equal(joined, [1, 2, 3])


def test_flow_looks_like_a_scalar(run):
    made = array(1, 1.0)
    assert run(made.identity().flow) == 0
    assert run(made.close()) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: [array(2, 1.0).read(0)] * 1 + [array(2, 1.0).read(5)], "from index 5"),
        (lambda: array(2).read(0), "Could not read from TensorArray index 0"),
        (lambda: array(2).write(5, 1.0).flow, "write to index 5 but array is not resizeable"),
        (lambda: array(2, 1.0).write(0, 1.0).flow, "already been written to"),
        (lambda: array(1).unstack([1.0, 2.0]).flow, "Max scatter index must be < array size"),
        (lambda: array(2).split([1.0, 2.0], [1, 2]).flow, "Expected sum of lengths"),
        (lambda: array(1, 1.0).concat(), "Concat saw a scalar shape"),
        (lambda: array(-1).size(), "Size should be >= 0"),
        (
            lambda: tf.raw_ops.TensorArrayWriteV3(
                handle=array(2).handle, index=0, value=1, flow_in=0.0
            ),
            "is trying to write dtype int32",
        ),
    ],
)
def test_errors_when_run(monkeypatch, make, message):
    monkeypatch.setenv("MILLSTREAM_TIER", "numpy")
    with tf.Graph().as_default(), tf.Session() as session:
        with pytest.raises(errors.InvalidArgumentError, match=message):
            session.run(make())


def test_elements_are_cleared_when_read(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "numpy")
    with tf.Graph().as_default(), tf.Session() as session:
        made = array(2, 1.0, 2.0)
        with pytest.raises(errors.InvalidArgumentError, match="Could not read index 0 twice"):
            session.run([made.read(0), made.read(0)])
        kept = array(2, 1.0, 2.0, clear_after_read=False)
        assert session.run([kept.read(0), kept.read(0)]) == [1, 1]


def test_empty_arrays_need_a_shape(run):
    assert run(array(0, element_shape=[3]).stack()).shape == (0, 3)
    with pytest.raises(errors.UnimplementedError, match="size zero, but element shape <unknown>"):
        with tf.Session() as session:
            session.run(array(0).stack())


def test_wrong_arguments():
    handle = tf.constant("x")
    with pytest.raises(ValueError, match="Size must be provided"):
        tf.TensorArray(tf.float32)
    for extra in ("size", "dynamic_size", "clear_after_read", "element_shape"):
        with pytest.raises(ValueError, match=f"both a handle and {extra}"):
            tf.TensorArray(tf.float32, handle=handle, **{extra: 1})
    with pytest.raises(ValueError, match="flow must not be None"):
        tf.TensorArray(tf.float32, handle=handle)
    with pytest.raises(ValueError, match="Inconsistent shapes"):
        array(2, 1.0, [2.0])


def test_names_are_those_of_tensorflow():
    with tf.Graph().as_default() as graph:
        made = array(2, 1.0, name="foo")
        assert made.stack().name == "TensorArrayStack/TensorArrayGatherV3:0"
        assert made.unstack([1.0, 2.0], name="u").flow.name == "u/u/u:0"
        assert made.handle.name == "foo:0"
        assert made.grad("gradients").flow.name == "TensorArrayGrad/gradient_flow:0"
        node = graph.get_operation_by_name("TensorArrayWrite/TensorArrayWriteV3")
        assert node.colocation_groups() == [b"loc:@TensorArrayWrite/value"]


def test_gradients_of_first_and_second_order(run):
    x = tf.placeholder(tf.float32, [3, 2])
    given = tf.TensorArray(tf.float32, 3).unstack(x)
    y = given.read(0) * given.read(1) + tf.reduce_sum(given.read(2))
    z = array(2, y, 2.0 * y).stack()
    c = tf.TensorArray(tf.float32, 2).split(z, [1, 1]).concat()
    (first,) = tf.gradients(c * c, x)
    (second,) = tf.gradients(first, x)
    first, second = run([first, second], {x: np.arange(6).reshape(3, 2)})
    np.testing.assert_array_equal(first, [[180, 360], [0, 120], [210, 210]])
    np.testing.assert_array_equal(second, [[170, 300], [90, 180], [100, 100]])


def test_elements_that_nobody_reads_have_zero_gradients(run):
    x = tf.constant([1.0, 2.0, 3.0])
    given = tf.TensorArray(tf.float32, 3).unstack(x)
    np.testing.assert_array_equal(run(tf.gradients(2 * given.read(1), x)[0]), [0, 2, 0])


def test_the_gradient_array_can_be_read(run):
    x = tf.constant(3.0)
    given = array(1, x)
    (dx,) = tf.gradients(given.read(0) * x, x)
    assert run(dx) == 6


def test_growing_arrays_in_compiled_loops_are_given_more_room(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "xla")
    with tf.Graph().as_default(), tf.Session() as session:
        n = tf.placeholder(tf.int32, [])
        step = tf.get_variable("step", initializer=1.0)
        runs = tf.get_variable("runs", initializer=0.0)
        start = (0, tf.zeros([]), tf.TensorArray(tf.float32, 0, dynamic_size=True))
        _, _, made = tf.while_loop(
            lambda i, *_: i < n, lambda i, s, a: (i + 1, s + step, a.write(i, s)), start
        )
        count = runs.assign_add(1.0)
        session.run(tf.global_variables_initializer())
        for number, trips in enumerate([5, 100, 100, 400]):
            values, counted = session.run([made.stack(), count], {n: trips})
            np.testing.assert_array_equal(values, np.arange(trips))
            assert counted == number + 1  # the step that had no room changed nothing


def test_arrays_of_version_2(run):
    ops = tf.raw_ops
    handle = ops.TensorArrayV2(size=2, dtype=tf.float32)
    x = tf.constant(3.0)
    first = ops.TensorArrayWriteV2(handle=handle, index=0, value=x, flow_in=0.0)
    flow = ops.TensorArrayWriteV2(handle=handle, index=1, value=x * x, flow_in=first)
    values = ops.TensorArrayGatherV2(
        handle=handle, indices=[0, 1], flow_in=flow, dtype=tf.float32, element_shape=None
    )
    size = ops.TensorArraySizeV2(handle=handle, flow_in=flow)
    values, size, dx = run([values, size, tf.gradients(values, x)[0]])
    assert (values.tolist(), size, dx) == ([3, 9], 2, 7)
