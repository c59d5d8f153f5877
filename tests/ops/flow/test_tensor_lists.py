"""TensorLists: contents, errors, gradients, in both tiers."""

import numpy as np
import pytest

import millstream as tf
from millstream.base import errors
from millstream.ops.flow import tensor_lists as ops

SCALAR = np.array([], np.int32)
FLOATS = {"element_dtype": tf.float32}


@pytest.fixture(params=["numpy", "xla"])
def run(request, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", request.param)

    def run(fetches):
        with tf.Session() as session:
            return session.run(fetches)

    with tf.Graph().as_default():
        yield run


def listed(*values, shape=SCALAR, limit=-1):
    made = ops.EmptyTensorList(shape, limit, **FLOATS)
    for value in values:
        made = ops.TensorListPushBack(made, tf.constant(value))
    return made


def stacked(handle, shape=SCALAR, **options):
    return ops.TensorListStack(handle, shape, **FLOATS, **options)


def test_push_pop_and_stack(run):
    rest, last = ops.TensorListPopBack(listed(1.0, 2.0, 3.0), SCALAR, **FLOATS)
    rest, last, size = run([stacked(rest), last, ops.TensorListLength(rest)])
    assert (rest.tolist(), last, size) == ([1, 2], 3, 2)


def test_reserve_get_and_set(run):
    made = ops.TensorListSetItem(ops.TensorListReserve(SCALAR, 3, **FLOATS), 1, 5.0)
    item = ops.TensorListGetItem(made, 1, SCALAR, **FLOATS)
    whole, item = run([stacked(made), item])
    assert (whole.tolist(), item) == ([0, 5, 0], 5)


def test_gather_scatter_split_concat_resize(run):
    made = ops.TensorListScatterV2([1.0, 2.0], [2, 0], SCALAR, 4)
    parts = ops.TensorListSplit([1.0, 2.0, 3.0], [-1], np.array([1, 2]))
    joined, lengths = ops.TensorListConcat(parts, element_shape=[None], **FLOATS)
    both = ops.TensorListConcatLists(listed(1.0), listed(2.0), **FLOATS)
    found = run(
        [
            stacked(made),
            ops.TensorListGather(made, [2, 0], SCALAR, **FLOATS),
            joined,
            lengths,
            stacked(ops.TensorListResize(made, 1)),
            stacked(both),
            stacked(ops.TensorListFromTensor([1.0, 2.0], SCALAR)),
        ]
    )
    wanted = [[2, 0, 1, 0], [1, 2], [1, 2, 3], [1, 2], [2], [1, 2], [1, 2]]
    assert [x.tolist() for x in found] == wanted


def test_element_shape(run):
    known = ops.TensorListElementShape(listed(shape=[-1, 2]), shape_type=tf.int32)
    unknown = ops.TensorListElementShape(listed(shape=-1), shape_type=tf.int64)
    known, unknown = run([known, unknown])
    assert known.tolist() == [-1, 2]
    assert unknown == -1


def test_sums_and_zeros(run):
    total = stacked(tf.add_n([listed(1.0, 2.0), listed(5.0, 6.0)]))
    zeros = stacked(tf.zeros_like(listed(1.0, 2.0)))
    assert [x.tolist() for x in run([total, zeros])] == [[6, 8], [0, 0]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: stacked(listed(1.0), num_elements=3), "expected a list with 3 elements"),
        (lambda: ops.TensorListPopBack(listed(), SCALAR, **FLOATS)[1], "from an empty list"),
        (lambda: ops.TensorListGetItem(listed(1.0), 5, SCALAR, **FLOATS), "access element 5"),
        (lambda: stacked(ops.TensorListSetItem(listed(1.0), 7, 1.0)), "modify element 7"),
        (lambda: stacked(listed([1.0])), "incompatible shape to a list"),
        (lambda: stacked(listed(1)), "Invalid data types"),
        (lambda: stacked(listed(1.0, 2.0, limit=1)), "full list list size: 1"),
        (lambda: ops.TensorListGather(listed(1.0), [7], SCALAR, **FLOATS), "Index 7 out"),
        (lambda: stacked(listed(shape=-1), -1), "stack elements of an empty list"),
    ],
)
def test_errors(run, make, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        run(make())


def test_lists_cannot_be_fetched(run):
    with pytest.raises(errors.InternalError, match="not convertible to numpy"):
        run(listed(1.0))


def test_gradients(run):
    x = tf.constant([1.0, 2.0, 3.0])
    made = ops.TensorListFromTensor(x, SCALAR)
    made, last = ops.TensorListPopBack(made, SCALAR, **FLOATS)
    made = ops.TensorListPushBack(made, last * last)
    made = ops.TensorListSetItem(made, 0, x[1] * 5.0)
    item = ops.TensorListGetItem(made, 1, SCALAR, **FLOATS)
    two = ops.TensorListGather(made, [0, 2], SCALAR, **FLOATS)
    (dx,) = tf.gradients([stacked(made) ** 2, item**3, two * two], x)
    np.testing.assert_allclose(run(dx), [0, 216, 216], rtol=1e-6)
