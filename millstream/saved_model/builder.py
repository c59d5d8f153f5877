"""Writes SavedModels: `saved_model.pb` with one or more MetaGraphs, `variables/`, `assets/`."""

from __future__ import annotations

import os
from typing import Any

from google.protobuf import text_format

from millstream.base import logging
from millstream.base.compat import as_bytes
from millstream.base.export import export
from millstream.formats import gfile, protos
from millstream.formats.files import path_of, write_atomically
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.node import Operation
from millstream.ops.flow.groups import group
from millstream.ops.table.static import tables_initializer
from millstream.saved_model import constants
from millstream.saved_model.assets import copy_assets, note_assets
from millstream.saved_model.signatures import predict_signature_def
from millstream.state.listing import global_variables_initializer, local_variables_initializer
from millstream.train.saveable import all_saveables
from millstream.train.saver import Saver


@export("saved_model.Builder", "saved_model.builder.SavedModelBuilder")
class SavedModelBuilder:
    """Builds a SavedModel: graphs with signatures and tags over one set of variables.

    The file that names the model is written last, by `save()`: a crash before leaves no model.

    Args:
      export_dir: directory to write to; it must be new or empty.

    Raises:
      AssertionError: if the directory has files.

    Example:
      >>> builder = tf.saved_model.Builder("/tmp/model")                      # doctest: +SKIP
      >>> signature = tf.saved_model.predict_signature_def({"x": x}, {"y": y})   # doctest: +SKIP
      >>> builder.add_meta_graph_and_variables(
      ...     sess, [tf.saved_model.SERVING], {"serving_default": signature})  # doctest: +SKIP
      >>> builder.save()                                                      # doctest: +SKIP
    """

    def __init__(self, export_dir: Any):
        self._export_dir = path_of(export_dir)
        if gfile.Exists(self._export_dir) and gfile.ListDirectory(self._export_dir):
            raise AssertionError(
                f"Export directory already exists, and isn't empty: {self._export_dir}. "
                "Please choose a different export directory, or delete its contents."
            )
        gfile.MakeDirs(self._export_dir)
        self._saved_model = protos.SavedModel(
            saved_model_schema_version=constants.SAVED_MODEL_SCHEMA_VERSION
        )
        self._has_saved_variables = False
        self._assets: dict[str, str] = {}

    def add_meta_graph_and_variables(
        self,
        sess: Any,
        tags: Any,
        signature_def_map: Any = None,
        assets_collection: Any = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Any = None,
    ) -> None:
        """Adds the first graph and writes the session's variables and the assets.

        Args:
          sess: the session with the variables; its graph is added.
          tags: strings by which the graph is chosen at loading.
          signature_def_map: `SignatureDef`s by name.
          assets_collection: constant string tensors, the paths of files to take along.
          legacy_init_op: former name of `main_op`.
          clear_devices: whether device strings are dropped.
          main_op: operation to run after loading, such as the initialisation of tables.
          strip_default_attrs: whether attrs with default values are left out, so that older
            versions can read the model.
          saver: the `Saver` to use, by default a new one for everything that can be saved.

        Raises:
          AssertionError: if the variables were written before.
          TypeError: if `main_op` is no `Operation`, or an asset no constant.
        """
        if self._has_saved_variables:
            raise AssertionError(
                "Graph state including variables and assets has already been saved. "
                "Please invoke `add_meta_graph()` instead."
            )
        main_op = _chosen_init(main_op, legacy_init_op)
        with sess.graph.as_default():
            saver = saver or _new_saver()
            self._note(sess.graph, assets_collection, main_op)
            self._save_variables(sess, saver)
            self._add(saver, tags, signature_def_map, clear_devices, strip_default_attrs)
        self._has_saved_variables = True

    def add_meta_graph(
        self,
        tags: Any,
        signature_def_map: Any = None,
        assets_collection: Any = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Any = None,
    ) -> None:
        """Adds the default graph as a further one, over the variables that were written.

        Arguments as for `add_meta_graph_and_variables`.

        Raises:
          AssertionError: if no variables were written yet.
        """
        if not self._has_saved_variables:
            raise AssertionError(
                "Graph state including variables and assets has not been saved yet. "
                "Please invoke `add_meta_graph_and_variables()` first."
            )
        main_op = _chosen_init(main_op, legacy_init_op)
        self._note(get_default_graph(), assets_collection, main_op)
        saver = saver or _new_saver()
        self._add(saver, tags, signature_def_map, clear_devices, strip_default_attrs)

    def save(self, as_text: bool = False) -> bytes:
        """Writes the file that makes the directory a SavedModel.

        Args:
          as_text: whether to write `saved_model.pbtxt` rather than `saved_model.pb`.

        Returns:
          The path of the file, as bytes.
        """
        if as_text:
            name = constants.SAVED_MODEL_FILENAME_PBTXT
            data = text_format.MessageToString(self._saved_model).encode()
        else:
            name = constants.SAVED_MODEL_FILENAME_PB
            data = self._saved_model.SerializeToString()
        path = os.path.join(self._export_dir, name)
        write_atomically(path, data)
        logging.info("SavedModel written to: %s", path)
        return as_bytes(path)

    def _note(self, graph: Any, assets_collection: Any, main_op: Any) -> None:
        """Notes assets and initialisation in the graph's collections, and copies the assets."""
        tensors = list(assets_collection or ())
        note_assets(graph, tensors, self._assets)
        logging.info("Assets added to graph." if tensors else "No assets to save.")
        copy_assets(self._export_dir, self._assets)
        if main_op is not None:
            graph.get_collection_ref(constants.MAIN_OP_KEY)[:] = [main_op]

    def _save_variables(self, sess: Any, saver: Saver) -> None:
        directory = os.path.join(self._export_dir, constants.VARIABLES_DIRECTORY)
        gfile.MakeDirs(directory)
        path = os.path.join(directory, constants.VARIABLES_FILENAME)
        saver.save(sess, path, write_meta_graph=False, write_state=False)

    def _add(
        self, saver: Saver, tags: Any, signatures: Any, clear_devices: bool, strip: bool
    ) -> None:
        exported = saver.export_meta_graph(clear_devices=clear_devices, strip_default_attrs=strip)
        exported.meta_info_def.tags.extend([tags] if isinstance(tags, str) else tags)
        for name, signature in (signatures or {}).items():
            exported.signature_def[name].CopyFrom(signature)
        self._saved_model.meta_graphs.add().CopyFrom(exported)


