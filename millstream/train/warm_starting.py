"""`tf.train.warm_start`: initialises variables from another model's checkpoint."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from millstream.base import logging
from millstream.base.compat import as_text
from millstream.base.export import export
from millstream.formats.file_object import GFile
from millstream.ir.constant import constant
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.state.initializers import GlorotUniform
from millstream.train.checkpoint_utils import init_from_checkpoint, load_checkpoint


class _VocabInfo(NamedTuple):
    new_vocab: Any
    new_vocab_size: Any
    num_oov_buckets: Any
    old_vocab: Any
    old_vocab_size: Any
    backup_initializer: Any
    axis: Any


@export("train.VocabInfo", "estimator.VocabInfo")
class VocabInfo(_VocabInfo):
    """Says how the rows or columns of a variable move from one vocabulary to another.

    Args:
      new_vocab: path of the new vocabulary, one word a line.
      new_vocab_size: how many of its words are used.
      num_oov_buckets: how many entries follow them for unknown words.
      old_vocab: path of the vocabulary of the checkpoint.
      old_vocab_size: how many of its words were used; -1 for all.
      backup_initializer: initialises what is new; default: Glorot uniform.
      axis: 0 if words are rows, 1 if they are columns.

    Raises:
      ValueError: if `axis` is neither.
    """

    def __new__(
        cls,
        new_vocab: Any,
        new_vocab_size: int,
        num_oov_buckets: int,
        old_vocab: Any,
        old_vocab_size: int = -1,
        backup_initializer: Any = None,
        axis: int = 0,
    ) -> VocabInfo:
        if axis not in (0, 1):
            raise ValueError(f"The only supported values for the axis argument are 0 and 1.  "
                             f"Provided axis: {axis}")  # fmt: skip
        return super().__new__(
            cls, new_vocab, new_vocab_size, num_oov_buckets, old_vocab, old_vocab_size,
            backup_initializer, axis,
        )  # fmt: skip


@export("train.warm_start")
def warm_start(
    ckpt_to_initialize_from: Any,
    vars_to_warm_start: Any = ".*",
    var_name_to_vocab_info: dict[str, VocabInfo] | None = None,
    var_name_to_prev_var_name: dict[str, str] | None = None,
) -> None:
    """Makes the initializers of variables read another model's checkpoint.

    Args:
      ckpt_to_initialize_from: path of the checkpoint, or a directory, for the latest one there.
      vars_to_warm_start: regular expression over trainable variables; or a list of those, over all
        global variables; or a list of variables; or None for those with vocabularies only.
      var_name_to_vocab_info: how vocabularies changed, by variable name.
      var_name_to_prev_var_name: names in the checkpoint that differ, by variable name.

    Raises:
      ValueError: if the checkpoint lacks a variable, or a name in the dicts belongs to none.
    """
    vocabularies = dict(var_name_to_vocab_info or {})
    former = dict(var_name_to_prev_var_name or {})
    logging.info("Warm-starting from: %s", ckpt_to_initialize_from)
    groups = _grouped(vars_to_warm_start)
    started = 0
    for name, variables in groups.items():
        before = former.pop(name, name)
        info = vocabularies.pop(name, None)
        if info is None:
            _log(name, before)
            target = variables if len(variables) > 1 else variables[0]
            init_from_checkpoint(ckpt_to_initialize_from, {before: target})
        else:
            _log(name, before, info)
            _start_with_vocabulary(ckpt_to_initialize_from, before, variables, info)
        started += 1
    logging.info("Warm-started %d variables.", started)
    for what, left in (("prev_var_name", former), ("vocab_info", vocabularies)):
        if left:
            raise ValueError(
                f"You provided the following variables in var_name_to_{what} that were not used: "
                f"{sorted(left)}.  Perhaps you misspelled them?  Here is the list of viable "
                f"variable names: {sorted(groups)}"
            )


def _log(name: str, before: str, info: VocabInfo | None = None) -> None:
    was = before if before != name else "Unchanged"
    logging.debug("Warm-starting variable: %s; prev_var_name: %s", name, was)
    if info is not None:
        logging.info("Warm-starting variable: %s; vocabulary: %s", name, info.new_vocab)


def _whole_name(variable: Any) -> str:
    info = getattr(variable, "_save_slice_info", None)
    return variable.op.name if info is None else info.full_name


def _grouped(wanted: Any) -> dict[str, list[Any]]:
    """Returns the variables to start, all pieces of one under its name."""
    graph = get_default_graph()
    if isinstance(wanted, str):
        logging.info("Warm-starting variables only in TRAINABLE_VARIABLES.")
        found = graph.get_collection(GraphKeys.TRAINABLE_VARIABLES, wanted)
    elif wanted is None:
        found = []
    elif all(isinstance(item, str) for item in wanted):
        every = graph.get_collection(GraphKeys.GLOBAL_VARIABLES)
        found = [v for v in every if any(re.match(item, v.name) for item in wanted)]
    else:
        found = []
        for item in wanted:
            found += list(item) if hasattr(item, "_get_variable_list") else [item]
    groups: dict[str, list[Any]] = {}
    for variable in found:
        groups.setdefault(_whole_name(variable), []).append(variable)
    return groups


def _words(path: Any, size: int) -> list[str]:
    with GFile(path) as file:
        words = [as_text(line).rstrip("\n") for line in file]
    return words if size == -1 else words[:size]


def _start_with_vocabulary(
    checkpoint: Any, before: str, variables: Sequence[Any], info: VocabInfo
) -> None:
    old = load_checkpoint(checkpoint).get_tensor(before)
    old_words = _words(info.old_vocab, info.old_vocab_size)
    place = {word: number for number, word in enumerate(old_words)}
    new_words = _words(info.new_vocab, info.new_vocab_size)
    source = np.array([place.get(word, -1) for word in new_words] + [-1] * info.num_oov_buckets)
    for variable in variables:
        slice_info = getattr(variable, "_save_slice_info", None)
        first = 0 if slice_info is None else slice_info.var_offset[info.axis]
        size = variable.shape.as_list()[info.axis]
        _fill(variable, old, source[first : first + size], info)


def _fill(variable: Any, old: np.ndarray, source: np.ndarray, info: VocabInfo) -> None:
    """Gives a variable an initializer that moves the known words and initialises the others."""
    initializer = info.backup_initializer or GlorotUniform()
    shape = variable.shape.as_list()
    with get_default_graph().name_scope(f"{variable.op.name}/WarmStart"):
        fresh = initializer(shape, dtype=variable.dtype.base_dtype)
        known = source >= 0
        moved = np.zeros(shape, old.dtype)
        index = [slice(None)] * len(shape)
        index[info.axis] = known
        moved[tuple(index)] = np.take(old, source[known], axis=info.axis)
        mask = np.zeros(shape, old.dtype)
        mask[tuple(index)] = 1
        value = fresh * constant(1 - mask) + constant(moved)
        assigned = variable.assign(value)
    variable._initializer_op = getattr(assigned, "op", assigned)
    variable._initial_value = value
