"""Ops on diagonals: Diag, MatrixDiag, MatrixSetDiag, MatrixBandPart and their kin."""

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jnp
from millstream.base.shapes import TensorShape, unknown_shape
from millstream.ir.spec import (
    BFloat16,
    Complex64,
    Complex128,
    Double,
    Float,
    Half,
    Int32,
    Int64,
    Returns,
    Tensor,
    f,
    op,
)
from millstream.ops.array.filling import zeros_like
from millstream.ops.by_name import ops

__all__ = [
    "diag",
    "diag_part",
    "matrix_band_part",
    "matrix_diag",
    "matrix_diag_part",
    "matrix_set_diag",
]

_DIAGONAL = (BFloat16, Half, Float, Double, Int32, Int64, Complex64, Complex128)


@op
def Diag[T: _DIAGONAL](diagonal: Tensor[T]) -> Tensor[T]:
    """Makes the array with `diagonal` where both halves of its index are equal, else zero."""


@op
def DiagPart[T: _DIAGONAL](input: Tensor[T]) -> Returns(diagonal=Tensor[T]):
    """Gives the elements for which both halves of the index are equal."""


@op
def MatrixDiag[T](diagonal: Tensor[T]) -> Tensor[T]:
    """Makes square matrices with the rows of `diagonal` on their main diagonals."""


@op
def MatrixDiagPart[T](input: Tensor[T]) -> Returns(diagonal=Tensor[T]):
    """Gives the main diagonals of matrices."""


@op
def MatrixSetDiag[T](input: Tensor[T], diagonal: Tensor[T]) -> Tensor[T]:
    """Replaces the main diagonals of matrices."""


@op(static=("num_lower", "num_upper"), defaults={"Tindex": Int64})
def MatrixBandPart[T, Tindex: (Int32, Int64)](
    input: Tensor[T], num_lower: Tensor[Tindex], num_upper: Tensor[Tindex]
) -> Returns(band=Tensor[T]):
    """Sets to zero what lies outside of a band around the main diagonals of matrices."""


# -- Diag


@Diag.shape
def _(diagonal):
    if diagonal.ndims == 0:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    return diagonal.concatenate(diagonal)


def _diag(np_, diagonal):
    size = diagonal.size
    return np_.diag(diagonal.reshape(size)).reshape(diagonal.shape * 2)


@Diag.kernel
def _(diagonal):
    return _diag(jnp, diagonal)


@Diag.reference
def _(diagonal):
    return _diag(np, diagonal)


@Diag.gradient
def _(_node, dy):
    return DiagPart(dy)


Diag.examples(f[3])
Diag.examples(f[2, 2])
Diag.fails("at least rank 1", f[()])


@DiagPart.shape
def _(input):
    if input.ndims is None:
        return unknown_shape()
    if input.ndims == 0 or input.ndims % 2:
        raise ValueError(f"Input must have even and non-zero rank, input rank is {input.ndims}")
    half = input.ndims // 2
    for a, b in zip(input.tuple[:half], input.tuple[half:]):
        if a is not None and b is not None and a != b:
            raise ValueError(f"Dimensions must be equal, but are {a} and {b}")
    return TensorShape(input.tuple[:half]).merge_with(input.tuple[half:])


