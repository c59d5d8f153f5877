"""Every op × example: kernel = reference, dtypes, shapes under unknown dimensions, round trip,
gradients.
"""

import importlib
import itertools
import pkgutil
import warnings

import numpy as np
import pytest

import millstream.ops
from millstream.base import dtypes, errors
from millstream.ir import registry
from millstream.ir.graph import Graph
from millstream.ir.importer import import_graph_def
from millstream.ir.opdef import Calls, Dynamic, Host, Variable, Writes
from millstream.ir.tensor import Tensor
from tests.contract import harness

MODULES = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(millstream.ops.__path__, "millstream.ops.")
]
# Other tests may have registered ops of their own in this process.
OPS = {
    name: op
    for name, op in sorted(registry.all_ops().items())
    if any(getattr(module, name, None) is op for module in MODULES)
}
EXAMPLES = [
    pytest.param(op, args, kwargs, id=f"{name}-{i}")
    for name, op in OPS.items()
    for i, (args, kwargs) in enumerate(op.example_list)
]
COMPUTED = [p for p in EXAMPLES if p.values[0].reference]
PURE = [p for p in COMPUTED if harness.is_pure(p.values[0])]
# PreventGradient's rule is there to raise, fused recurrent ops have gradients for some outputs
# alone (tests/ops/nn/test_recurrent.py), and a ref has no value that could be varied.
PARTLY = {"PreventGradient", "LSTMBlockCell", "BlockLSTM", "BlockLSTMV2", "GRUBlockCell", "CTCLoss"}
# Rounding passes gradients as if it were none.
STRAIGHT_THROUGH = {
    f"{kind}{version}"
    for kind, versions in {
        "FakeQuantWithMinMax": ("Args", "Vars", "VarsPerChannel"),
        "QuantizeAndDequantize": ("", "V2", "V3"),
    }.items()
    for version in versions
}
DIFFERENTIABLE = [
    p
    for p in PURE
    if p.values[0].gradient_fn is not None
    and p.values[0].name not in PARTLY | STRAIGHT_THROUGH
    and not any(arg.is_ref for arg in p.values[0].inputs)
]


def _outputs(case, result):
    """Returns a rule's results as a list: new states first, then plain outputs."""
    if isinstance(result, tuple | list):
        return list(result)
    return [result]


def _run_reference(case):
    with np.errstate(all="ignore"):
        bound = case.opdef.reference.bind(case.node)
        return _outputs(case, bound(*_given(case), *case.extra))


def _given(case):
    effect = case.opdef.effect
    return [a.copy() if isinstance(effect, Writes) else a for a in case.arrays]


def _kernel_of(case):
    """Returns the kernel as a function of the arrays that are not static, and those arrays."""
    mask = case.static_mask()
    dynamic = [a for a, static in zip(case.arrays, mask, strict=True) if not static]

    def kernel(*values):
        rest = iter(values)
        arrays = [a if s else next(rest) for a, s in zip(case.arrays, mask, strict=True)]
        bound = case.opdef.kernel.bind(case.node, check=lambda *_: None)
        return tuple(_outputs(case, bound(*arrays, *rest)))

    return kernel, [*dynamic, *case.extra]


_QUICK = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


def _run_kernels(cases):
    """Runs the kernels of several cases in one executable, since compiling is what takes time."""
    import jax

    kernels, arrays = zip(*map(_kernel_of, cases), strict=True)

    def together(values):
        return [kernel(*mine) for kernel, mine in zip(kernels, values, strict=True)]

    with jax.enable_x64(True):
        compiled = jax.jit(together).lower(arrays).compile(compiler_options=_QUICK)
        return [[np.asarray(x) for x in one] for one in compiled(arrays)]


def _check_kernel_types(case, expected):
    import jax

    kernel, arrays = _kernel_of(case)
    with jax.enable_x64(True):
        found = jax.eval_shape(kernel, *arrays)
    assert [(x.dtype, x.shape) for x in found] == [
        (np.asarray(x).dtype, np.shape(x)) for x in expected
    ]


def _tolerance(dtype):
    return {2: 2e-2, 4: 2e-4, 8: 1e-6 if dtype.kind == "c" else 1e-9}.get(dtype.itemsize, 1e-6)


