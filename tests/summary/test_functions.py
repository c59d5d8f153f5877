"""Summaries against what TF 1.15 makes of the same expressions: nodes, tags, every value."""

import base64
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import summaries  # noqa: E402

RECORD = json.loads((GOLDEN / "summaries.json").read_text())


@pytest.mark.parametrize("text", summaries.expressions(summaries.NODES))
def test_nodes_are_those_of_tf(text):
    assert summaries.nodes(tf, np, text) == RECORD["nodes"][text]


@pytest.mark.parametrize("text", summaries.expressions(summaries.VALUES))
def test_values_are_those_of_tf(text):
    found, wanted = summaries.value(tf, np, text), RECORD["values"][text]
    if wanted.endswith("Error"):
        assert found == wanted
        return
    assert not found.endswith("Error"), found
    found, wanted = (tf.Summary.FromString(base64.b64decode(data)) for data in (found, wanted))
    for message in (found, wanted):
        for value in message.value:
            if value.HasField("image"):
                value.image.encoded_image_string = _pixels(value.image.encoded_image_string)
    # Texts, because NaN is not equal to itself.
    assert str(found) == str(wanted)


def _pixels(png):
    array = np.asarray(Image.open(io.BytesIO(png)))
    return repr((array.shape, array.dtype, array.tolist())).encode()


def test_description_of_a_tensor_summary():
    with tf.Graph().as_default():
        node = tf.raw_ops.TensorSummary(tensor=[1.0], description='{"type_hint": "x"}').op
        assert tf.summary.get_summary_description(node.node_def).type_hint == "x"
        with pytest.raises(ValueError, match="Const"):
            tf.summary.get_summary_description(tf.constant(1.0).op.node_def)
