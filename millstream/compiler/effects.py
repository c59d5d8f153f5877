"""What each node does to state: which variables it reads and writes, and through which inputs.

A variable's handle (`VariableV2`, `VarHandleOp`) has no value at run time. Handles are followed
back through ref and resource edges while planning, so that a node that takes one becomes a node
that takes, and perhaps replaces, the variable's current array.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from millstream.base import dtypes
from millstream.base.errors import UnimplementedError
from millstream.ir.node import Operation
from millstream.ir.opdef import Host, Owns, Reads, Variable, Writes
from millstream.ir.tensor import Tensor
from millstream.rewrite.program import Program

_IDENTITIES = frozenset({"Identity", "RefIdentity"})
_PASS_HANDLES_ON = _IDENTITIES | {
    *("Switch", "RefSwitch", "Merge", "RefMerge", "Enter", "RefEnter", "Exit", "RefExit"),
}


class Key(NamedTuple):
    """The name of a piece of state within a session.

    `kind` is `ref` or `resource` for variables, `owned` for what a single node keeps to itself.
    """

    kind: str
    container: str
    name: str


class Role(Enum):
    """How a node takes one of its inputs."""

    VALUE = "value"  # the tensor's array
    STATE = "state"  # the current array of a variable
    ABSENT = "absent"  # nothing: the variable is to be replaced without a look at it
    HANDLE = "handle"  # the variable itself, its cell


class Operand(NamedTuple):
    """One flat input of a node: its role, and the tensor or variable behind it."""

    role: Role
    tensor: Tensor
    key: Key | None


class Access(NamedTuple):
    """What a node takes and which variables it touches.

    Attributes:
      operands: One per flat input.
      reads: Variables whose old value the node looks at.
      writes: Variables that it replaces, in the order in which its rule returns them.
      owned: The state that only this node has, or None.
    """

    operands: tuple[Operand, ...]
    reads: tuple[Key, ...]
    writes: tuple[Key, ...]
    owned: Key | None


def key_of_variable(node: Operation) -> Key:
    """Names the state behind a variable's handle node."""
    kind = "ref" if node.values()[0].dtype.is_ref else "resource"
    attrs = node.attrs
    return Key(kind, attrs.get("container", ""), attrs.get("shared_name") or node.name)


def variable_behind(program: Program, tensor: Tensor) -> Operation | None:
    """Follows a ref or resource edge back to the variable's handle node, if it leads to one."""
    while True:
        bound = program.handles.get(tensor)
        if bound is not None:
            return bound
        source = getattr(tensor, "_source", None)  # captured from around a function
        if source is not None:
            tensor = source
            continue
        if tensor in program.fed:
            return None
        node = tensor.op
        effect = node.opdef.effect
        if isinstance(effect, Variable):
            return node
        if isinstance(effect, Writes) and tensor.dtype.is_ref:
            tensor = program.resolve(node.inputs[_position(node, effect.names[0])])
        elif node.type in _PASS_HANDLES_ON:
            tensor = program.resolve(node.inputs[0])
        else:
            return None


def is_handle(tensor: Tensor) -> bool:
    """Tells whether a tensor stands for a variable or another resource instead of a value."""
    return tensor.dtype.is_ref or tensor.dtype is dtypes.resource


def _position(node: Operation, name: str) -> int:
    opdef = node.opdef
    index = next(i for i, arg in enumerate(opdef.inputs) if arg.name == name)
    return opdef.input_spans(node)[index][0]


def _named_positions(node: Operation, names: tuple[str, ...]) -> list[int]:
    """Gives the flat positions of the inputs called `names`, in the order of `names`."""
    spans = node.opdef.input_spans(node)
    index_of = {arg.name: i for i, arg in enumerate(node.opdef.inputs)}
    return [p for name in names for p in range(*spans[index_of[name]])]


def _key_behind(program: Program, node: Operation, tensor: Tensor) -> Key:
    variable = variable_behind(program, tensor)
    if variable is None:
        raise UnimplementedError(
            None, node, f"{node.type} {node.name!r}: cannot tell which variable {tensor.name} is."
        )
    return key_of_variable(variable)


def access_of(program: Program, node: Operation, written: frozenset[Key] = frozenset()) -> Access:
    """Works out how a node takes its inputs and which variables it touches.

    Args:
      program: The program.
      node: The node.
      written: Variables that nodes write which must run before this one. Where it takes the
        snapshot of one of them (`w/read`), it sees what was written: in TensorFlow the snapshot
        of a ref variable is no copy but the variable's buffer.

    Raises:
      UnimplementedError: If a variable that it touches is only known at run time.
    """
    effect = node.opdef.effect
    tensors = program.inputs(node)
    if effect is None and not written and not any(is_handle(t) for t in tensors):
        return Access(tuple(Operand(Role.VALUE, t, None) for t in tensors), (), (), None)
    named: list[int] = []
    if isinstance(effect, (Reads, Writes)):
        named = _named_positions(node, effect.names)
    initial = isinstance(effect, Writes) and effect.initial
    operands: list[Operand] = []
    for position, tensor in enumerate(tensors):
        if position in named:
            role = Role.ABSENT if initial else Role.STATE
            operands.append(Operand(role, tensor, _key_behind(program, node, tensor)))
        else:
            snapshot = _snapshot_operand(program, tensor, written) if written else None
            operands.append(snapshot or _plain_operand(program, node, position, tensor))
    writes: list[Key] = []
    if isinstance(effect, Writes):
        writes = [key for p in named if (key := operands[p].key)]
    reads = dict.fromkeys(o.key for o in operands if o.role is Role.STATE and o.key)
    owned = Key("owned", "", program.prefix + node.name) if isinstance(effect, Owns) else None
    return Access(tuple(operands), tuple(reads), tuple(writes), owned)


def _snapshot_operand(program: Program, tensor: Tensor, written: frozenset[Key]) -> Operand | None:
    """Gives the operand for the snapshot of a ref variable that was written since."""
    if tensor.op.type != "Identity" or program.is_known(tensor):
        return None
    source = program.resolve(tensor.op.inputs[0])
    if not source.dtype.is_ref:
        return None
    variable = variable_behind(program, source)
    if variable is None or key_of_variable(variable) not in written:
        return None
    return Operand(Role.STATE, source, key_of_variable(variable))


def _plain_operand(program: Program, node: Operation, position: int, tensor: Tensor) -> Operand:
    if not is_handle(tensor):
        return Operand(Role.VALUE, tensor, None)
    variable = variable_behind(program, tensor)
    if variable is None:
        return Operand(Role.VALUE, _passed_on(program, tensor), None)
    key = key_of_variable(variable)
    takes_handle = tensor.dtype is dtypes.resource or _declares_ref(node, position)
    if takes_handle and isinstance(node.opdef.effect, Host):
        return Operand(Role.HANDLE, tensor, key)
    return Operand(Role.STATE, tensor, key)


def _passed_on(program: Program, tensor: Tensor) -> Tensor:
    """Gives the handle of a queue or the like that identities, which never run, pass on."""
    while tensor.op.type in _IDENTITIES and not program.is_known(tensor):
        tensor = program.resolve(tensor.op.inputs[0])
    return tensor


def _declares_ref(node: Operation, position: int) -> bool:
    spans = node.opdef.input_spans(node)
    return any(
        arg.is_ref and start <= position < stop
        for arg, (start, stop) in zip(node.opdef.inputs, spans)
    )
