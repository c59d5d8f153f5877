"""`arg_scope`: who is changed, by what, and until when."""

import pytest

import millstream as tf

slim = tf.contrib.slim


@slim.add_arg_scope
def first(a, b=1, c=2):
    return a, b, c


@slim.add_arg_scope
def second(b=10):
    return b


def test_defaults_change_inside_only():
    with slim.arg_scope([first, second], b=5):
        assert (first(0), second()) == ((0, 5, 2), 5)
        assert first(0, b=7) == (0, 7, 2)
    assert (first(0), second()) == ((0, 1, 2), 10)


def test_scopes_nest():
    with slim.arg_scope([first], b=5), slim.arg_scope([first], c=6):
        assert first(0) == (0, 5, 6)


def test_a_scope_can_be_entered_again():
    with slim.arg_scope([first], b=5) as scope:
        pass
    with slim.arg_scope([first], b=8, c=9), slim.arg_scope(scope):
        assert first(0) == (0, 5, 2)


def test_what_can_be_set():
    assert tf.contrib.framework.arg_scoped_arguments(first) == ("b", "c")
    assert tf.contrib.framework.has_arg_scope(slim.conv2d)
    assert not tf.contrib.framework.has_arg_scope(tf.nn.relu)


def test_errors():
    with pytest.raises(ValueError, match="is not decorated with @add_arg_scope"):
        with slim.arg_scope([tf.nn.relu], name="x"):
            pass
    with pytest.raises(TypeError, match="must either be a list/tuple or reused scope"):
        with slim.arg_scope(first, b=1):
            pass
    with pytest.raises(ValueError, match="kwargs must be empty"):
        with slim.arg_scope({}, b=1):
            pass


def test_scope_is_left_after_an_error():
    with pytest.raises(ZeroDivisionError), slim.arg_scope([first], b=5):
        _ = 1 / 0
    assert first(0) == (0, 1, 2)
