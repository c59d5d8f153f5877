"""`tf.unravel_index` against values of TF 1.15."""

import pytest

import millstream as tf


@pytest.mark.parametrize(
    ("places", "wanted"), [([9, 8], [[0, 2], [0, 2]]), ([10], [[0], [1]]), (5, [1, 2])]
)
def test_places_become_coordinates(places, wanted):
    with tf.Graph().as_default(), tf.Session() as sess:
        assert sess.run(tf.unravel_index(places, [3, 3])).tolist() == wanted
