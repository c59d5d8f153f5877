"""What writing a SavedModel of an estimator takes beside the model: signatures, directories."""

from __future__ import annotations

import os
import time
from typing import Any

from millstream.base import logging
from millstream.base.compat import as_text
from millstream.formats import gfile
from millstream.formats.files import path_of
from millstream.saved_model import constants
from millstream.saved_model.signatures import is_valid_signature

_ATTEMPTS = 10
_METHODS = {
    "Classify": constants.CLASSIFY_METHOD_NAME,
    "Regress": constants.REGRESS_METHOD_NAME,
    "Predict": constants.PREDICT_METHOD_NAME,
    "Train": "tensorflow/supervised/training",
    "Eval": "tensorflow/supervised/eval",
}


def build_all_signature_defs(
    receiver_tensors: dict[str, Any],
    export_outputs: dict[str, Any],
    alternatives: dict[str, Any] | None = None,
    serving_only: bool = True,
) -> dict[str, Any]:
    """Makes a signature for each output, and each alternative set of inputs.

    Args:
      receiver_tensors: the tensors that are fed, by name.
      export_outputs: `ExportOutput`s by signature name.
      alternatives: further sets of tensors that may be fed instead, by name.
      serving_only: whether to leave out what TensorFlow Serving cannot serve.

    Returns:
      `SignatureDef`s by name; those that do not fit the inputs are left out, and it is logged.
    """
    found: dict[str, Any] = {}
    excluded: dict[str, str] = {}
    sets = [("", receiver_tensors)]
    sets += [(f"{name or 'None'}:", tensors) for name, tensors in (alternatives or {}).items()]
    for prefix, tensors in sets:
        for key, output in export_outputs.items():
            name = prefix + (key or "None")
            try:
                found[name] = output.as_signature_def(tensors)
            except ValueError as error:
                excluded[name] = str(error)
    _log_signatures(found, excluded)
    if serving_only:
        return {name: each for name, each in found.items() if is_valid_signature(each)}
    return found


def _log_signatures(found: dict[str, Any], excluded: dict[str, str]) -> None:
    for what, method in _METHODS.items():
        names = [name for name, signature in found.items() if signature.method_name == method]
        logging.info("Signatures INCLUDED in export for %s: %s", what, names or None)
    if excluded:
        logging.info(
            "Signatures EXCLUDED from export because they cannot be be served via TensorFlow "
            "Serving APIs:"
        )
        for name, reason in excluded.items():
            logging.info("'%s' : %s", name, reason)
    if not found:
        logging.warning("Export includes no signatures!")
    elif constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY not in found:
        logging.warning("Export includes no default signature!")


def new_export_dir(export_dir_base: Any) -> str:
    """Returns the path of a directory below `export_dir_base`, named after the time, that is free.

    Raises:
      RuntimeError: if none is free for ten seconds.
    """
    base = as_text(path_of(export_dir_base))
    for attempt in range(_ATTEMPTS):
        found = os.path.join(base, str(int(time.time())))
        if not gfile.Exists(found):
            return found
        logging.warning(
            "Directory %s already exists; retrying (attempt %d/%d)", found, attempt + 1, _ATTEMPTS
        )
        time.sleep(1)
    raise RuntimeError(
        f"Failed to obtain a unique export directory name after {_ATTEMPTS} attempts."
    )


def temporary_dir(export_dir: str) -> str:
    """Returns where a model is written until it is whole."""
    head, tail = os.path.split(export_dir)
    return os.path.join(head, f"temp-{tail}")


def copy_extra_assets(export_dir: str, assets_extra: dict[str, Any] | None) -> None:
    """Copies files to `assets.extra/`.

    Args:
      export_dir: directory of the model.
      assets_extra: paths of files by path below `assets.extra/`.
    """
    for name, source in (assets_extra or {}).items():
        target = os.path.join(export_dir, "assets.extra", name)
        gfile.MakeDirs(os.path.dirname(target))
        gfile.Copy(source, target)