def _diag_part(np_, input):
    half = input.shape[: input.ndim // 2]
    size = int(np.prod(half))
    return np_.diagonal(input.reshape(size, size)).reshape(half)


@DiagPart.kernel
def _(input):
    return _diag_part(jnp, input)


@DiagPart.reference
def _(input):
    return _diag_part(np, input).copy()


@DiagPart.gradient
def _(_node, dy):
    return Diag(dy)


DiagPart.examples(f[3, 3])
DiagPart.examples(f[2, 3, 2, 3])
DiagPart.fails("even and non-zero rank", f[3])


# -- matrices, main diagonal


@MatrixDiag.shape
def _(diagonal):
    return diagonal.with_rank_at_least(1).concatenate(diagonal[-1:])


def _matrix_diag(np_, diagonal):
    on_diagonal = np_.eye(diagonal.shape[-1], dtype=bool)
    return np_.where(on_diagonal, diagonal[..., None], np_.zeros((), diagonal.dtype))


@MatrixDiag.kernel
def _(diagonal):
    return _matrix_diag(jnp, diagonal)


@MatrixDiag.reference
def _(diagonal):
    return _matrix_diag(np, diagonal)


@MatrixDiag.gradient
def _(_node, dy):
    return MatrixDiagPart(dy)


MatrixDiag.examples(f[2, 3])
MatrixDiag.fails("rank at least 1", f[()])


@MatrixDiagPart.shape
def _(input):
    if input.ndims is None:
        return unknown_shape()
    rows, columns = input.with_rank_at_least(2).tuple[-2:]
    least = None if None in (rows, columns) else min(rows, columns)
    return [*input.tuple[:-2], least]


@MatrixDiagPart.kernel
def _(input):
    return jnp.diagonal(input, axis1=-2, axis2=-1)


@MatrixDiagPart.reference
def _(input):
    return np.diagonal(input, axis1=-2, axis2=-1).copy()


@MatrixDiagPart.gradient
def _(node, dy):
    rows, columns = node.inputs[0].shape.tuple[-2:] if node.inputs[0].shape.ndims else (None, None)
    if rows is not None and rows == columns:
        return MatrixDiag(dy)
    return MatrixSetDiag(zeros_like(node.inputs[0]), dy)


MatrixDiagPart.examples(f[2, 3, 3])
MatrixDiagPart.examples(f[2, 3])
MatrixDiagPart.fails("rank at least 2", f[3])


@MatrixSetDiag.shape
def _(input, diagonal):
    if input.ndims is None:
        return input
    rows, columns = input.with_rank_at_least(2).tuple[-2:]
    if diagonal.ndims is None:
        return input
    diagonal.with_rank(input.ndims - 1)
    least = None if None in (rows, columns) else min(rows, columns)
    last = diagonal.tuple[-1]
    if least is not None and last is not None and least != last:
        raise ValueError(f"Dimensions must be equal, but are {least} and {last}")
    batch = TensorShape(input.tuple[:-2]).merge_with(diagonal.tuple[:-1])
    return [*batch.tuple, rows, columns]


def _set_diag(np_, input, diagonal):
    rows, columns = input.shape[-2:]
    missing = columns - diagonal.shape[-1]
    wide = np_.pad(diagonal, [(0, 0)] * (diagonal.ndim - 1) + [(0, missing)])
    return np_.where(np.eye(rows, columns, dtype=bool), wide[..., None, :], input)


@MatrixSetDiag.kernel
def _(input, diagonal):
    return _set_diag(jnp, input, diagonal)


@MatrixSetDiag.reference
def _(input, diagonal):
    result = np.array(input)
    places = np.arange(diagonal.shape[-1])
    result[..., places, places] = diagonal
    return result


@MatrixSetDiag.gradient
def _(node, dy):
    return [MatrixSetDiag(dy, ops.ZerosLike(node.inputs[1])), MatrixDiagPart(dy)]


MatrixSetDiag.examples(f[2, 3, 3], f[2, 3])
MatrixSetDiag.examples(f[2, 3], f[2])
MatrixSetDiag.examples(f[3, 2], f[2])
MatrixSetDiag.fails("must be equal", f[2, 3], f[3])


@MatrixBandPart.shape
def _(input):
    return input


def _band(shape, num_lower, num_upper):
    """Returns the booleans of a band."""
    if len(shape) < 2:
        raise errors.InvalidArgumentError(
            None, None, f"input must be at least 2-dim, received shape: {list(shape)}"
        )
    rows, columns = shape[-2:]
    lower, upper = int(num_lower), int(num_upper)
    for name, count, size, what in (
        ("num_lower", lower, rows, "rows"),
        ("num_upper", upper, columns, "columns"),
    ):
        if count > size:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"{name} must be negative or less or equal to number of {what} ({size}) "
                f"got: {count}",
            )
    below = np.arange(rows)[:, None] - np.arange(columns)
    return ((lower < 0) | (below <= lower)) & ((upper < 0) | (-below <= upper))


