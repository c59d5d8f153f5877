"""Expressions over sparse tensors against TF 1.15: nodes, shapes, values, errors."""

import pytest

from tests.ops import expressions

RECORD = expressions.load("sparse_nodes")


@pytest.mark.parametrize("text", [text for text in RECORD if "grad(" not in text])
def test_expression_is_as_in_tf(text):
    expressions.check(text, RECORD[text])


@pytest.mark.parametrize("text", [text for text in RECORD if "grad(" in text])
def test_gradient_is_as_in_tf(text):
    expressions.check(text, RECORD[text], nodes=False, shapes=False)
