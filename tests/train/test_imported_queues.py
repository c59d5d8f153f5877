"""A MetaGraph of TF 1.15 with queues, readers and tables runs; queue runners come with it."""

from pathlib import Path

import pytest

import millstream as tf

META = Path(__file__).parents[1] / "golden" / "queue_graph.meta"


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "numbers.txt").write_text("1\n2\n3\n4\n6\n8\n9\n")
    with tf.Graph().as_default():
        tf.train.import_meta_graph(str(META))
        with tf.Session() as made:
            made.run([tf.local_variables_initializer(), "init_all_tables"])
            yield made


def test_queue_runners_fill_their_queues(session):
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(session, coord)
    assert len(threads) == 4
    batches = []
    with pytest.raises(tf.errors.OutOfRangeError):
        while True:
            numbers, lines = session.run(["kept:0", "kept:1"])
            assert [int(line) for line in lines] == numbers.tolist()
            batches.append(numbers.tolist())
    coord.request_stop()
    coord.join(threads)
    assert batches == [[2, 4, 6], [8, 2, 4], [6, 8]]


def test_ref_handles_work(session):
    session.run(["old/init", "old/fill", "old/enqueue"])
    found, some, text = session.run(["old/find:0", "old/some:0", "old/read:1"])
    assert found.tolist() == [20, -1]
    # As TF 1.15 shuffles them.
    assert some.tolist() == [19, 7, 6, 1, 3, 16, 14, 11]
    assert text == b"1\n2\n3\n4\n6\n8\n9\n"


def test_tables_come_along(session):
    assert session.run("ids:0").tolist() == [1, 2]
