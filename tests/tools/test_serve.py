"""`millstream serve`, asked over HTTP as TensorFlow Serving is."""

import json
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import millstream as tf
from millstream.tools.serving.batching import Batcher
from millstream.tools.serving.http import ModelServer
from millstream.tools.serving.versions import ModelVersions


def save_affine(path, offset):
    """Saves `y = x / 2 + offset` of rows, with a second signature that greets."""
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, [None], name="x")
        count = tf.placeholder(tf.int32, [None], name="count")
        words = tf.placeholder(tf.string, [None], name="words")
        w = tf.get_variable("w", initializer=np.float32(0.5))
        y = w * x + offset
        sess.run(tf.global_variables_initializer())
        predict = tf.saved_model.predict_signature_def
        sums = {"sum": x + tf.cast(count, tf.float32), "count": count}
        builder = tf.saved_model.Builder(path)
        builder.add_meta_graph_and_variables(
            sess,
            ["serve"],
            {
                "serving_default": predict({"x": x}, {"y": y}),
                "sums": predict({"x": x, "count": count}, sums),
                "greet": predict({"words": words}, {"greeting_bytes": "hello " + words}),
                "scores": tf.saved_model.classification_signature_def(
                    words, None, tf.reshape(tf.to_float(tf.size(words)), [1, 1])
                ),
            },
        )
        builder.save()


@pytest.fixture
def served(tmp_path):
    """A running server of version 1, and the directory of its versions."""
    save_affine(tmp_path / "m" / "1", 2.0)
    versions = ModelVersions(str(tmp_path / "m"))
    server = ModelServer(("127.0.0.1", 0), "m", versions, max_bytes=10_000)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server, tmp_path / "m"
    server.shutdown()
    thread.join()
    server.server_close()
    versions.close()


def ask(server, path, body=None):
    """Returns the status and the JSON of an answer."""
    url = f"http://127.0.0.1:{server.server_address[1]}{path}"
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_predicts_rows_and_columns(served):
    server, _ = served
    path = "/v1/models/m:predict"
    assert ask(server, path, {"instances": [1.0, 2.0]}) == (200, {"predictions": [2.5, 3.0]})
    assert ask(server, path, {"instances": [{"x": 1}]}) == (200, {"predictions": [2.5]})
    assert ask(server, path, {"inputs": {"x": [1.0]}}) == (200, {"outputs": [2.5]})
    assert ask(server, path, {"inputs": [1.0]}) == (200, {"outputs": [2.5]})


def test_predicts_by_other_signatures(served):
    server, _ = served
    path = "/v1/models/m/versions/1:predict"
    rows = {"signature_name": "sums", "instances": [{"x": 1.5, "count": 2}, {"x": 0, "count": 1}]}
    answer = [{"sum": 3.5, "count": 2}, {"sum": 1.0, "count": 1}]
    assert ask(server, path, rows) == (200, {"predictions": answer})
    words = {"signature_name": "greet", "instances": ["you", {"b64": "/w=="}]}
    coded = [{"b64": "aGVsbG8geW91"}, {"b64": "aGVsbG8g/w=="}]
    assert ask(server, path, words) == (200, {"predictions": coded})


def test_classifies_examples(served):
    server, _ = served
    request = {"signature_name": "scores", "examples": [{"age": 3, "name": "a", "h": [0.5]}]}
    assert ask(server, "/v1/models/m:classify", request) == (200, {"results": [[["0", 1.0]]]})
    status, answer = ask(server, "/v1/models/m:regress", request)
    assert status == 400
    assert "is for the method 'classify'" in answer["error"]


