"""Public reductions: `tf.reduce_sum`, `tf.argmax`, `tf.reduce_logsumexp`, …"""

from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.dtypes import as_dtype
from millstream.base.export import export
from millstream.ir.composite import SparseTensor
from millstream.ir.constant import constant
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.filling import zeros_like
from millstream.ops.array.shapes import rank, shape
from millstream.ops.by_name import ops
from millstream.ops.math import functions
from millstream.ops.math import reduce as r
from millstream.ops.math.cast import cast
from millstream.ops.math.ranges import range as counted


def either(new: str, value: Any, old: str, deprecated: Any) -> Any:
    """Returns an argument given under its name or under the one that it had before.

    Raises:
      ValueError: if it is given under both.
    """
    if deprecated is None:
        return value
    if value is not None:
        raise ValueError(f"Cannot specify both '{old}' and '{new}'")
    return deprecated


def reduction_dims(x: Any, axis: Any) -> Any:
    """Returns the axes to reduce: those given, else all that `x` has."""
    if axis is not None:
        return axis
    known = x.shape.ndims if isinstance(x, Tensor) else None
    if isinstance(x, SparseTensor):
        known = x.dense_shape.shape.as_list()[0] if x.dense_shape.shape.is_fully_defined() else None
    if known is not None:
        return constant(np.arange(known), dtype=dtypes.int32)
    return counted(0, rank(x))


def _reduce(opdef: Any, x: Any, axis: Any, keepdims: Any, name: Any) -> Any:
    everything = axis is None and not keepdims
    dims = reduction_dims(x, axis)
    result = opdef(x, dims, keep_dims=bool(keepdims), name=name)
    if everything:
        result.set_shape(())
    return result


_DOC = """{what}

Args:
  input_tensor: a tensor{of}.
  axis: the axis or list of axes to reduce; by default all of them.
  keepdims: whether to keep the reduced axes, with size 1.
  name: name for the node.
  reduction_indices: the former name of `axis`.
  keep_dims: the former name of `keepdims`.

Returns:
  A tensor of the same type.

Raises:
  ValueError: if an argument is given under both of its names, or there is no such axis.
"""


def _reduction(opdef: Any, leaf: str, what: str, of: str = " of numbers") -> Any:
    def fn(
        input_tensor: Any, axis: Any = None, keepdims: Any = None, name: Any = None,
        reduction_indices: Any = None, keep_dims: Any = None,
    ) -> Any:  # fmt: skip
        axis = either("axis", axis, "reduction_indices", reduction_indices)
        keepdims = either("keepdims", keepdims, "keep_dims", keep_dims)
        return _reduce(opdef, input_tensor, axis, keepdims, name)

    fn.__name__ = fn.__qualname__ = leaf
    fn.__doc__ = _DOC.format(what=what, of=of)
    return export(leaf, f"math.{leaf}", module=__name__)(fn)


_BOOLEANS = " of booleans"
reduce_sum = _reduction(r.Sum, "reduce_sum", "Adds the elements along axes.")
reduce_mean = _reduction(r.Mean, "reduce_mean", "Averages the elements along axes.")
reduce_prod = _reduction(r.Prod, "reduce_prod", "Multiplies the elements along axes.")
reduce_max = _reduction(r.Max, "reduce_max", "Takes the largest element along axes.")
reduce_min = _reduction(r.Min, "reduce_min", "Takes the smallest element along axes.")
reduce_all = _reduction(r.All, "reduce_all", "Tells whether all along axes are true.", _BOOLEANS)
reduce_any = _reduction(r.Any, "reduce_any", "Tells whether any along axes is true.", _BOOLEANS)


@export("math.reduce_euclidean_norm")
def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: Any = None
) -> Any:
    """Computes the root of the sum of squares along axes.

    Args:
      input_tensor: a tensor of numbers.
      axis: the axis or list of axes to reduce; by default all of them.
      keepdims: whether to keep the reduced axes, with size 1.
      name: name for the node.

    Returns:
      A tensor of the same type.
    """
    return _reduce(r.EuclideanNorm, input_tensor, axis, keepdims, name)


@export("math.reduce_variance")
def reduce_variance(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: Any = None
) -> Any:
    """Computes the mean squared distance from the mean along axes.

    Args:
      input_tensor: a tensor of numbers.
      axis: the axis or list of axes to reduce; by default all of them.
      keepdims: whether to keep the reduced axes, with size 1.
      name: name for the nodes.

    Returns:
      A tensor of the same type.
    """
    with name_scope(name or "reduce_variance"):
        means = reduce_mean(input_tensor, axis=axis, keepdims=True)
        squares = ops.Square(input_tensor - means)
        return reduce_mean(squares, axis=axis, keepdims=keepdims)


@export("math.reduce_std")
def reduce_std(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: Any = None
) -> Any:
    """Computes the standard deviation along axes, without Bessel's correction.

    Args:
      input_tensor: a tensor of floats or complex numbers.
      axis: the axis or list of axes to reduce; by default all of them.
      keepdims: whether to keep the reduced axes, with size 1.
      name: name for the nodes.

    Returns:
      A tensor of the same type.
    """
    with name_scope(name or "reduce_std"):
        return functions.sqrt(reduce_variance(input_tensor, axis=axis, keepdims=keepdims))


