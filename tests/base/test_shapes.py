"""What is Millstream's own about shapes: the inside, and the words of errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import millstream as tf
from millstream.base.shapes import (
    UNKNOWN,
    TensorShape,
    as_shape,
    broadcast,
    disable_v2_tensorshape,
    enable_v2_tensorshape,
    unknown_shape,
)

sizes = st.one_of(st.none(), st.integers(0, 3))
shapes = st.one_of(st.none(), st.lists(sizes, max_size=4)).map(TensorShape)


@pytest.fixture
def v2_shapes():
    enable_v2_tensorshape()
    yield
    disable_v2_tensorshape()


def test_tuple_is_the_inside():
    assert TensorShape([2, tf.Dimension(None)]).tuple == (2, None)
    assert TensorShape(None).tuple is None
    assert TensorShape._of((1, 2)) == [1, 2]


def test_a_shape_is_given_back_as_it_is():
    shape = TensorShape([1])
    assert as_shape(shape) is shape
    assert unknown_shape() is UNKNOWN


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tf.Dimension(3).merge_with(4), "Dimensions 3 and 4 are not compatible"),
        (lambda: tf.Dimension(-1), "Dimension -1 must be >= 0"),
        (lambda: TensorShape([2.5]), "Ambiguous dimension: 2.5"),
        (lambda: TensorShape([2, 3]).merge_with([4]), r"\(2, 3\) and \(4,\) are not compatible"),
        (lambda: TensorShape([2]).assert_is_compatible_with([3]), r"\(2,\) and \[3\] are incomp"),
        (lambda: TensorShape([2, None]).with_rank(3), r"Shape \(2, \?\) must have rank 3"),
        (lambda: TensorShape([2]).with_rank_at_least(2), r"\(2,\) must have rank at least 2"),
        (lambda: TensorShape([2]).with_rank_at_most(0), r"\(2,\) must have rank at most 0"),
        (lambda: TensorShape(None).as_list(), "not defined on an unknown TensorShape"),
        (lambda: tf.broadcast_static_shape([2], [3]), r"broadcasting: \(2,\) and \(3,\)"),
    ],
)
def test_errors_name_the_shapes(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_unknown_dimension_is_no_number():
    with pytest.raises(TypeError, match=r"Dimension\(None\) is unknown"):
        int(tf.Dimension(None))


@pytest.mark.usefixtures("v2_shapes")
def test_v2_shapes_give_ints():
    shape = TensorShape([2, None])
    assert (shape[0], shape[1], list(shape)) == (2, None, [2, None])
    assert (str(shape), repr(shape)) == ("(2, None)", "TensorShape([2, None])")
    assert TensorShape(None)[0] is None
    assert shape[:1].tuple == (2,)
    assert isinstance(shape.dims[0], tf.Dimension)


@given(shapes, shapes)
def test_merging_is_symmetric_and_keeps_what_is_known(a, b):
    assert a.is_compatible_with(b) == b.is_compatible_with(a)
    if a.is_compatible_with(b):
        merged = a.merge_with(b)
        assert merged.tuple == b.merge_with(a).tuple
        assert merged.merge_with(a).tuple == merged.tuple
    else:
        with pytest.raises(ValueError, match="not compatible"):
            a.merge_with(b)


@given(shapes, shapes)
def test_broadcasting_is_symmetric(a, b):
    ab, ba = broadcast(a, b), broadcast(b, a)
    assert (ab and ab.tuple) == (ba and ba.tuple)


@given(shapes, shapes)
def test_most_specific_shape_is_compatible_with_both(a, b):
    common = a.most_specific_compatible_shape(b)
    assert common.is_compatible_with(a)
    assert common.is_compatible_with(b)
