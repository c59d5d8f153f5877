"""Random programs that TensorFlow 1.15 wrote: frames = functions = what TensorFlow computed."""

import zlib
from pathlib import Path

import numpy as np
import pytest

import millstream as tf
from millstream.compiler import plan

_FILE = Path(__file__).parents[1] / "golden" / "raw_control_flow_fuzz.npz"
with np.load(_FILE) as _file:
    _RECORDED = {name: _file[name] for name in _file}
SEEDS = sorted(int(name[6:]) for name in _RECORDED if name.startswith("graph_"))


def results_of(seed):
    graph_def = tf.GraphDef()
    graph_def.ParseFromString(zlib.decompress(_RECORDED[f"graph_{seed}"].tobytes()))
    count = _RECORDED[f"results_{seed}"].shape[1]
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.import_graph_def(graph_def, name="")
        session.run(graph.get_operation_by_name("init"))
        fetches = [f"fetch_{i}:0" for i in range(count)]
        feeds = _RECORDED[f"feeds_{seed}"]
        return np.stack([np.stack(session.run(fetches, {"x:0": feed})) for feed in feeds])


@pytest.fixture(autouse=True)
def _numpy_tier(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "numpy")


@pytest.mark.parametrize("seed", SEEDS)
def test_node_by_node(seed, monkeypatch):
    monkeypatch.setattr(plan, "functionalize", lambda program: None)
    expected = _RECORDED[f"results_{seed}"]
    np.testing.assert_allclose(results_of(seed), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_as_functions(seed, monkeypatch):
    made = []
    whole = plan.functionalize

    def noted(program):
        made.append(whole(program))
        return made[-1]

    monkeypatch.setattr(plan, "functionalize", noted)
    expected = _RECORDED[f"results_{seed}"]
    np.testing.assert_allclose(results_of(seed), expected, rtol=1e-4, atol=1e-5)
    assert all(program is not None for program in made)
