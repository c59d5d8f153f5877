"""Variables of models: making them, and finding them by scope, suffix or name."""

import functools
import re

from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import add_to_collection, device, get_collection
from millstream.ops import array
from millstream.state.assignments import assign
from millstream.state.get_variable import get_variable
from millstream.state.options import VariableAggregation, VariableSynchronization
from millstream.state.scope import get_variable_scope
from millstream.state.variables import create


def _both(name):
    return export(f"contrib.framework.{name}", f"contrib.slim.{name}", module=__name__)


def _of_scope(place):
    """Opens a device, or asks a function for it."""
    return device(place if place is None or callable(place) else str(place))


@_both("variable")
def variable(
    name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=True,
    collections=None, caching_device=None, device="", partitioner=None, custom_getter=None,
    use_resource=None, synchronization=VariableSynchronization.AUTO,
    aggregation=VariableAggregation.NONE,
):  # fmt: skip
    """Is `tf.get_variable` with a device.

    Args:
      device: device of the variable, or a function of its node.

    The other arguments are those of `tf.get_variable`.
    """
    collections = list(dict.fromkeys(
        [GraphKeys.GLOBAL_VARIABLES] if collections is None else collections
    ))  # fmt: skip
    getter = get_variable
    if custom_getter is not None:
        getter = functools.partial(custom_getter, reuse=get_variable_scope().reuse)
    with _of_scope(device or ""):
        return getter(
            name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer,
            trainable=trainable, collections=collections, caching_device=caching_device,
            partitioner=partitioner, use_resource=use_resource, synchronization=synchronization,
            aggregation=aggregation,
        )  # fmt: skip


@_both("model_variable")
def model_variable(
    name, shape=None, dtype=Float, initializer=None, regularizer=None, trainable=True,
    collections=None, caching_device=None, device=None, partitioner=None, custom_getter=None,
    use_resource=None, synchronization=VariableSynchronization.AUTO,
    aggregation=VariableAggregation.NONE,
):  # fmt: skip
    """Is `variable` for one that joins `GraphKeys.MODEL_VARIABLES` too: a part of the model."""
    collections = [
        *(collections or ()), GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES,
    ]  # fmt: skip
    return variable(
        name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer,
        trainable=trainable, collections=collections, caching_device=caching_device, device=device,
        partitioner=partitioner, custom_getter=custom_getter, use_resource=use_resource,
        synchronization=synchronization, aggregation=aggregation,
    )  # fmt: skip


@_both("local_variable")
def local_variable(initial_value, validate_shape=True, name=None, use_resource=None):
    """Makes a variable that is neither saved nor trained."""
    return create(
        initial_value, trainable=False, collections=[GraphKeys.LOCAL_VARIABLES],
        validate_shape=validate_shape, name=name, use_resource=use_resource,
    )  # fmt: skip


@_both("global_variable")
def global_variable(initial_value, validate_shape=True, name=None, use_resource=None):
    """Makes a variable that is saved but not trained."""
    return create(
        initial_value, trainable=False, collections=[GraphKeys.GLOBAL_VARIABLES],
        validate_shape=validate_shape, name=name, use_resource=use_resource,
    )  # fmt: skip


@_both("add_model_variable")
def add_model_variable(var):
    """Adds a variable to `GraphKeys.MODEL_VARIABLES`, once."""
    if not any(var is held for held in get_collection(GraphKeys.MODEL_VARIABLES)):
        add_to_collection(GraphKeys.MODEL_VARIABLES, var)


# -- looking them up


@_both("get_variables")
def get_variables(scope=None, suffix=None, collection=GraphKeys.GLOBAL_VARIABLES):
    """Lists variables by scope and by the end of their names.

    Args:
      scope: a regular expression for the beginning of the name, or a `VariableScope`.
      suffix: the end of the name.
      collection: where to look.
    """
    scope = getattr(scope, "name", scope)
    if suffix is not None:
        suffix = suffix if ":" in suffix else f"{suffix}:"
        scope = f"{scope or ''}.*{suffix}"
    return get_collection(collection, scope)


@_both("get_model_variables")
def get_model_variables(scope=None, suffix=None):
    """Lists the variables of the model by scope and suffix."""
    return get_variables(scope, suffix, GraphKeys.MODEL_VARIABLES)


