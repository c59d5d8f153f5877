"""`tf.train.Saver`: saves and restores variables, and keeps the last few checkpoints."""

from __future__ import annotations

import os
import time
from contextlib import nullcontext

from millstream.base import errors, logging
from millstream.base.compat import as_text
from millstream.base.export import export
from millstream.formats import protos
from millstream.formats.checkpoint import (
    checkpoint_exists,
    get_checkpoint_mtimes,
    meta_graph_filename,
    remove_checkpoint,
)
from millstream.formats.checkpoint_state import write_checkpoint_state
from millstream.formats.files import files_of, parent_of, path_of
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.train import leftovers, meta_graph, saver_builder
from millstream.train import queue_runner as _queue_runner  # noqa: F401 - registers its collection
from millstream.train.object_names import by_key, keys_of_names
from millstream.train.saveable import all_saveables, names_to_save

_NAMES = ("filename_tensor_name", "save_tensor_name", "restore_op_name")
_LACKS = (
    "Restoring from checkpoint {} failed: it lacks a variable of this graph. Most likely the "
    "graph, or a name in it, was changed after saving."
)
_DIFFERS = (
    "Restoring from checkpoint {} failed: a variable has another shape or type there. Most likely "
    "the graph was changed after saving."
)


@export("train.Saver")
class Saver:
    """Saves and restores variables.

    A save is one step: a crash at any byte of it leaves the former checkpoint readable.

    Args:
      var_list: variables and other saveable objects, in a list or by name in a dict; by default all
        global ones.
      reshape: whether a restored tensor may have another shape of as many elements.
      sharded: whether each device writes a file of its own.
      max_to_keep: how many checkpoints to keep; `None` or 0: all.
      keep_checkpoint_every_n_hours: keep one checkpoint for good in so many hours.
      name: scope of the nodes.
      restore_sequentially: accepted; one node reads all tensors, so there is no sequence.
      saver_def: a `SaverDef` of nodes that are in the graph already.
      builder: ignored.
      defer_build: whether the nodes are added by `build()` instead of at once.
      allow_empty: whether there may be nothing to save.
      write_version: `SaverDef.V2`, or `V1` for checkpoints as before TF 0.12.
      pad_step_number: whether the step in file names has eight digits.
      save_relative_paths: whether the state file has paths relative to itself.
      filename: file name to use where none is fed.

    Raises:
      TypeError: if `var_list` holds something that cannot be saved.
      ValueError: if there is nothing to save, or two things have one name.

    Example:
      >>> saver = tf.train.Saver(max_to_keep=3)            # doctest: +SKIP
      >>> path = saver.save(sess, "/tmp/model", global_step=100)   # doctest: +SKIP
      >>> saver.restore(sess, path)                         # doctest: +SKIP
    """

    def __init__(
        self,
        var_list=None,
        reshape=False,
        sharded=False,
        max_to_keep=5,
        keep_checkpoint_every_n_hours=10000.0,
        name=None,
        restore_sequentially=False,
        saver_def=None,
        builder=None,
        defer_build=False,
        allow_empty=False,
        write_version=saver_builder.V2,
        pad_step_number=False,
        save_relative_paths=False,
        filename=None,
    ):
        del builder, restore_sequentially
        if defer_build and var_list is not None:
            raise ValueError("If `var_list` is provided then build cannot be deferred.")
        self._var_list = var_list
        self._options = {
            "reshape": reshape,
            "sharded": sharded,
            "max_to_keep": max_to_keep or 0,
            "keep_checkpoint_every_n_hours": keep_checkpoint_every_n_hours,
            "name": name,
            "filename": filename,
            "version": write_version,
        }
        self.saver_def = None if saver_def is None else _below(saver_def, name)
        self._allow_empty = allow_empty
        self._is_built = self._is_empty = False
        self._pad_step_number = pad_step_number
        self._relative = save_relative_paths
        self._last_checkpoints: list[tuple[str, float]] = []
        self._checkpoints_to_be_deleted: list[tuple[str, float]] = []
        self._next_kept = 0.0
        self._object_saver: tuple[str, Saver] | None = None
        if not defer_build:
            self.build()

    def build(self):
        """Adds the nodes that save and restore to the default graph.

        Raises:
          TypeError: if there is something that cannot be saved.
          ValueError: if there is nothing to save, or two things have one name.
        """
        if self._is_built:
            return
        self._is_built = True
        if self.saver_def is None:
            if self._var_list is None:
                self._var_list = all_saveables()
            if not self._var_list:
                if not self._allow_empty:
                    raise ValueError("No variables to save")
                self._is_empty = True
                return
            self.saver_def = saver_builder.build(self._var_list, **self._options)
        self._check_saver_def()
        self._next_kept = time.time() + self.saver_def.keep_checkpoint_every_n_hours * 3600

    def _check_saver_def(self):
        if not self.saver_def.save_tensor_name:
            raise ValueError(f"saver_def must specify the save_tensor_name: {self.saver_def}")
        if not self.saver_def.restore_op_name:
            raise ValueError(f"saver_def must specify the restore_op_name: {self.saver_def}")

    # -- saving

    def save(
        self,
        sess,
        save_path,
        global_step=None,
        latest_filename=None,
        meta_graph_suffix="meta",
        write_meta_graph=True,
        write_state=True,
        strip_default_attrs=False,
        save_debug_info=False,
    ):
        """Saves the variables of a session.

        Args:
          sess: the session.
          save_path: path of the checkpoint, without number.
          global_step: a number, tensor or name of a tensor, which is put behind the path.
          latest_filename: name of the state file, by default `checkpoint`.
          meta_graph_suffix: ending of the MetaGraph's file.
          write_meta_graph: whether the graph is written too.
          write_state: whether the state file is written and old checkpoints removed.
          strip_default_attrs: whether the MetaGraph leaves out attrs with default values.
          save_debug_info: accepted; origins are not written.

        Returns:
          The path of the checkpoint, which `restore` takes.

        Raises:
          TypeError: if `sess` is no session.
          ValueError: if a path cannot be used, or the directory does not exist.
          RuntimeError: if the saver was not built.
        """
        del save_debug_info
        self._check_built()
        latest_filename = latest_filename or "checkpoint"
        if os.path.split(latest_filename)[0]:
            raise ValueError("'latest_filename' must not contain path components")
        save_path = path_of(save_path)
        target = self._target(sess, save_path, global_step, latest_filename)
        if not hasattr(sess, "run") or not hasattr(sess, "graph"):
            raise TypeError(f"'sess' must be a Session; {sess}")
        is_new = not checkpoint_exists(target)
        path = None if self._is_empty else self._run_save(sess, save_path, target)
        if write_meta_graph:
            # Before the state file names the checkpoint, so that what it names is all there.
            try:
                with sess.graph.as_default():
                    self.export_meta_graph(
                        meta_graph_filename(target, meta_graph_suffix),
                        strip_default_attrs=strip_default_attrs,
                    )
            except BaseException:
                if path is not None and is_new:
                    remove_checkpoint(path, self.saver_def.version, meta_graph_suffix)
                raise
        if path is not None and write_state:
            self._record(path)
            write_checkpoint_state(
                parent_of(save_path), path, self.last_checkpoints, latest_filename, self._relative
            )
            self._delete_old(meta_graph_suffix)
        return path

    def _check_built(self):
        if not self._is_built:
            raise RuntimeError("`build()` should be called before save if defer_build==True")

    def _target(self, sess, save_path, global_step, latest_filename):
        if global_step is not None:
            if not isinstance(global_step, int):
                global_step = _step_number(sess, global_step)
            form = "%s-%08d" if self._pad_step_number else "%s-%d"
            return form % (save_path, global_step)
        if os.path.basename(save_path) == latest_filename and not self._options["sharded"]:
            raise ValueError(
                "'latest_filename' collides with 'save_path': "
                f"'{latest_filename}' and '{save_path}'"
            )
        return save_path

    def _run_save(self, sess, save_path, target):
        definition = self.saver_def
        tidy = leftovers.cleared(save_path, target) if definition.sharded else nullcontext()
        try:
            with tidy:
                path = sess.run(
                    definition.save_tensor_name, {definition.filename_tensor_name: target}
                )
        except (errors.FailedPreconditionError, errors.NotFoundError) as error:
            parent = parent_of(save_path)
            if parent and not files_of(parent).isdir(parent):
                message = f"Parent directory of {save_path} doesn't exist, can't save."
                raise ValueError(message) from error
            raise
        return as_text(path.item() if hasattr(path, "item") else path)

    def _record(self, path):
        """Puts `path` last among the checkpoints; what falls off the other end is to be deleted."""
        if not self.saver_def.max_to_keep:
            return
        self._last_checkpoints = [c for c in self._last_checkpoints if c[0] != path]
        self._last_checkpoints.append((path, time.time()))
        if len(self._last_checkpoints) > self.saver_def.max_to_keep:
            self._checkpoints_to_be_deleted.append(self._last_checkpoints.pop(0))

    def _delete_old(self, meta_graph_suffix):
        """Deletes the checkpoint that fell off, unless it is the one to keep in so many hours."""
        if not self._checkpoints_to_be_deleted:
            return
        path, saved = self._checkpoints_to_be_deleted.pop(0)
        if saved > self._next_kept:
            self._next_kept += self.saver_def.keep_checkpoint_every_n_hours * 3600
            return
        try:
            remove_checkpoint(path, self.saver_def.version, meta_graph_suffix)
        except (OSError, errors.OpError) as error:
            logging.warning("Ignoring: %s", error)

    # -- restoring

    def restore(self, sess, save_path):
        """Restores the variables of a session; they need not be initialised.

        Checkpoints of `tf.train.Checkpoint` are restored by the variables' names, too.

        Args:
          sess: the session.
          save_path: what `save` or `tf.train.latest_checkpoint` returned.

        Raises:
          ValueError: if `save_path` is `None` or no checkpoint.
          NotFoundError: if the checkpoint lacks a variable.
          InvalidArgumentError: if a variable has another shape or dtype there.
          DataLossError: if the file is damaged.
        """
        if self._is_empty:
            return
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        save_path = path_of(save_path)
        if not checkpoint_exists(save_path):
            raise ValueError(f"The passed save_path is not a valid checkpoint: {save_path}")
        self._check_built()
        logging.info("Restoring parameters from %s", save_path)
        try:
            self._run_restore(sess, save_path)
        except errors.NotFoundError as error:
            keys = keys_of_names(save_path)
            if keys is None:
                raise _explained(error, _LACKS.format(save_path)) from error
            self._restore_by_key(sess, save_path, keys)
        except errors.InvalidArgumentError as error:
            raise _explained(error, _DIFFERS.format(save_path)) from error

    def _run_restore(self, sess, save_path):
        definition = self.saver_def
        sess.run(definition.restore_op_name, {definition.filename_tensor_name: save_path})

    def _restore_by_key(self, sess, save_path, keys):
        """Restores a checkpoint whose keys are not names, by nodes kept for the next time."""
        if self._object_saver is None or self._object_saver[0] != save_path:
            with sess.graph.as_default():
                named = names_to_save(self._var_list or all_saveables())
                saver = Saver(by_key(named, keys, save_path), name="restore_by_key")
            self._object_saver = save_path, saver
        self._object_saver[1]._run_restore(sess, save_path)

    # -- the checkpoints that are kept

    @property
    def last_checkpoints(self):
        """Paths of the checkpoints that were saved and kept, oldest first."""
        return [path for path, _ in self._last_checkpoints]

    def set_last_checkpoints(self, last_checkpoints):
        """Replaces the list of kept checkpoints by paths, oldest first.

        Raises:
          AssertionError: if it is no list.
        """
        assert isinstance(last_checkpoints, list)
        self._last_checkpoints = [(path, float("inf")) for path in last_checkpoints]

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time):
        """Replaces the list of kept checkpoints by `(path, seconds since 1970)` pairs.

        Raises:
          AssertionError: if it is no list.
        """
        assert isinstance(last_checkpoints_with_time, list)
        self._last_checkpoints = list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths):
        """Takes those of `checkpoint_paths` that exist as the kept checkpoints."""
        dated = [(path, get_checkpoint_mtimes([path])) for path in checkpoint_paths]
        self.set_last_checkpoints_with_time([(path, times[0]) for path, times in dated if times])

    # -- definitions

    def as_saver_def(self):
        """Returns the `SaverDef`."""
        return self.saver_def

    def to_proto(self, export_scope=None):
        """Returns the `SaverDef`, with names below `export_scope` made relative to it."""
        if export_scope is None:
            return self.saver_def
        prefix = f"{export_scope}/"
        if not (self.saver_def.filename_tensor_name.startswith(prefix)):
            return None
        copy = type(self.saver_def)()
        copy.CopyFrom(self.saver_def)
        for key in _NAMES:
            setattr(copy, key, getattr(copy, key).removeprefix(prefix))
        return copy

    @staticmethod
    def from_proto(saver_def, import_scope=None):
        """Returns a `Saver` over nodes that are in the graph, named in `saver_def`."""
        return Saver(saver_def=saver_def, name=import_scope)

    def export_meta_graph(
        self,
        filename=None,
        collection_list=None,
        as_text=False,
        export_scope=None,
        clear_devices=False,
        clear_extraneous_savers=False,
        strip_default_attrs=False,
        save_debug_info=False,
    ):
        """Writes the default graph, its collections and this saver as a MetaGraph.

        Arguments as for `tf.train.export_meta_graph`.

        Returns:
          The `MetaGraphDef`.
        """
        del save_debug_info
        return meta_graph.export_meta_graph(
            filename=filename,
            graph=get_default_graph(),
            saver_def=self.saver_def,
            collection_list=collection_list,
            as_text=as_text,
            export_scope=export_scope,
            clear_devices=clear_devices,
            clear_extraneous_savers=clear_extraneous_savers,
            strip_default_attrs=strip_default_attrs,
        )


