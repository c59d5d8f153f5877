"""Expressions over fake quantisation against TF 1.15: nodes, shapes, values, errors."""

import pytest

from tests.ops import expressions

RECORD = expressions.load("quantize_nodes")


@pytest.mark.parametrize("text", RECORD)
def test_expression_is_as_in_tf(text):
    is_gradient = text.startswith("grad(")
    expressions.check(text, RECORD[text], nodes=not is_gradient)
