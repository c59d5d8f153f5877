"""Puts checkpoints of format 2 in place, so that a crash at any time loses nothing.

A checkpoint is a table of entries, `<prefix>.index`, and files of raw data; the index names them:
shard `i` of `n` is `<prefix>.data-0000i-of-0000n`. Putting the index in place is what makes a
checkpoint exist, and nothing that an index in place names is touched before the next index is in
place. So a save under the name of an older checkpoint first takes another `n`, when the older one
has the same; it then links the data to the usual names, puts an index for those in place, and
removes the others. At any time there is an index whose data files are whole: those of the old
checkpoint, or of the new one.
"""

import io
import itertools
import re
from collections.abc import Sequence
from typing import Any

from millstream.base import errors
from millstream.formats import protos
from millstream.formats.coding import decode_name, parse_message
from millstream.formats.files import (
    TEMPORARY,
    files_of,
    is_remote,
    os_errors,
    parent_of,
    path_of,
    temporary_name,
    write_atomically,
)
from millstream.formats.table import Table, TableWriter

BUNDLE_VERSION = 1
_LITTER = r"\.(data-\d{5,}-of-\d{5,}|index)" + TEMPORARY + "[0-9a-f]{16}"


def index_name(prefix: str) -> str:
    """Names the index file of a checkpoint."""
    return f"{prefix}.index"


def data_name(prefix: str, shard: int, count: int) -> str:
    """Names one data file of a checkpoint."""
    return f"{prefix}.data-{shard:05d}-of-{count:05d}"


def data_files(prefix: str) -> dict[int, list[str]]:
    """Lists the data files that there are, by the number of shards in their name."""
    found: dict[int, list[str]] = {}
    for path, match in _files_like(prefix, r"\.data-\d{5,}-of-(\d{5,})"):
        found.setdefault(int(match[1]), []).append(path)
    return found


def _files_like(prefix: str, ending: str) -> list[tuple[str, re.Match[str]]]:
    """Lists the files whose name is the prefix and an ending."""
    directory = parent_of(prefix)
    base = prefix[len(directory) :].lstrip("/")
    pattern = re.compile(re.escape(base) + ending)
    matches = map(pattern.fullmatch, files_of(prefix).listdir(directory or "."))
    return [(prefix[: len(prefix) - len(base)] + m[0], m) for m in matches if m]


def read_index(prefix: str) -> tuple[Any, dict[bytes, Any]]:
    """Reads the index of a checkpoint.

    Returns:
        The header, and key -> serialised `BundleEntryProto`.

    Raises:
        DataLossError: if it is damaged.
        NotFoundError: if there is none.
    """
    path = index_name(prefix)
    with Table(path) as table:
        entries = dict(table)
    if b"" not in entries:
        raise errors.DataLossError(None, None, f"{path}: the header is missing")
    return parse_message(protos.BundleHeaderProto, entries.pop(b""), path), entries


def staging_name(prefix: str) -> str:
    """Names the file to write data to before it gets its place.

    Behind a URL that is its place, since renaming there means copying.
    """
    if is_remote(prefix):
        return data_name(prefix, 0, _free_count(prefix, 1))
    return temporary_name(data_name(prefix, 0, 1))


def _count_in_place(prefix: str) -> int | None:
    """Returns how many shards the index in place tells of, or None without a sound one."""
    try:
        return read_index(prefix)[0].num_shards
    except errors.OpError:
        return None


def _free_count(prefix: str, shards: int) -> int:
    """Gives a number of shards, not below `shards`, that the index in place does not have."""
    return shards + 1 if _count_in_place(prefix) == shards else shards


