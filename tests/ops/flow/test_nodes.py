"""Expressions over groups, checks and printing against TF 1.15: nodes, errors, messages."""

import pytest

from tests.ops import expressions

RECORD = expressions.load("flow_nodes")


@pytest.mark.parametrize("text", RECORD)
def test_expression_is_as_in_tf(text):
    entry = RECORD[text]
    # TF 1.15 wraps assertions, and differences of short vectors, in conditionals that are not
    # needed here.
    conditional = "Switch" in str(entry.get("nodes"))
    expressions.check(text, entry, nodes=not conditional)