def _step_number(sess, global_step):
    """Returns the number that an array, tensor, variable or name of one stands for."""
    if isinstance(global_step, str) or hasattr(global_step, "graph"):
        return int(sess.run(sess.graph.as_graph_element(global_step)))
    return int(global_step)


@export("train.import_meta_graph")
def import_meta_graph(meta_graph_or_file, clear_devices=False, import_scope=None, **kwargs):
    """Adds the graph and collections of a MetaGraph to the default graph.

    Args:
      meta_graph_or_file: a `MetaGraphDef` or the path of one.
      clear_devices: whether device strings are dropped.
      import_scope: scope to put the nodes under.
      **kwargs: passed to `tf.import_graph_def`: `input_map`, `return_elements`.

    Returns:
      A `Saver` if the MetaGraph has one, or one for its variables; `None` if it has none.
      With `return_elements`, that and the elements.

    Raises:
      OSError: if the file cannot be read.
    """
    saver, elements = import_meta_graph_with_elements(
        meta_graph_or_file, clear_devices, import_scope, **kwargs
    )
    return (saver, elements) if "return_elements" in kwargs else saver


def import_meta_graph_with_elements(
    meta_graph_or_file, clear_devices=False, import_scope=None, **kwargs
):
    """Does what `import_meta_graph` does, and always returns the saver and the elements."""
    definition, elements, scope = meta_graph.import_into_default_graph(
        meta_graph_or_file, clear_devices, import_scope, **kwargs
    )
    saver = None
    if definition.HasField("saver_def"):
        saver = Saver(saver_def=definition.saver_def, name=scope)
    elif all_saveables():
        saver = Saver()
    else:
        logging.info("Saver not created because there are no variables in the graph to restore")
    return saver, elements


def _below(saver_def, scope):
    """Returns a copy of a `SaverDef` for nodes that lie in a scope."""
    if not hasattr(saver_def, "save_tensor_name"):
        raise ValueError(f"saver_def must be a SaverDef, not {saver_def!r}")
    found = type(saver_def)()
    found.CopyFrom(saver_def)
    for key in _NAMES if scope else ():
        setattr(found, key, f"{scope}/{getattr(found, key)}")
    return found


def _explained(error, message):
    return type(error)(error.node_def, error.op, f"{message}\n\n{error.message}")


meta_graph.register_collection(
    GraphKeys.SAVERS, lambda: protos.SaverDef, Saver.to_proto, Saver.from_proto
)
