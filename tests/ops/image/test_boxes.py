"""Boxes, suppression and patches against TF 1.15: nodes, shapes, values, errors."""

import gzip
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[2] / "golden"
RECORD = json.loads(gzip.decompress((GOLDEN / "box_nodes.json.gz").read_bytes()))


def _load(name):
    spec = importlib.util.spec_from_file_location(name, GOLDEN / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


nn_nodes = _load("nn_nodes")
recorder = _load("box_nodes")


@pytest.mark.parametrize("text", RECORD)
def test_expression_is_as_in_tf(text):
    entry = RECORD[text]
    with tf.Graph().as_default() as graph:
        if "raises" in entry:
            with pytest.raises(Exception) as info:
                eval(text, recorder.helpers(tf, np))
            assert type(info.value).__name__ == entry["raises"], info.value
            return
        tensors = nn_nodes.tensors_of(tf, eval(text, recorder.helpers(tf, np)))
        if not text.startswith("grad("):
            assert nn_nodes.nodes_of(graph) == entry["nodes"]
            assert [nn_nodes.shape_list(t) for t in tensors] == entry["shapes"]
        with tf.Session() as session:
            if "fails" in entry:
                with pytest.raises(tf.errors.OpError) as info:
                    session.run(tensors)
                assert type(info.value).__name__ == entry["fails"]
            elif "values" in entry:
                found = session.run(tensors)
                for array, wanted in zip(found, entry["values"], strict=True):
                    assert str(array.dtype) == wanted["dtype"]
                    assert list(array.shape) == wanted["shape"]
                    data = np.array(wanted["data"], np.float64).reshape(array.shape)
                    np.testing.assert_allclose(array.astype(np.float64), data, 2e-5, 2e-5)


def test_a_distorted_box_differs_from_step_to_step():
    with tf.Graph().as_default(), tf.Session() as session:
        box = np.array([[[0.1, 0.2, 0.8, 0.9]]], np.float32)
        begin, size, part = tf.image.sample_distorted_bounding_box([400, 300, 3], box, seed=8)
        first = session.run([begin, size, part])
        second = session.run([begin, size, part])
        assert first[2].tolist() != second[2].tolist()
        image = tf.zeros([400, 300, 3])
        crop = session.run(tf.slice(image, begin, size))
        assert crop.shape[2] == 3


@pytest.mark.parametrize(
    ("message", "options"),
    {
        "area_range must be two rising numbers": {"area_range": [1.0, 0.5]},
        "aspect_ratio_range must be": {"aspect_ratio_range": [0.0, 1.0]},
        "max_attempts must be positive": {"max_attempts": 0},
        "min_object_covered must be in": {"min_object_covered": 2.0},
    }.items(),
)
def test_a_distorted_box_says_what_is_wrong(message, options):
    with tf.Graph().as_default(), tf.Session() as session:
        parts = tf.image.sample_distorted_bounding_box(
            [4, 3, 3], [[[0.1, 0.2, 0.8, 0.9]]], seed=8, **options
        )
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            session.run(parts)


def test_noise_lies_outside_of_a_glimpse_only():
    image = np.ones([1, 4, 4, 1], np.float32) * 5
    with tf.Graph().as_default(), tf.Session() as session:
        uniform = tf.image.extract_glimpse(image, [4, 4], [[-1.0, -1.0]])
        found = session.run(uniform)[0, :, :, 0]
        assert (found[2:, 2:] == 5).all()
        assert (found[:2] < 1).all()
        normal = tf.image.extract_glimpse(image, [4, 4], [[-1.0, -1.0]], uniform_noise=False)
        assert (session.run(normal) == 5).all()  # the image's deviation is 0
        zero = tf.raw_ops.ExtractGlimpse(
            input=image, size=[4, 4], offsets=[[-1.0, -1.0]], noise="zero"
        )
        assert session.run(zero).sum() == 4 * 5
