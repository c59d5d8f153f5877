"""How an `Estimator` writes SavedModels."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from millstream.base import errors
from millstream.base.compat import as_bytes
from millstream.estimator.export.outputs import EvalOutput, TrainOutput
from millstream.estimator.export.saving import (
    build_all_signature_defs,
    copy_extra_assets,
    new_export_dir,
    temporary_dir,
)
from millstream.estimator.mode_keys import ModeKeys
from millstream.formats import gfile
from millstream.formats.checkpoint_state import latest_checkpoint
from millstream.ir.graph_collections import GraphKeys
from millstream.runtime.session import Session
from millstream.saved_model import constants
from millstream.saved_model.builder import SavedModelBuilder
from millstream.train.saver import Saver
from millstream.train.scaffold import Scaffold

_TAGS = {ModeKeys.TRAIN: ["train"], ModeKeys.EVAL: ["eval"], ModeKeys.PREDICT: ["serve"]}


def export_all(
    estimator: Any,
    export_dir_base: Any,
    receivers: dict[str, Callable[[], Any]],
    assets_extra: Any,
    as_text: bool,
    checkpoint_path: Any,
    strip_default_attrs: bool,
) -> bytes:
    """Writes a SavedModel with a graph for each mode.

    Returns:
      The path of its directory, as bytes.

    Raises:
      ValueError: if nothing was trained yet, or no mode is known.
    """
    checkpoint_path = checkpoint_path or _checkpoint(estimator)
    export_dir = new_export_dir(export_dir_base)
    temporary = temporary_dir(export_dir)
    builder = SavedModelBuilder(temporary)
    modes = [mode for mode in _TAGS if receivers.get(mode)]
    if not modes:
        raise ValueError(f"No valid modes for exporting found. Got {list(receivers)}.")
    for mode in modes:
        _add(
            estimator, builder, receivers[mode], checkpoint_path, mode, mode is modes[0],
            strip_default_attrs,
        )  # fmt: skip
    builder.save(as_text)
    copy_extra_assets(temporary, assets_extra)
    # A model is there as a whole or not at all.
    gfile.Rename(temporary, export_dir)
    return as_bytes(export_dir)


def _checkpoint(estimator: Any) -> str:
    found = latest_checkpoint(estimator.model_dir)
    settings = estimator._warm_start_settings
    if not found and settings:
        found = settings.ckpt_to_initialize_from
        if gfile.IsDirectory(found):
            found = latest_checkpoint(found)
    if not found:
        raise ValueError(f"Couldn't find trained model at {estimator.model_dir}.")
    return found


def _add(
    estimator: Any,
    builder: SavedModelBuilder,
    receiver_fn: Callable[[], Any],
    checkpoint_path: Any,
    mode: str,
    is_first: bool,
    strip_default_attrs: bool,
) -> None:
    with estimator._new_graph() as (graph, _):
        receiver = receiver_fn()
        spec = estimator._call_model_fn(
            receiver.features, getattr(receiver, "labels", None), mode, estimator.config
        )
        signatures = build_all_signature_defs(
            receiver.receiver_tensors,
            _outputs(spec, mode),
            getattr(receiver, "receiver_tensors_alternatives", None),
            serving_only=mode == ModeKeys.PREDICT,
        )
        local_init = spec.scaffold.local_init_op
        if local_init is None:
            local_init = Scaffold.default_local_init_op()
        options = {
            "tags": _TAGS[mode],
            "signature_def_map": signatures,
            "assets_collection": graph.get_collection(GraphKeys.ASSET_FILEPATHS),
            "main_op": local_init,
            "saver": spec.scaffold.saver or Saver(sharded=True),
            "strip_default_attrs": strip_default_attrs,
        }
        if not is_first:
            builder.add_meta_graph(**options)
            return
        with Session(config=estimator._session_config) as session:
            try:
                options["saver"].restore(session, checkpoint_path)
            except errors.NotFoundError as error:
                raise ValueError(
                    f"Could not load all requested variables from checkpoint "
                    f"{os.fspath(checkpoint_path)}. Please make sure your model_fn does not expect "
                    f"variables that were not saved in the checkpoint.\n\n{error.message}"
                ) from error
            builder.add_meta_graph_and_variables(session, **options)


def _outputs(spec: Any, mode: str) -> dict[str, Any]:
    if mode == ModeKeys.PREDICT:
        return spec.export_outputs
    kind = TrainOutput if mode == ModeKeys.TRAIN else EvalOutput
    key = constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY
    name = {ModeKeys.TRAIN: "train", ModeKeys.EVAL: "eval"}.get(mode, key)
    return {name: kind(spec.loss, spec.predictions, spec.eval_metric_ops)}
