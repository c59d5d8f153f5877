"""Which gradient a node has: an override by name, a user's registration for its op, or the op's own
rule.
"""

from collections.abc import Callable
from typing import Any

from millstream.base.export import export
from millstream.ir import registry
from millstream.ir.node import Operation

_registered: dict[str, Callable[..., Any] | None] = {}

GradientFn = Callable[..., Any]


@export("RegisterGradient")
class RegisterGradient:
    """Registers the decorated function `(op, *dys) -> dxs` as the gradient of an op type, or under
    a name.

    A name that is no op type serves `Graph.gradient_override_map`.

    Args:
      op_type: the op type or name.

    Raises:
      TypeError: if it is not a string.
      KeyError: when applied, if the gradient is registered already.

    Example:
      >>> @RegisterGradient("GradientTimesTwo")
      ... def _times_two(op, dy):
      ...     return dy * 2.0
    """

    def __init__(self, op_type):
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f):
        register(self._op_type, f)
        return f


@export("NotDifferentiable", "NoGradient", "no_gradient")
def not_differentiable(op_type):
    """States that ops of a type have no gradient: `tf.gradients` gives `None` for their inputs.

    Raises:
      TypeError: if `op_type` is not a string.
      KeyError: if a gradient is registered already.
    """
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    register(op_type, None)


def register(name: str, fn: GradientFn | None) -> None:
    """Keeps a gradient function, or `None` for "not differentiable", under an op type or other
    name.
    """
    opdef = registry.lookup(name)
    taken = opdef is not None and (opdef.gradient_fn or opdef.gradient_absence)
    if name in _registered or taken:
        raise KeyError(
            f"Registering two gradient with name '{name}'! (Previous registration exists.)"
        )
    _registered[name] = fn


def gradient_function(node: Operation) -> GradientFn | None:
    """Returns the gradient function of a node, `None` if it has none by declaration.

    Raises:
      LookupError: if nothing is known of its gradient.
    """
    own = getattr(node, "own_gradient", None)
    if own is not None:
        return own
    override = node.attrs.get("_gradient_op_type")
    name = override or node.type
    if name in _registered:
        return _registered[name]
    opdef = node.opdef if override is None else registry.lookup(override)
    if opdef is not None:
        if opdef.gradient_fn is not None:
            return opdef.gradient_fn
        if opdef.gradient_absence is not None:
            return None
    raise LookupError(f"No gradient defined for operation '{node.name}' (op type: {node.type})")
