"""Looks into checkpoints, waits for them, and initialises variables from them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from millstream.base.export import export
from millstream.formats.checkpoint import CheckpointReader
from millstream.formats.checkpoint_state import latest_checkpoint
from millstream.formats.files import files_of, path_of
from millstream.ir.scopes import device
from millstream.ops.io.checkpoints import RestoreV2
from millstream.state.store import get_variable_store
from millstream.train.saveable import is_resource, of_variable


def _file_of(ckpt_dir_or_file: Any) -> str:
    """Returns the path of a checkpoint, the latest one if a directory is given."""
    path = path_of(ckpt_dir_or_file)
    if not files_of(path).isdir(path):
        return path
    latest = latest_checkpoint(path)
    if latest is None:
        raise ValueError(
            f"Couldn't find 'checkpoint' file or checkpoints in given directory {path}"
        )
    return latest


@export("train.load_checkpoint", "contrib.framework.load_checkpoint")
def load_checkpoint(ckpt_dir_or_file: Any) -> CheckpointReader:
    """Opens a checkpoint for reading tensors by name.

    Args:
      ckpt_dir_or_file: path that it was saved under, or a directory, for the latest one there.

    Raises:
      NotFoundError: if there is no such checkpoint.
      ValueError: if the directory has none.
    """
    return CheckpointReader(_file_of(ckpt_dir_or_file))


@export("train.load_variable", "contrib.framework.load_variable")
def load_variable(ckpt_dir_or_file: Any, name: str) -> Any:
    """Returns the array that a checkpoint holds under `name`; `:0` at its end does not count."""
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


@export("train.list_variables", "contrib.framework.list_variables")
def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """Lists name and shape of everything in a checkpoint, sorted by name."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


@export("train.checkpoints_iterator")
def checkpoints_iterator(
    checkpoint_dir: Any,
    min_interval_secs: float = 0,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Iterator[str]:
    """Gives the checkpoints of a directory as another process saves them; the latest one first.

    Args:
      checkpoint_dir: the directory.
      min_interval_secs: least time between two, in seconds.
      timeout: how long to wait for the next, in seconds; `None`: for ever.
      timeout_fn: called after a time-out; if it returns false, the wait begins again. Without it
        a time-out ends the iteration.
    """
    before = None
    while True:
        found = _next_checkpoint(checkpoint_dir, before, timeout)
        if found is None:
            if timeout_fn is None or timeout_fn():
                return
            continue
        start, before = time.monotonic(), found
        yield found
        time.sleep(max(0.0, start + min_interval_secs - time.monotonic()))


def _next_checkpoint(directory: Any, before: str | None, timeout: float | None) -> str | None:
    deadline = None if timeout is None else time.monotonic() + timeout
    pause = 1.0 if timeout is None else min(1.0, timeout / 10)
    while True:
        found = latest_checkpoint(directory)
        if found is not None and found != before:
            return found
        if deadline is not None and time.monotonic() + pause > deadline:
            return None
        time.sleep(pause)


@export("train.init_from_checkpoint", "contrib.framework.init_from_checkpoint")
def init_from_checkpoint(ckpt_dir_or_file: Any, assignment_map: Any) -> None:
    """Makes variables' initializers read a checkpoint.

    Args:
      ckpt_dir_or_file: path of the checkpoint, or a directory, for the latest one there.
      assignment_map: dict, or pairs, from name in the checkpoint to a variable, the pieces of a
        partitioned one, or the name of one; or from a scope `"a/"` there to one here, `"b/"`;
        `"/"` is the root.

    Raises:
      ValueError: if the checkpoint lacks a name, a shape differs, or a scope maps to no scope.

    Example:
      >>> tf.train.init_from_checkpoint("/old", {"encoder/": "new/encoder/"})  # doctest: +SKIP
    """
    reader = load_checkpoint(ckpt_dir_or_file)
    source = _Source(ckpt_dir_or_file, reader.get_variable_to_shape_map())
    pairs = assignment_map.items() if isinstance(assignment_map, dict) else assignment_map
    known = get_variable_store().variables
    for name, target in sorted(pairs, key=lambda pair: pair[0]):
        found = _variables_of(target, known)
        if found is not None:
            source.initialize(name, found)
        else:
            _initialize_scope(source, name, target, known)


def _variables_of(target: Any, known: dict[str, Any]) -> list[Any] | None:
    """Returns the variable, or the pieces of one, that `target` is or names."""
    if hasattr(target, "_get_variable_list"):
        return list(target._get_variable_list())
    if isinstance(target, (list, tuple)):
        return list(target)
    if not isinstance(target, str):
        return [target]
    if target in known:
        return [known[target]]
    pieces: list[Any] = []
    while (piece := f"{target}/part_{len(pieces)}") in known:
        pieces.append(known[piece])
    return pieces or None


def _initialize_scope(source: _Source, name: str, target: str, known: dict[str, Any]) -> None:
    if not name.endswith("/"):
        raise ValueError(
            f"Assignment map with scope only name {target} should map to scope only {name}. "
            "Should be 'scope/': 'other_scope/'."
        )
    scope = target.rpartition("/")[0]
    prefix = f"{scope}/" if scope else ""
    wholes = {_whole_name(n): None for n in sorted(known) if n.startswith(prefix)}
    for variable in wholes:
        rest = variable.removeprefix(prefix)
        found = _variables_of(variable, known)
        if found is not None:
            source.initialize(rest if name == "/" else name + rest, found)


def _whole_name(name: str) -> str:
    return name.partition("/part_")[0]


class _Source:
    """A checkpoint that variables are initialised from."""

    def __init__(self, given: Any, shapes: dict[str, list[int]]) -> None:
        self._given, self._path = os.fspath(given), _file_of(given)
        self._shapes = shapes

    def initialize(self, name: str, variables: Iterable[Any]) -> None:
        """Gives a variable, or all pieces of one, an initializer that reads `name`."""
        if name not in self._shapes:
            raise ValueError(
                f"Tensor {name} is not found in {self._given} checkpoint {self._shapes}"
            )
        for variable in variables:
            info = getattr(variable, "_save_slice_info", None)
            shape = variable.shape if info is None else info.full_shape
            if not np.array_equal(shape, self._shapes[name]):
                raise ValueError(
                    f"Shape of variable {variable.name} ({shape}) doesn't match with shape of "
                    f"tensor {name} ({self._shapes[name]}) from checkpoint reader."
                )
            self._set(variable, name, "" if info is None else info.spec)

    def _set(self, variable: Any, name: str, spec: str) -> None:
        with device(variable.device), device("/device:CPU:0"):
            dtype = variable.dtype.base_dtype
            (value,) = RestoreV2(
                self._path, [name], [spec], dtypes=[dtype], name="checkpoint_initializer"
            )
        saveable = of_variable(variable, name, spec, as_ref=not is_resource(variable))
        assigned = saveable.restore([value], None)
        variable._initializer_op = getattr(assigned, "op", assigned)
        value.set_shape(variable.shape)
        variable._initial_value = value