def put_in_place(prefix: str, entries: dict[bytes, Any], paths: Sequence[str]) -> None:
    """Makes data files the shards of a checkpoint, and puts its index in place.

    Args:
        prefix: path of the checkpoint.
        entries: key -> `BundleEntryProto`.
        paths: the data files, complete and on disk; they are renamed.
    """
    shards, count = len(paths), _free_count(prefix, len(paths))
    files = files_of(prefix)
    with os_errors(prefix):
        for shard, path in enumerate(paths):
            if path != data_name(prefix, shard, count):
                files.rename(path, data_name(prefix, shard, count))
        files.sync_directory(parent_of(prefix))
        _write_index(prefix, entries, count)
        if count != shards and _link_to_usual_names(prefix, shards, count):
            _write_index(prefix, entries, shards)
            count = shards
        others = [names for other, names in data_files(prefix).items() if other != count]
        # What a save under this name left that did not live to its end is of no use to anyone.
        litter = [path for path, _ in _files_like(prefix, _LITTER)]
        for path in itertools.chain(*others, litter):
            files.remove(path)


def _link_to_usual_names(prefix: str, shards: int, count: int) -> bool:
    files = files_of(prefix)
    for shard in range(shards):
        usual = data_name(prefix, shard, shards)
        link = temporary_name(usual)
        if not files.link(data_name(prefix, shard, count), link):
            return False
        files.rename(link, usual)
    files.sync_directory(parent_of(prefix))
    return True


def _write_index(prefix: str, entries: dict[bytes, Any], count: int) -> None:
    header = protos.BundleHeaderProto(num_shards=count)
    header.version.producer = BUNDLE_VERSION
    file = io.BytesIO()
    writer = TableWriter(file)
    writer.add(b"", header.SerializeToString(deterministic=True))
    for key in sorted(entries):
        writer.add(key, entries[key].SerializeToString(deterministic=True))
    writer.finish()
    write_atomically(index_name(prefix), file.getvalue())


def merge_bundles(prefixes: Sequence[Any], destination: Any, delete_old_dirs: bool = True) -> None:
    """Makes one checkpoint of several that hold parts of it; their data files are renamed.

    Args:
        prefixes: paths of the parts.
        destination: path of the checkpoint to make.
        delete_old_dirs: remove the parts' directories if they are empty afterwards.

    Raises:
        InvalidArgumentError: if two parts hold the same tensor or slice.
        NotFoundError: if a part does not exist.
    """
    destination = path_of(destination)
    entries: dict[bytes, Any] = {}
    paths: list[str] = []
    parts = [path_of(prefix) for prefix in prefixes]
    for part in parts:
        header, found = read_index(part)
        number: dict[int, int] = {}
        for shard, path in _shards_there(part, header.num_shards):
            number[shard] = len(paths)
            paths.append(path)
        for key, data in found.items():
            entry = parse_message(protos.BundleEntryProto, data, index_name(part))
            if not entry.slices and entry.shard_id not in number:
                missing = data_name(part, entry.shard_id, header.num_shards)
                raise errors.NotFoundError(None, None, f"{missing}; No such file or directory")
            entry.shard_id = number.get(entry.shard_id, 0)
            _merge_entry(entries, key, entry)
    put_in_place(destination, entries, paths)
    _remove_parts([part for part in parts if part != destination], delete_old_dirs)


def _shards_there(prefix: str, count: int) -> list[tuple[int, str]]:
    with os_errors(prefix):
        names = sorted(data_files(prefix).get(count, ()))
    return [(int(name.split(".data-")[-1].split("-of-")[0]), name) for name in names]


def _merge_entry(entries: dict[bytes, Any], key: bytes, entry: Any) -> None:
    known = entries.setdefault(key, entry)
    if known is entry:
        if entry.slices:
            entry.shard_id = 0
    elif known.slices and entry.slices and _same_tensor(known, entry):
        known.slices.extend(entry.slices)
    else:
        raise errors.InvalidArgumentError(
            None, None, f"Two of the checkpoints to merge hold {decode_name(key)!r}"
        )


def _same_tensor(a: Any, b: Any) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape


def _remove_parts(prefixes: Sequence[str], directories: bool) -> None:
    for prefix in prefixes:
        files, directory = files_of(prefix), parent_of(prefix)
        with os_errors(prefix):
            files.remove(index_name(prefix))
            if directories and directory and not files.listdir(directory):
                files.rmtree(directory)
