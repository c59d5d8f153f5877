"""Tables at run time: saving, vectors as keys and values, reserved keys, errors, text files."""

import numpy as np
import pytest

import millstream as tf


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as made:
        yield made


def _ids(*values):
    return tf.constant(values, tf.int64)


def test_a_table_must_be_filled_first(session):
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1]), -1)
    found = table.lookup(tf.constant(["a", "b"]))
    with pytest.raises(tf.errors.FailedPreconditionError, match="Table not initialized"):
        session.run(found)
    session.run(tf.tables_initializer())
    session.run(tf.tables_initializer())
    assert session.run(found).tolist() == [1, -1]
    assert [part.tolist() for part in session.run(table.export())] == [[b"a"], [1]]


def test_a_filled_table_cannot_be_filled_with_other_data(session):
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1]), -1)
    session.run(table.initializer)
    other = tf.raw_ops.InitializeTableV2(table_handle=table.resource_handle, keys=["a"], values=[2])
    with pytest.raises(tf.errors.FailedPreconditionError):
        session.run(other)


def test_a_mutable_table_changes(session):
    table = tf.contrib.lookup.MutableHashTable(tf.string, tf.int64, -1)
    found = table.lookup(tf.constant([["a", "b"]]))
    session.run(table.insert(tf.constant(["a", "b"]), _ids(1, 2)))
    assert session.run(found).tolist() == [[1, 2]]
    session.run(table.insert(["a"], [7]))
    session.run(table.remove(tf.constant(["b", "unknown"])))
    assert session.run(found).tolist() == [[7, -1]]
    assert session.run(table.size()) == 1
    with pytest.raises(TypeError, match="Signature mismatch"):
        table.lookup(_ids(1))


def test_rows_can_be_values(session):
    table = tf.contrib.lookup.MutableHashTable(tf.int64, tf.float32, [0.0, 0.0])
    rows = tf.placeholder(tf.float32)
    put = table.insert(_ids(1, 2), rows)
    session.run(put, {rows: [[1, 2], [3, 4]]})
    assert session.run(table.lookup(_ids(2, 9))).tolist() == [[3, 4], [0, 0]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected shape"):
        session.run(put, {rows: [[1, 2, 3], [3, 4, 5]]})


def test_dense_tables_reserve_keys(session):
    table = tf.lookup.experimental.DenseHashTable(
        tf.int64, tf.int64, -1, empty_key=0, deleted_key=-1
    )
    session.run(table.insert(_ids(5), _ids(50)))
    assert session.run(table.lookup(_ids(5, 6))).tolist() == [50, -1]
    session.run(table.erase(_ids(5)))
    assert session.run(table.size()) == 0
    for key, word in ((0, "empty_key"), (-1, "deleted_key")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=word):
            session.run(table.insert(_ids(key), _ids(1)))


def test_vectors_can_be_keys_of_dense_tables(session):
    table = tf.contrib.lookup.MutableDenseHashTable(
        tf.int64,
        tf.float32,
        -1.0,
        empty_key=np.array([0, 0], np.int64),
        deleted_key=np.array([-1, -1], np.int64),
    )
    session.run(table.insert([[1, 2], [3, 4]], [1.5, 2.5]))
    found = table.lookup(_ids([3, 4], [9, 9]))
    assert found.shape.as_list() == [2]
    assert session.run(found).tolist() == [2.5, -1]
    keys, values = session.run(table.export())
    assert keys.tolist() == [[1, 2], [3, 4]]
    assert values.tolist() == [1.5, 2.5]


def test_savers_save_mutable_tables(tmp_path):
    path = str(tmp_path / "model")

    def make():
        return tf.contrib.lookup.MutableHashTable(tf.string, tf.int64, -1, name="counts")

    with tf.Graph().as_default(), tf.Session() as session:
        table = make()
        session.run(table.insert(["a", "b"], [1, 2]))
        tf.train.Saver().save(session, path)
    names = dict(tf.train.list_variables(path))
    assert sorted(names) == ["counts-keys", "counts-values"]
    with tf.Graph().as_default(), tf.Session() as session:
        table = make()
        session.run(table.insert(["gone"], [5]))
        tf.train.Saver().restore(session, path)
        assert session.run(table.lookup(tf.constant(["a", "b", "gone"]))).tolist() == [1, 2, -1]


def test_shared_tables_must_agree(session):
    one = tf.contrib.lookup.HashTable(
        tf.lookup.KeyValueTensorInitializer(["a"], [1]), -1, shared_name="s"
    )
    two = tf.contrib.lookup.HashTable(
        tf.lookup.KeyValueTensorInitializer(["a"], [1.0]), -1.0, shared_name="s"
    )
    session.run(one.initializer)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Conflicting key/value dtypes"):
        session.run(two.initializer)


@pytest.mark.parametrize(
    ("text", "key", "value", "message"),
    [
        (b"a\t1\nb\n", 0, 1, "line 1"),
        (b"a\tx\n", 0, 1, "Field x in line 0 is not a valid int64"),
    ],
)
def test_bad_files_are_refused(session, tmp_path, text, key, value, message):
    path = tmp_path / "table.txt"
    path.write_bytes(text)
    initializer = tf.lookup.TextFileInitializer(str(path), tf.string, key, tf.int64, value)
    table = tf.lookup.StaticHashTable(initializer, -1)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        session.run(table.initializer)


def test_files_are_noted_as_assets(session, tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("emerson\r\nlake\npalmer\n")
    table = tf.contrib.lookup.index_table_from_file(str(path), num_oov_buckets=1)
    (asset,) = tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS)
    session.run(tf.tables_initializer())
    assert session.run(asset) == str(path).encode()
    words = tf.constant(["emerson", "palmer", "and"])
    assert session.run(table.lookup(words)).tolist() == [0, 2, 3]
    assert session.run(table.size()) == 4


def test_a_single_key_can_be_looked_up(session):
    table = tf.contrib.lookup.index_table_from_tensor(["a", "b"], num_oov_buckets=1)
    session.run(tf.tables_initializer())
    assert session.run(table.lookup(tf.constant("b"))) == 1
    assert session.run(table.lookup(tf.constant([], tf.string))).shape == (0,)


def test_tables_serve_in_datasets_and_loops(session):
    table = tf.contrib.lookup.index_table_from_tensor(["a", "b"], num_oov_buckets=1)
    data = tf.data.Dataset.from_tensor_slices(["b", "z", "a"]).map(table.lookup)
    iterator = data.make_initializable_iterator()
    looped = tf.map_fn(table.lookup, tf.constant(["b", "z"]), dtype=tf.int64)
    session.run([tf.tables_initializer(), iterator.initializer])
    assert [session.run(iterator.get_next()) for _ in range(3)] == [1, 2, 0]
    assert session.run(looped).tolist() == [1, 2]
