"""Assertions while a step runs: the Assert op, `tf.Assert`."""

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import Int32, String
from millstream.base.export import export
from millstream.ir.convert import convert_n_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Bool, Tensor, Tensors, f, op
from millstream.ops.flow import bodies
from millstream.ops.string.spelling import brief

__all__ = ["Assert"]


@op(stateful=True)
def Assert(condition: Tensor[Bool], data: Tensors["T"], *, summarize: int = 3) -> None:
    """Fails the step, with `data` in the message, if `condition` is false."""


@Assert.reference
def _(condition, data, summarize):
    _check_scalar(condition)
    if not condition:
        raise errors.InvalidArgumentError(None, None, _text(data, summarize))
    return ()


@Assert.kernel
def _(condition, data, summarize, check):
    _check_scalar(condition)
    computed = [i for i, array in enumerate(data) if array.dtype != object]

    def message(*arrays):
        found = dict(zip(computed, arrays))
        return _text([found.get(i, array) for i, array in enumerate(data)], summarize)

    check(condition, message, *[data[i] for i in computed])
    return ()


def _check_scalar(condition):
    if np.ndim(condition):
        raise errors.InvalidArgumentError(
            None, None, f"condition must be a scalar, got shape {list(np.shape(condition))}"
        )


def _text(data, summarize):
    return f"assertion failed: {' '.join(brief(array, summarize) for array in data)}"


Assert.no_gradient("it has no outputs")
Assert.examples(True, [f[2]])


@export("Assert", "debugging.Assert")
def assert_true(condition, data, summarize=None, name=None):
    """Returns a node that fails the step if `condition` is false.

    Args:
      condition: a boolean scalar.
      data: list of tensors to print in the error's text.
      summarize: how many elements to print of each, by default 3.
      name: name of the nodes' scope.

    Raises:
      InvalidArgumentError: when it runs, if `condition` is false.

    Example:
      >>> with control_dependencies([assert_true(x > 0, [x])]):
      ...     y = log(x)
    """
    with name_scope(name, "Assert", [condition, data]):
        tensors = convert_n_to_tensor(data)
        if any(t.dtype.base_dtype not in (Int32, String) for t in tensors):
            # TF 1.15 puts the node into a cond and makes these nodes more than we do.
            computed = [t for t in tensors if t.op.type != "Const"]
            bodies.count(get_default_graph(), 9 + len(computed))
        return Assert(
            condition, data, summarize=3 if summarize is None else summarize, name="Assert"
        )
