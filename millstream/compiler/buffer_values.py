"""TensorArrays and lists as values of compiled code: pytrees where everything else is an array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.base import dtypes
from millstream.base.lazy import jax
from millstream.ir.node import Operation
from millstream.ir.opdef import Host
from millstream.ir.tensor import Tensor
from millstream.ops.flow.buffers import Buffer, HostBuffer
from millstream.ops.flow.traced_buffers import TracedBuffer, traced

_PASS_ON = frozenset({"AddN", "Enter", "Exit", "Identity", "Merge", "Switch", "ZerosLike"})


def holds_buffer(tensor: Tensor) -> bool:
    """Tells whether a handle or variant is a value that compiled code can hold.

    Handles of queues, tables, iterators and datasets are not. A variant that a function is given
    is taken to be a list; if it is a dataset after all, the function cannot be compiled.
    """
    seen: set[Tensor] = set()
    while tensor not in seen:
        seen.add(tensor)
        node = tensor.op
        if node.opdef.has_buffers:
            return True
        source = getattr(tensor, "_source", None)
        if source is not None:
            tensor = source
        elif node.type in _PASS_ON and node.inputs:
            tensor = node.inputs[0]
        else:
            return tensor.dtype is dtypes.variant and not isinstance(node.opdef.effect, Host)
    return False


def maker_of(tensor: Tensor) -> Operation | None:
    """Gives the node that made the TensorArray behind a handle, if the graph tells."""
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor.op if tensor.op.type == "TensorArrayV3" else None


def is_buffer(value: Any) -> bool:
    """Tells whether a value is the contents of an array or list, in either form."""
    return isinstance(value, Buffer)


def signature(value: Any) -> Any:
    """Gives something hashable that is equal for values which one executable can take."""
    if not isinstance(value, HostBuffer):
        leaves, tree = jax.tree_util.tree_flatten(value)
        return tree, tuple([x.shape for x in leaves])
    shapes = {getattr(v, "shape", None) for v in value.items.values()}
    return value.spec, value.length, len(shapes), next(iter(shapes), None)


def described(value: Buffer) -> Any:
    """Gives a buffer with shapes and dtypes in place of arrays."""
    describe: Callable[[Any], Any] = lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype)  # noqa: E731
    return jax.tree_util.tree_map(describe, traced(value))


def owned(value: TracedBuffer, own: Callable[[Any], Any]) -> TracedBuffer:
    """Gives a buffer whose arrays share memory with nothing else."""
    return jax.tree_util.tree_map(own, value)
