"""Assertions while a step runs: the Assert op, `tf.Assert`."""

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.ir.convert import convert_n_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Bool, Host, Tensor, Tensors, f, op
from millstream.ops.string.spelling import brief

__all__ = ["Assert"]


@op(effect=Host())
def Assert(condition: Tensor[Bool], data: Tensors["T"], *, summarize: int = 3) -> None:
    """Fails the step, with `data` in the message, if `condition` is false."""


@Assert.run
def _(condition, data, summarize):
    if np.ndim(condition):
        raise errors.InvalidArgumentError(
            None, None, f"condition must be a scalar, got shape {list(np.shape(condition))}"
        )
    if not condition:
        words = " ".join(brief(array, summarize) for array in data)
        raise errors.InvalidArgumentError(None, None, f"assertion failed: {words}")
    return ()


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
        convert_n_to_tensor(data)
        return Assert(
            condition, data, summarize=3 if summarize is None else summarize, name="Assert"
        )
