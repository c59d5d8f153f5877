"""The Apply* ops against five steps recorded from TensorFlow 1.15."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from millstream.base.errors import InvalidArgumentError
from millstream.base.lazy import jax
from millstream.ir.default import get_default_graph
from millstream.ir.graph import Graph
from millstream.ops.state.training import OPS
from millstream.ops.state.variable import VarHandleOp, VariableV2

GOLDEN = Path(__file__).parents[2] / "golden"
_spec = importlib.util.spec_from_file_location("golden_script", GOLDEN / "state_training.py")
script = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)
RECORDED = dict(np.load(GOLDEN / "state_training.npz"))


def is_state(arg):
    return arg.is_ref or (arg.dtype is not None and arg.dtype.name == "resource")


def make_node(op, values, attrs):
    """Adds a node of `op`, with variables of the shapes of the states' `values`."""
    inputs = []
    for arg in op.inputs:
        value = values[arg.name]
        if is_state(arg):
            make = VariableV2 if arg.is_ref else VarHandleOp
            inputs.append(make(shape=value.shape, dtype=value.dtype, name=arg.name))
        else:
            inputs.append(value)
    made = op(*inputs, **attrs)
    return getattr(made, "op", made)


def no_check(ok, message, *arrays):
    """Stands for the runtime's check where the operands are known to be good."""


def run_steps(key, tier):
    name, dtype, variant = key.split("/")
    op = OPS[name]
    names = [arg.name for arg in op.inputs]
    states = {a.name: None for a in op.inputs if is_state(a)}
    given = script.VARIANTS[variant]
    call = None
    for step in range(script.STEPS):
        values = script.operands(name, np.dtype(dtype).type, names, step)
        values.update({k: np.array(v, dtype) for k, v in given.items() if k in names})
        if call is None:
            with Graph().as_default():
                node = make_node(op, values, {k: v for k, v in given.items() if k not in names})
            call = bind(op, node, tier)
        else:
            values.update(states)
        new = call(*(values[n] for n in names))
        states = dict(zip(states, new if len(states) > 1 else [new], strict=True))
    return np.stack([np.asarray(s) for s in states.values()]).ravel()


def bind(op, node, tier):
    if tier == "numpy":
        return op.reference.bind(node)
    compiled = jax.jit(op.kernel.bind(node, check=no_check))

    def call(*arrays):
        with jax.enable_x64(True):
            return compiled(*arrays)

    return call


@pytest.mark.parametrize("key", RECORDED)
def test_five_steps_in_numpy(key):
    result = run_steps(key, "numpy")
    assert result.dtype == RECORDED[key].dtype
    tolerance = 1e-5 if "float32" in key else 1e-12
    np.testing.assert_allclose(result, RECORDED[key], rtol=10 * tolerance, atol=tolerance)


@pytest.mark.parametrize("key", [k for k in RECORDED if "Resource" not in k or "Keras" in k])
def test_five_steps_in_xla(key):
    result = run_steps(key, "xla")
    assert result.dtype == RECORDED[key].dtype
    tolerance = 1e-5 if "float32" in key else 1e-12
    np.testing.assert_allclose(result, RECORDED[key], rtol=10 * tolerance, atol=tolerance)


def test_every_op_is_recorded():
    assert {key.split("/")[0] for key in RECORDED} == set(OPS)


def apply_momentum(op, shapes):
    values = {n: np.zeros(s, "f") for n, s in shapes.items()}
    if "indices" in values:
        values["indices"] = np.full(shapes["indices"], 5, "i")
    static = {**values, "var": np.zeros([4, 3], "f"), "accum": np.zeros([4, 3], "f")}
    static["grad"] = np.zeros([1, 3] if "indices" in values else [4, 3], "f")
    static.update(lr=np.float32(0), momentum=np.float32(0))
    if "indices" in values:
        static["indices"] = np.zeros([1], "i")
    with Graph().as_default():
        node = make_node(op, static, {})
    return op.reference.bind(node)(*(values[a.name] for a in op.inputs))


DENSE = {"var": [4, 3], "accum": [4, 3], "lr": [], "grad": [4, 3], "momentum": []}
SPARSE = {**DENSE, "grad": [1, 3], "indices": [1]}


@pytest.mark.parametrize(
    ("op", "changes", "message"),
    [
        ("ApplyMomentum", {"grad": [1]}, "var and grad do not have the same shape[4,3] [1]"),
        ("ApplyMomentum", {"accum": [2]}, "var and accum do not have the same shape[4,3] [2]"),
        ("ApplyMomentum", {"lr": [1]}, "lr is not a scalar: [1]"),
        ("SparseApplyMomentum", {}, "Index 5 at offset 0 in indices is out of range"),
        ("SparseApplyMomentum", {"grad": [2, 3]},
         "grad must be the same size as indices in the first dimension."),
        ("SparseApplyMomentum", {"grad": [1, 2]}, "var and grad must match in dimension 1"),
        ("SparseApplyMomentum", {"indices": [1, 1]}, "indices must be one-dimensional"),
    ],
)  # fmt: skip
def test_operands_that_do_not_fit_at_run_time(op, changes, message):
    base = SPARSE if op.startswith("Sparse") else DENSE
    with pytest.raises(InvalidArgumentError) as caught:
        apply_momentum(OPS[op], {**base, **changes})
    assert caught.value.message == message


def test_shapes_are_checked_when_the_node_is_made():
    with Graph().as_default():
        var = VarHandleOp(shape=[3, 2], dtype="float32")
        with pytest.raises(ValueError, match="must be equal rank, but are 2 and 1"):
            OPS["ResourceApplyGradientDescent"](var, 0.1, [1.0])
        with pytest.raises(ValueError, match="must be rank 0 but is rank 1"):
            OPS["ResourceApplyGradientDescent"](var, [0.1], np.zeros([3, 2], "f"))
        assert get_default_graph().find_operation("ResourceApplyGradientDescent") is None


def test_sparse_update_leaves_no_copy_of_the_table():
    op = OPS["SparseApplyAdagrad"]
    table = np.zeros([5000, 64], "f")
    values = {"var": table, "accum": table, "lr": np.float32(0.1)}
    values |= {"grad": np.ones([10, 64], "f"), "indices": np.arange(10, dtype="i")}
    with Graph().as_default():
        node = make_node(op, values, {})
    step = jax.jit(op.kernel.bind(node, check=no_check), donate_argnums=(0, 1))
    text = step.lower(*(values[a.name] for a in op.inputs)).compile().as_text()
    assert not [line for line in text.splitlines() if "f32[5000,64]" in line and " copy(" in line]
