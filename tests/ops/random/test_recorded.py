"""Random ops give what TensorFlow 1.15 gave, run after run, in both tiers."""

import json
from pathlib import Path

import numpy as np
import pytest

from millstream.base.dtypes import as_dtype
from millstream.base.lazy import jax
from millstream.ir import registry
from millstream.ir.graph import Graph
from millstream.ir.opdef import Owns
from millstream.ops.random import (  # noqa: F401 - they declare the ops
    basic,
    bounded,
    candidate_ops,
    choice_ops,
    rejection_ops,
    stateless,
)

GOLDEN = Path(__file__).parents[2] / "golden"
CASES = json.loads((GOLDEN / "random_ops.json").read_text())
# The elementary functions behind these are not the C library's in float64: the last bits differ.
INEXACT = {
    "ParameterizedTruncatedNormal": 1e-13,
    "RandomGamma": 1e-12,
    "StatelessRandomNormal": 1e-15,
    "StatelessTruncatedNormal": 1e-15,
}


def recorded():
    with np.load(GOLDEN / "random_ops.npz") as data:
        return dict(data)


RECORDED = recorded()


def build(case):
    """Makes the node; returns it and its input arrays."""
    types = ("dtype", "output_dtype")
    attrs = {k: as_dtype(v) if k in types else v for k, v in case["attrs"].items()}
    with Graph().as_default() as graph:
        inputs = {k: np.array(v, dtype) for k, (dtype, v) in case["inputs"].items()}
        opdef = registry.get(case["op"])
        opdef(**inputs, **attrs)
    return graph.nodes[-1], [inputs[arg.name] for arg in opdef.inputs]


def stepper(node, arrays, tier):
    """Returns a function from the hidden state to all outputs of one run, new state first."""
    opdef = node.opdef
    if tier == "numpy":
        bound = opdef.reference.bind(node)
        return lambda *state: as_list(bound(*arrays, *state))
    static = [arg.name in opdef.static for arg in opdef.inputs]
    bound = opdef.kernel.bind(node, check=lambda *_: None)
    dynamic = [a for a, s in zip(arrays, static, strict=True) if not s]

    def traced(*values):
        rest = iter(values)
        given = [a if s else next(rest) for a, s in zip(arrays, static, strict=True)]
        return tuple(as_list(bound(*given, *rest)))

    compiled = jax.jit(traced)
    return lambda *state: [np.asarray(x) for x in compiled(*dynamic, *state)]


def as_list(result):
    return list(result) if isinstance(result, tuple | list) else [result]


def check(case, node, values, expected):
    for output, value, wanted in zip(node.outputs, values, expected, strict=True):
        value = np.asarray(value)
        assert value.dtype == wanted.dtype
        assert value.shape == wanted.shape
        name = output.name.partition(":")[0] + str(output.value_index)
        if "Sampler" in case["op"] and wanted.dtype == np.float32:
            np.testing.assert_allclose(value, wanted, 2e-6, err_msg=name)
        elif wanted.dtype == np.float64 and case["op"] in INEXACT:
            np.testing.assert_allclose(value, wanted, INEXACT[case["op"]], 1e-15)
        else:
            np.testing.assert_array_equal(value, wanted)


@pytest.mark.parametrize("tier", ["numpy", "jax"])
@pytest.mark.parametrize(
    "number", range(len(CASES)), ids=[f"{k}-{case['op']}" for k, case in enumerate(CASES)]
)
def test_runs_equal_recorded(number, tier):
    case = CASES[number]
    node, arrays = build(case)
    if tier == "jax" and not node.opdef.kernel:
        pytest.skip("runs by its reference alone")
    owns = isinstance(node.opdef.effect, Owns)
    state = [node.opdef.effect.initial(node)] if owns else []
    expected = [RECORDED[f"{number}/{k}"] for k in range(len(node.outputs))]
    with jax.enable_x64(True), np.errstate(all="ignore"):
        step = stepper(node, arrays, tier)
        for run in range(len(expected[0])):
            values = step(*state)
            if owns:
                state, values = values[:1], values[1:]
            check(case, node, values, [e[run] for e in expected])
