"""Builds one node from an op's example, with every array that its rules need, for the contract
tests.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.dtypes import DType
from millstream.ir.convert import to_tensor
from millstream.ir.examples import Template
from millstream.ir.graph import Graph
from millstream.ir.node import Operation
from millstream.ir.opdef import ArgSpec, Host, OpDef, Owns, Reads, Variable, Writes
from millstream.ir.registry import get


@dataclass
class Case:
    """A node made from an example: its input arrays, and where they came from."""

    node: Operation
    arrays: list[Any]
    """One per flat input; for variables the state behind them."""

    @property
    def opdef(self) -> OpDef:
        return self.node.opdef

    @property
    def extra(self) -> list[Any]:
        """The hidden state array of ops that own one."""
        effect = self.opdef.effect
        return [np.asarray(effect.initial(self.node))] if isinstance(effect, Owns) else []

    def static_mask(self) -> list[bool]:
        """For each flat input, whether the compiler must know its value."""
        mask = [False] * len(self.arrays)
        for arg, (start, stop) in zip(
            self.opdef.inputs, self.opdef.input_spans(self.node), strict=True
        ):
            for i in range(start, stop):
                mask[i] = arg.name in self.opdef.static
        return mask


def build(graph: Graph, opdef: OpDef, args: Any, kwargs: Any, retype: dict[str, DType]) -> Case:
    """Makes the node of an example; `retype` chooses the types of type attrs for template data."""
    arrays: list[Any] = []
    inputs: list[Any] = []
    with graph.as_default():
        for arg, value in zip(opdef.inputs, args, strict=False):
            items = list(value) if arg.is_list else [value]
            data = [_data(item, arg, retype) for item in items]
            tensors = [_tensor(opdef, arg, item) for item in data]
            arrays += data
            inputs.append(tensors if arg.is_list else tensors[0])
        attrs = {k: retype.get(k, v) for k, v in kwargs.items()}
        result = opdef(*inputs, **attrs)
    return Case(_node_of(result, graph), arrays)


def _node_of(result: Any, graph: Graph) -> Operation:
    del result
    return graph.nodes[-1]


def _data(item: Any, arg: ArgSpec, retype: dict[str, DType]) -> Any:
    wanted = retype.get(arg.type_attr or "", arg.dtype)
    if wanted in (dtypes.resource, dtypes.variant):
        # Behind the handle lies a variable of the type that the other operands have.
        wanted = retype.get("T", retype.get("dtype"))
    if isinstance(item, Template):
        return item.make(wanted)
    if wanted is not None and isinstance(item, np.ndarray) and arg.type_attr in retype:
        return item.astype(wanted.np)
    array = np.asarray(item)
    if array.dtype.kind in "SU" or wanted == dtypes.string:
        encoded = [s.encode() if isinstance(s, str) else s for s in np.ravel(array).tolist()]
        return np.array(encoded, dtype=object).reshape(array.shape)
    if wanted is not None and not isinstance(item, np.ndarray):
        return array.astype(wanted.np)
    if array.dtype == np.float64 and not isinstance(item, np.ndarray):
        return array.astype(np.float32)
    if array.dtype == np.int64 and not isinstance(item, np.ndarray):
        return array.astype(np.int32)
    return array


def _tensor(opdef: OpDef, arg: ArgSpec, array: Any) -> Any:
    effect = opdef.effect
    stateful = isinstance(effect, Reads | Writes) and arg.name in effect.names
    if not (stateful or arg.is_ref):
        return to_tensor(array)
    dtype = dtypes.as_dtype(array.dtype)
    op = get("VariableV2" if arg.is_ref else "VarHandleOp")
    return op(shape=array.shape, dtype=dtype, shared_name="", container="")


def differentiable_inputs(case: Case) -> list[int]:
    """Returns the indices of the inputs that gradients are checked for."""
    return [
        i
        for i, (array, static) in enumerate(zip(case.arrays, case.static_mask(), strict=True))
        if np.asarray(array).dtype.kind == "f" and not static
    ]


def is_pure(opdef: OpDef) -> bool:
    """Whether the op computes outputs from inputs alone."""
    return not isinstance(opdef.effect, Host | Variable | Reads | Writes | Owns)


def type_choices(opdef: OpDef, kwargs: dict[str, Any]) -> list[dict[str, DType]]:
    """Returns the choices of type attr `T` (or the only type parameter) that an example is tried
    with.
    """
    names = [s.name for s in opdef.attrs.values() if s.kind == "type" and s.inferred]
    main = "T" if "T" in names else (names[0] if len(names) == 1 else None)
    if main is None or opdef.attrs[main].allowed is None or main in kwargs:
        return [{}]
    computed = opdef.computed_types.get(main, opdef.attrs[main].allowed)
    return [{main: t} for t in computed if t.np.kind != "O" and not t.is_quantized]


def represents_its_kind(retype: dict[str, DType]) -> bool:
    """Whether kernels are compiled for a type choice: one of each kind, and both usual precisions.

    For a kernel the other types differ from these in rounding and range alone.
    """
    return not set(retype.values()) - {
        *(dtypes.float32, dtypes.float64, dtypes.int32, dtypes.uint8, dtypes.complex64),
        dtypes.bool_,
    }
