"""The programs in the documents run, where they are whole."""

import re
from pathlib import Path

import pytest

import millstream as tf

DOCS = Path(__file__).parents[2] / "docs"


def blocks(name):
    return re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(), re.DOTALL)


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def test_front_page(capsys):
    exec(blocks("index.md")[0], {})
    assert "11." in capsys.readouterr().out


def test_gradients(capsys):
    first, override = blocks("guides/gradients.md")
    names = {"tf": tf}
    exec(first, names)
    printed = capsys.readouterr().out
    assert [float(n) for n in re.findall(r"\d+\.\d+", printed)] == [8, 12, 12]
    exec(override, names)
    (gradient,) = tf.gradients(5 * names["y"], names["x"])
    with tf.Session() as sess:
        assert sess.run(gradient, {names["x"]: 1.0}) == 1


def test_training_saving_and_summaries(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"tf": tf}
    exec(
        "x = tf.placeholder(tf.float32, [None, 784])\n"
        "y = tf.placeholder(tf.int64, [None])\n"
        "batches = lambda: [([[0.5] * 784] * 2, [1, 2])] * 3\n",
        names,
    )
    variables, adam, momentum, loop = blocks("guides/training.md")
    exec(variables, names)
    exec(
        "logits = tf.nn.xw_plus_b(x, w, b)\n"
        "losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)\n"
        "loss = tf.reduce_mean(losses)\n",
        names,
    )
    exec(adam, names)
    exec(momentum, names)
    exec(loop, names)
    save, read = blocks("guides/saving.md")
    summaries, trace = blocks("guides/summaries.md")
    with tf.Session() as names["sess"]:
        names["sess"].run(tf.global_variables_initializer())
        exec(save, names)
        exec(read.replace("digits-600", "digits-0"), names)
        names["feed"] = {names["x"]: [[0.5] * 784], names["y"]: [1]}
        exec(summaries.replace("1000", "3"), names)
        names["writer"].reopen()
        exec(trace, names)
        names["writer"].close()
    assert "traceEvents" in (tmp_path / "trace.json").read_text()
    assert (tmp_path / "model" / "digits-0.index").exists()
