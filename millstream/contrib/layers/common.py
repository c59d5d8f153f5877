"""What the layers of `contrib.layers` share: publishing, variable getters, collections, names."""

import collections.abc
from collections import OrderedDict
from weakref import WeakKeyDictionary

from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.contrib.framework.model_variables import model_variable
from millstream.ir.default import get_default_graph
from millstream.ir.scopes import add_to_collection, add_to_collections, get_collection
from millstream.state.options import VariableAggregation, VariableSynchronization
from millstream.state.partitioned import PartitionedVariable

_aliases = WeakKeyDictionary()


def published(*names):
    """Publishes a layer in `contrib.layers`, `contrib.slim` and `contrib.slim.layers`."""

    def publish(value):
        for name in names:
            for place in ("contrib.layers", "contrib.slim", "contrib.slim.layers"):
                export(f"{place}.{name}", module=value.__module__)(value)
        return value

    return publish


def published_value(name, value, home):
    """Publishes a value that is no function of its own, such as a partial one."""
    for place in ("contrib.layers", "contrib.slim", "contrib.slim.layers"):
        export(f"{place}.{name}", module=home)(value)


def variable_getter(rename=None):
    """Returns a custom getter that makes model variables, some under other names."""

    def getter(
        getter, name, shape=None, dtype=Float, initializer=None, regularizer=None, trainable=True,
        collections=None, caching_device=None, partitioner=None, use_resource=None,
        synchronization=VariableSynchronization.AUTO, aggregation=VariableAggregation.NONE,
        reuse=None, validate_shape=True, constraint=None,
    ):  # fmt: skip
        path, _, short = name.rpartition("/")
        if rename and short in rename:
            name = f"{path}/{rename[short]}" if path else rename[short]
        return model_variable(
            name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer,
            collections=collections, trainable=trainable, caching_device=caching_device,
            partitioner=partitioner, custom_getter=getter, use_resource=use_resource,
            synchronization=synchronization, aggregation=aggregation,
        )  # fmt: skip

    return getter


def collections_for(variables_collections, name):
    """Returns the collections of one kind of variable: a dictionary tells them by kind."""
    if isinstance(variables_collections, dict):
        return variables_collections.get(name)
    return variables_collections


def add_variable(variable, variables_collections, kind):
    """Adds a variable, or its pieces, to the collections of its kind, once."""
    names = collections_for(variables_collections, kind) or []
    names = [names] if isinstance(names, str) else list(names)
    pieces = list(variable) if isinstance(variable, PartitionedVariable) else [variable]
    for name in names:
        held = {id(item) for item in get_collection(name)}
        for piece in pieces:
            if id(piece) not in held:
                add_to_collection(name, piece)


def named_outputs(collections_names, alias, outputs):
    """Adds outputs to collections under an alias, and returns them."""
    if collections_names:
        _aliases.setdefault(outputs, []).append(alias.removesuffix("/"))
        add_to_collections(collections_names, outputs)
    return outputs


@export("contrib.layers.utils.collect_named_outputs", "contrib.slim.utils.collect_named_outputs")
def collect_named_outputs(collections, alias, outputs):
    """Adds outputs to collections under an alias, and returns them."""
    return named_outputs(collections, alias, outputs)


@export("contrib.layers.utils.get_tensor_aliases", "contrib.slim.utils.get_tensor_aliases")
def get_tensor_aliases(tensor):
    """Lists the aliases of an output; its node's name if it has none."""
    found = _aliases.get(tensor)
    if found:
        return list(found)
    return [tensor.op.name if tensor.name.endswith(":0") else tensor.name]


@export("contrib.layers.utils.gather_tensors_aliases")
def gather_tensors_aliases(tensors):
    """Lists the aliases of several outputs."""
    return [alias for tensor in tensors for alias in get_tensor_aliases(tensor)]


@export(
    "contrib.layers.utils.convert_collection_to_dict",
    "contrib.slim.utils.convert_collection_to_dict",
)
def convert_collection_to_dict(collection, clear_collection=False):
    """Returns the outputs of a collection by alias."""
    from_end = reversed(get_collection(collection))
    found = {alias: t for t in from_end for alias in get_tensor_aliases(t)}
    if clear_collection:
        get_default_graph().clear_collection(collection)
    return OrderedDict(reversed(list(found.items())))


@export("contrib.layers.utils.last_dimension")
def last_dimension(shape, min_rank=1):
    """Returns the last size of a shape of rank `min_rank` at least.

    Raises:
      ValueError: if it is not known.
    """
    size = shape.with_rank_at_least(min_rank).as_list()[-1]
    if size is None:
        raise ValueError("last dimension shape must be known but is None")
    return size


@export("contrib.layers.utils.n_positive_integers")
def n_positive_integers(n, value):
    """Returns `n` positive integers for one or `n` of them.

    Raises:
      ValueError: if they are no positive integers, or not as many.
    """
    given = list(value) if isinstance(value, collections.abc.Iterable) else [value] * n
    try:
        numbers = tuple(int(v) for v in given)
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != n or any(v <= 0 for v in numbers) or list(numbers) != given:
        raise ValueError(f"Expected sequence of {n} positive integers, but received {value!r}")
    return numbers


@export("contrib.layers.utils.two_element_tuple")
def two_element_tuple(int_or_tuple):
    """Returns two integers for one or two of them.

    Raises:
      ValueError: if there are not two.
    """
    if isinstance(int_or_tuple, (list, tuple)):
        if len(int_or_tuple) != 2:
            raise ValueError(f"Must be a list with 2 elements: {int_or_tuple}")
        return int(int_or_tuple[0]), int(int_or_tuple[1])
    return int(int_or_tuple), int(int_or_tuple)