def test_tells_status_and_metadata(served):
    server, _ = served
    status, answer = ask(server, "/v1/models/m")
    found = answer["model_version_status"][0]
    assert (status, found["version"], found["state"]) == (200, "1", "AVAILABLE")
    status, answer = ask(server, "/v1/models/m/metadata")
    signature = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert signature["inputs"]["x"]["tensor_shape"]["dim"][0]["size"] == "-1"


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        (":predict", b"{", 400, "JSON Parse error"),
        (":predict", {}, 400, '"instances" or "inputs"'),
        (":predict", {"instances": []}, 400, "not empty"),
        (":predict", {"instances": ["a"]}, 400, "must be numbers of float32, not 'a'"),
        (":predict", {"instances": [[1.0], [1.0, 2.0]]}, 400, "different lengths"),
        (":predict", {"instances": [[1.0]]}, 400, "shape"),
        (":predict", {"instances": [{"z": 1}]}, 400, "inputs are x; the request has z"),
        (":predict", {"signature_name": "none", "inputs": 1}, 404, "no signature 'none'"),
        (":predict", {"signature_name": "sums", "inputs": [1]}, 400, "name the inputs"),
        (
            ":predict",
            {"signature_name": "sums", "inputs": {"x": [1], "count": [0.5]}},
            400,
            "whole numbers of int32",
        ),
        (
            ":predict",
            {"signature_name": "sums", "inputs": {"x": [1], "count": [2**40]}},
            400,
            "out of the range of int32",
        ),
        (
            ":predict",
            {"signature_name": "greet", "inputs": [{"b64": "!"}]},
            400,
            "in b64",
        ),
        (":fly", {"instances": [1]}, 404, "no method"),
        ("/versions/7:predict", {"instances": [1]}, 404, "version 7 is not served"),
        ("x:predict", {"instances": [1]}, 404, "try /v1/models/m"),
        (":predict", b"[" + b"1," * 9000 + b"1]", 400, "are read at most"),
        (":predict", b"[" * 9000, 400, "JSON Parse error"),
    ],
)
def test_says_what_is_wrong_with_a_request(served, path, body, status, message):
    server, _ = served
    found, answer = ask(server, f"/v1/models/m{path}", body)
    assert found == status
    assert message in answer["error"]


def test_loads_new_versions_and_keeps_the_old_one_if_they_are_broken(served):
    server, directory = served
    save_affine(directory / "2", 3.0)
    server.versions.refresh()
    assert ask(server, "/v1/models/m:predict", {"inputs": [1.0]}) == (200, {"outputs": [3.5]})
    (directory / "3").mkdir()
    (directory / "3" / "saved_model.pb").write_bytes(b"\xff\xff")
    server.versions.refresh()
    assert ask(server, "/v1/models/m:predict", {"inputs": [1.0]}) == (200, {"outputs": [3.5]})
    rows = ask(server, "/v1/models/m")[1]["model_version_status"]
    assert [(row["version"], row["state"]) for row in rows] == [("3", "END"), ("2", "AVAILABLE")]


def test_no_model_is_an_error(tmp_path):
    with pytest.raises(tf.errors.NotFoundError, match="no SavedModel"):
        ModelVersions(str(tmp_path))


def test_requests_that_wait_run_together():
    sizes = []

    def run(name, arrays):
        sizes.append(len(arrays["x"]))
        return {"y": arrays["x"] * 2}

    batcher = Batcher(run, max_rows=4, timeout_ms=10_000)
    with ThreadPoolExecutor(4) as pool:
        arrays = [{"x": np.array([float(i)])} for i in range(4)]
        answers = list(pool.map(lambda a: batcher("s", a)["y"].tolist(), arrays))
    assert answers == [[0.0], [2.0], [4.0], [6.0]]
    assert sizes == [4]


def test_requests_of_other_shapes_do_not_mix_and_errors_reach_all():
    def run(name, arrays):
        if name == "bad":
            raise ValueError("broken")
        return {"y": arrays["x"]}

    batcher = Batcher(run, max_rows=2, timeout_ms=1)
    assert batcher("s", {"x": np.zeros((1, 3))})["y"].shape == (1, 3)
    assert batcher("s", {"x": np.zeros(())})["y"].shape == ()
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(batcher, "bad", {"x": np.zeros(1)}) for _ in range(2)]
        for call in calls:
            with pytest.raises(ValueError, match="broken"):
                call.result(10)
