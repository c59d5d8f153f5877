"""Checks for NaN and infinity: CheckNumerics, `tf.add_check_numerics_ops`."""

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.scopes import colocate_with, control_dependencies, name_scope
from millstream.ir.spec import BFloat16, Double, Float, Half, Tensor, f, op
from millstream.ops.flow import group, with_dependencies

__all__ = ["add_check_numerics_ops", "check_numerics", "verify_tensor_all_finite"]

_FLOATS = (BFloat16, Half, Float, Double)


@op(stateful=True)
def CheckNumerics[T: _FLOATS](tensor: Tensor[T], *, message: str) -> Tensor[T]:
    """Passes a tensor on if all its elements are finite."""


CheckNumerics.shape_unchanged()


def _complaint(message, has_inf, has_nan):
    found = " and ".join(w for w, there in (("Inf", has_inf), ("NaN", has_nan)) if there)
    return f"{message} : Tensor had {found} values"


@CheckNumerics.kernel
def _(tensor, message, check):
    check(
        jnp.all(jnp.isfinite(tensor)),
        lambda inf, nan: _complaint(message, inf, nan),
        jnp.any(jnp.isinf(tensor)),
        jnp.any(jnp.isnan(tensor)),
    )
    return tensor


@CheckNumerics.reference
def _(tensor, message):
    if not np.isfinite(tensor).all():
        text = _complaint(message, np.isinf(tensor).any(), np.isnan(tensor).any())
        raise errors.InvalidArgumentError(None, None, text)
    return tensor


@CheckNumerics.gradient
def _(_node, dy):
    return CheckNumerics(
        dy, message="Not a number (NaN) or infinity (Inf) values detected in gradient."
    )


CheckNumerics.examples(f[2, 3], message="x")
CheckNumerics.fails("x : Tensor had NaN values", np.float32(np.nan), message="x")
CheckNumerics.fails("x : Tensor had Inf values", np.float32(np.inf), message="x")


@export("check_numerics", "debugging.check_numerics")
def check_numerics(tensor, message, name=None):
    """Returns `tensor`, and fails the step if it holds NaN or infinity.

    Args:
      tensor: floating point numbers.
      message: put before the error's text.
      name: name of the node.

    Raises:
      InvalidArgumentError: when it runs, if an element is not finite.
    """
    return CheckNumerics(tensor, message=message, name=name)


@export("verify_tensor_all_finite", "debugging.assert_all_finite")
def verify_tensor_all_finite(t=None, msg=None, name=None, x=None, message=None):
    """Returns `t` as a node that waits for a check that all its elements are finite.

    Args:
      t: floating point numbers.
      msg: put before the error's text.
      name: name of the nodes' scope.
      x: the newer name of `t`.
      message: the newer name of `msg`.

    Raises:
      InvalidArgumentError: when it runs, if an element is not finite.
    """
    x = t if x is None else x
    message = msg if message is None else message
    with name_scope(name, "VerifyFinite", [x]):
        x = convert_to_tensor(x, name="x")
        with colocate_with(x):
            check = check_numerics(x, message=message)
            return with_dependencies([check], x)


@export("add_check_numerics_ops")
def add_check_numerics_ops():
    """Checks every floating point tensor of the default graph; returns a node of all checks.

    The checks run one after the other in the order of the graph, so that the first tensor with a
    NaN or infinity is the one that is reported.
    """
    checks = []
    for node in get_default_graph().get_operations():
        for index, output in enumerate(node.outputs):
            if output.dtype in _FLOATS:
                message = f"{node.name}:{index}"
                with control_dependencies(checks):
                    checks = [check_numerics(output, message=message)]
    return group(*checks)
