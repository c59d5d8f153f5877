"""Reading checkpoints by name, waiting for them, initialising variables from them."""

import threading
from pathlib import Path

import numpy as np
import pytest

import millstream as tf
from millstream.train.checkpoint_utils import (
    checkpoints_iterator,
    init_from_checkpoint,
    list_variables,
    load_checkpoint,
    load_variable,
)
from millstream.train.graph_files import write_graph

CHECKPOINTS = Path(__file__).parents[1] / "golden" / "saver_checkpoints"


@pytest.fixture(autouse=True)
def fresh_graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_reading():
    listed = list_variables(CHECKPOINTS)
    assert listed[:3] == [("beta1_power", []), ("beta2_power", []), ("global_step", [])]
    assert dict(listed)["p/Adam"] == [5, 2]
    assert listed == list_variables(CHECKPOINTS / "trained-3")
    assert load_variable(CHECKPOINTS, "global_step") == 3
    assert load_variable(CHECKPOINTS, "global_step:0").dtype == np.int64
    assert load_checkpoint(CHECKPOINTS).has_tensor("layer/w")


def test_nothing_to_read(tmp_path):
    with pytest.raises(tf.errors.NotFoundError, match="nowhere"):
        load_checkpoint(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="Couldn't find 'checkpoint' file"):
        load_checkpoint(tmp_path)
    with pytest.raises(tf.errors.NotFoundError, match="layer/w"):
        load_variable(CHECKPOINTS, "layer/ww")


def _initialized(*variables):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run([tf.convert_to_tensor(v) for v in variables])


@pytest.mark.parametrize("resource", [False, True])
def test_initialising_variables(fresh_graph, resource):
    v = tf.get_variable("mine/x", [2, 2], use_resource=resource)
    part = tf.fixed_size_partitioner(3)
    p = tf.get_variable("q", [5, 2], partitioner=part, use_resource=resource)
    r = tf.get_variable("r", [2], use_resource=resource)
    init_from_checkpoint(CHECKPOINTS, {"layer/w": v, "p": "q", "layer/r": "r"})
    names = [n.name for n in fresh_graph.get_operations() if n.type == "RestoreV2"]
    assert names[:2] == ["checkpoint_initializer", "checkpoint_initializer_1"]
    wanted = [load_variable(CHECKPOINTS, name) for name in ("layer/w", "p", "layer/r")]
    for found, value in zip(_initialized(v, p, r), wanted, strict=True):
        np.testing.assert_array_equal(found, value)


@pytest.mark.parametrize(
    ("source", "target"), [("layer/", "new/layer/"), ("/", "new/"), ("layer/", "/")]
)
def test_initialising_scopes(source, target):
    scope = {"new/layer/": "new/layer/", "new/": "new/layer/", "/": ""}[target]
    w = tf.get_variable(f"{scope}w", [2, 2])
    r = tf.get_variable(f"{scope}r", [2])
    init_from_checkpoint(CHECKPOINTS, {source: target})
    found = _initialized(w, r)
    np.testing.assert_array_equal(found[0], load_variable(CHECKPOINTS, "layer/w"))
    np.testing.assert_array_equal(found[1], load_variable(CHECKPOINTS, "layer/r"))


def test_what_does_not_fit():
    v = tf.get_variable("new/v", [2])
    for wrong, message in [
        ({"layer/w": v}, "doesn't match with shape of tensor layer/w"),
        ({"none": v}, "Tensor none is not found"),
        ({"layer/w": "absent"}, "should map to scope only"),
        ({"layer/": "new/"}, "Tensor layer/v is not found"),
    ]:
        with pytest.raises(ValueError, match=message):
            init_from_checkpoint(CHECKPOINTS, wrong)


def test_iterator_waits_for_checkpoints(tmp_path):
    v = tf.Variable(1.0, name="v")
    saver = tf.train.Saver()
    found = checkpoints_iterator(tmp_path, timeout=30)
    with tf.Session() as session:
        session.run(v.initializer)
        thread = threading.Timer(0.1, saver.save, (session, tmp_path / "m", 1))
        thread.start()
        assert next(found) == str(tmp_path / "m-1")
        thread.join()
        path = saver.save(session, tmp_path / "m", 2)
    assert next(found) == path


def test_iterator_ends(tmp_path):
    assert list(checkpoints_iterator(tmp_path, timeout=0.01)) == []
    calls = []

    def enough():
        calls.append(None)
        return len(calls) == 3

    assert list(checkpoints_iterator(tmp_path, timeout=0.01, timeout_fn=enough)) == []
    assert len(calls) == 3


@pytest.mark.parametrize("as_text", [True, False])
def test_write_graph(fresh_graph, tmp_path, as_text):
    tf.constant(1.0, name="c")
    given = fresh_graph if as_text else fresh_graph.as_graph_def()
    path = write_graph(given, tmp_path / "new", "g", as_text)
    assert path == str(tmp_path / "new" / "g")
    data = Path(path).read_bytes()
    assert data.startswith(b'node {\n  name: "c"') == as_text
    if not as_text:
        assert tf.GraphDef.FromString(data) == fresh_graph.as_graph_def()