@export("saved_model.simple_save")
def simple_save(
    session: Any, export_dir: Any, inputs: Any, outputs: Any, legacy_init_op: Any = None
) -> None:
    """Writes a SavedModel with one graph, for serving, and one signature.

    Args:
      session: the session with the variables.
      export_dir: directory to write to; it must be new or empty.
      inputs: tensors to feed, by name.
      outputs: tensors to fetch, by name.
      legacy_init_op: operation to run after loading.

    Raises:
      AssertionError: if the directory has files.
      ValueError: if there are no inputs or no outputs.
    """
    signature = predict_signature_def(inputs, outputs)
    builder = SavedModelBuilder(export_dir)
    builder.add_meta_graph_and_variables(
        session,
        tags=[constants.SERVING],
        signature_def_map={constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: signature},
        assets_collection=session.graph.get_collection(GraphKeys.ASSET_FILEPATHS),
        main_op=legacy_init_op,
        clear_devices=True,
    )
    builder.save()


@export("saved_model.main_op.main_op")
def main_op() -> Operation:
    """Makes the operation that initialises all variables and tables of the default graph."""
    return group(
        global_variables_initializer(), local_variables_initializer(), tables_initializer()
    )


@export("saved_model.main_op_with_restore", "saved_model.main_op.main_op_with_restore")
def main_op_with_restore(restore_op_name: str) -> Operation:
    """Makes `main_op()` followed by an operation that restores the variables.

    Args:
      restore_op_name: the operation that restores.
    """
    graph = get_default_graph()
    with graph.control_dependencies([main_op()]):
        return group(graph.get_operation_by_name(restore_op_name))


def _chosen_init(main_op: Any, legacy_init_op: Any) -> Any:
    if main_op is not None and legacy_init_op is not None:
        raise ValueError("Give main_op or legacy_init_op, not both.")
    chosen = legacy_init_op if main_op is None else main_op
    if chosen is not None and not isinstance(chosen, Operation):
        raise TypeError(f"main_op needs to be an Operation: {chosen!r}")
    return chosen


def _new_saver() -> Saver:
    return Saver(all_saveables(), sharded=True, allow_empty=True)
