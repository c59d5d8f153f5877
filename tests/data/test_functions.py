"""What functions of elements may contain, and what elements may be made from."""

import numpy as np
import pytest

import millstream as tf
from millstream.ops.data.vectorized import vectorized

D = tf.data.Dataset


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def _all(dataset, *started):
    iterator = dataset.make_initializable_iterator()
    element = iterator.get_next()
    with tf.Session() as session:
        session.run([tf.tables_initializer(), *started])
        session.run(iterator.initializer)
        found = []
        while True:
            try:
                found.append(session.run(element))
            except tf.errors.OutOfRangeError:
                return found


def test_branches_and_loops():
    branch = D.range(3).map(lambda x: tf.cond(x > 1, lambda: x * 10, lambda: x))
    assert _all(branch) == [0, 1, 20]
    loop = D.range(3).map(lambda x: tf.while_loop(lambda i: i < 10, lambda i: i + x + 1, [x]))
    assert _all(loop) == [10, 11, 11]
    inner = D.range(2).map(lambda x: tf.map_fn(lambda v: v + x, tf.range(2, dtype=tf.int64)))
    assert [row.tolist() for row in _all(inner)] == [[0, 1], [1, 2]]


def test_tables_and_placeholders():
    table = tf.contrib.lookup.index_table_from_tensor(["a", "b"])
    assert _all(D.from_tensor_slices(["b", "a", "c"]).map(table.lookup)) == [1, 0, -1]


def test_columns_of_data_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    found = _all(D.from_tensor_slices((dict(frame), frame["a"])))
    assert found == [({"a": 1, "b": b"x"}, 1), ({"a": 2, "b": b"y"}, 2)]


def _parse(record):
    wanted = {"x": tf.FixedLenFeature([2], tf.float32), "s": tf.FixedLenFeature([], tf.string, "")}
    parsed = tf.parse_single_example(record, wanted)
    raw = tf.cast(tf.decode_raw(parsed["s"], tf.uint8), tf.float32) / 2
    column = tf.reshape(parsed["x"], [2, 1]) * np.float32([[1, 10]])
    return parsed["x"] + 1, raw, column, tf.string_join([parsed["s"], "!"])


def _record(number, text):
    example = tf.train.Example()
    example.features.feature["x"].float_list.value.extend([number, number + 0.5])
    if text:
        example.features.feature["s"].bytes_list.value.append(text)
    return example.SerializeToString()


def test_cheap_functions_give_the_same_for_many_and_for_one(graph):
    texts = [b"ab", b"cd", b"xyz", b"", b"ab"]
    records = [_record(i, text) for i, text in enumerate(texts)]
    dataset = D.from_tensor_slices(records).map(_parse)
    body = next(f.graph for f in graph.functions.values())
    many = vectorized(body, [])
    assert many is not None
    together = many([(record,) for record in records])
    with tf.Session() as session:
        alone = [session.run(_parse(record)) for record in records]
    for found in (together, _all(dataset)):
        for row, wanted in zip(found, alone, strict=True):
            for part, value in zip(row, wanted, strict=True):
                np.testing.assert_array_equal(part, value)


def test_the_bad_element_among_many_is_found():
    records = [_record(0, b"a"), b"garbage", _record(2, b"b")]
    element = D.from_tensor_slices(records).map(_parse).batch(1).make_one_shot_iterator().get_next()
    with tf.Session() as session:
        assert session.run(element)[0].tolist() == [[1.0, 1.5]]
        with pytest.raises(tf.errors.InvalidArgumentError, match="Could not parse example"):
            session.run(element)
        assert session.run(element)[0].tolist() == [[3.0, 3.5]]


def test_functions_that_may_wait_are_not_put_together(graph):
    D.range(3).map(lambda x: tf.py_func(lambda v: v, [x], tf.int64))
    body = next(f.graph for f in graph.functions.values())
    assert vectorized(body, []) is None
