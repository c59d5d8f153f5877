"""Input pipelines as wholes: epochs, final batches, sparse examples, several sources, the guide."""

import contextlib
import re
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "queues.md"


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


@contextlib.contextmanager
def running():
    coord = tf.train.Coordinator()
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        threads = tf.train.start_queue_runners(session, coord)
        try:
            yield session
        finally:
            coord.request_stop()
            coord.join(threads, stop_grace_period_secs=10)


def all_of(session, fetches):
    """Runs a step until the input is at its end."""
    results = []
    with contextlib.suppress(tf.errors.OutOfRangeError):
        while True:
            results.append(session.run(fetches))
    return results


def test_every_epoch_has_every_row():
    rows = np.arange(12).reshape(6, 2)
    row, number = tf.train.slice_input_producer([rows, np.arange(6)], num_epochs=3, seed=1)
    batch, numbers = tf.train.batch([row, number], 4, allow_smaller_final_batch=True)
    with running() as session:
        results = all_of(session, [batch, numbers])
    seen = np.concatenate([n for _, n in results])
    assert [len(n) for _, n in results] == [4, 4, 4, 4, 2]
    for epoch in range(3):
        assert sorted(seen[6 * epoch : 6 * epoch + 6]) == list(range(6))
    np.testing.assert_array_equal(np.concatenate([b for b, _ in results]), rows[seen])


def test_the_rest_is_left_out_by_default():
    number = tf.train.range_input_producer(10, num_epochs=1, shuffle=False).dequeue()
    batch = tf.train.batch([number], 4)
    with running() as session:
        assert [b.tolist() for b in all_of(session, batch)] == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_shuffling_mixes_and_keeps_all():
    number = tf.train.range_input_producer(60, num_epochs=1, shuffle=False).dequeue()
    batch = tf.train.shuffle_batch([number], 7, 100, 30, 2, 5, allow_smaller_final_batch=True)
    with running() as session:
        seen = np.concatenate(all_of(session, batch))
    assert sorted(seen) == list(range(60))
    assert seen.tolist() != list(range(60))


def test_dictionaries_and_several_sources():
    def source(offset):
        number = tf.train.range_input_producer(5, num_epochs=1, shuffle=False).dequeue()
        return {"number": number + offset, "square": tf.square(number)}

    batch = tf.train.batch_join([source(0), source(100)], 5)
    with running() as session:
        results = all_of(session, batch)
    numbers = np.concatenate([r["number"] for r in results])
    assert sorted(numbers) == [*range(5), *range(100, 105)]
    np.testing.assert_array_equal(
        np.concatenate([r["square"] for r in results]), (numbers % 100) ** 2
    )


def test_examples_are_left_out():
    number = tf.train.range_input_producer(10, num_epochs=1, shuffle=False).dequeue()
    batch = tf.train.maybe_batch(
        [number], tf.equal(number % 3, 0), 2, allow_smaller_final_batch=True
    )
    many = tf.train.maybe_batch(
        [tf.range(6)], tf.range(6) > 3, 4, enqueue_many=True, name="many", capacity=4
    )
    with running() as session:
        assert session.run(many).tolist() == [4, 5, 4, 5]
        assert [b.tolist() for b in all_of(session, batch)] == [[0, 3], [6, 9]]


def test_sparse_examples_become_a_sparse_batch():
    number = tf.train.range_input_producer(6, num_epochs=1, shuffle=False).dequeue()
    wide = tf.cast(number, tf.int64)
    example = tf.SparseTensor([[wide % 2]], [number], [wide + 1])
    batch, numbers = tf.train.batch([example, number], 3)
    with running() as session:
        (first, _), (second, plain) = all_of(session, [batch, numbers])
    assert first.indices.tolist() == [[0, 0], [1, 1], [2, 0]]
    assert first.dense_shape.tolist() == [3, 3]
    assert second.values.tolist() == plain.tolist() == [3, 4, 5]
    assert second.dense_shape.tolist() == [3, 6]


def test_padding():
    number = tf.train.range_input_producer(3, num_epochs=1, shuffle=False).dequeue()
    batch = tf.train.batch([tf.fill([number + 1], number)], 3, dynamic_pad=True)
    with running() as session:
        assert session.run(batch).tolist() == [[0, 0, 0], [1, 1, 0], [2, 2, 2]]


def test_file_names_are_matched_once(tmp_path):
    for name in "ba":
        (tmp_path / f"{name}.txt").write_text(name)
    names = tf.train.match_filenames_once(str(tmp_path / "*.txt"))
    queue = tf.train.string_input_producer(names, num_epochs=1, shuffle=False)
    key, text = tf.WholeFileReader().read(queue)
    with running() as session:
        found = all_of(session, [key, text])
    assert [value for _, value in found] == [b"a", b"b"]
    assert found[0][0] == str(tmp_path / "a.txt").encode()


def test_no_names_are_an_error():
    with pytest.raises(ValueError, match="non-null input tensor"):
        tf.train.string_input_producer([])
    names = tf.placeholder_with_default(np.array([], object), [None])
    queue = tf.train.string_input_producer(names)
    coord = tf.train.Coordinator()
    with tf.Session() as session:
        threads = tf.train.start_queue_runners(session, coord)
        with pytest.raises(tf.errors.InvalidArgumentError, match="non-null input tensor"):
            coord.join(threads)
        assert session.run(queue.is_closed())


def test_damaged_records_stop_the_pipeline(tmp_path):
    path = str(tmp_path / "records")
    with tf.python_io.TFRecordWriter(path) as writer:
        for _ in range(3):
            writer.write(b"record")
    data = bytearray(Path(path).read_bytes())
    data[40] ^= 1
    Path(path).write_bytes(data)
    _, value = tf.TFRecordReader().read(tf.train.string_input_producer([path], num_epochs=1))
    batch = tf.train.batch([value], 1)
    coord = tf.train.Coordinator()
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        threads = tf.train.start_queue_runners(session, coord)
        assert session.run(batch).tolist() == [b"record"]
        with pytest.raises(tf.errors.DataLossError, match=re.escape(path)):
            coord.join(threads)


def test_the_guide_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("length,label\n1.5,0\n2.5,1\n")
    (tmp_path / "words.txt").write_text("emerson\nlake\n")
    build, run, look_up = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    names = {}
    exec(build, names)
    names["train_op"] = tf.reduce_sum(names["lengths"])
    exec(run, names)
    assert "three epochs are over" in capsys.readouterr().out
    with tf.Session() as names["session"]:
        exec(look_up.replace("session.run(ids)", "print(session.run(ids))"), names)
    assert capsys.readouterr().out == "[0 1 2]\n"
