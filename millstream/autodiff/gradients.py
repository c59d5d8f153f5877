"""`tf.gradients`: the nodes of a reverse pass, made from each node's gradient rule.

The pass walks from `ys` to `xs`. A node is ready when all its consumers between them have sent
their gradients; these
are summed per output, the node's rule turns them into gradients of its inputs, and these go on to
the producers.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

from millstream.autodiff.aggregate import aggregate
from millstream.autodiff.registry import gradient_function
from millstream.base import dtypes
from millstream.base.dtypes import DType
from millstream.base.export import export
from millstream.ir.composite import IndexedSlices
from millstream.ir.constant import constant
from millstream.ir.convert import to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.node import Operation
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array import fill, reshape, shape, stack, zeros_like
from millstream.ops.flow import tuple_

_NUMERIC = frozenset(
    (
        *(dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64),
        *(dtypes.complex64, dtypes.complex128),
    )
)
_DIFFERENTIABLE = _NUMERIC | {dtypes.resource, dtypes.variant}


@export("UnconnectedGradients")
class UnconnectedGradients(enum.Enum):
    """What `tf.gradients` returns for an `x` that no `y` depends on."""

    NONE = "none"
    ZERO = "zero"


def is_differentiable(dtype: DType) -> bool:
    """Returns whether gradients flow through tensors of a type."""
    return dtype.base_dtype in _DIFFERENTIABLE


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
        reverse = _ReversePass(
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


def _result(reverse: _ReversePass, x: Any, tensor: Tensor, policy: UnconnectedGradients) -> Any:
    found = reverse.total(tensor)
    if found is None and policy is UnconnectedGradients.ZERO:
        return zeros_like(x if tensor.dtype is dtypes.resource else tensor)
    return found


class _ReversePass:
    """The state of one call: gradients sent to each tensor, and what each node still waits for."""

    def __init__(
        self, targets: list[Tensor], sources: list[Tensor], stops: list[Tensor],
        colocate: bool, gate: bool, method: int | None, scope: str,
    ) -> None:  # fmt: skip
        self.colocate, self.gate, self.method, self.scope = colocate, gate, method, scope
        self.stopped = set(stops)
        self.between = _between(targets, sources, self.stopped)
        self.parts: dict[Tensor, list[Any]] = {}
        self.waiting: dict[Operation, int] = dict.fromkeys(self.between, 0)
        for node in self.between:
            for tensor in node.inputs:
                if tensor.op in self.waiting:
                    self.waiting[tensor.op] += 1
        self.roots = list(dict.fromkeys(t.op for t in targets))
        self.ends = self._ends(sources)

    def _ends(self, sources: list[Tensor]) -> set[Operation]:
        """Returns the nodes of `sources` (and stops) behind which no gradient is wanted."""
        ends = {t.op for t in self.stopped}
        for tensor in sources:
            if not any(self.waiting.get(t.op, 0) for t in tensor.op.inputs):
                ends.add(tensor.op)
        return ends

    def send(self, tensor: Tensor, gradient: Any) -> None:
        """Adds one path's gradient to a tensor's."""
        self.parts.setdefault(tensor, []).append(gradient)

    def total(self, tensor: Tensor) -> Any:
        """Returns the sum of the gradients that were sent to a tensor, or `None`."""
        parts = self.parts.get(tensor)
        if not parts:
            return None
        if len(parts) > 1:
            parts[:] = [aggregate(parts, self.method)]
        return parts[0]

    def run(self) -> None:
        """Visits every node between sources and targets, consumers first."""
        ready = deque(n for n in self.roots if n in self.waiting and not self.waiting[n])
        while ready:
            node = ready.popleft()
            self._visit(node)
            for tensor in node.inputs:
                producer = tensor.op
                if producer in self.waiting:
                    self.waiting[producer] -= 1
                    if not self.waiting[producer]:
                        ready.append(producer)

    def _visit(self, node: Operation) -> None:
        with self._colocated(node):
            dys = [self.total(t) for t in node.values()]
            if node in self.ends or all(dy is None for dy in dys):
                return
            rule = gradient_function(node)
            if rule is None:
                return
            with get_default_graph().name_scope(f"{node.name}_grad"):
                dys = [self._filled(t, dy) for t, dy in zip(node.values(), dys, strict=True)]
                dxs = rule(node, *dys)
                dxs = list(dxs) if isinstance(dxs, (list, tuple)) else [dxs]
                self._check(node, dxs)
                if self.gate and len([dx for dx in dxs if dx is not None]) > 1:
                    with get_default_graph().colocate_with(None, ignore_existing=True):
                        dxs = tuple_(dxs)
        for tensor, dx in zip(node.inputs, dxs, strict=True):
            if dx is None:
                continue
            if isinstance(dx, Tensor) and tensor.dtype is not dtypes.resource:
                _set_shape(node, tensor, dx)
            self.send(tensor, dx)

    def _filled(self, tensor: Tensor, dy: Any) -> Any:
        """Returns an output's gradient for its rule: zeros where no gradient came but one could."""
        if dy is None and tensor.dtype.base_dtype in _NUMERIC:
            return zeros_like(tensor)
        return dy

    @contextmanager
    def _colocated(self, node: Operation):
        if not self.colocate:
            yield
            return
        with get_default_graph().colocate_with(node):
            yield

    @staticmethod
    def _check(node: Operation, dxs: Sequence[Any]) -> None:
        if len(dxs) != len(node.inputs):
            raise ValueError(
                f"Num gradients {len(dxs)} generated for op {node.name} ({node.type}) do not "
                f"match num inputs {len(node.inputs)}"
            )
        for tensor, dx in zip(node.inputs, dxs, strict=True):
            wanted = tensor.dtype.base_dtype
            if dx is None or wanted not in _NUMERIC or dx.dtype.base_dtype is wanted:
                continue
            raise ValueError(
                f"Gradient of {node.type} '{node.name}' for input '{tensor.name}' has type "
                f"{dx.dtype.base_dtype.name}, not {wanted.name}"
            )


def _set_shape(node: Operation, tensor: Tensor, dx: Tensor) -> None:
    try:
        dx.set_shape(tensor.shape)
    except ValueError:
        raise ValueError(
            "Incompatible shapes between op input and calculated input gradient. Forward "
            f"operation: {node.name}. "
            f"Input '{tensor.name}'. Original input shape: {tensor.shape}. Calculated input "
            f"gradient shape: {dx.shape}"
        ) from None


def _between(
    targets: list[Tensor], sources: list[Tensor], stopped: set[Tensor]
) -> dict[Operation, None]:
    """Returns the nodes on a path from a source to a target, in the order of a walk back from the
    targets.
    """
    reached: set[Operation] = set()
    stack = [t.op for t in sources]
    while stack:
        node = stack.pop()
        if node in reached:
            continue
        reached.add(node)
        for tensor in node.values():
            if is_differentiable(tensor.dtype):
                stack.extend(tensor.consumers())
    between: dict[Operation, None] = {}
    queue = deque(t.op for t in targets)
    ends = {t.op for t in stopped}
    while queue:
        node = queue.popleft()
        if node in reached and node not in between:
            between[node] = None
            if node not in ends:
                queue.extend(t.op for t in node.inputs)
    return between


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