@export("reduce_logsumexp", "math.reduce_logsumexp")
def reduce_logsumexp(
    input_tensor: Any, axis: Any = None, keepdims: Any = None, name: Any = None,
    reduction_indices: Any = None, keep_dims: Any = None,
) -> Any:  # fmt: skip
    """Computes `log(sum(exp(x)))` along axes, without overflow.

    Args:
      input_tensor: a tensor of floats.
      axis: the axis or list of axes to reduce; by default all of them.
      keepdims: whether to keep the reduced axes, with size 1.
      name: name for the nodes.
      reduction_indices: the former name of `axis`.
      keep_dims: the former name of `keepdims`.

    Returns:
      A tensor of the same type.

    Raises:
      ValueError: if an argument is given under both of its names, or there is no such axis.
    """
    axis = either("axis", axis, "reduction_indices", reduction_indices)
    keepdims = bool(either("keepdims", keepdims, "keep_dims", keep_dims))
    with name_scope(name, "ReduceLogSumExp", [input_tensor]):
        largest = reduce_max(input_tensor, axis=axis, keepdims=True)
        finite = ops.Select(ops.IsFinite(largest), largest, zeros_like(largest))
        offset = ops.StopGradient(finite)
        total = reduce_sum(ops.Exp(ops.Sub(input_tensor, offset)), axis=axis, keepdims=keepdims)
        result = ops.Log(total)
        if not keepdims:
            offset = ops.Reshape(offset, shape(result))
        return ops.Add(result, offset)


@export("count_nonzero", "math.count_nonzero")
def count_nonzero(
    input_tensor: Any = None, axis: Any = None, keepdims: Any = None, dtype: Any = dtypes.int64,
    name: Any = None, reduction_indices: Any = None, keep_dims: Any = None, input: Any = None,
) -> Any:  # fmt: skip
    """Counts the elements along axes that are not zero, false or empty.

    Args:
      input_tensor: a tensor of numbers, booleans or strings.
      axis: the axis or list of axes to reduce; by default all of them.
      keepdims: whether to keep the reduced axes, with size 1.
      dtype: the type of the counts.
      name: name for the nodes.
      reduction_indices: the former name of `axis`.
      keep_dims: the former name of `keepdims`.
      input: another name of `input_tensor`.

    Returns:
      A tensor of `dtype`.

    Raises:
      ValueError: if an argument is given under both of its names, or there is no such axis.
    """
    keepdims = bool(either("keepdims", keepdims, "keep_dims", keep_dims))
    input_tensor = either("input_tensor", input_tensor, "input", input)
    axis = either("axis", axis, "reduction_indices", reduction_indices)
    with name_scope(name, "count_nonzero", [input_tensor]):
        tensor = to_tensor(input_tensor, name="input")
        kind = tensor.dtype.base_dtype
        zero = constant(b"" if kind is dtypes.string else kind.np.type(0), kind, name="zeros")
        nonzero = cast(ops.NotEqual(tensor, zero), dtypes.int64)
        total = reduce_sum(nonzero, axis=axis, keepdims=keepdims)
        return cast(total, as_dtype(dtype))


def _position(opdef: Any, name: str, what: str) -> Any:
    def fn(
        input: Any, axis: Any = None, name: Any = None, dimension: Any = None,
        output_type: Any = dtypes.int64,
    ) -> Any:  # fmt: skip
        axis = either("axis", axis, "dimension", dimension)
        kind = as_dtype(output_type)
        return opdef(input, 0 if axis is None else axis, output_type=kind, name=name)

    fn.__name__ = fn.__qualname__ = name
    fn.__doc__ = f"""Finds the first position of the {what} element along an axis.

Args:
  input: a tensor of numbers.
  axis: the axis to look along, 0 by default.
  name: name for the node.
  dimension: the former name of `axis`.
  output_type: `int32` or `int64`.

Returns:
  A tensor of `output_type`, without that axis.

Raises:
  ValueError: if the axis is given under both names, or there is none such.
"""
    return export(name, f"math.{name}", module=__name__)(fn)


argmax = _position(r.ArgMax, "argmax", "largest")
argmin = _position(r.ArgMin, "argmin", "smallest")


@export("arg_max")
def arg_max(input: Any, dimension: Any, output_type: Any = dtypes.int64, name: Any = None) -> Any:
    """Finds the first position of the largest element along an axis; `argmax` of old.

    Args:
      input: a tensor of numbers.
      dimension: the axis to look along.
      output_type: `int32` or `int64`.
      name: name for the node.

    Returns:
      A tensor of `output_type`, without that axis.
    """
    return r.ArgMax(input, dimension, output_type=as_dtype(output_type), name=name)


@export("arg_min")
def arg_min(input: Any, dimension: Any, output_type: Any = dtypes.int64, name: Any = None) -> Any:
    """Finds the first position of the smallest element along an axis; `argmin` of old.

    Args:
      input: a tensor of numbers.
      dimension: the axis to look along.
      output_type: `int32` or `int64`.
      name: name for the node.

    Returns:
      A tensor of `output_type`, without that axis.
    """
    return r.ArgMin(input, dimension, output_type=as_dtype(output_type), name=name)
