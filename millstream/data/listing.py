"""`Dataset.list_files`."""

from __future__ import annotations

from typing import Any

from millstream.base import dtypes
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops.array.identities import identity
from millstream.ops.array.shapes import shape
from millstream.ops.by_name import ops
from millstream.ops.string.joining import reduce_join


def listed_files(kind: Any, pattern: Any, shuffle: bool | None, seed: Any) -> Any:
    """Makes the dataset of the names of files; `kind` is the class of datasets."""
    with name_scope("list_files"):
        pattern = convert_to_tensor(pattern, dtypes.string, name="file_pattern")
        found = ops.MatchingFiles(pattern)
        is_there = ops.Greater(shape(found)[0], 0, name="match_not_empty")
        joined = reduce_join(pattern, separator=", ")
        message = ops.Add(
            constant("No files matched pattern: ", name="message/x"), joined, name="message"
        )
        check = ops.Assert(is_there, [message], summarize=1, name="assert_not_empty/Assert")
        with check.graph.control_dependencies([check]):
            found = identity(found)
        dataset = kind.from_tensor_slices(found)
        if shuffle is not False:
            count = ops.Maximum(shape(found, out_type=dtypes.int64)[0], 1)
            dataset = dataset.shuffle(count, seed=seed)
        return dataset
