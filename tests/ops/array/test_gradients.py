"""Gradients of array ops against TF 1.15: values, `IndexedSlices` part by part."""

import pytest

from tests.ops import expressions

RECORD = expressions.load("array_gradients")


@pytest.mark.parametrize("text", RECORD)
def test_gradient_is_as_in_tf(text):
    expressions.check(text, RECORD[text], nodes=False, shapes=False)
