"""`lookup_ops.index_table_from_tensor` takes its keys by the name that programs use."""

import pytest

import millstream as tf
from millstream.ops.table import core_names


def test_tables_by_the_names_of_lookup_ops():
    with tf.Graph().as_default(), tf.Session() as session:
        ids = core_names.index_table_from_tensor(vocabulary_list=["a", "b"])
        words = core_names.index_to_string_table_from_tensor(vocabulary_list=["a", "b"])
        session.run(tf.tables_initializer())
        assert session.run(ids.lookup(tf.constant(["b", "z"]))).tolist() == [1, -1]
        assert session.run(words.lookup(tf.constant([0, 9], tf.int64))).tolist() == [b"a", b"UNK"]
        with pytest.raises(ValueError, match="vocabulary_list must be specified"):
            core_names.index_table_from_tensor(None)
        with pytest.raises(ValueError, match="vocabulary_list must be specified"):
            core_names.index_to_string_table_from_tensor(None)
