"""Readers beyond what TF 1.15 was recorded to do: errors keep what came before, turns, LMDB."""

import threading

import pytest

import millstream as tf


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with tf.Graph().as_default(), tf.Session() as made:
        yield made


def _fed(session, *names):
    queue = tf.FIFOQueue(100, tf.string, shapes=[[]])
    session.run([queue.enqueue_many([list(names)])])
    session.run(queue.close())
    return queue


def _write_damaged(path):
    with tf.python_io.TFRecordWriter(str(path)) as writer:
        for number in range(3):
            writer.write(b"record%d" % number)
    path.write_bytes(path.read_bytes()[:-3])


def test_records_before_an_error_are_given_out(session, tmp_path):
    _write_damaged(tmp_path / "cut")
    reader = tf.TFRecordReader()
    _, values = reader.read_up_to(_fed(session, "cut"), 10)
    assert session.run(values).tolist() == [b"record0", b"record1"]
    for _ in range(2):
        with pytest.raises(tf.errors.DataLossError, match="truncated record at 46 of cut"):
            session.run(values)
    session.run(reader.reset())
    with pytest.raises(tf.errors.OutOfRangeError):
        session.run(values)


def test_a_missing_file_is_not_passed_over(session, tmp_path):
    (tmp_path / "there").write_text("text")
    _, value = tf.WholeFileReader().read(_fed(session, "missing", "there"))
    for _ in range(2):
        with pytest.raises(tf.errors.NotFoundError, match="missing"):
            session.run(value)


@pytest.mark.parametrize("kind", ["GZIP", "ZLIB"])
def test_compressed_records(session, kind):
    options = tf.python_io.TFRecordOptions(getattr(tf.python_io.TFRecordCompressionType, kind))
    with tf.python_io.TFRecordWriter("packed", options) as writer:
        writer.write(b"one")
        writer.write(b"two")
    reader = tf.TFRecordReader(options=options)
    keys, values = reader.read_up_to(_fed(session, "packed"), 10)
    assert session.run([keys, values])[1].tolist() == [b"one", b"two"]
    assert session.run(reader.num_records_produced()) == 2


def test_work_units_must_be_strings(session):
    queue = tf.FIFOQueue(3, tf.float32, shapes=[[]])
    session.run(queue.enqueue(1.0))
    with pytest.raises(tf.errors.InvalidArgumentError, match="queue of scalar strings"):
        session.run(tf.IdentityReader().read(queue))


def test_a_reader_goes_back_to_a_state(session):
    queue = _fed(session, "a", "b")
    reader = tf.IdentityReader()
    read, state = reader.read(queue), reader.serialize_state()
    session.run(read)
    kept = session.run(state)
    session.run(read)
    session.run(reader.restore_state(kept))
    assert session.run(reader.num_records_produced()) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="Could not parse state"):
        session.run(reader.restore_state(b"\xff"))
    with pytest.raises(tf.errors.UnimplementedError):
        session.run(tf.TextLineReader().restore_state(kept))


def test_many_threads_read_every_line_once(session, tmp_path):
    for name in "abc":
        (tmp_path / name).write_text("".join(f"{name}{i}\n" for i in range(100)))
    _, line = tf.TextLineReader().read(_fed(session, *"abc"))
    seen = []

    def read():
        try:
            while True:
                seen.append(session.run(line))
        except tf.errors.OutOfRangeError:
            return

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(seen) == sorted(f"{name}{i}".encode() for name in "abc" for i in range(100))


def test_who_waits_for_a_turn_can_be_given_up(session):
    queue = tf.FIFOQueue(3, tf.string, shapes=[[]])
    _, value = tf.IdentityReader().read(queue)
    results = []
    first = threading.Thread(target=lambda: results.append(session.run(value)))
    first.start()
    with pytest.raises(tf.errors.DeadlineExceededError):
        session.run(value, options=tf.RunOptions(timeout_in_ms=100))
    session.run(queue.enqueue("work"))
    first.join(60)
    assert results == [b"work"]


def test_lmdb_databases(session, tmp_path):
    reader = tf.LMDBReader()
    read = reader.read(_fed(session, "database"))
    try:
        import lmdb
    except ImportError:
        with pytest.raises(tf.errors.FailedPreconditionError, match="pip install lmdb"):
            session.run(read)
        return
    with lmdb.open("database") as database, database.begin(write=True) as transaction:
        transaction.put(b"key", b"value")
    assert session.run(read) == (b"key", b"value")


def test_sizes_are_checked(session):
    reader = tf.FixedLengthRecordReader(0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="record_bytes must be positive"):
        session.run(reader.num_records_produced())
