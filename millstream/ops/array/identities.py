"""Ops that pass values on: Identity and its kin, EnsureShape."""

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import lax
from millstream.ir.composite import SparseTensor
from millstream.ir.opdef import OpDef
from millstream.ir.spec import Ref, Returns, Shape, Tensor, Tensors, f, i, op

__all__ = ["ensure_shape", "guarantee_const", "identity", "identity_n", "stop_gradient"]


@op
def Identity[T](input: Tensor[T]) -> Tensor[T]:
    """Passes a tensor on."""


@op
def IdentityN(input: Tensors["T"]) -> Tensors["T"]:
    """Passes several tensors on."""


@op
def StopGradient[T](input: Tensor[T]) -> Tensor[T]:
    """Passes a tensor on and keeps gradients from flowing back through it."""


@op
def PreventGradient[T](input: Tensor[T], *, message: str = "") -> Tensor[T]:
    """Passes a tensor on and refuses to be differentiated."""


@op
def Snapshot[T](input: Tensor[T]) -> Tensor[T]:
    """Passes on a copy of a tensor."""


@op(stateful=True)
def GuaranteeConst[T](input: Tensor[T]) -> Tensor[T]:
    """Passes a tensor on, of which the program promises that it never changes."""


@op(stateful=True)
def DeepCopy[T](x: Tensor[T]) -> Returns(y=Tensor[T]):
    """Passes on a copy of a tensor that nothing else overwrites."""


@op
def RefIdentity[T](input: Ref[T]) -> Ref[T]:
    """Passes a variable's reference on."""


@op
def EnsureShape[T](input: Tensor[T], *, shape: Shape) -> Tensor[T]:
    """Passes a tensor on if it has the wanted shape."""


def _pass_on(opdef: OpDef) -> None:
    def rule(input):
        return input

    opdef.shape_unchanged()
    opdef.kernel(rule)
    opdef.reference(rule)
    opdef.examples(f[2, 3]).examples(f[()])


for _opdef in (Identity, StopGradient, PreventGradient, GuaranteeConst, Snapshot, RefIdentity):
    _pass_on(_opdef)


@Identity.gradient
@GuaranteeConst.gradient
@RefIdentity.gradient
@Snapshot.gradient
def _(_node, dy):
    return dy


StopGradient.no_gradient("it is there to have none")


@PreventGradient.gradient
def _(node, dy):
    raise LookupError(
        f"Gradient explicitly disabled at '{node.name}'. Reason: {node.attrs['message']}"
    )


DeepCopy.shape_unchanged()
DeepCopy.no_gradient("it copies state")
DeepCopy.examples(f[2, 3])


@DeepCopy.kernel
def _(x):
    return lax.optimization_barrier(x)


@DeepCopy.reference
def _(x):
    return np.array(x)


@IdentityN.shape
def _(input):
    return tuple(input)


@IdentityN.kernel
@IdentityN.reference
def _(input):
    return tuple(input)


@IdentityN.gradient
def _(_node, *dys):
    return list(dys)


IdentityN.examples([f[2], i[3]])


@EnsureShape.shape
def _(input, shape):
    return shape.merge_with(input)


@EnsureShape.kernel
@EnsureShape.reference
def _(input, shape, node):
    if not shape.is_compatible_with(np.shape(input)):
        found = ",".join(map(str, np.shape(input)))
        wanted = ",".join("?" if d is None else str(d) for d in shape.as_list())
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Shape of tensor {node.inputs[0].op.name} [{found}] is not compatible with "
            f"expected shape [{wanted}].",
        )
    return input


@EnsureShape.gradient
def _(_node, dy):
    return dy


EnsureShape.examples(f[2, 3], shape=[2, None])
EnsureShape.examples(f[2, 3], shape=None)
EnsureShape.fails("not compatible", f[2, 3], shape=[2, 4])


@export("identity")
def identity(input, name=None):
    """Returns a tensor with the values of `input`, as a node of its own.

    Args:
      input: a tensor, or a `SparseTensor`, whose three parts are passed on.
      name: name of the node.
    """
    if isinstance(input, SparseTensor):
        return SparseTensor(*(Identity(part, name=name) for part in input.component_tensors))
    return Identity(input, name=name)


@export("identity_n")
def identity_n(input, name=None):
    """Returns a list of tensors with the values of those in the list `input`."""
    return IdentityN(input, name=name)


@export("stop_gradient")
def stop_gradient(input, name=None):
    """Returns `input`, as a constant as far as gradients are concerned."""
    return StopGradient(input, name=name)


@export("guarantee_const")
def guarantee_const(input, name=None):
    """Returns `input`, promising that its value never changes from step to step."""
    return GuaranteeConst(input, name=name)


@export("ensure_shape")
def ensure_shape(x, shape, name=None):
    """Returns `x`, with `shape` merged into its static shape and checked when it runs.

    Raises:
      ValueError: if the static shape contradicts `shape`.
      InvalidArgumentError: when it runs, if the value's shape does.
    """
    return EnsureShape(x, shape=shape, name=name)
