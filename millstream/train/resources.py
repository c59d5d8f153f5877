"""Resources that are neither variables nor tables: which a graph has, and their initialisation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from millstream.base.dtypes import String
from millstream.ir.constant import constant
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import name_scope
from millstream.ops.array.gathering import boolean_mask
from millstream.ops.array.joining import stack
from millstream.ops.by_name import ops
from millstream.ops.flow.groups import group, no_op


class Resource(NamedTuple):
    """A resource with the nodes that make it and tell whether it is there."""

    handle: Any
    create: Any
    is_initialized: Any


def register_resource(handle: Any, create_op: Any, is_initialized_op: Any, is_shared=True) -> None:
    """Adds a resource to those that sessions initialise before a training.

    Args:
      handle: the tensor of its handle.
      create_op: the node that makes it.
      is_initialized_op: a bool tensor: whether it is there.
      is_shared: whether all workers share it.
    """
    key = GraphKeys.RESOURCES if is_shared else GraphKeys.LOCAL_RESOURCES
    get_default_graph().add_to_collection(key, Resource(handle, create_op, is_initialized_op))


def shared_resources() -> list[Any]:
    """Lists the resources that all workers share."""
    return get_default_graph().get_collection(GraphKeys.RESOURCES)


def local_resources() -> list[Any]:
    """Lists the resources of this worker."""
    return get_default_graph().get_collection(GraphKeys.LOCAL_RESOURCES)


def initialize_resources(resource_list: Iterable[Any], name: str = "init") -> Any:
    """Returns a node that makes the resources."""
    nodes = [resource.create for resource in resource_list]
    return group(*nodes, name=name) if nodes else no_op(name=name)


def report_uninitialized_resources(
    resource_list: Iterable[Any] | None = None, name: str = "report_uninitialized_resources"
) -> Any:
    """Returns the names of the resources that are not there yet, a string vector."""
    found = [*shared_resources(), *local_resources()] if resource_list is None else resource_list
    found = list(found)
    with name_scope(name):
        if not found:
            return constant([], dtype=String)
        missing = ops.LogicalNot(stack([resource.is_initialized for resource in found]))
        return boolean_mask(constant([resource.handle.name for resource in found]), missing)
