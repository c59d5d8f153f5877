"""`tf.gradients`: the nodes of a reverse pass, made from each node's gradient rule.

The pass itself is in `millstream.autodiff.reverse`.
"""

from __future__ import annotations

import enum
from typing import Any

from millstream.autodiff.control_flow import register_gradients
from millstream.autodiff.reverse import ReversePass
from millstream.base import dtypes
from millstream.base.export import export
from millstream.ir.composite import IndexedSlices
from millstream.ir.constant import constant
from millstream.ir.convert import to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array import fill, reshape, shape, stack, zeros_like

register_gradients()


@export("UnconnectedGradients")
class UnconnectedGradients(enum.Enum):
    """What `tf.gradients` returns for an `x` that no `y` depends on."""

    NONE = "none"
    ZERO = "zero"


@export("gradients")
def gradients(
    ys,
    xs,
    grad_ys=None,
    name="gradients",
    colocate_gradients_with_ops=False,
    gate_gradients=False,
    aggregation_method=None,
    stop_gradients=None,
    unconnected_gradients=UnconnectedGradients.NONE,
):
    """Adds nodes that compute the derivatives of the sum of `ys` with respect to each of `xs`.

    Args:
      ys: a tensor or list of them.
      xs: a tensor, variable or list of them.
      grad_ys: gradients of `ys`, of their shapes, to start from; ones by default; `None` items mean
        ones.
      name: scope of the new nodes.
      colocate_gradients_with_ops: whether a gradient node goes to the device of the node that it
        differentiates.
      gate_gradients: whether the gradients of a node are all computed before any is used.
      aggregation_method: an `AggregationMethod`.
      stop_gradients: tensors to treat as constants.
      unconnected_gradients: what to return for an `x` that no `y` depends on: `None` or zeros.

    Returns:
      A list, one item for each of `xs`: a `Tensor`, an `IndexedSlices` (rows of a gathered tensor)
      or `None`.

    Raises:
      LookupError: if a node on the way has no gradient.
      ValueError: if the arguments do not fit.
      TypeError: if a given gradient has the wrong type.

    Source: TensorFlow white paper (2015), section 4.1.
    """
    ys, xs = _listed(ys), _listed(xs)
    stops = [] if stop_gradients is None else _listed(stop_gradients)
    seeds = [None] * len(ys) if grad_ys is None else _listed(grad_ys)
    if len(seeds) != len(ys):
        raise ValueError(f"Passed {len(seeds)} grad_ys for {len(ys)} ys")
    policy = _unconnected(unconnected_gradients)
    with name_scope(
        name, "gradients", [*ys, *xs, *(s for s in stops), *(g for g in seeds if g is not None)]
    ):
        targets = [_as_source(y, f"y_{i}") for i, y in enumerate(ys)]
        sources = [_as_source(x, f"x_{i}") for i, x in enumerate(xs)]
        blocked = [_as_source(s, f"stop_{i}") for i, s in enumerate(stops)]
        scope = get_default_graph().get_name_scope()
        reverse = ReversePass(
            targets,
            sources,
            blocked,
            colocate_gradients_with_ops,
            gate_gradients,
            aggregation_method,
            scope,
        )
        for tensor, seed, index in zip(targets, seeds, range(len(ys)), strict=True):
            reverse.send(tensor, _seed(tensor, seed, index))
        reverse.run()
        return [_result(reverse, x, tensor, policy) for x, tensor in zip(xs, sources, strict=True)]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _unconnected(value: Any) -> UnconnectedGradients:
    try:
        return UnconnectedGradients(value)
    except ValueError:
        raise ValueError(f"Unknown value for unconnected_gradients: {value!r}") from None


def _as_source(value: Any, name: str) -> Any:
    """Returns the tensor through which gradients reach `value`: a resource variable's handle, a
    ref, itself.
    """
    if isinstance(value, (Tensor, IndexedSlices)):
        return value.values if isinstance(value, IndexedSlices) else value
    handle = getattr(value, "handle", None)
    return handle if isinstance(handle, Tensor) else to_tensor(value, None, name, as_ref=True)


def _seed(y: Tensor, seed: Any, index: int) -> Any:
    """Returns the gradient of a target: the given one, checked, or ones."""
    dtype = y.dtype.base_dtype
    if seed is None:
        if dtype.is_complex:
            raise TypeError(f"Gradients of complex tensors must set grad_ys (y.dtype = {dtype!r})")
        return fill(shape(y), constant(1, dtype, name=f"grad_ys_{index}"))
    if isinstance(seed, IndexedSlices):
        return seed
    seed = to_tensor(seed, None, f"grad_ys_{index}", dtype)
    found = seed.dtype.base_dtype
    floats = dtype.is_floating and not found.is_floating
    integers = dtype.is_integer and not (found.is_integer or found.is_floating)
    if floats or integers or (dtype.is_complex and not found.is_complex):
        raise TypeError(
            f"Gradient type {found.name} generated for {dtype.name} tensor {y} does not match"
        )
    if not seed.shape.is_compatible_with(y.shape):
        raise ValueError(f"Gradient of shape {seed.shape} given for {y} of shape {y.shape}")
    return seed


def _result(reverse: ReversePass, x: Any, tensor: Tensor, policy: UnconnectedGradients) -> Any:
    found = reverse.total(tensor)
    if found is None and policy is UnconnectedGradients.ZERO:
        return zeros_like(x if tensor.dtype is dtypes.resource else tensor)
    return found


@export("hessians")
def hessians(
    ys,
    xs,
    name="hessians",
    colocate_gradients_with_ops=False,
    gate_gradients=False,
    aggregation_method=None,
):
    """Adds nodes that compute the matrix of second derivatives of `ys` for each of `xs`.

    Args:
      ys: a scalar, or list of scalars.
      xs: a tensor or list of them, of known rank.
      name: scope of the new nodes.
      colocate_gradients_with_ops: see `tf.gradients`.
      gate_gradients: see `tf.gradients`.
      aggregation_method: see `tf.gradients`.

    Returns:
      A list, one tensor `[*x.shape, *x.shape]` for each `x`.
    """
    from_one = []
    options = (colocate_gradients_with_ops, gate_gradients, aggregation_method)
    for x in _listed(xs):
        (dx,) = gradients(ys, x, None, name, *options)
        from_one.append(_jacobian(dx, x, name, options))
    return from_one


def _jacobian(dx: Tensor, x: Any, name: str, options: tuple[Any, ...]) -> Tensor:
    with name_scope(name, "hessians", [dx]):
        flat = reshape(dx, [-1])
        count = flat.shape.num_elements()
        if count is None:
            raise ValueError(f"hessians needs the static shape of {x}, which is {dx.shape}")
        rows = [gradients(flat[i], x, None, name, *options)[0] for i in range(count)]
        rows = [zeros_like(dx) if row is None else row for row in rows]
        sizes = dx.shape.as_list()
        return reshape(stack(rows), sizes + sizes)
