"""Gradients that programs write: `tf.custom_gradient`, `tf.recompute_grad`."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable
from typing import Any

from millstream.autodiff.gradients import gradients
from millstream.autodiff.registry import register
from millstream.base import nest
from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.node import Operation
from millstream.ir.opdef import Variable
from millstream.ir.scopes import control_dependencies
from millstream.ir.tensor import Tensor
from millstream.ops.array.identities import identity
from millstream.ops.by_name import ops

_numbers = itertools.count()


@export("custom_gradient", "contrib.eager.custom_gradient")
def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Makes the decorated function's gradient the one that it returns beside its result.

    Args:
      f: of tensors; returns `(y, grad_fn)`, where `grad_fn(*dys)` returns the gradients of the
        arguments. If it uses resource variables, `grad_fn` takes the list `variables` too and
        returns `(dxs, dvariables)`.

    Raises:
      TypeError: when called, if variables are used that are no resource variables, or that
        `grad_fn` does not take.
      ValueError: when called with keyword arguments.

    Example:
      >>> @custom_gradient
      ... def log1pexp(x):
      ...     e = exp(x)
      ...     return log(1 + e), lambda dy: dy * (1 - 1 / (1 + e))
    """

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            raise ValueError(
                "The custom_gradient decorator currently supports keywords arguments only when "
                "eager execution is enabled."
            )
        inputs = [convert_to_tensor(x) for x in args]
        result, grad_fn = f(*inputs)
        flat = [identity(convert_to_tensor(y)) for y in nest.flatten(result)]
        variables = variables_behind(flat, inputs)
        _check_variables(variables, grad_fn)
        outputs = _with_gradient(flat, inputs, variables, grad_fn)
        return nest.pack_sequence_as(result, outputs[: len(flat)])

    return decorated


def _with_gradient(
    flat: list[Tensor], inputs: list[Tensor], variables: list[Any], grad_fn: Any
) -> list[Tensor]:
    """Passes tensors on through a node with the gradient of a function's call."""

    def rule(_node: Operation, *dys: Any) -> list[Any]:
        seeds = dys[: len(flat)]
        if variables:
            dxs, dvariables = grad_fn(*seeds, variables=variables)
            if len(dvariables) != len(variables):
                raise ValueError(
                    "Must return gradient for each variable from @custom_gradient grad_fn."
                )
        else:
            dxs, dvariables = grad_fn(*seeds), []
        found = [*nest.flatten(dxs), *dvariables]
        return [None] * len(flat) + found

    name = f"CustomGradient-{next(_numbers)}"
    register(name, rule)
    handles = [v.handle for v in variables]
    graph = get_default_graph()
    with graph.gradient_override_map({"IdentityN": name}):
        return ops.IdentityN([*flat, *inputs, *handles])


def _check_variables(variables: list[Any], grad_fn: Any) -> None:
    if any(not hasattr(v, "handle") for v in variables):
        raise TypeError(
            "All variables used by a function wrapped with @custom_gradient must be "
            "`ResourceVariable`s. Ensure that no `variable_scope` is created with "
            "`use_resource=False`."
        )
    parameters = inspect.signature(grad_fn).parameters
    takes = "variables" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if variables and not takes:
        raise TypeError(
            "If using @custom_gradient with a function that uses variables, then grad_fn must "
            "accept a keyword argument 'variables'."
        )


def variables_behind(results: Iterable[Tensor], inputs: Iterable[Tensor]) -> list[Any]:
    """Lists the trainable variables that `results` depend on other than through `inputs`."""
    seen: set[Operation] = {t.op for t in inputs}
    stack = [t.op for t in results]
    found: dict[str, None] = {}
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node.opdef.effect, Variable):
            found[node.name] = None
        stack.extend(t.op for t in node.inputs)
        stack.extend(t._source.op for t in node.values() if hasattr(t, "_source"))  # type: ignore
    known = get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES)
    return [v for v in known if v.op.name in found]


@export("recompute_grad")
def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function compute its values again for its gradient, instead of keeping them.

    Args:
      f: of tensors; returns a tensor or structure of tensors. It is called twice and must use the
        same variables both times.
    """

    @functools.wraps(f)
    @custom_gradient
    def decorated(*args: Any) -> Any:
        result = f(*args)

        def grad(*dys: Any, variables: Any = None) -> Any:
            with control_dependencies([dy for dy in dys if dy is not None]):
                again = [identity(x) for x in args]
            outputs = nest.flatten(f(*again))
            handles = list(variables or ())
            found = gradients(outputs, [*again, *handles], list(dys))
            dxs = found[: len(again)]
            return (dxs, found[len(again) :]) if handles else dxs

        return result, grad

    return decorated


@export("grad_pass_through")
def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function's gradient that of the identity.

    Args:
      f: of one tensor, such as `tf.round`.
    """

    @functools.wraps(f)
    @custom_gradient
    def decorated(*args: Any) -> Any:
        result = f(*args)

        def grad(*dys: Any, variables: Any = None) -> Any:
            dxs = dys[0] if len(dys) == 1 else list(dys)
            return (dxs, [None] * len(variables)) if variables else dxs

        return result, grad

    return decorated
