"""`tf.train.write_graph`: a graph in a file of its own."""

from __future__ import annotations

import os
from typing import Any

from google.protobuf import text_format

from millstream.base.export import export
from millstream.formats.files import files_of, is_remote, os_errors, path_of, write_atomically


@export("train.write_graph", "io.write_graph")
def write_graph(graph_or_graph_def: Any, logdir: Any, name: str, as_text: bool = True) -> str:
    """Writes a graph to a file.

    Args:
      graph_or_graph_def: a `Graph` or a `GraphDef`.
      logdir: directory of the file, made if missing.
      name: name of the file.
      as_text: whether to write text.

    Returns:
      The path of the file.
    """
    given = graph_or_graph_def
    message = given if hasattr(given, "node") else given.as_graph_def()
    directory = path_of(logdir)
    if not is_remote(directory):
        with os_errors(directory):
            files_of(directory).makedirs(directory)
    path = os.path.join(directory, name)
    text = text_format.MessageToString(message).encode() if as_text else None
    write_atomically(path, message.SerializeToString() if text is None else text)
    return path
