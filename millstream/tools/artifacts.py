"""What a path holds, told by its content: the models, checkpoints and logs that the tools open."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from google.protobuf import text_format
from google.protobuf.message import DecodeError, Message

from millstream.base import errors
from millstream.formats import protos, tfrecord
from millstream.formats.checkpoint import checkpoint_exists, open_checkpoint
from millstream.formats.checkpoint_state import latest_checkpoint
from millstream.formats.files import files_of, path_of, read_file
from millstream.saved_model.loader import contains_saved_model, read_saved_model

_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")
_OP = re.compile(r"[A-Za-z_][A-Za-z0-9_>]*")
_FILES_OF_CHECKPOINT = re.compile(r"(\.index|\.data-\d{5}-of-\d{5})$")
_COMPRESSIONS = ("", "ZLIB", "GZIP")


class Artifact(NamedTuple):
    """Something that a tool can open.

    Attributes:
      kind: "saved_model", "meta_graph", "graph", "checkpoint", "events" or "records".
      path: where it is; of a checkpoint, the prefix.
      content: the message of a model or graph; the reader of a checkpoint; of events and records,
        the name of their compression.
    """

    kind: str
    path: str
    content: Any

    def records(self) -> Iterator[bytes]:
        """Gives the records of a file of events or records."""
        return tfrecord.read_records(self.path, self.content)


def open_artifact(path: Any) -> Artifact:
    """Finds out what a path holds, and opens it.

    Args:
      path: a file, the directory of a SavedModel or of checkpoints, or a checkpoint's prefix.

    Raises:
      NotFoundError: if nothing is there.
      InvalidArgumentError: if it holds nothing that is known.
    """
    path = path_of(path)
    files = files_of(path)
    if files.isdir(path):
        return _directory(path)
    prefix = _FILES_OF_CHECKPOINT.sub("", path)
    if prefix != path and checkpoint_exists(prefix):
        return Artifact("checkpoint", prefix, open_checkpoint(prefix))
    if not files.exists(path):
        if checkpoint_exists(path):
            return Artifact("checkpoint", path, open_checkpoint(path))
        raise errors.NotFoundError(None, None, f"There is nothing at {path}.")
    found = _records(path) or _message(path) or _old_checkpoint(path)
    if found is None:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"{path} is no SavedModel, graph, checkpoint, event file or TFRecord file.",
        )
    return found


def graph_of(artifact: Artifact) -> Any:
    """Returns the `GraphDef` of a graph, MetaGraph, SavedModel, or checkpoint with a MetaGraph.

    Raises:
      InvalidArgumentError: if it has none.
    """
    if artifact.kind == "graph":
        return artifact.content
    meta_graph = meta_graph_of(artifact)
    if meta_graph is not None:
        return meta_graph.graph_def
    message = f"{artifact.path} ({artifact.kind}) has no graph."
    if artifact.kind == "checkpoint":
        message += f" There is no {artifact.path}.meta."
    raise errors.InvalidArgumentError(None, None, message)


def meta_graph_of(artifact: Artifact) -> Any:
    """Returns the `MetaGraphDef` of an artifact, of a SavedModel that for serving, or `None`."""
    if artifact.kind == "meta_graph":
        return artifact.content
    if artifact.kind == "saved_model" and artifact.content.meta_graphs:
        graphs = artifact.content.meta_graphs
        return next((g for g in graphs if "serve" in g.meta_info_def.tags), graphs[0])
    if artifact.kind == "checkpoint":
        path = f"{artifact.path}.meta"
        if files_of(path).exists(path):
            found = _message(path)
            return found.content if found and found.kind == "meta_graph" else None
    return None


def _directory(path: str) -> Artifact:
    if contains_saved_model(path):
        return Artifact("saved_model", path, read_saved_model(path))
    prefix = latest_checkpoint(path)
    if prefix is not None:
        return Artifact("checkpoint", prefix, open_checkpoint(prefix))
    events = sorted(name for name in files_of(path).listdir(path) if ".tfevents." in name)
    if events:
        return open_artifact(os.path.join(path, events[-1]))
    message = f"{path} has no SavedModel, no `checkpoint` file and no event files."
    raise errors.InvalidArgumentError(None, None, message)


def _records(path: str) -> Artifact | None:
    """Opens a file that begins with a record of the right checksum."""
    for compression in _COMPRESSIONS:
        try:
            first = next(tfrecord.read_records(path, compression), None)
        except (errors.OpError, zlib.error, EOFError, OSError):
            continue
        if first is None:
            continue
        try:
            event = protos.Event.FromString(first)
        except DecodeError:
            event = None
        is_events = event is not None and event.file_version.startswith("brain.Event")
        return Artifact("events" if is_events else "records", path, compression)
    return None


def _message(path: str) -> Artifact | None:
    """Opens a file of one message, binary or text."""
    data = read_file(path)
    if not data:
        return None
    for kind, message, is_one in _messages():
        for parse in (_parse_binary, _parse_text):
            found = parse(message, data)
            if found is not None and is_one(found):
                return Artifact(kind, path, found)
    return None


def _parse_binary(message: type[Message], data: bytes) -> Any:
    try:
        return message.FromString(data)
    except DecodeError:
        return None


def _parse_text(message: type[Message], data: bytes) -> Any:
    try:
        return text_format.Parse(data.decode(), message())
    except (UnicodeDecodeError, text_format.ParseError):
        return None


def _is_graph(graph: Any) -> bool:
    return len(graph.node) > 0 and all(
        _NAME.fullmatch(node.name) and _OP.fullmatch(node.op) for node in graph.node
    )


def _messages() -> tuple[tuple[str, Any, Any], ...]:
    return (
        ("graph", protos.GraphDef, _is_graph),
        ("meta_graph", protos.MetaGraphDef, lambda m: _is_graph(m.graph_def)),
        (
            "saved_model",
            protos.SavedModel,
            lambda m: len(m.meta_graphs) > 0 and all(_is_graph(g.graph_def) for g in m.meta_graphs),
        ),
    )


def _old_checkpoint(path: str) -> Artifact | None:
    if not checkpoint_exists(path):
        return None
    try:
        return Artifact("checkpoint", path, open_checkpoint(path))
    except errors.OpError:
        return None
