"""Whole programs: their nodes are those of TF 1.15, and the convnet learns as it does there."""

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format

import millstream as tf
from millstream.formats import protos, tensors

GOLDEN = Path(__file__).parent.parent / "golden"
sys.path.insert(0, str(GOLDEN))

from graph_programs import PROGRAMS, convnet  # noqa: E402 - lies with the recordings

RECORDED = json.loads(gzip.decompress((GOLDEN / "graphs.json.gz").read_bytes()))


def _internal(name):
    """Whether a node belongs to the inside of a gradient, where ours may differ."""
    return name.lstrip("^").startswith("gradients")


def _value(text):
    """Returns what an attr's text says: a tensor as its elements, however they were encoded."""
    value = text_format.Parse(text, protos.AttrValue())
    if value.WhichOneof("value") != "tensor":
        return value
    array = tensors.decode(value.tensor)
    return value.tensor.dtype, array.shape, repr(array.tolist())  # NaNs read alike


def _comparable(nodes):
    """Leaves out gradients, and says of inputs from there only that they are."""
    for name, op, inputs, attrs in nodes:
        if not _internal(name):
            edges = [i for i in inputs if not i.startswith("^")]
            controls = sorted(i for i in inputs if i.startswith("^"))
            yield (
                name,
                (
                    op,
                    ["gradients" if _internal(i) else i for i in edges],
                    ["gradients" if _internal(i) else i for i in controls],
                    {key: _value(text) for key, text in attrs.items()},
                ),
            )


@pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices")
@pytest.mark.parametrize("name", PROGRAMS)
def test_nodes_equal_tf(name):
    """Names, order, ops, inputs and attrs of all nodes outside of gradients are TF 1.15's."""
    graph = tf.Graph()
    with graph.as_default():
        PROGRAMS[name](tf)
    found = [
        [n.name, n.op, list(n.input), {k: str(v) for k, v in n.attr.items()}]
        for n in graph.as_graph_def().node
    ]
    ours, theirs = dict(_comparable(found)), dict(_comparable(RECORDED[name]))
    assert list(ours) == list(theirs)
    for node, (op, inputs, controls, attrs) in theirs.items():
        # A rule may hand on a tensor that TF's wraps once more: `gradients` stands for either.
        found_inputs = [
            want if want == "gradients" else have
            for have, want in zip(ours[node][1], inputs, strict=True)
        ]
        assert (ours[node][0], found_inputs, *ours[node][2:]) == (op, inputs, controls, attrs), node


def _batches():
    rng = np.random.RandomState(0)
    for _ in range(20):
        images = rng.rand(16, 784).astype(np.float32)
        yield images, np.eye(10, dtype=np.float32)[rng.randint(0, 10, 16)]


def test_convnet_follows_tf():
    """With a seed, the convnet has TF's weights to the bit, and its first 20 losses within 1e-4."""
    recorded = np.load(GOLDEN / "convnet_curve.npz")
    graph = tf.Graph()
    with graph.as_default():
        convnet(tf)
        variables = tf.trainable_variables()
        with tf.Session() as session:
            session.run("init")
            values = session.run(variables)
            for i, value in enumerate(values):
                np.testing.assert_array_equal(value.ravel()[:50], recorded[f"w{i}"])
            sums = [v.astype(np.float64).sum() for v in values]
            np.testing.assert_allclose(sums, recorded["sums"], rtol=1e-12)
            losses = [
                session.run(["loss:0", "train"], {"x:0": x, "y:0": y, "keep:0": 0.5})[0]
                for x, y in _batches()
            ]
    np.testing.assert_allclose(losses, recorded["losses"], rtol=1e-4)
