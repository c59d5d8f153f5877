"""Writes what an evaluation found as summaries, and to the log."""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from millstream.base import logging
from millstream.formats import protos
from millstream.formats.tensors import make_tensor_proto
from millstream.summary.writer import FileWriterCache


def dict_to_str(values: dict[str, Any]) -> str:
    """Returns `name = value, …`, sorted by name, without serialised summaries."""
    return ", ".join(f"{k} = {v!s}" for k, v in sorted(values.items()) if not isinstance(v, bytes))


def write_dict(directory: str, values: dict[str, Any], step: Any) -> None:
    """Writes the values of metrics as summaries.

    Args:
      directory: of the event file.
      values: numbers, arrays or serialised `Summary`s by name.
      step: the global step.
    """
    logging.info("Saving dict for global step %d: %s", step, dict_to_str(values))
    writer = FileWriterCache.get(directory)
    summary = protos.Summary()
    for key, value in values.items():
        if value is not None and key != "global_step":
            _add(summary, key, value)
    writer.add_summary(summary, step)
    writer.flush()


def write_checkpoint_path(directory: str, checkpoint_path: str, step: Any) -> None:
    """Writes which checkpoint was evaluated."""
    logging.info("Saving 'checkpoint_path' summary for global step %d: %s", step, checkpoint_path)
    value = protos.Summary.Value(tag="checkpoint_path")
    value.tensor.CopyFrom(make_tensor_proto(checkpoint_path))
    writer = FileWriterCache.get(directory)
    writer.add_summary(protos.Summary(value=[value]), step)
    writer.flush()


def _add(summary: Any, key: str, value: Any) -> None:
    if isinstance(value, (float, np.floating, int, np.integer)):
        summary.value.add(tag=key, simple_value=float(value))
    elif isinstance(value, bytes):
        try:
            parts = protos.Summary.FromString(value).value
        except DecodeError:
            logging.warning("Skipping summary for %s, cannot parse string to Summary.", key)
            return
        for number, part in enumerate(parts):
            part.tag = f"{key}/{number}"
            summary.value.add().CopyFrom(part)
    elif isinstance(value, np.ndarray):
        summary.value.add(tag=key).tensor.CopyFrom(make_tensor_proto(value))
        logging.info("TensorBoard does not show the array %s by itself.", key)
    else:
        logging.warning(
            "Skipping summary for %s, must be a float, np.float32, np.int64, np.int32 or int or "
            "np.ndarray or a serialized string of Summary.", key,
        )  # fmt: skip
