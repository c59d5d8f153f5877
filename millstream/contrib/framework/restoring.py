"""Assigning variables from checkpoints and from values."""

import numpy as np

from millstream.base.export import export
from millstream.base.logging import warning
from millstream.contrib.framework.model_variables import (
    get_unique_variable,
    get_variable_full_name,
)
from millstream.formats.checkpoint import NewCheckpointReader
from millstream.ops import array
from millstream.ops.flow import group
from millstream.state.assignments import assign
from millstream.train.saver import Saver


def _both(name):
    return export(f"contrib.framework.{name}", f"contrib.slim.{name}", module=__name__)


def _by_name(var_list):
    """Returns variables, or lists of pieces, by the name that they are saved under."""
    if isinstance(var_list, dict):
        return dict(var_list)
    named = {}
    for var in var_list:
        named.setdefault(get_variable_full_name(var), []).append(var)
    return {k: v[0] if len(v) == 1 and not v[0]._save_slice_info else v for k, v in named.items()}


def _missing(reader, name, model_path, ignore_missing_vars):
    if reader.has_tensor(name):
        return False
    message = f"Checkpoint is missing variable [{name}]"
    if not ignore_missing_vars:
        raise ValueError(f"{message}: {model_path}")
    warning(message)
    return True


@_both("assign_from_checkpoint")
def assign_from_checkpoint(model_path, var_list, ignore_missing_vars=False):
    """Makes nodes that assign variables from a checkpoint, and what to feed them.

    Args:
      model_path: the checkpoint.
      var_list: variables, or a dictionary from names in the checkpoint to variables.
      ignore_missing_vars: whether variables that it does not have are left alone.

    Returns:
      `(node, feeds)`.

    Raises:
      ValueError: if a variable is missing, or its shape differs.
    """
    reader = NewCheckpointReader(model_path)
    feeds, assigned = {}, []
    for name, target in _by_name(var_list).items():
        if _missing(reader, name, model_path, ignore_missing_vars):
            continue
        value = reader.get_tensor(name)
        pieces = target if isinstance(target, list) else [target]
        for piece in pieces:
            part = _part(value, piece, name, model_path)
            holder = array.placeholder(
                piece.dtype.base_dtype, piece.shape, name=f"checkpoint_initializer/{name}"
            )
            assigned.append(assign(piece, holder))
            feeds[holder] = part.reshape(holder.shape.as_list())
    return group(*assigned), feeds


def _part(value, piece, name, path):
    info = piece._save_slice_info
    if info is not None:
        ends = [o + n for o, n in zip(info.var_offset, info.var_shape)]
        return value[tuple(slice(o, e) for o, e in zip(info.var_offset, ends))]
    if not piece.shape.is_compatible_with(value.shape):
        raise ValueError(
            f"Total size of new array must be unchanged for {name} lh_shape: [{value.shape}], "
            f"rh_shape: [{tuple(piece.shape.as_list())}] in checkpoint {path}"
        )
    return np.asarray(value)


@_both("assign_from_checkpoint_fn")
def assign_from_checkpoint_fn(
    model_path, var_list, ignore_missing_vars=False, reshape_variables=False
):
    """Makes a function of a session that restores variables from a checkpoint.

    Args:
      model_path: the checkpoint.
      var_list: variables, or a dictionary from names in the checkpoint to variables.
      ignore_missing_vars: whether variables that it does not have are left alone.
      reshape_variables: whether a variable may have another shape of the same size.

    Returns:
      The function; `None` if nothing is left to restore.

    Raises:
      ValueError: if `var_list` is empty.
    """
    if not var_list:
        raise ValueError("var_list cannot be empty")
    if ignore_missing_vars:
        reader = NewCheckpointReader(model_path)
        named = var_list if isinstance(var_list, dict) else {v.op.name: v for v in var_list}
        var_list = {
            name: var for name, var in named.items()
            if not _missing(reader, name, model_path, True)
        }  # fmt: skip
    if not var_list:
        warning("No Variables to restore")
        return None
    saver = Saver(var_list, reshape=reshape_variables)
    return lambda session: saver.restore(session, model_path)


@_both("assign_from_values")
def assign_from_values(var_names_to_values):
    """Makes a node that assigns variables by name from arrays, and what to feed it.

    Returns:
      `(node, feeds)`.

    Raises:
      ValueError: if there is no such variable.
    """
    feeds, assigned = {}, []
    for name, value in var_names_to_values.items():
        variable = get_unique_variable(name)
        holder = array.placeholder(variable.dtype.base_dtype, name=f"assign_value/{name}")
        assigned.append(assign(variable, holder, validate_shape=False))
        feeds[holder] = np.reshape(value, variable.shape.as_list())
    return group(*assigned), feeds


@_both("assign_from_values_fn")
def assign_from_values_fn(var_names_to_values):
    """Makes a function of a session that assigns variables by name from arrays."""
    node, feeds = assign_from_values(var_names_to_values)
    return lambda session: session.run(node, feed_dict=feeds)
