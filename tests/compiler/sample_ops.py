"""A dozen small ops, one per mechanism of the compiler, so that its tests need no op families."""

import threading

import numpy as np

from millstream.base.errors import CancelledError, InvalidArgumentError
from millstream.base.lazy import jnp
from millstream.base.shapes import broadcast_static_shape
from millstream.ir.spec import (
    Dynamic,
    Float,
    Host,
    Int32,
    Owns,
    Reads,
    Ref,
    Resource,
    Returns,
    Shape,
    String,
    Tensor,
    Tensors,
    Type,
    Variable,
    Writes,
    op,
)


@op
def SampleInput(*, dtype: Type, shape: Shape) -> Tensor["dtype"]:  # noqa: F821
    """Stands for a feed; has no rule, so it must be fed."""


SampleInput.shape(lambda shape: shape)


@op
def SampleAdd[T](x: Tensor[T], y: Tensor[T]) -> Tensor[T]:
    """Adds."""


@SampleAdd.kernel
@SampleAdd.reference
def _(x, y):
    return x + y


SampleAdd.shape(lambda x, y: broadcast_static_shape(x, y))


@op
def SampleMul[T](x: Tensor[T], y: Tensor[T]) -> Tensor[T]:
    """Multiplies."""


@SampleMul.kernel
@SampleMul.reference
def _(x, y):
    return x * y


SampleMul.shape(lambda x, y: broadcast_static_shape(x, y))


@op
def SampleSum[T](x: Tensor[T]) -> Tensor[T]:
    """Adds all elements up."""


@SampleSum.kernel
def _(x):
    return jnp.sum(x)


@SampleSum.reference
def _(x):
    return np.sum(x)


SampleSum.shape_scalar()


@op(static="shape")
def SampleReshape[T](x: Tensor[T], shape: Tensor[Int32]) -> Tensor[T]:
    """Reshapes."""


@SampleReshape.kernel
@SampleReshape.reference
def _(x, shape):
    return x.reshape(tuple(int(s) for s in shape))


@op
def SampleSplit[T](x: Tensor[T], *, N: int) -> Returns(parts=Tensors[T, "N"]):
    """Cuts into equal parts."""


@SampleSplit.kernel
def _(x, N):
    return list(jnp.split(x, N))


@SampleSplit.reference
def _(x, N):
    return list(np.split(x, N))


@op(stateful=True)
def SamplePositive(x: Tensor[Float]) -> Tensor[Float]:
    """Passes positive numbers and refuses others."""


@SamplePositive.kernel
def _(x, check):
    check((x > 0).all(), lambda v: f"not positive: {v.min():g}", x)
    return x


@SamplePositive.reference
def _(x):
    if not np.all(x > 0):
        raise InvalidArgumentError(None, None, f"not positive: {np.min(x):g}")
    return x


# -- state


@op(effect=Variable())
def SampleVariable(
    *, dtype: Type, shape: Shape, container: str = "", shared_name: str = ""
) -> Returns(ref=Ref["dtype"]):
    """Holds a ref variable."""


SampleVariable.shape(lambda shape: shape)


@op(effect=Variable())
def SampleHandle(
    *, dtype: Type, shape: Shape, container: str = "", shared_name: str = ""
) -> Returns(resource=Tensor[Resource]):
    """Holds a resource variable."""


SampleHandle.shape_scalar()


@op(effect=Reads("resource"))
def SampleRead(resource: Tensor[Resource], *, dtype: Type) -> Tensor["dtype"]:  # noqa: F821
    """Reads a resource variable."""


@SampleRead.kernel
@SampleRead.reference
def _(resource):
    return resource


@op(effect=Writes("ref", initial=True))
def SampleAssign[T](ref: Ref[T], value: Tensor[T]) -> Returns(output_ref=Ref[T]):
    """Assigns."""


@SampleAssign.kernel
@SampleAssign.reference
def _(value):
    return value


SampleAssign.shape(lambda ref, value: value)


@op(effect=Writes("resource", initial=True))
def SampleAssignResource[T](resource: Tensor[Resource], value: Tensor[T]) -> None:
    """Assigns to a resource variable."""


@SampleAssignResource.kernel
@SampleAssignResource.reference
def _(value):
    return value


@op(effect=Writes("ref"))
def SampleAssignAdd[T](ref: Ref[T], value: Tensor[T]) -> Returns(output_ref=Ref[T]):
    """Adds to a variable."""


@SampleAssignAdd.kernel
@SampleAssignAdd.reference
def _(ref, value):
    return ref + value


SampleAssignAdd.shape(lambda ref, value: ref)


@op(effect=Writes("ref", sparse=True))
def SampleScatterAdd[T](ref: Ref[T], rows: Tensor[Int32], value: Tensor[T]) -> Returns(
    output_ref=Ref[T]
):
    """Adds to some rows of a variable."""


@SampleScatterAdd.kernel
def _(ref, rows, value):
    return ref.at[rows].add(value)


@SampleScatterAdd.reference
def _(ref, rows, value):
    result = ref.copy()
    np.add.at(result, rows, value)
    return result


@op
def SampleGather[T](x: Tensor[T], rows: Tensor[Int32]) -> Tensor[T]:
    """Takes rows."""


@SampleGather.kernel
@SampleGather.reference
def _(x, rows):
    return x[rows]


@op(effect=Owns("count", initial=lambda node: np.zeros((), np.int32)))
def SampleCounter() -> Tensor[Int32]:
    """Counts its own runs."""


@SampleCounter.kernel
@SampleCounter.reference
def _(count):
    return count + np.int32(1), count + np.int32(1)


SampleCounter.shape_scalar()


# -- host


@op(effect=Host())
def SampleText(x: Tensor[Float]) -> Tensor[String]:
    """Spells a number."""


@SampleText.run
def _(x):
    return np.array(f"{float(np.sum(x)):g}".encode(), object)


@op(effect=Host())
def SampleParse(x: Tensor[String]) -> Tensor[Float]:
    """Reads a number."""


@SampleParse.run
def _(x):
    return np.float32(x.item())


@op(effect=Dynamic())
def SampleNonZero(x: Tensor[Float]) -> Tensor[Float]:
    """Keeps what is not zero."""


@SampleNonZero.reference
def _(x):
    return x[x != 0]


class Slot:
    """A place for one value, to put into and take from."""

    def __init__(self):
        self.ready = threading.Event()
        self.value = None


@op(effect=Host())
def SamplePut(x: Tensor[Float], *, slot: str) -> None:
    """Puts a value into a slot."""


@SamplePut.run
def _(x, ctx, slot):
    place = ctx.resources.get_or_create("", slot, Slot)
    place.value = x
    place.ready.set()


@op(effect=Host(blocking=True))
def SampleTake(*, slot: str) -> Tensor[Float]:
    """Waits until there is a value in a slot and gives it."""


@SampleTake.run
def _(ctx, slot):
    place = ctx.resources.get_or_create("", slot, Slot)
    token = ctx.cancel.register(place.ready.set)
    place.ready.wait()
    ctx.cancel.deregister(token)
    if ctx.cancel.is_cancelled:
        raise CancelledError(None, None, "the step was given up")
    place.ready.clear()
    return place.value


@op(effect=Host())
def SampleHasValue[T](ref: Ref[T]) -> Tensor[Float]:
    """Tells whether a variable has a value, as a number."""


@SampleHasValue.run
def _(ref):
    return np.float32(ref.value is not None)


SampleHasValue.shape_scalar()


@op
def SampleNoOp() -> None:
    """Orders nodes."""
