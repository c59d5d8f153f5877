"""Expressions over the parsing ops against TF 1.15: nodes, shapes, values, errors."""

import zlib

import pytest

import millstream as tf
from tests.ops import expressions

RECORD = expressions.load("parsing_nodes")


@pytest.mark.parametrize("number", range(len(RECORD)))
def test_expression_is_as_in_tf(number):
    text, entry = list(RECORD.items())[number]
    expressions.check(text, entry)


def test_json_examples():
    text = b'{"features":{"feature":{"a":{"int64List":{"value":[1, "2"]}}}}}'
    wanted = {"a": tf.FixedLenFeature([2], tf.int64)}
    with tf.Graph().as_default(), tf.Session() as session:
        parsed = tf.parse_example(tf.decode_json_example([text]), wanted)
        assert session.run(parsed["a"]).tolist() == [[1, 2]]
        with pytest.raises(tf.errors.InvalidArgumentError, match="Error while parsing JSON"):
            session.run(tf.decode_json_example("bad"))


def test_truncated_compressed_string():
    with tf.Graph().as_default(), tf.Session() as session:
        data = zlib.compress(b"hello" * 100)
        assert session.run(tf.decode_compressed(data, "ZLIB")) == b"hello" * 100
        for bad in (data[:-5], b"xyzw"):
            with pytest.raises(tf.errors.DataLossError, match="inflate"):
                session.run(tf.decode_compressed(bad, "ZLIB"))
