"""Functions that `tensorflow.python.ops.lookup_ops` has with other names of arguments."""

from __future__ import annotations

from millstream.base.dtypes import string
from millstream.ops.table import vocabulary
from millstream.ops.table.static import FAST_HASH


def index_table_from_tensor(
    vocabulary_list,
    num_oov_buckets=0,
    default_value=-1,
    hasher_spec=FAST_HASH,
    dtype=string,
    name=None,
):
    """Is `tf.contrib.lookup.index_table_from_tensor`, with the keys as `vocabulary_list`."""
    if vocabulary_list is None:
        raise ValueError("vocabulary_list must be specified.")
    return vocabulary.index_table_from_tensor(
        vocabulary_list, num_oov_buckets, default_value, hasher_spec, dtype, name
    )


def index_to_string_table_from_tensor(vocabulary_list, default_value="UNK", name=None):
    """Is `tf.contrib.lookup.index_to_string_table_from_tensor`, with other names of arguments."""
    if vocabulary_list is None:
        raise ValueError("vocabulary_list must be specified.")
    return vocabulary.index_to_string_table_from_tensor(vocabulary_list, default_value, name)
