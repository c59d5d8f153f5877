"""Ops that run functions: `If`, `Case`, `While`, `PartitionedCall` and what goes with them.

What such a node does follows from the functions that its attrs name; the compiler plans these for
every call (`millstream.compiler.calls`). So the ops have no kernels here, only shapes.
"""

import numpy as np

from millstream.ir.attrs import FunctionRef
from millstream.ir.spec import (
    Calls,
    Func,
    Int32,
    ListOf,
    Returns,
    Shape,
    Tensor,
    Tensors,
    Type,
    f,
    op,
)  # fmt: skip
from millstream.ops.array import reshape
from millstream.ops.array import shape as shape_of

__all__ = ["Case", "FakeParam", "If", "Loop", "PartitionedCall", "StatefulPartitionedCall", "While"]

NO_FUNCTION = FunctionRef("")


@op(effect=Calls(), stateful=True)
def If[Tcond](
    cond: Tensor[Tcond], input: Tensors["Tin", 0], *,
    Tout: list[Type], then_branch: Func, else_branch: Func, output_shapes: list[Shape] = (),
) -> Tensors["Tout"]:  # fmt: skip
    """Runs one of two functions on `input`: `then_branch` if `cond` is true, not zero or empty."""


@op(effect=Calls())
def StatelessIf[Tcond](
    cond: Tensor[Tcond], input: Tensors["Tin", 0], *,
    Tout: list[Type], then_branch: Func, else_branch: Func, output_shapes: list[Shape] = (),
) -> Tensors["Tout"]:  # fmt: skip
    """Is `If` for functions without side effects."""


@op(effect=Calls(), stateful=True)
def Case(
    branch_index: Tensor[Int32], input: Tensors["Tin", 0], *,
    Tout: list[Type], branches: ListOf(Func, 1), output_shapes: list[Shape] = (),
) -> Tensors["Tout"]:  # fmt: skip
    """Runs the function with number `branch_index`; the last one if there is no such function."""


@op(effect=Calls(), stateful=True)
def While(
    input: Tensors["T", 0], *,
    cond: Func, body: Func, output_shapes: list[Shape] = (), parallel_iterations: int = 10,
) -> Tensors["T"]:  # fmt: skip
    """Replaces `input` by `body(*input)` as long as `cond(*input)` is true."""


@op(effect=Calls())
def StatelessWhile(
    input: Tensors["T", 0], *,
    cond: Func, body: Func, output_shapes: list[Shape] = (), parallel_iterations: int = 10,
) -> Tensors["T"]:  # fmt: skip
    """Is `While` for functions without side effects."""


@op(effect=Calls(), stateful=True)
def Loop(
    input: Tensors["T", 0], limit: Tensors[Int32, "limits", 0], slices: Tensors["Tslice", 0], *,
    Tsave: list[Type], cond: Func, body: Func, output_shapes: list[Shape] = (),
    reverse: bool = False, parallel_iterations: int = 10,
) -> Returns(output=Tensors["T"], trips=Tensor[Int32], saved=Tensors["Tsave"]):  # fmt: skip
    """Is `While` with arrays that it takes apart and puts together, an element per iteration.

    `body(*input, *elements of slices)` returns new `input`s, then the values to save. The loop ends
    after `limit` iterations, if there is a limit and it is not negative, or when `cond(*input)`, if
    there is a function, is false. `saved` are `[trips, …]`; when compiled, zeros may follow behind
    the trips. With `reverse`, the first iteration takes and makes the last of `limit` elements.
    """


@op(effect=Calls())
def PartitionedCall(
    args: Tensors["Tin", 0], *,
    Tout: list[Type], f: Func, config: str = "", config_proto: str = "", executor_type: str = "",
) -> Tensors["Tout"]:  # fmt: skip
    """Calls a function."""


@op(effect=Calls(), stateful=True)
def StatefulPartitionedCall(
    args: Tensors["Tin", 0], *,
    Tout: list[Type], f: Func, config: str = "", config_proto: str = "", executor_type: str = "",
) -> Tensors["Tout"]:  # fmt: skip
    """Calls a function that may have side effects."""


@op(effect=Calls())
def SymbolicGradient(
    input: Tensors["Tin"], *, Tout: list[Type], f: Func
) -> Tensors["Tout"]:  # fmt: skip
    """Gives the gradients of function `f`, of its arguments and of its results' gradients."""


@op
def FakeParam(*, dtype: Type, shape: Shape) -> Tensor["dtype"]:
    """Stands for an output that a branch does not compute and nobody looks at."""


@FakeParam.shape
def _(shape):
    return shape


@FakeParam.kernel
@FakeParam.reference
def _(dtype, shape):
    return np.zeros([size or 0 for size in shape.tuple or ()], dtype.np)


@op
def LoopRows[T](stacked: Tensor[T]) -> Tensor[T]:
    """Puts the rows that the iterations of a loop saved one behind the other.

    `[trips, rows, …]` becomes `[trips * rows, …]`.
    """


@LoopRows.shape
def _(stacked):
    return stacked[1:] if stacked.ndims is None else [None, *stacked.tuple[2:]]


@LoopRows.kernel
def _(stacked):
    return stacked.reshape((-1, *stacked.shape[2:]))


@LoopRows.reference
def _(stacked):
    if stacked.dtype == object and len(stacked):  # of differing numbers of rows
        return np.concatenate(list(stacked))
    return stacked.reshape((stacked.shape[0] * stacked.shape[1], *stacked.shape[2:]))


@LoopRows.gradient
def _(node, dy):
    return reshape(dy, shape_of(node.inputs[0]))


LoopRows.examples(f[2, 3, 4])
LoopRows.examples(f[3, 2])


FakeParam.no_gradient("it has no inputs")
FakeParam.examples(dtype=np.float32, shape=[2])


def _declared_shapes(node, output_shapes):
    """Gives the shapes that the attr spells, as far as it does."""
    return tuple(output_shapes) or (None,) * len(node.values())


for _opdef in (If, StatelessIf, Case, While, StatelessWhile):
    _opdef.shape(_declared_shapes)


@Loop.shape
def _(node, output_shapes):
    return tuple(output_shapes) or (None,) * len(node.values())


@PartitionedCall.shape
def _(node):
    return (None,) * len(node.values())


@StatefulPartitionedCall.shape
def _(node):
    return (None,) * len(node.values())


@SymbolicGradient.shape
def _(node, input):
    return tuple(input[: len(node.values())])
