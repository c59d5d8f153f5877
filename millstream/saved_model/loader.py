"""Reads SavedModels, of TensorFlow 1.x and of our own."""

from __future__ import annotations

import os
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from millstream.base import logging
from millstream.base.export import export
from millstream.formats import gfile, protos
from millstream.formats.files import path_of, read_file
from millstream.ir.graph import Graph
from millstream.saved_model import constants
from millstream.saved_model.assets import paths_by_tensor
from millstream.train.saver import Saver, import_meta_graph_with_elements


@export(
    "saved_model.contains_saved_model",
    "saved_model.maybe_saved_model_directory",
    "saved_model.loader.maybe_saved_model_directory",
)
def contains_saved_model(export_dir: Any) -> bool:
    """Tells whether a directory holds a SavedModel."""
    directory = path_of(export_dir)
    names = (constants.SAVED_MODEL_FILENAME_PB, constants.SAVED_MODEL_FILENAME_PBTXT)
    return any(gfile.Exists(os.path.join(directory, name)) for name in names)


def read_saved_model(export_dir: Any) -> Any:
    """Returns the `SavedModel` message of a directory.

    Raises:
      OSError: if there is none, or it cannot be parsed.
    """
    directory = path_of(export_dir)
    for name in (constants.SAVED_MODEL_FILENAME_PB, constants.SAVED_MODEL_FILENAME_PBTXT):
        path = os.path.join(directory, name)
        if gfile.Exists(path):
            return _parsed(path, read_file(path))
    raise OSError(
        f"SavedModel file does not exist at: {directory}/"
        f"{{{constants.SAVED_MODEL_FILENAME_PBTXT}|{constants.SAVED_MODEL_FILENAME_PB}}}"
    )


def _parsed(path: str, data: bytes) -> Any:
    message = protos.SavedModel()
    try:
        if path.endswith(".pbtxt"):
            return text_format.Parse(data.decode(), message)
        message.ParseFromString(data)
    except (DecodeError, UnicodeDecodeError, text_format.ParseError) as error:
        raise OSError(f"Cannot parse file {path}: {error}.") from None
    return message


def meta_graph_with_tags(saved_model: Any, tags: Any) -> Any:
    """Returns the MetaGraph of a `SavedModel` that has just these tags.

    Raises:
      RuntimeError: if there is none; the message lists what there is.
    """
    wanted = {tags} if isinstance(tags, str) else set(tags)
    for meta_graph in saved_model.meta_graphs:
        if set(meta_graph.meta_info_def.tags) == wanted:
            return meta_graph
    available = [sorted(m.meta_info_def.tags) for m in saved_model.meta_graphs]
    raise RuntimeError(
        f"MetaGraphDef associated with tags {sorted(wanted)} could not be found in SavedModel, "
        f"which has the tag-sets {available}."
    )


@export("saved_model.load", "saved_model.loader.load")
def load(
    sess: Any, tags: Any, export_dir: Any, import_scope: str | None = None, **saver_kwargs: Any
) -> Any:
    """Adds a graph of a SavedModel to a session's graph, restores and initialises it.

    Args:
      sess: the session.
      tags: the tags of the graph, all of them.
      export_dir: directory of the model.
      import_scope: scope to put the nodes under; names in signatures are without it.
      **saver_kwargs: `input_map`, `return_elements`, … for `tf.train.import_meta_graph`.

    Returns:
      The `MetaGraphDef`, with `signature_def`.

    Raises:
      OSError: if there is no model, or it cannot be parsed.
      RuntimeError: if no graph has these tags.

    Example:
      >>> model = tf.saved_model.load(sess, ["serve"], "/tmp/model")    # doctest: +SKIP
      >>> info = model.signature_def["serving_default"].outputs["y"]    # doctest: +SKIP
      >>> sess.run(info.name, {"x:0": batch})                           # doctest: +SKIP
    """
    return SavedModelLoader(export_dir).load(sess, tags, import_scope, **saver_kwargs)


class SavedModelLoader:
    """Loads graphs of one SavedModel, step by step if need be.

    Args:
      export_dir: directory of the model.

    Raises:
      OSError: if there is no model, or it cannot be parsed.
    """

    def __init__(self, export_dir: Any):
        self._export_dir = path_of(export_dir)
        self._saved_model = read_saved_model(export_dir)

    @property
    def export_dir(self) -> str:
        """The directory of the model."""
        return self._export_dir

    @property
    def saved_model(self) -> Any:
        """The `SavedModel` message."""
        return self._saved_model

    @property
    def variables_path(self) -> str:
        """The path of the checkpoint with the variables."""
        return os.path.join(
            self._export_dir, constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME
        )

    def get_meta_graph_def_from_tags(self, tags: Any) -> Any:
        """Returns the MetaGraph with these tags.

        Raises:
          RuntimeError: if there is none.
        """
        return meta_graph_with_tags(self._saved_model, tags)

    def load_graph(
        self, graph: Graph, tags: Any, import_scope: str | None = None, **saver_kwargs: Any
    ) -> tuple[Any, list[Any]]:
        """Adds the graph with these tags to `graph`.

        Returns:
          Its `Saver`, `None` without variables, and the elements asked for by `return_elements`.
        """
        meta_graph = self.get_meta_graph_def_from_tags(tags)
        with graph.as_default():
            return import_meta_graph_with_elements(
                meta_graph, import_scope=import_scope, **saver_kwargs
            )

    def restore_variables(
        self, sess: Any, saver: Saver | None, import_scope: str | None = None
    ) -> None:
        """Restores the variables by the `Saver` that `load_graph` gave."""
        del import_scope
        if saver is None:
            logging.info("The specified SavedModel has no variables; none were restored.")
            return
        saver.restore(sess, self.variables_path)

    def run_init_ops(self, sess: Any, tags: Any, import_scope: str | None = None) -> None:
        """Runs what initialises the model, with the paths of its assets fed."""
        meta_graph = self.get_meta_graph_def_from_tags(tags)
        with sess.graph.as_default():
            operation = _init_op(sess.graph, meta_graph, import_scope)
            if operation is not None:
                assets = paths_by_tensor(self._export_dir, meta_graph, import_scope)
                sess.run(operation, feed_dict=assets)

    def load(
        self, sess: Any, tags: Any, import_scope: str | None = None, **saver_kwargs: Any
    ) -> Any:
        """Adds the graph, restores its variables and initialises it; returns the MetaGraph."""
        saver, _ = self.load_graph(sess.graph, tags, import_scope, **saver_kwargs)
        self.restore_variables(sess, saver, import_scope)
        self.run_init_ops(sess, tags, import_scope)
        return self.get_meta_graph_def_from_tags(tags)


def _init_op(graph: Graph, meta_graph: Any, import_scope: str | None) -> Any:
    prefix = f"{import_scope}/" if import_scope else ""
    if constants.INIT_OP_SIGNATURE_KEY in meta_graph.signature_def:
        outputs = meta_graph.signature_def[constants.INIT_OP_SIGNATURE_KEY].outputs
        return graph.as_graph_element(prefix + outputs[constants.INIT_OP_SIGNATURE_KEY].name)
    for key in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
        noted = key in meta_graph.collection_def
        names = meta_graph.collection_def[key].node_list.value if noted else ()
        if len(names) > 1:
            raise RuntimeError(f"Expected exactly one operation in {key}, found {list(names)}.")
        if names:
            return graph.as_graph_element(prefix + names[0])
    return None
