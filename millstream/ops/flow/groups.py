"""Nodes that wait for others: NoOp, `tf.group`, `tf.tuple`, `with_dependencies`."""

from millstream.base import nest
from millstream.base.export import export
from millstream.ir.composite import IndexedSlices, SparseTensor
from millstream.ir.convert import convert_to_tensor, to_tensor
from millstream.ir.node import Operation
from millstream.ir.scopes import colocate_with, control_dependencies, device, name_scope
from millstream.ir.spec import op
from millstream.ir.tensor import Tensor, is_dense_tensor_like
from millstream.ops.array.identities import Identity, RefIdentity

__all__ = ["group", "no_op", "tuple_", "with_dependencies"]


@op(stateful=True)
def NoOp() -> None:
    """Does nothing; it is there to be waited for."""


NoOp.no_gradient("it has no outputs")
NoOp.examples()


@export("no_op")
def no_op(name=None):
    """Returns a node that does nothing, to hang control dependencies on."""
    return NoOp(name=name)


@export("group")
def group(*inputs, **kwargs):
    """Returns a node that is done when all of `inputs` are.

    Args:
      *inputs: nodes, tensors, or nested structures of these.
      **kwargs: `name` of the node.

    Raises:
      ValueError: for other keywords.
      TypeError: if one of the inputs is no node or tensor.
    """
    name = kwargs.pop("name", None)
    if kwargs:
        raise ValueError("Unknown keyword arguments: " + ", ".join(kwargs))
    with name_scope(name, "group_deps", inputs) as scope:
        if not inputs:
            return no_op(name=scope)
        by_device = {}
        for item in nest.flatten(inputs, expand_composites=True):
            if not hasattr(item, "device"):
                raise TypeError(
                    f"Expected tf.group() expected Tensor arguments not '{item}' "
                    f"with type '{type(item)}'"
                )
            by_device.setdefault(item.device, []).append(item)
        if len(by_device) == 1:
            ((where, items),) = by_device.items()
            return _after(where, items, scope)
        parts = [_after(where, by_device[where], None) for where in sorted(by_device)]
        with control_dependencies(parts):
            return no_op(name=scope)


def _after(where, items, name):
    with control_dependencies(items), device(where):
        return no_op(name=name)


@export("tuple")
def tuple_(tensors, name=None, control_inputs=None):
    """Returns the tensors of a list, each of which is there only when all of them are.

    Args:
      tensors: tensors, `IndexedSlices`, nodes or `None`s.
      name: name of the nodes' scope.
      control_inputs: more nodes to wait for.

    Returns:
      A list like `tensors`.

    Raises:
      ValueError: if there is nothing to wait for.
      TypeError: if `control_inputs` holds anything but nodes and tensors.
    """
    with name_scope(name, "tuple", tensors):
        tensors = [t if t is None or _is_gateable(t) else convert_to_tensor(t) for t in tensors]
        gating = [_node_of(t) for t in tensors if t is not None]
        for item in control_inputs or ():
            if not isinstance(item, (Operation, Tensor)):
                raise TypeError(f"Control input must be Operation or Tensor: {item}")
            gating.append(_node_of(item))
        if not gating:
            raise ValueError(f"Must have at least one Tensor: {tensors}")
        gate = group(*sorted(set(gating), key=lambda node: node.id))
        return [_gated(gate, t) for t in tensors]


def _is_gateable(value):
    return isinstance(value, (Operation, IndexedSlices)) or is_dense_tensor_like(value)


def _node_of(value):
    return value if isinstance(value, Operation) else value.op


def _gated(gate, value):
    if value is None:
        return None
    if isinstance(value, Operation):
        with control_dependencies([gate]):
            return no_op()
    return with_dependencies([gate], value)


def with_dependencies(dependencies, output_tensor, name=None):
    """Returns `output_tensor` as a node that waits for `dependencies`.

    Args:
      dependencies: nodes or tensors.
      output_tensor: a tensor, `IndexedSlices` or `SparseTensor`.
      name: name of the node.
    """
    values = [*dependencies, output_tensor]
    with (
        name_scope(name, "control_dependency", values) as scope,
        colocate_with(output_tensor),
        control_dependencies(dependencies),
    ):
        if isinstance(output_tensor, IndexedSlices):
            rows = _pass_on(output_tensor.values, scope)
            return IndexedSlices(rows, output_tensor.indices, output_tensor.dense_shape)
        if isinstance(output_tensor, SparseTensor):
            kept = _pass_on(output_tensor.values, scope)
            return SparseTensor(output_tensor.indices, kept, output_tensor.dense_shape)
        return _pass_on(output_tensor, scope)


def _pass_on(value, name):
    tensor = to_tensor(value, as_ref=True)
    return RefIdentity(tensor, name=name) if tensor.dtype.is_ref else Identity(tensor, name=name)
