"""GraphDefs with datasets: those of TF 1.15 run; ours have the nodes that it makes."""

import json
import sys
from pathlib import Path

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import data_graph  # noqa: E402

WANTED = json.loads((GOLDEN / "data_graph.json").read_text())


def _theirs():
    return tf.GraphDef.FromString((GOLDEN / "data_graph.pb").read_bytes())


def test_a_graph_of_tf_runs():
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(_theirs(), name="")
        assert data_graph.run(tf, session) == WANTED


def test_our_graph_runs_and_survives_a_round_trip():
    with tf.Graph().as_default() as graph, tf.Session() as session:
        data_graph.build(tf)
        assert data_graph.run(tf, session) == WANTED
        ours = graph.as_graph_def()
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(ours, name="")
        assert data_graph.run(tf, session) == WANTED


def test_nodes_are_those_of_tf():
    with tf.Graph().as_default() as graph:
        data_graph.build(tf)
        ours = graph.as_graph_def()
    found, wanted = ([(n.name, n.op, list(n.input)) for n in g.node] for g in (ours, _theirs()))
    assert found == wanted