@_both("get_local_variables")
def get_local_variables(scope=None, suffix=None):
    """Lists the local variables by scope and suffix."""
    return get_variables(scope, suffix, GraphKeys.LOCAL_VARIABLES)


@_both("get_trainable_variables")
def get_trainable_variables(scope=None, suffix=None):
    """Lists the trainable variables by scope and suffix."""
    return get_variables(scope, suffix, GraphKeys.TRAINABLE_VARIABLES)


@_both("get_variables_by_suffix")
def get_variables_by_suffix(suffix, scope=None):
    """Lists the variables whose names end so."""
    return get_variables(scope=scope, suffix=suffix)


@_both("get_variables_by_name")
def get_variables_by_name(given_name, scope=None):
    """Lists the variables of that name, with or without a scope before it."""
    suffix = f"/{given_name}:|^{given_name}:"
    return get_variables(scope=scope, suffix=suffix)


@_both("get_unique_variable")
def get_unique_variable(var_op_name):
    """Returns the variable of that name.

    Raises:
      ValueError: if there is none, or no single one.
    """
    candidates = get_variables(scope=var_op_name)
    if not candidates:
        raise ValueError(f"Couldn't find variable {var_op_name}")
    for candidate in candidates:
        if candidate.op.name == var_op_name:
            return candidate
    raise ValueError(f"Variable {var_op_name} does not uniquely identify a variable")


@_both("get_variable_full_name")
def get_variable_full_name(var):
    """Returns the name under which a variable, or the whole that it is a piece of, is saved."""
    if var._save_slice_info:
        return var._save_slice_info.full_name
    return var.op.name


@_both("get_variables_to_restore")
def get_variables_to_restore(include=None, exclude=None):
    """Lists the variables of some scopes without those of others.

    Args:
      include: list of scopes; all by default.
      exclude: list of scopes.

    Raises:
      TypeError: if they are no lists.
    """
    for name, value in (("include", include), ("exclude", exclude)):
        if value is not None and not isinstance(value, (list, tuple)):
            raise TypeError(f"{name} is provided but is not a list or a tuple.")
    wanted = get_variables() if include is None else []
    for scope in include or ():
        wanted += get_variables(scope)
    unwanted = {id(v) for scope in exclude or () for v in get_variables(scope)}
    return [v for v in wanted if id(v) not in unwanted]


@_both("filter_variables")
def filter_variables(var_list, include_patterns=None, exclude_patterns=None, reg_search=True):
    """Chooses variables by regular expressions on their names.

    Args:
      var_list: variables.
      include_patterns: expressions of which one must match; all by default.
      exclude_patterns: expressions of which none may match.
      reg_search: whether they may match anywhere, not only at the beginning.
    """
    matches = re.search if reg_search else re.match
    include = include_patterns or [".*"]
    exclude = exclude_patterns or []
    found = []
    for var in var_list:
        names = var.op.name
        if any(matches(p, names) for p in include) and not any(matches(p, names) for p in exclude):
            found.append(var)
    return found


@_both("zero_initializer")
def zero_initializer(ref, use_locking=True, name="zero_initializer"):
    """Sets a variable to zeros; returns it afterwards."""
    zeros = array.zeros(ref.shape.as_list(), ref.dtype.base_dtype)
    return assign(ref, zeros, use_locking=use_locking, name=name)


class VariableDeviceChooser:
    """Places variables on parameter servers in turn.

    Args:
      num_tasks: number of parameter servers.
      job_name: their job.
      device_type: kind of device.
      device_index: its number.
      replica: a replica number, or `None`.
    """

    def __init__(
        self, num_tasks=0, job_name="ps", device_type="CPU", device_index=0, replica=None
    ) -> None:
        self._job, self._type, self._index = job_name, device_type, device_index
        self._tasks, self._replica = num_tasks, replica
        self._next = 0

    def __call__(self, op):
        """Returns the device of the next variable."""
        parts = []
        if self._tasks > 0:
            parts.append(f"/job:{self._job}")
            if self._replica is not None:
                parts.append(f"/replica:{self._replica}")
            parts.append(f"/task:{self._next}")
            self._next = (self._next + 1) % self._tasks
        elif self._replica is not None:
            parts.append(f"/replica:{self._replica}")
        return f"{''.join(parts)}/device:{self._type}:{self._index}"


_both("VariableDeviceChooser")(VariableDeviceChooser)
