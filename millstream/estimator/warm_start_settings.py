"""`tf.estimator.WarmStartSettings`: what an estimator begins its training with."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from millstream.base import logging
from millstream.base.compat import as_text
from millstream.base.export import export
from millstream.formats import gfile


class _Settings(NamedTuple):
    ckpt_to_initialize_from: Any
    vars_to_warm_start: Any
    var_name_to_vocab_info: Any
    var_name_to_prev_var_name: Any


@export("estimator.WarmStartSettings")
class WarmStartSettings(_Settings):
    """Says which variables an estimator takes from another model; see `tf.train.warm_start`.

    Args:
      ckpt_to_initialize_from: path of a checkpoint, or of a directory with one.
      vars_to_warm_start: regular expression, list of those, list of variables, or None.
      var_name_to_vocab_info: `VocabInfo`s by variable name.
      var_name_to_prev_var_name: names in the checkpoint that differ, by variable name.

    Raises:
      ValueError: without checkpoint.
    """

    def __new__(
        cls,
        ckpt_to_initialize_from: Any,
        vars_to_warm_start: Any = ".*",
        var_name_to_vocab_info: Any = None,
        var_name_to_prev_var_name: Any = None,
    ) -> WarmStartSettings:
        if not ckpt_to_initialize_from:
            raise ValueError("`ckpt_to_initialize_from` MUST be set in WarmStartSettings")
        return super().__new__(
            cls,
            ckpt_to_initialize_from,
            vars_to_warm_start,
            var_name_to_vocab_info or {},
            var_name_to_prev_var_name or {},
        )


def settings_of(warm_start_from: Any) -> WarmStartSettings | None:
    """Returns what `warm_start_from`, a path or settings, means.

    Raises:
      ValueError: if it is of another class.
    """
    if warm_start_from is None:
        return None
    if isinstance(warm_start_from, (str, bytes, os.PathLike)):
        path = as_text(os.fspath(warm_start_from))
        # The directory of a SavedModel stands for the variables in it.
        if gfile.Exists(os.path.join(path, "variables", "variables.index")):
            logging.info("Warm-starting from a SavedModel")
            return WarmStartSettings(os.path.join(path, "variables", "variables"))
        return WarmStartSettings(path)
    if isinstance(warm_start_from, WarmStartSettings):
        return warm_start_from
    raise ValueError(
        "warm_start_from must be a string or a WarmStartSettings, instead got "
        f"{type(warm_start_from)}"
    )
