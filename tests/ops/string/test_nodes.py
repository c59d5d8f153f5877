"""Expressions over the string ops against TF 1.15: nodes, shapes, values, errors."""

import pytest

from tests.ops import expressions

RECORD = expressions.load("string_nodes")


@pytest.mark.parametrize("text", RECORD)
def test_expression_is_as_in_tf(text):
    expressions.check(text, RECORD[text])
