"""Branches on what may be known when the graph is built."""

from millstream.ir.static_value import constant_value
from millstream.ir.tensor import Tensor
from millstream.ops.flow.conditionals import cond


def known_truth(condition):
    """Returns the truth of a condition: `None` if only a step can tell.

    Args:
      condition: a boolean, 0, 1, a variable or a tensor.
    """
    if isinstance(condition, Tensor):
        value = constant_value(condition)
        return None if value is None else bool(value)
    if hasattr(condition, "op"):
        return None
    return bool(condition)


def smart_cond(condition, true_fn, false_fn, name=None):
    """Is `tf.cond`, but makes only the branch that is taken where that is known already."""
    known = known_truth(condition)
    if known is None:
        return cond(condition, true_fn, false_fn, name=name)
    return true_fn() if known else false_fn()
