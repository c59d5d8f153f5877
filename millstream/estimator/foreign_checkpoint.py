"""Says how the checkpoint in `model_dir` differs from the model, when it cannot be restored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from millstream.base import errors
from millstream.base.shapes import as_shape
from millstream.ir.default import get_default_graph
from millstream.train.checkpoint_utils import load_checkpoint
from millstream.train.saveable import all_saveables

_SHOWN = 10


@contextmanager
def explained(model_dir: Any, checkpoint_path: Any = None) -> Iterator[None]:
    """Adds to an error of restoring what the graph and the checkpoint have not in common.

    Args:
      model_dir: directory whose latest checkpoint is restored.
      checkpoint_path: the checkpoint, if it is another.
    """
    graph = get_default_graph()
    try:
        yield
    except (errors.NotFoundError, errors.InvalidArgumentError) as error:
        if "Restoring from checkpoint" not in error.message:
            raise
        with graph.as_default():
            told = _differences(checkpoint_path or model_dir)
        raise type(error)(error.node_def, error.op, f"{error.message}\n\n{told}") from error


def _differences(checkpoint: Any) -> str:
    try:
        stored = load_checkpoint(checkpoint).get_variable_to_shape_map()
    except (errors.OpError, ValueError) as error:
        return f"The checkpoint cannot be read: {error}"
    wanted = dict(_name_and_shape(v) for v in all_saveables() if hasattr(v, "get_shape"))
    lines = [f"The model and the checkpoint {checkpoint} differ."]
    lines += _listing("only the model has", [n for n in wanted if n not in stored])
    lines += _listing("only the checkpoint has", [n for n in stored if n not in wanted])
    reshaped = [
        f"{name}: {wanted[name]} in the model, {stored[name]} in the checkpoint"
        for name in wanted
        if name in stored and not wanted[name].is_compatible_with(stored[name])
    ]
    lines += _listing("other shape", reshaped)
    lines.append("Give the model another model_dir, or build it as it was when it was saved.")
    return "\n".join(lines)


def _name_and_shape(variable: Any) -> tuple[str, Any]:
    """Returns what a checkpoint calls a variable; the pieces of one have one name."""
    info = getattr(variable, "_save_slice_info", None)
    if info is None:
        return variable.op.name, variable.get_shape()
    return info.full_name, as_shape(info.full_shape)


def _listing(what: str, names: list[str]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return [f"  {what}: {', '.join(sorted(names)[:_SHOWN])}{more}"]