@MatrixBandPart.kernel
def _(input, num_lower, num_upper):
    band = _band(input.shape, num_lower, num_upper)
    return jnp.where(band, input, jnp.zeros((), input.dtype))


@MatrixBandPart.reference
def _(input, num_lower, num_upper, T):
    result = np.array(input)
    result[..., ~_band(np.shape(input), num_lower, num_upper)] = T.np.type(0)
    return result


@MatrixBandPart.gradient
def _(node, dy):
    return [MatrixBandPart(dy, *node.inputs[1:]), None, None]


MatrixBandPart.examples(f[3, 4], 1, 0)
MatrixBandPart.examples(f[2, 3, 4], -1, 1)
MatrixBandPart.fails("num_lower must be negative", f[3, 4], 4, 0)


# -- public


@export("diag", "linalg.tensor_diag")
def diag(diagonal, name=None):
    """Returns zeros with `diagonal` where both halves of the index are equal.

    Args:
      diagonal: a tensor of rank at least 1.
      name: name of the node.
    """
    return Diag(diagonal, name=name)


@export("diag_part", "linalg.tensor_diag_part")
def diag_part(input, name=None):
    """Returns the elements of `input` for which both halves of the index are equal.

    Args:
      input: a tensor whose shape is one shape twice.
      name: name of the node.
    """
    return DiagPart(input, name=name)


# TF 1.15 takes k, num_rows, num_cols and padding_value, and uses only the main diagonal.


@export("matrix_diag", "linalg.diag")
def matrix_diag(diagonal, name="diag", k=0, num_rows=-1, num_cols=-1, padding_value=0):
    """Returns square matrices, `[…, n, n]`, with the rows of `diagonal` on their main diagonals.

    Args:
      diagonal: `[…, n]`.
      name: name of the node.
      k: ignored, as in TF 1.15.
      num_rows: ignored, as in TF 1.15.
      num_cols: ignored, as in TF 1.15.
      padding_value: ignored, as in TF 1.15.
    """
    del k, num_rows, num_cols, padding_value
    return MatrixDiag(diagonal, name=name)


@export("matrix_diag_part", "linalg.diag_part")
def matrix_diag_part(input, name="diag_part", k=0, padding_value=0):
    """Returns the main diagonals of matrices.

    Args:
      input: `[…, rows, columns]`.
      name: name of the node.
      k: ignored, as in TF 1.15.
      padding_value: ignored, as in TF 1.15.
    """
    del k, padding_value
    return MatrixDiagPart(input, name=name)


@export("matrix_set_diag", "linalg.set_diag")
def matrix_set_diag(input, diagonal, name="set_diag", k=0):
    """Returns matrices with their main diagonals replaced.

    Args:
      input: `[…, rows, columns]`.
      diagonal: `[…, min(rows, columns)]`.
      name: name of the node.
      k: ignored, as in TF 1.15.
    """
    del k
    return MatrixSetDiag(input, diagonal, name=name)


@export("matrix_band_part", "linalg.band_part")
def matrix_band_part(input, num_lower, num_upper, name=None):
    """Returns matrices with zeros outside of a band around the main diagonal.

    Args:
      input: `[…, rows, columns]`.
      num_lower: how many diagonals to keep below the main one, all if negative.
      num_upper: how many to keep above it, all if negative.
      name: name of the node.
    """
    return MatrixBandPart(input, num_lower, num_upper, name=name)
