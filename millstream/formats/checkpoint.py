"""Checkpoints of either format: reading them, and finding and removing their files."""

import re
from collections.abc import Iterable
from typing import Any

from millstream.base import errors
from millstream.base.dtypes import DType
from millstream.base.export import export
from millstream.formats import protos
from millstream.formats.bundle import BundleReader, index_name
from millstream.formats.checkpoint_v1 import V1Reader
from millstream.formats.files import TEMPORARY, files_of, os_errors, path_of
from millstream.formats.globs import match_files

V1, V2 = 1, 2


def open_checkpoint(prefix: Any) -> BundleReader | V1Reader:
    """Opens a checkpoint, of format 2 if there is an index file for it, else of format 1.

    Args:
        prefix: path without `.index`; for a sharded checkpoint of format 1, a pattern.

    Raises:
        DataLossError: if it is damaged.
        NotFoundError: if there is none.
    """
    path = path_of(prefix)
    exists = files_of(path).exists(index_name(path))
    return BundleReader(path) if exists else V1Reader(path)


class CheckpointReader:
    """Reads tensors by name from a checkpoint of either format.

    Args:
        filepattern: path that the checkpoint was saved under.
    """

    def __init__(self, filepattern: Any):
        if not isinstance(filepattern, str | bytes) and not hasattr(filepattern, "__fspath__"):
            raise TypeError(f"Expected binary or unicode string, got {filepattern!r}")
        self._reader = open_checkpoint(filepattern)

    def has_tensor(self, tensor_str: str | bytes) -> bool:
        """Tells whether there is a tensor of that name."""
        return _text(tensor_str) in self._reader

    def get_tensor(self, tensor_str: str | bytes) -> Any:
        """Reads a tensor as an array (a NumPy scalar if it has no dimensions).

        Raises:
            DataLossError: if its data is damaged.
            NotFoundError: if there is none; the message has the nearest names.
        """
        array = self._reader.get(_text(tensor_str))
        return array[()] if array.ndim == 0 else array

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Returns name -> shape of every tensor; partitioned ones are listed whole."""
        return {name: list(self._type(name)[1]) for name in self._reader.names()}

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """Returns name -> element type of every tensor."""
        return {name: self._type(name)[0] for name in self._reader.names()}

    def debug_string(self) -> bytes:
        """Lists name, element type and shape of every tensor, one a line."""
        lines: list[str] = []
        for name in self._reader.names():
            dtype, shape = self._type(name)
            pieces = len(self._reader.slices(name))
            sliced = f", {pieces} slices" if pieces else ""
            sizes = ",".join(map(str, shape))
            kind = protos.DataType.Name(dtype.enum)
            lines.append(f"{name} ({kind}) [{sizes}]{sliced}\n")
        return "".join(lines).encode("utf-8", "surrogateescape")

    def _type(self, name: str) -> tuple[DType, tuple[int, ...]]:
        return self._reader.dtype_and_shape(name)


def _text(name: str | bytes) -> str:
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name


@export("train.NewCheckpointReader")
def NewCheckpointReader(filepattern: Any) -> CheckpointReader:
    """Opens a checkpoint for reading tensors by name.

    Args:
        filepattern: path that it was saved under, such as `/models/model.ckpt-100`.

    Raises:
        DataLossError: if it is damaged.
        NotFoundError: if there is none.
    """
    return CheckpointReader(filepattern)


def _matches(pattern: str) -> list[str]:
    try:
        return match_files(pattern)
    except errors.NotFoundError:
        return []


@export("train.checkpoint_exists")
def checkpoint_exists(checkpoint_prefix: Any) -> bool:
    """Tells whether there is a checkpoint of either format under a path.

    Args:
        checkpoint_prefix: path that it was saved under; for a sharded checkpoint of format 1, a
            pattern that matches its files.
    """
    prefix = path_of(checkpoint_prefix)
    return bool(_matches(index_name(prefix)) or _matches(prefix))


@export("train.get_checkpoint_mtimes")
def get_checkpoint_mtimes(checkpoint_prefixes: Iterable[Any]) -> list[float]:
    """Returns when each checkpoint was written, in seconds since 1970; leaves out missing ones."""
    times: list[float] = []
    for prefix in map(path_of, checkpoint_prefixes):
        found = _matches(index_name(prefix)) or _matches(prefix)
        if found:
            with os_errors(found[0]):
                times.append(files_of(found[0]).stat(found[0]).mtime_nsec / 1e9)
    return times


@export("train.remove_checkpoint")
def remove_checkpoint(
    checkpoint_prefix: Any, checkpoint_format_version: int = V2, meta_graph_suffix: str = "meta"
) -> None:
    """Removes a checkpoint's files and its meta graph; missing ones are no error.

    Args:
        checkpoint_prefix: path that it was saved under.
        checkpoint_format_version: `SaverDef.V1` or `SaverDef.V2`.
        meta_graph_suffix: end of the meta graph's file name.
    """
    prefix = path_of(checkpoint_prefix)
    names = [meta_graph_filename(prefix, meta_graph_suffix)]
    if checkpoint_format_version == V2:
        # The index first: without it the rest is no checkpoint, with it a broken one.
        names += [index_name(prefix), f"{prefix}.data-?????-of-?????"]
        names += [f"{name}{TEMPORARY}*" for name in names[1:]]
    else:
        names.append(prefix)
    for pattern in names:
        for path in _matches(pattern):
            with os_errors(path):
                files_of(path).remove(path)


def meta_graph_filename(checkpoint_filename: str, meta_graph_suffix: str = "meta") -> str:
    """Names the meta graph's file of a checkpoint, sharded or not."""
    base = re.sub(r"-[\d\?]+-of-\d+$", "", checkpoint_filename)
    return f"{base}.{meta_graph_suffix}"