@pytest.mark.parametrize("op", OPS.values(), ids=OPS.keys())
def test_block_is_whole(op):
    """An op has rules for running, examples, and a gradient or a stated reason for none."""
    if isinstance(op.effect, Variable) or op.name in ("NoOp", "Placeholder", "PlaceholderV2"):
        return
    if isinstance(op.effect, Calls):  # its functions say what it does; tests/ops/flow
        assert op.__doc__, "no docstring"
        return
    assert op.run or op.reference, "no way to run it"
    strings = any(arg.dtype == dtypes.string for arg in (*op.inputs, *op.outputs))
    if not isinstance(op.effect, Host | Dynamic) and not strings:
        assert op.kernel, "no kernel"
    assert op.gradient_fn or op.gradient_absence, "neither gradient nor reason"
    assert op.__doc__, "no docstring"
    if not isinstance(op.effect, Host) and not op.has_buffers:  # which no array can stand for
        assert op.example_list, "no examples"


@pytest.mark.parametrize(("op", "args", "kwargs"), COMPUTED)
def test_kernel_equals_reference(op, args, kwargs):
    """Both tiers give the declared dtypes for every type computed, and the same values.

    Values are compared for one type of each kind; the others differ in rounding alone.
    """
    compared = []
    for retype in harness.type_choices(op, kwargs):
        case = harness.build(Graph(), op, args, kwargs, retype)
        expected = _run_reference(case)
        _check_declared_types(case, expected)
        if not op.kernel or any(np.asarray(a).dtype == object for a in case.arrays + expected):
            continue
        if harness.represents_its_kind(retype):
            compared.append((case, expected))
        else:
            _check_kernel_types(case, expected)
    if compared:
        found = _run_kernels([case for case, _ in compared])
        for (case, expected), arrays in zip(compared, found, strict=True):
            _check_close(case, arrays, expected)


def _check_declared_types(case, expected):
    states = max(len(expected) - sum(not t.dtype.is_ref for t in case.node.values()), 0)
    for tensor, array in zip(case.node.values(), expected[states:], strict=False):
        if not tensor.dtype.is_ref:
            assert np.asarray(array).dtype == tensor.dtype.np, tensor


def _check_close(case, found, expected):
    assert len(found) == len(expected)
    for kernel, reference in zip(found, map(np.asarray, expected), strict=True):
        assert kernel.dtype == reference.dtype, case.node.attrs
        wide = np.complex128 if kernel.dtype.kind == "c" else np.float64
        tolerance = _tolerance(kernel.dtype)
        np.testing.assert_allclose(
            kernel.astype(wide),
            reference.astype(wide),
            tolerance,
            tolerance,
            err_msg=str(case.node.attrs),
        )


@pytest.mark.parametrize(("op", "args", "kwargs"), PURE)
def test_shape_rule_is_sound(op, args, kwargs):
    """With any dimensions unknown, the rule never contradicts the shapes that come out."""
    case = harness.build(Graph(), op, args, kwargs, {})
    actual = [np.shape(x) for x in _run_reference(case)]
    dims = [
        (i, axis)
        for i, (array, static) in enumerate(zip(case.arrays, case.static_mask(), strict=True))
        if not static
        for axis in range(np.ndim(array))
    ]
    for masked in itertools.islice(itertools.product((False, True), repeat=len(dims)), 64):
        hidden = {d for d, hide in zip(dims, masked, strict=True) if hide}
        _check_shapes(case, hidden, actual)
    _check_shapes(case, None, actual)


def _check_shapes(case, hidden, actual):
    graph = Graph()
    placeholder = registry.get("Placeholder")
    with graph.as_default():
        tensors = []
        for i, (array, static) in enumerate(zip(case.arrays, case.static_mask(), strict=True)):
            if static:
                tensors.append(harness.to_tensor(array))
                continue
            shape = [None if (i, a) in (hidden or ()) else d for a, d in enumerate(np.shape(array))]
            dtype = dtypes.as_dtype(case.node.inputs[i].dtype)
            tensors.append(placeholder(dtype=dtype, shape=None if hidden is None else shape))
        node = graph.create_node(
            case.opdef, tensors, dict(case.node.attrs), [t.dtype for t in case.node.values()], None
        )
    for tensor, shape in zip(node.values(), actual, strict=True):
        assert tensor.shape.is_compatible_with(shape), f"hidden {hidden}: {tensor.shape} vs {shape}"


