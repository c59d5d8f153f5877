"""What a region is expected to cost: in the NumPy tier, in the XLA tier, and to compile.

The estimate uses shapes alone, never a clock, so that the same program switches tiers at the same
step every time and seeded runs repeat bit for bit. It need not be good: a factor of two wrong moves
the switch by a few steps. The rates were measured on two AVX-512 cores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

from millstream.compiler.calls import Call
from millstream.compiler.region import Region
from millstream.ir.node import Operation
from millstream.ir.opdef import Writes
from millstream.ir.tensor import Tensor

# NumPy tier
_STEP_US = 0.9  # one NumPy call on a small array, and the step around it
_CHEAP_NS = 0.3  # per element: add, copy, compare
_COSTLY_NS = 1.5  # per element: exp, log, softmax
_OPTIMIZER_NS = 4.0  # per element: Adam and the like
_RANDOM_NS = 60.0  # per element: Philox and what follows it
_MATMUL_NS = 0.006  # per floating point operation: 170 GFLOP/s
_CONVOLUTION_NS = 0.05  # per floating point operation: 20 GFLOP/s
_POOL_NS = 2.0  # per element and element of the window
_STEPS_PER_ITERATION = 3.0  # what a loop does beside its body
_STATE_US = 0.5  # per variable read or written

# XLA tier
_CALL_US = 15.0
_READ_US = 0.3
_WRITE_US = 1.1
_XLA_SPEEDUP = 3.0  # of work on elements
_XLA_FLOP_NS = 0.0045  # 220 GFLOP/s
_LARGE_US = 1000.0
_XLA_WHOLE = 0.6  # of the NumPy tier's time, at most, for regions that take longer than that
_ITERATION_US = 0.1
_TRANSFER_NS = 0.1  # per byte of a feed, which is copied

# Compiling
_COMPILE_US = 25_000.0
_COMPILE_NODE_US = 900.0
_COMPILE_MATMUL_US = 5_000.0
_COMPILE_LOOP_US = 10_000.0
_COMPILE_CONVOLUTION_US = 90_000.0
FIRST_COMPILE_US = 600_000.0
"""Importing JAX, once per process."""

_COSTLY = frozenset(
    {
        *("Exp", "Expm1", "Log", "Log1p", "Tanh", "Sigmoid", "Sin", "Cos", "Tan", "Asin", "Acos"),
        *("Atan", "Sinh", "Cosh", "Pow", "Erf", "Erfc", "Lgamma", "Digamma", "Softmax"),
        *("LogSoftmax", "Softplus", "Elu", "Selu", "SoftmaxCrossEntropyWithLogits"),
        *("SparseSoftmaxCrossEntropyWithLogits", "FloorDiv", "FloorMod", "Mod", "LRN"),
        *("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "FusedBatchNormGrad"),
        *("FusedBatchNormGradV2", "FusedBatchNormGradV3", "LRNGrad", "TopKV2", "TopK"),
    }
)
_MATMULS = frozenset({"MatMul", "BatchMatMul", "BatchMatMulV2", "Einsum"})
_POOLS = frozenset({"MaxPool", "AvgPool", "MaxPoolGrad", "AvgPoolGrad", "MaxPoolV2"})
_SMALL_TYPES = frozenset(
    {
        *("Identity", "ReadVariableOp", "Reshape", "Shape", "ExpandDims", "Squeeze"),
        "StopGradient",
    }
)


class Estimate(NamedTuple):
    """Predicted times of a region, in microseconds."""

    numpy_us: float
    xla_us: float
    compile_us: float


class Sizes:
    """Concrete sizes for partly known static shapes, guessed from what a step was fed.

    Every unknown dimension is taken to be the largest of those that the inputs turned out to have:
    mostly there is one, the batch.
    """

    def __init__(self, known: Mapping[Tensor, tuple[int, ...]]) -> None:
        self._known = known
        guesses = [
            actual
            for tensor, shape in known.items()
            for static, actual in zip(tensor.shape.tuple or (), shape)
            if static is None
        ]
        self._guess = max(guesses, default=1)
        self._largest = max((prod(shape) for shape in known.values()), default=1)

    def shape(self, tensor: Tensor) -> tuple[int, ...] | None:
        """Gives a guess at a tensor's shape; None if not even its rank is known."""
        found = self._known.get(tensor)
        if found is not None:
            return found
        sizes = tensor.shape.tuple
        if sizes is None:
            return None
        return tuple(self._guess if size is None else size for size in sizes)

    def count(self, tensor: Tensor) -> int:
        """Gives a guess at a tensor's number of elements."""
        shape = self.shape(tensor)
        return self._largest if shape is None else prod(shape)


def estimate(region: Region, known: Mapping[Tensor, tuple[int, ...]]) -> Estimate:
    """Predicts what a region costs.

    Args:
      region: The region.
      known: Shapes of the arrays that it is given from outside.
    """
    sizes = Sizes(known)
    work = _work_of(region, sizes)
    flops = work.flops
    compile_us = _COMPILE_US + work.compile_us
    elements_us = work.elements_us
    states = len(region.loads) + len(region.stores)
    numpy_us = work.steps * _STEP_US + states * _STATE_US + elements_us + flops * _XLA_FLOP_NS / 1e3
    apart = len(region.packed())
    xla_us = _CALL_US + _READ_US * (len(region.loads) - apart)
    xla_us += _WRITE_US * (len(region.stores) - apart) + work.trips * _ITERATION_US
    fed = sum(prod(shape) * t.dtype.size for t, shape in known.items())
    xla_us += (fed * _TRANSFER_NS + flops * _XLA_FLOP_NS) / 1e3
    xla_us += max(elements_us - work.copies_us, 0.0) / _XLA_SPEEDUP
    # XLA also runs what does not depend on each other at the same time.
    if numpy_us > _LARGE_US:
        xla_us = min(xla_us, _XLA_WHOLE * numpy_us)
    return Estimate(numpy_us, xla_us, compile_us)


