"""The file `checkpoint` of a model directory: which checkpoints there are, which is the latest."""

import os
from collections.abc import Sequence
from typing import Any

from google.protobuf import text_format

from millstream.base import errors, logging
from millstream.base.export import export
from millstream.formats import protos
from millstream.formats.checkpoint import checkpoint_exists
from millstream.formats.files import files_of, is_remote, path_of, read_file, write_atomically

_DEFAULT_NAME = "checkpoint"


def _state_path(directory: str, latest_filename: str | None) -> str:
    return os.path.join(directory, latest_filename or _DEFAULT_NAME)


def _is_absolute(path: str) -> bool:
    return os.path.isabs(path) or is_remote(path)


@export("train.get_checkpoint_state")
def get_checkpoint_state(checkpoint_dir: Any, latest_filename: str | None = None) -> Any:
    """Reads the state file of a model directory.

    Args:
        checkpoint_dir: the directory.
        latest_filename: name of the file, if it is not `checkpoint`.

    Returns:
        A `CheckpointState`, its relative paths joined to the directory; or None if there is no
        file, or no readable one.

    Raises:
        ValueError: if it does not name a checkpoint.
    """
    directory = path_of(checkpoint_dir)
    path = _state_path(directory, latest_filename)
    if not files_of(path).exists(path):
        return None
    try:
        state = text_format.Parse(
            read_file(path).decode("utf-8", "replace"), protos.CheckpointState()
        )
    except (errors.OpError, text_format.ParseError) as error:
        logging.warning("%s: Checkpoint ignored: %s", path, error)
        return None
    if not state.model_checkpoint_path:
        raise ValueError(f"Invalid checkpoint state loaded from {directory}")
    state.model_checkpoint_path = _in(directory, state.model_checkpoint_path)
    for number, each in enumerate(state.all_model_checkpoint_paths):
        state.all_model_checkpoint_paths[number] = _in(directory, each)
    return state


def _in(directory: str, path: str) -> str:
    return path if _is_absolute(path) else os.path.join(directory, path)


@export("train.latest_checkpoint")
def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """Returns the path of the latest checkpoint of a directory, or None.

    Args:
        checkpoint_dir: the directory that they were saved in.
        latest_filename: name of the state file, if it is not `checkpoint`.
    """
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None:
        return None
    if checkpoint_exists(state.model_checkpoint_path):
        return state.model_checkpoint_path
    logging.error("Couldn't match files for checkpoint %s", state.model_checkpoint_path)
    return None


@export("train.generate_checkpoint_state_proto")
def generate_checkpoint_state_proto(
    save_dir: Any,
    model_checkpoint_path: Any,
    all_model_checkpoint_paths: Sequence[Any] | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> Any:
    """Makes a `CheckpointState`.

    Args:
        save_dir: directory of the state file. If it is relative, so are the paths in the message.
        model_checkpoint_path: the latest checkpoint.
        all_model_checkpoint_paths: all of them, oldest first; the latest is added if it is not
            the last.
        all_model_checkpoint_timestamps: when each was saved, in seconds since 1970.
        last_preserved_timestamp: when the last one was saved that is kept for good.

    Raises:
        ValueError: if there are not as many times as paths.
    """
    directory, latest = path_of(save_dir), path_of(model_checkpoint_path)
    paths = [path_of(path) for path in all_model_checkpoint_paths or ()]
    if not paths or paths[-1] != latest:
        paths.append(latest)
    times = list(all_model_checkpoint_timestamps or ())
    if times and len(times) != len(paths):
        raise ValueError(
            "Checkpoint timestamps, if provided, must match checkpoint paths "
            f"(got paths {paths} and timestamps {times})"
        )
    if not _is_absolute(directory):
        latest = _relative(latest, directory)
        paths = [_relative(path, directory) for path in paths]
    return protos.CheckpointState(
        model_checkpoint_path=latest,
        all_model_checkpoint_paths=paths,
        all_model_checkpoint_timestamps=times,
        last_preserved_timestamp=last_preserved_timestamp,
    )


def _relative(path: str, directory: str) -> str:
    return path if _is_absolute(path) else os.path.relpath(path, directory)


@export("train.update_checkpoint_state")
def update_checkpoint_state(
    save_dir: Any,
    model_checkpoint_path: Any,
    all_model_checkpoint_paths: Sequence[Any] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> None:
    """Writes the state file of a model directory, in one step.

    Args:
        save_dir: the directory.
        model_checkpoint_path: the latest checkpoint.
        all_model_checkpoint_paths: all of them, oldest first.
        latest_filename: name of the file, if it is not `checkpoint`.
        all_model_checkpoint_timestamps: when each was saved, in seconds since 1970.
        last_preserved_timestamp: when the last one was saved that is kept for good.

    Raises:
        RuntimeError: if the checkpoint itself has the state file's path.
    """
    write_checkpoint_state(
        save_dir,
        model_checkpoint_path,
        all_model_checkpoint_paths,
        latest_filename,
        False,
        all_model_checkpoint_timestamps,
        last_preserved_timestamp,
    )


def write_checkpoint_state(
    save_dir: Any,
    model_checkpoint_path: Any,
    all_model_checkpoint_paths: Sequence[Any] | None = None,
    latest_filename: str | None = None,
    save_relative_paths: bool = False,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> None:
    """Does what `update_checkpoint_state` does, if wanted with paths relative to the directory."""
    directory, latest = path_of(save_dir), path_of(model_checkpoint_path)
    path = _state_path(directory, latest_filename)
    paths = [path_of(each) for each in all_model_checkpoint_paths or ()]
    if save_relative_paths:
        latest, *paths = (os.path.relpath(each, directory) for each in (latest, *paths))
        directory = os.path.abspath(directory)
    state = generate_checkpoint_state_proto(
        directory, latest, paths, all_model_checkpoint_timestamps, last_preserved_timestamp
    )
    if path == state.model_checkpoint_path:
        raise RuntimeError(
            f"Save path '{latest}' conflicts with path used for checkpoint state. "
            "Please use a different save path."
        )
    write_atomically(path, text_format.MessageToString(state).encode())
