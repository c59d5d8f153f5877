"""Ops that permute: Transpose, ConjugateTranspose, InvertPermutation."""

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.base.shapes import TensorShape, unknown_shape
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import (
    Int32,
    Int64,
    Returns,
    Tensor,
    c,
    f,
    op,
)
from millstream.ops.array.joining import concat
from millstream.ops.array.shapes import rank
from millstream.ops.by_name import ops

__all__ = [
    "invert_permutation",
    "matrix_transpose",
    "transpose",
]


@op(static="perm", defaults={"Tperm": Int32})
def Transpose[T, Tperm: (Int32, Int64)](x: Tensor[T], perm: Tensor[Tperm]) -> Returns(y=Tensor[T]):
    """Permutes the dimensions: dimension `i` of the result is `perm[i]` of `x`."""


@op(static="perm", defaults={"Tperm": Int32})
def ConjugateTranspose[T, Tperm: (Int32, Int64)](x: Tensor[T], perm: Tensor[Tperm]) -> Returns(
    y=Tensor[T]
):
    """Permutes the dimensions and takes the complex conjugate."""


@op(defaults={"T": Int32})
def InvertPermutation[T: (Int32, Int64)](x: Tensor[T]) -> Returns(y=Tensor[T]):
    """Gives the permutation `y` with `y[x[i]] = i`."""


def _invalid(message):
    return errors.InvalidArgumentError(None, None, message)


# -- Transpose


@Transpose.shape
@ConjugateTranspose.shape
def _(x, perm, perm_value):
    wanted = perm.num_elements() if perm.ndims is not None else None
    if x.ndims is not None and wanted is not None and x.ndims != wanted:
        raise ValueError(f"Dimension must be {x.ndims} but is {wanted}")
    if perm_value is None or x.ndims is None:
        return unknown_shape(x.ndims if x.ndims is not None else wanted)
    sizes = x.tuple
    for p in perm_value.tolist():
        if not -len(sizes) <= p < len(sizes):
            raise ValueError(f"perm dim {p} is out of range of input rank {len(sizes)}")
    return [sizes[p] for p in perm_value.tolist()]


def _permutation(x, perm):
    order = [int(p) % max(np.ndim(x), 1) for p in perm]
    if len(order) != np.ndim(x) or len(set(order)) != len(order):
        missing = next((d for d in range(np.ndim(x)) if d not in order), 0)
        if len(order) == np.ndim(x):
            raise _invalid(f"{missing} is missing from {{{','.join(map(str, order))}}}.")
        raise _invalid(
            f"transpose expects a vector of size {np.ndim(x)}. "
            f"But input(1) is a vector of size {len(order)}"
        )
    return order


@Transpose.kernel
def _(x, perm):
    return jnp.transpose(x, _permutation(x, perm))


@Transpose.reference
def _(x, perm):
    return np.transpose(x, _permutation(x, perm.tolist()))


@ConjugateTranspose.kernel
def _(x, perm):
    return jnp.conj(jnp.transpose(x, _permutation(x, perm)))


@ConjugateTranspose.reference
def _(x, perm):
    y = np.transpose(x, _permutation(x, perm.tolist()))
    return np.conj(y) if y.dtype.kind == "c" else y


@Transpose.gradient
def _(node, dy):
    return [Transpose(dy, InvertPermutation(node.inputs[1])), None]


@ConjugateTranspose.gradient
def _(node, dy):
    return [ConjugateTranspose(dy, InvertPermutation(node.inputs[1])), None]


for _opdef in (Transpose, ConjugateTranspose):
    _opdef.examples(f[2, 3, 4], [2, 0, 1])
    _opdef.examples(f[2, 3], [1, 0])
    _opdef.fails("Dimension must be 2 but is 1", f[2, 3], [0])
    _opdef.fails("missing", f[2, 3], [0, 0])
ConjugateTranspose.examples(c[2, 3], [1, 0])


@InvertPermutation.shape
def _(x):
    return x.with_rank(1)


@InvertPermutation.kernel
def _(x, check):
    check(
        jnp.all(jnp.sort(x) == jnp.arange(x.shape[0], dtype=x.dtype)),
        _permutation_complaint,
        x,
    )
    return jnp.zeros_like(x).at[x].set(jnp.arange(x.shape[0], dtype=x.dtype))


def _permutation_complaint(x):
    seen = set()
    for value in x.tolist():
        if not 0 <= value < len(x):
            return f"{value} is not between 0 and {len(x)}"
        if value in seen:
            return f"{value} is duplicated in the input."
        seen.add(value)
    return ""


@InvertPermutation.reference
def _(x):
    complaint = _permutation_complaint(x)
    if complaint:
        raise _invalid(complaint)
    y = np.empty_like(x)
    y[x] = np.arange(len(x), dtype=x.dtype)
    return y


InvertPermutation.no_gradient("integers have none")
InvertPermutation.examples([2, 0, 1])
InvertPermutation.fails("is not between 0 and 2", [2, 0])
InvertPermutation.fails("duplicated", [0, 0])


# -- public


@export("transpose")
def transpose(a, perm=None, name="transpose", conjugate=False):
    """Returns `a` with its dimensions permuted, reversed by default.

    Args:
      a: a tensor of rank `r`.
      perm: `[r]`: dimension `i` of the result is dimension `perm[i]` of `a`.
      name: name of the node.
      conjugate: whether to take the complex conjugate too.
    """
    with name_scope(name, "transpose", [a]) as scope:
        a = convert_to_tensor(a, name="a")
        op_fn = ConjugateTranspose if conjugate and a.dtype.is_complex else Transpose
        if perm is not None:
            return op_fn(a, perm, name=scope)
        if a.shape.ndims is None:
            dims = rank(a)
            last = ops.Sub(dims, 1, name="sub")
            perm = ops.Sub(last, ops.Range(0, dims, 1), name="sub")
        else:
            perm = np.arange(a.shape.ndims - 1, -1, -1, dtype=np.int32)
        result = op_fn(a, perm, name=scope)
        if a.shape.ndims is not None:
            result.set_shape(TensorShape(a.shape.tuple[::-1]))
        return result


@export("matrix_transpose", "linalg.transpose", "linalg.matrix_transpose")
def matrix_transpose(a, name="matrix_transpose", conjugate=False):
    """Returns `a` with its last two dimensions swapped.

    Args:
      a: `[…, rows, columns]`.
      name: name of the nodes' scope.
      conjugate: whether to take the complex conjugate too.

    Raises:
      ValueError: if the rank is less than 2.
    """
    with name_scope(name, values=[a]):
        a = convert_to_tensor(a, name="a")
        dims = a.shape.ndims
        if dims is None:
            count = rank(a)
            leading = ops.Range(0, ops.Sub(count, 2, name="sub"), 1)
            swapped = [ops.Sub(count, 1, name="sub"), ops.Sub(count, 2, name="sub")]
            return transpose(a, concat([leading, swapped], 0), conjugate=conjugate)
        if dims < 2:
            raise ValueError(
                f"Argument 'a' should be a (batch) matrix, with rank >= 2.  Found: {a.shape}"
            )
        perm = [*range(dims - 2), dims - 1, dims - 2]
        return transpose(a, perm, conjugate=conjugate)


@export("invert_permutation", "math.invert_permutation")
def invert_permutation(x, name=None):
    """Returns the permutation `y` with `y[x[i]] = i`.

    Raises:
      InvalidArgumentError: when it runs, if `x` is no permutation of `0 … n - 1`.
    """
    return InvertPermutation(x, name=name)
