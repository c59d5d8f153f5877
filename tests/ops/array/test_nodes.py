"""Expressions over the array ops against TF 1.15: nodes, shapes, values, errors."""

import pytest

from tests.ops import expressions

RECORD = expressions.load("array_nodes")

# TF 1.15 builds these of many nodes; here they are one gather.
OTHER_NODES = ("batch_gather", "gather_nd(v(2, 3), [[1]")
# TF 1.15 gives UniqueV2 a wrong static shape, and does not see through `tf.shape(x)[1]`.
OTHER_SHAPES = ("Unique", "[-1, tf.shape(x(None, 3))[1]]")


@pytest.mark.parametrize("text", RECORD)
def test_expression_is_as_in_tf(text):
    expressions.check(
        text,
        RECORD[text],
        nodes=not any(part in text for part in OTHER_NODES),
        shapes=not any(part in text for part in OTHER_SHAPES),
    )
