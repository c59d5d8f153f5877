"""GraphDefs with raw control flow that TensorFlow 1.15 wrote, and what they gave there."""

import functools
import json
import zlib
from pathlib import Path

import numpy as np

import millstream as tf

_GOLDEN = Path(__file__).parent / "golden"
FACTS = json.loads((_GOLDEN / "raw_control_flow.json").read_text())


@functools.cache
def _messages():
    with np.load(_GOLDEN / "raw_control_flow.npz") as file:
        return {name: zlib.decompress(file[name].tobytes()) for name in file}


def imported(name):
    """Imports a graph into the default graph; returns what is to be fetched."""
    graph_def = tf.GraphDef()
    graph_def.ParseFromString(_messages()[name])
    tf.import_graph_def(graph_def, name="")
    graph = tf.get_default_graph()
    return [graph.as_graph_element(fetch) for fetch in FACTS[name]["fetches"]]


def check_golden(name):
    """Runs an imported graph as it was run when it was recorded."""
    facts = FACTS[name]
    with tf.Graph().as_default() as graph, tf.Session() as session:
        fetches = imported(name)
        session.run(graph.get_operation_by_name(facts["init"]))
        for feeds, expected in zip(facts["feeds"], facts["results"], strict=True):
            values = {key: np.array(value, dtype) for key, (dtype, value) in feeds.items()}
            found = session.run(fetches, values)
            for fetch, one, other in zip(facts["fetches"], found, expected, strict=True):
                if other is not None:
                    np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-6, err_msg=fetch)
