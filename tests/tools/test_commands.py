"""The commands that look at, convert and compare models, run as a user runs them."""

import json

import numpy as np
import pytest

import millstream as tf
from millstream.formats.tfrecord import TFRecordOptions, TFRecordWriter
from millstream.tools import cli
from millstream.tools.artifacts import open_artifact


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A directory with a SavedModel, a checkpoint with its MetaGraph, events and records."""
    path = tmp_path_factory.mktemp("model")
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        x = tf.placeholder(tf.float32, [None, 8, 8, 1], name="x")
        with tf.variable_scope("conv"):
            kernel = tf.get_variable("kernel", [3, 3, 1, 4])
            h = tf.nn.relu(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "VALID"))
        with tf.variable_scope("dense"):
            weights = tf.get_variable("weights", [144, 2])
        y = tf.matmul(tf.reshape(h, [-1, 144]), weights, name="y")
        loss = tf.reduce_mean(tf.square(y), name="loss")
        train = tf.train.AdamOptimizer().minimize(loss)
        sess.run(tf.global_variables_initializer())
        saver = tf.train.Saver()
        (path / "ckpt").mkdir()
        saver.save(sess, path / "ckpt" / "model", global_step=1)
        sess.run(train, {x: np.ones([2, 8, 8, 1])})
        saver.save(sess, path / "ckpt" / "model", global_step=2)
        tf.saved_model.simple_save(sess, path / "saved", {"x": x}, {"y": y})
        tf.train.write_graph(graph, path, "graph.pb", as_text=False)
        tf.train.write_graph(graph, path, "graph.pbtxt")
        with tf.summary.FileWriter(path / "log") as writer:
            writer.add_graph(graph)
            for step in range(3):
                value = tf.Summary.Value(tag="loss", simple_value=1 / (step + 1))
                writer.add_summary(tf.Summary(value=[value]), step)
    for name, options in (("plain", None), ("gzip", TFRecordOptions("GZIP"))):
        with TFRecordWriter(path / f"{name}.tfrecord", options) as writer:
            for i in range(5):
                example = tf.train.Example()
                example.features.feature["ids"].int64_list.value.extend(range(i))
                writer.write(example.SerializeToString())
    return path


def run(capsys, *arguments):
    """Runs a command; returns its exit code, output and error output."""
    code = cli.main([str(a) for a in arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def run_json(capsys, *arguments):
    code, out, _ = run(capsys, *arguments, "--json")
    assert code == 0
    return json.loads(out)


@pytest.mark.parametrize(
    ("name", "kind"),
    {
        "saved": "saved_model",
        "ckpt": "checkpoint",
        "ckpt/model-1": "checkpoint",
        "ckpt/model-1.index": "checkpoint",
        "ckpt/model-1.meta": "meta_graph",
        "graph.pb": "graph",
        "graph.pbtxt": "graph",
        "log": "events",
        "plain.tfrecord": "records",
        "gzip.tfrecord": "records",
    }.items(),
)
def test_kinds_are_told_apart_by_content(model, name, kind):
    assert open_artifact(model / name).kind == kind


def test_what_is_no_artifact_is_refused(model, tmp_path, capsys):
    (tmp_path / "text").write_text("hello")
    (tmp_path / "empty").write_bytes(b"")
    for name in ("text", "empty", "nothing", ""):
        code, out, err = run(capsys, "inspect", tmp_path / name)
        assert (code, out) == (1, "")
        assert err.startswith("millstream inspect: ")
        assert "Traceback" not in err


def test_inspect_shows_a_checkpoint(model, capsys):
    found = run_json(capsys, "inspect", model / "ckpt")
    rows = {row["name"]: (row["dtype"], row["shape"]) for row in found["tensors"]}
    assert rows["conv/kernel"] == ("float32", "[3, 3, 1, 4]")
    assert rows["dense/weights/Adam"] == ("float32", "[144, 2]")
    assert found["path"].endswith("model-2")
    code, out, _ = run(capsys, "inspect", model / "ckpt" / "model-1", "--tensor", "beta1_power")
    assert (code, out) == (0, "beta1_power  float32[]\n0.9\n")


def test_inspect_shows_models_and_graphs(model, capsys):
    found = run_json(capsys, "inspect", model / "saved")
    assert [row["tensor"] for row in found["signatures"]] == ["x:0", "y:0"]
    found = run_json(capsys, "inspect", model / "graph.pbtxt")
    assert found["inputs"] == [{"name": "x", "dtype": "float32", "shape": "[?, 8, 8, 1]"}]
    code, out, _ = run(capsys, "inspect", model / "ckpt" / "model-1.meta")
    assert code == 0
    assert "trainable_variables" in out


def test_inspect_shows_events_and_records(model, capsys):
    found = run_json(capsys, "inspect", model / "log")
    (row,) = [row for row in found["tags"] if row["tag"] == "loss"]
    assert (row["events"], row["last_step"], row["last"]) == (3, 2, "0.333333")
    for name, compression in (("plain", "none"), ("gzip", "GZIP")):
        found = run_json(capsys, "inspect", model / f"{name}.tfrecord")
        assert (found["records"], found["compression"]) == (5, compression)
        ids = {"feature": "ids", "type": "int64", "examples": 5, "shortest": 0, "longest": 4}
        assert found["features"] == [ids]


def test_summarize_counts_by_scope(model, capsys):
    found = run_json(capsys, "summarize", model / "saved")
    scopes = {row["scope"]: row for row in found["scopes"]}
    assert scopes["conv"]["parameters"] == 36
    assert scopes["conv"]["flops"] == 2 * 6 * 6 * 4 * 9
    assert found["total"]["parameters"] == 36 + 288 + 2  # and Adam's two powers
    code, out, _ = run(capsys, "summarize", model / "ckpt", "--depth", "2")
    assert code == 0
    assert "dense/weights" in out


@pytest.mark.parametrize("source", ["saved", "ckpt"])
def test_a_frozen_model_gives_what_the_model_gave(model, tmp_path, capsys, source):
    frozen = tmp_path / "frozen.pb"
    code, *_ = run(capsys, "freeze", model / source, frozen, "--outputs", "y")
    assert code == 0
    batch = np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 8, 8, 1)
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.saved_model.load(sess, ["serve"], model / "saved")
        wanted = sess.run("y:0", {"x:0": batch})
    graph_def = open_artifact(frozen).content
    assert not any(node.op == "VariableV2" for node in graph_def.node)
    with tf.Graph().as_default(), tf.Session() as sess:
        (y,) = tf.import_graph_def(graph_def, return_elements=["y:0"], name="")
        np.testing.assert_allclose(sess.run(y, {"x:0": batch}), wanted, rtol=1e-6)


def test_freeze_says_what_is_missing(model, tmp_path, capsys):
    code, _, err = run(capsys, "freeze", model / "ckpt", tmp_path / "f.pb")
    assert (code, "--outputs" in err) == (1, True)
    code, _, err = run(capsys, "freeze", model / "graph.pb", tmp_path / "f.pb")
    assert (code, "no graph with variables" in err) == (1, True)
    code, _, err = run(capsys, "freeze", model / "saved", tmp_path / "f.pb", "--outputs", "zz")
    assert (code, "zz is not in graph" in err) == (1, True)


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_checkpoints_become_arrays_and_come_back(model, tmp_path, capsys, ending):
    arrays, back = tmp_path / f"arrays.{ending}", tmp_path / "back"
    assert run(capsys, "convert", model / "ckpt", arrays)[0] == 0
    assert run(capsys, "convert", arrays, back)[0] == 0
    code, out, _ = run(capsys, "diff", back, model / "ckpt" / "model-2")
    assert (code, out) == (0, "equal\n")


def test_graphs_become_text_and_saved_models(model, tmp_path, capsys):
    text = tmp_path / "graph.pbtxt"
    assert run(capsys, "convert", model / "graph.pb", text)[0] == 0
    code, out, _ = run(capsys, "diff", text, model / "graph.pb")
    assert (code, out) == (0, "equal\n")
    frozen, saved = tmp_path / "frozen.pb", tmp_path / "saved"
    assert run(capsys, "convert", model / "saved", frozen)[0] == 0
    assert run(capsys, "convert", frozen, saved, "--saved-model", "--outputs", "y")[0] == 0
    with tf.Graph().as_default(), tf.Session() as sess:
        found = tf.saved_model.load(sess, ["serve"], saved)
        assert found.signature_def["serving_default"].inputs["x"].name == "x:0"


def test_convert_says_what_it_cannot_do(model, tmp_path, capsys):
    for arguments, message in (
        ((model / "graph.pb", tmp_path / "x"), "cannot tell what to write"),
        ((model / "graph.pb", tmp_path / "x.npz"), "has no variables"),
        ((model / "graph.pb", tmp_path / "x", "--saved-model"), "--outputs"),
        ((tmp_path / "none.npz", tmp_path / "x"), "No such file"),
    ):
        code, _, err = run(capsys, "convert", *arguments)
        assert code == 1
        assert message in err
    assert list(tmp_path.iterdir()) == []


def test_diff_lists_what_differs(model, tmp_path, capsys):
    code, out, _ = run(
        capsys, "diff", model / "ckpt" / "model-1", model / "ckpt" / "model-2", "--json"
    )
    found = json.loads(out)
    assert (code, found["equal"]) == (1, False)
    assert {row["name"] for row in found["differences"]} > {"conv/kernel", "beta1_power"}
    tolerant = run(
        capsys, "diff", model / "ckpt" / "model-1", model / "ckpt" / "model-2", "--tolerance", "9"
    )
    assert tolerant[:2] == (0, "equal\n")
    graph = open_artifact(model / "graph.pb").content
    graph.node[0].attr["dtype"].type = tf.float64.as_datatype_enum
    del graph.node[-1]
    (tmp_path / "other.pb").write_bytes(graph.SerializeToString())
    code, out, _ = run(capsys, "diff", model / "graph.pb", tmp_path / "other.pb", "--json")
    whats = {row["what"] for row in json.loads(out)["differences"]}
    assert whats == {"attr dtype", "only in one"}
