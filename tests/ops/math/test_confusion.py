"""How often each class was taken for each other."""

import pytest

import millstream as tf


@pytest.fixture(autouse=True, params=["numpy", "xla"])
def session(request, monkeypatch):
    """Runs every test in both tiers."""
    monkeypatch.setenv("MILLSTREAM_TIER", request.param)
    with tf.Graph().as_default(), tf.Session() as opened:
        yield opened


def _matrix(session, *args, **kwargs):
    return session.run(tf.confusion_matrix(*args, **kwargs)).tolist()


def test_counts(session):
    found = _matrix(session, [1, 2, 4], [2, 2, 4])
    assert found == [[0] * 5, [0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [0] * 5, [0, 0, 0, 0, 1]]


def test_weights_are_added_up(session):
    weights = tf.constant([0.5, 2.0, 0.25])
    matrix = tf.confusion_matrix([1, 1, 1], [0, 1, 0], 2, tf.float32, weights=weights)
    assert session.run(matrix).tolist() == [[0.0, 0.0], [0.75, 2.0]]
    assert session.run(tf.gradients(matrix[1, 0], weights)[0]).tolist() == [1.0, 0.0, 1.0]


def test_a_last_axis_of_one_is_dropped(session):
    assert _matrix(session, [[1], [0]], [1, 1]) == [[0, 1], [0, 1]]


@pytest.mark.parametrize("known", [True, False])
def test_classes_must_be_in_range(session, known):
    def classes(values):
        return values if known else tf.placeholder_with_default(values, [None])

    with pytest.raises(tf.errors.InvalidArgumentError, match="`labels` contains negative values"):
        _matrix(session, classes([1, -2]), [1, 1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of bound"):
        _matrix(session, classes([1, 4]), [1, 1], 3)


def test_weights_must_fit():
    with pytest.raises(ValueError, match="incompatible"):
        tf.confusion_matrix([1, 2], [1, 2], weights=[1, 2, 3])


def test_nodes_are_those_of_tensorflow():
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.int32, [4])
        tf.confusion_matrix(x, x, 3)
    names = [n.name.removeprefix("confusion_matrix/") for n in graph.get_operations()]
    assert names[1:3] == ["Cast", "Cast_1"]
    assert names[-3:] == ["zeros/Const", "zeros", "SparseTensorDenseAdd"]
    assert "control_dependency_3" in names