@pytest.mark.parametrize(("op", "args", "kwargs"), EXAMPLES)
def test_graphdef_round_trip(op, args, kwargs):
    """A node survives its message."""
    graph, copy = Graph(), Graph()
    harness.build(graph, op, args, kwargs, {})
    message = graph.as_graph_def()
    with copy.as_default():
        import_graph_def(message, name="")
    assert copy.as_graph_def() == message


FAILURES = [
    pytest.param(op, message, args, kwargs, id=f"{name}-{i}")
    for name, op in OPS.items()
    for i, (message, args, kwargs) in enumerate(op.failure_list)
]


@pytest.mark.parametrize(("op", "message", "args", "kwargs"), FAILURES)
def test_bad_operands_are_refused(op, message, args, kwargs):
    """The stated bad calls fail, while building or while running, in the stated words."""
    with pytest.raises((ValueError, TypeError, errors.OpError)) as caught:
        _run_reference(harness.build(Graph(), op, args, kwargs, {}))
    assert message in str(caught.value)


def _as_double(op, kwargs):
    return next((r for r in harness.type_choices(op, kwargs) if dtypes.float64 in r.values()), {})


@pytest.mark.parametrize(("op", "args", "kwargs"), DIFFERENTIABLE)
def test_gradient_equals_finite_differences(op, args, kwargs, monkeypatch):
    """The gradient along a random direction is the difference quotient.

    So is the gradient's own gradient. It is references that run: that kernels equal them is
    another test's, and compiling hundreds of graphs takes minutes.
    """
    monkeypatch.setenv("MILLSTREAM_TIER", "numpy")
    from millstream.autodiff.gradients import gradients
    from millstream.runtime.session import Session

    retype = _as_double(op, kwargs)
    graph = Graph()
    case = harness.build(graph, op, args, kwargs, retype)
    inputs = harness.differentiable_inputs(case)
    outputs = [t for t in case.node.values() if t.dtype.is_floating]
    if not inputs or not outputs:
        pytest.skip("no floating inputs or outputs in this example")
    rng = np.random.default_rng(1)
    with graph.as_default(), Session() as session, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dense copies of IndexedSlices are fine here
        xs = [case.node.inputs[i] for i in inputs]
        dys = [harness.to_tensor(_noise(rng, t, case)) for t in outputs]
        dxs = gradients(outputs, xs, dys)
        known = [(x, dx) for x, dx in zip(xs, dxs, strict=True) if dx is not None]
        assert known, "no gradient at all"
        for x, dx in known:
            total = sum(_dot(y, dy) for y, dy in zip(outputs, dys, strict=True))
            _check_direction(session, rng, x, dx, total)
        _check_second(session, rng, known, gradients)


def _noise(rng, tensor, case):
    shape = tensor.shape.as_list() if tensor.shape.is_fully_defined() else None
    if shape is None:
        result = _run_reference(case)
        shape = np.shape(result[tensor.value_index])
    return rng.standard_normal(shape).astype(tensor.dtype.np)


def _dot(x, y):
    product = registry.get("Mul")(x, y)
    return registry.get("Sum")(registry.get("Reshape")(product, [-1]), [0])


def _check_direction(session, rng, x, dx, total):
    start = session.run(x)
    direction = rng.standard_normal(np.shape(start)).astype(np.asarray(start).dtype)
    double = direction.dtype == np.float64
    step, tolerance = (1e-6, 2e-5) if double else (1e-2, 5e-2)
    high = session.run(total, {x: start + step * direction})
    low = session.run(total, {x: start - step * direction})
    numeric = (np.float64(high) - np.float64(low)) / (2 * step)
    theory = np.sum(
        session.run(harness.to_tensor(dx) if not isinstance(dx, Tensor) else dx) * direction
    )
    np.testing.assert_allclose(
        theory, numeric, tolerance, tolerance * max(1.0, np.abs(direction).sum())
    )


def _check_second(session, rng, known, gradients):
    x, dx = known[0]
    dx = dx if isinstance(dx, Tensor) else harness.to_tensor(dx)
    weights = harness.to_tensor(rng.standard_normal(np.shape(session.run(dx))).astype(dx.dtype.np))
    total = _dot(dx, weights)
    (ddx,) = gradients(total, x)
    if ddx is not None:
        _check_direction(session, rng, x, ddx, total)