@dataclass(slots=True)
class _Work:
    """What a region, or the nodes that a call runs, amount to.

    Attributes:
      steps: Nodes that run in the NumPy tier.
      trips: Iterations of loops.
      elements_us: Time in the NumPy tier that grows with the elements, beyond XLA's for `flops`.
      copies_us: How much of that the XLA tier does not do at all: copying a table to change rows.
      flops: Floating point operations of products.
      compile_us: Time to compile.
    """

    steps: float = 0.0
    trips: float = 0.0
    elements_us: float = 0.0
    copies_us: float = 0.0
    flops: float = 0.0
    compile_us: float = 0.0

    def add(self, other: _Work, times: float) -> None:
        """Adds what runs so many times, and is compiled once."""
        self.steps += other.steps * times
        self.trips += other.trips * times
        self.elements_us += other.elements_us * times
        self.copies_us += other.copies_us * times
        self.flops += other.flops * times
        self.compile_us += other.compile_us


def _work_of(region: Region, sizes: Sizes) -> _Work:
    work = _Work()
    for member in region.nodes:
        node = member.node
        work.steps += 1
        work.compile_us += _COMPILE_NODE_US
        if member.call is not None:
            _add_call(member.call, sizes, work)
            continue
        flop = _flops(node, sizes)
        if flop:
            work.flops += flop
            is_matmul = node.type in _MATMULS
            work.compile_us += _COMPILE_MATMUL_US if is_matmul else _COMPILE_CONVOLUTION_US
            rate = _MATMUL_NS if is_matmul else _CONVOLUTION_NS
            work.elements_us += flop * (rate - _XLA_FLOP_NS) / 1e3
        elif node.type not in _SMALL_TYPES:
            work.elements_us += _elements_us(node, sizes)
        if _is_sparse_write(node):
            work.copies_us += sizes.count(node.inputs[0]) * _CHEAP_NS / 1e3
    return work


def _add_call(call: Call, sizes: Sizes, work: _Work) -> None:
    """Adds what a node runs that runs functions: of branches, the longest."""
    bodies = [_work_of(b.region, sizes) for b in call.bodies if b.region is not None]
    trips = call.expected_runs
    if trips is not None:
        work.trips += trips
        work.steps += trips * _STEPS_PER_ITERATION
        work.compile_us += _COMPILE_LOOP_US
        for body in bodies:
            work.add(body, trips)
        return
    for body in bodies:
        work.compile_us += body.compile_us
    if bodies:
        longest = max(bodies, key=lambda b: (b.steps * _STEP_US + b.elements_us, b.flops))
        work.compile_us -= longest.compile_us
        work.add(longest, 1.0)


def _is_sparse_write(node: Operation) -> bool:
    effect = node.opdef.effect
    return isinstance(effect, Writes) and effect.sparse


def _elements_us(node: Operation, sizes: Sizes) -> float:
    count = max((sizes.count(t) for t in (*node.inputs, *node.values())), default=1)
    if node.type in _COSTLY:
        rate = _COSTLY_NS
    elif "Random" in node.type or "Truncated" in node.type:
        rate = _RANDOM_NS
    elif node.type in _POOLS:
        rate = _POOL_NS * prod(node.attrs.get("ksize", ()))
    elif node.type.startswith(("Apply", "ResourceApply", "SparseApply", "ResourceSparseApply")):
        rate = _OPTIMIZER_NS
    else:
        rate = _CHEAP_NS
    return count * rate / 1e3


def _flops(node: Operation, sizes: Sizes) -> float:
    rule = _FLOPS.get(node.type)
    return float(rule(node, sizes)) if rule is not None else 0.0


def _matmul_flops(node: Operation, sizes: Sizes) -> float:
    shape = sizes.shape(node.inputs[0])
    if not shape:
        return 0.0
    transposed = node.attrs.get("transpose_a") or node.attrs.get("adj_x")
    inner = shape[-2:][0] if transposed else shape[len(shape) - 1]
    return 2.0 * inner * sizes.count(node.values()[0])


def _filter_flops(filter_at: int, image_of: Callable[[Operation], Tensor]) -> Any:
    """Makes the rule of a convolution whose filter (or its shape) and larger result are given."""

    def rule(node: Operation, sizes: Sizes) -> float:
        tensor = node.inputs[filter_at] if filter_at >= 0 else node.values()[0]
        shape = sizes.shape(tensor)
        if not shape or not all(shape):
            return 0.0
        return 2.0 * sizes.count(image_of(node)) * prod(shape) / shape[-1]

    return rule


def _output(node: Operation) -> Tensor:
    return node.values()[0]


def _gradient(node: Operation) -> Tensor:
    return node.inputs[2]


_FLOPS: dict[str, Callable[[Operation, Sizes], float]] = {
    **dict.fromkeys(_MATMULS, _matmul_flops),
    "Conv2D": _filter_flops(1, _output),
    "Conv3D": _filter_flops(1, _output),
    "DepthwiseConv2dNative": _filter_flops(1, _output),
    "Conv2DBackpropInput": _filter_flops(1, _gradient),
    "Conv3DBackpropInputV2": _filter_flops(1, _gradient),
    "DepthwiseConv2dNativeBackpropInput": _filter_flops(1, _gradient),
    "Conv2DBackpropFilter": _filter_flops(-1, _gradient),
    "Conv3DBackpropFilterV2": _filter_flops(-1, _gradient),
    "DepthwiseConv2dNativeBackpropFilter": _filter_flops(-1, _gradient),
}
