"""Running sums and products along an axis: `Cumsum`, `Cumprod`, `CumulativeLogsumexp`."""

from typing import Any

import numpy as np

from millstream.base.dtypes import Double, Float, Half, Int32, Int64
from millstream.base.errors import InvalidArgumentError
from millstream.base.export import export
from millstream.base.lazy import jnp, lax
from millstream.ir.convert import to_tensor
from millstream.ir.opdef import OpDef
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Number, Returns, Tensor, f, i, op
from millstream.ops.by_name import ops
from millstream.ops.math.complex_numbers import conj

_INDEX = (Int32, Int64)
_scan = op(static="axis", defaults={"Tidx": Int32})


@_scan
def Cumsum[T: Number, Tidx: _INDEX](
    x: Tensor[T], axis: Tensor[Tidx], *, exclusive: bool = False, reverse: bool = False
) -> Returns(out=Tensor[T]):
    """Adds each element to all before it along an axis."""


@_scan
def Cumprod[T: Number, Tidx: _INDEX](
    x: Tensor[T], axis: Tensor[Tidx], *, exclusive: bool = False, reverse: bool = False
) -> Returns(out=Tensor[T]):
    """Multiplies each element with all before it along an axis."""


@_scan
def CumulativeLogsumexp[T: (Half, Float, Double), Tidx: _INDEX](
    x: Tensor[T], axis: Tensor[Tidx], *, exclusive: bool = False, reverse: bool = False
) -> Returns(out=Tensor[T]):
    """Computes `log(sum(exp(x)))` of each element and all before it along an axis."""


def _shape(x: Any, axis: Any, axis_value: Any) -> Any:
    axis.with_rank(0)
    x = x.with_rank_at_least(1)
    if x.ndims is not None and axis_value is not None:
        _checked_axis(x.ndims, axis_value, ValueError)
    return x


def _checked_axis(rank: int, axis: Any, error: Any) -> int:
    if -rank <= axis < rank:
        return int(axis) % rank
    message = f"ScanOp: Expected scan axis in the range [{-rank}, {rank}), but got {axis}"
    raise error(message) if error is ValueError else error(None, None, message)


def _shifted(xp: Any, out: Any, axis: int, reverse: bool, start: Any) -> Any:
    """Moves a scan by one element, so that it leaves out the element itself."""
    size = out.shape[axis]
    if not size:
        return out
    kept = [slice(None)] * out.ndim
    kept[axis] = slice(1, None) if reverse else slice(None, -1)
    shape = list(out.shape)
    shape[axis] = 1
    edge = xp.full(shape, start, out.dtype)
    parts = [out[tuple(kept)], edge] if reverse else [edge, out[tuple(kept)]]
    return xp.concatenate(parts, axis)


def _hang(opdef: OpDef, kernel: Any, accumulate: Any, start: Any) -> None:
    def compiled(x: Any, axis: Any, exclusive: bool, reverse: bool) -> Any:
        where = _checked_axis(x.ndim, axis, InvalidArgumentError)
        out = kernel(x, where, reverse)
        return _shifted(jnp, out, where, reverse, start(x.dtype)) if exclusive else out

    def reference(x: Any, axis: Any, exclusive: bool, reverse: bool) -> Any:
        where = _checked_axis(x.ndim, axis, InvalidArgumentError)
        x = np.flip(x, where) if reverse else x
        out = accumulate(x, where)
        out = np.flip(out, where) if reverse else out
        return _shifted(np, out, where, reverse, start(x.dtype)) if exclusive else out

    opdef.shape(_shape)
    opdef.kernel(compiled)
    opdef.reference(reference)
    opdef.examples(f[2, 3], 1).examples(f[2, 3], 0, reverse=True)
    opdef.examples(f[4], np.int64(-1)).fails("in the range [-2, 2), but got 2", f[2, 3], 2)


def _ufunc(ufunc: Any) -> Any:
    return lambda x, axis: ufunc.accumulate(x, axis, x.dtype)


_hang(Cumsum, lambda x, a, r: lax.cumsum(x, a, r), _ufunc(np.add), lambda dtype: 0)
_hang(Cumprod, lambda x, a, r: lax.cumprod(x, a, r), _ufunc(np.multiply), lambda dtype: 1)
_hang(
    CumulativeLogsumexp,
    lambda x, a, r: lax.cumlogsumexp(x, a, r),
    _ufunc(np.logaddexp),
    lambda dtype: np.finfo(dtype).min,
)
for _op in (Cumsum, Cumprod):
    _op.examples(f[2, 3], 1, exclusive=True).examples(f[2, 3], 1, exclusive=True, reverse=True)
    _op.examples(i[2, 3], 0, T=Int32)


@Cumsum.gradient
def _(node, dy):
    reverse, exclusive = node.attrs["reverse"], node.attrs["exclusive"]
    return [Cumsum(dy, node.inputs[1], exclusive=exclusive, reverse=not reverse), None]


@Cumprod.gradient
def _(node, dy):
    x, axis = node.inputs
    reverse, exclusive = node.attrs["reverse"], node.attrs["exclusive"]
    total = Cumsum(conj(node.outputs[0]) * dy, axis, exclusive=exclusive, reverse=not reverse)
    return [total / conj(x), None]


@CumulativeLogsumexp.gradient
def _(node, dy):
    x, axis = node.inputs
    attrs = {"exclusive": node.attrs["exclusive"], "reverse": not node.attrs["reverse"]}
    zero, least = (np.asarray(v, dy.dtype.base_dtype.np) for v in (0, dy.dtype.min))

    def part(sign: Any) -> Any:
        """Scans, in logarithms, the gradients of one sign."""
        present = ops.Greater(sign * dy, zero)
        safe = ops.Select(present, sign * dy, ops.OnesLike(dy))
        logs = ops.SelectV2(present, ops.Log(safe) - node.outputs[0], least)
        return ops.Exp(CumulativeLogsumexp(logs, axis, **attrs) + x)

    one = np.ones((), dy.dtype.base_dtype.np)
    return [part(one) - part(-one), None]


_DOC = """{what}

Args:
  x: a tensor of {types}.
  axis: the axis to go along.
  exclusive: whether to leave out the element itself.
  reverse: whether to go from the last element to the first.
  name: name for the node.

Returns:
  A tensor of the same shape and type.

Raises:
  ValueError: if there is no such axis.
"""


def _function(opdef: OpDef, publics: tuple[str, ...], scope: str, what: str, types: str) -> Any:
    def fn(
        x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: Any = None
    ) -> Any:
        with name_scope(name, scope, [x]) as full:
            x = to_tensor(x, name="x")
            return opdef(x, axis, exclusive=exclusive, reverse=reverse, name=full)

    fn.__name__ = fn.__qualname__ = publics[0].rpartition(".")[2]
    fn.__doc__ = _DOC.format(what=what, types=types)
    return export(*publics, module=__name__)(fn)


cumsum = _function(
    Cumsum, ("cumsum", "math.cumsum"), "Cumsum",
    "Adds each element to all before it along an axis.", "numbers",
)  # fmt: skip
cumprod = _function(
    Cumprod, ("cumprod", "math.cumprod"), "Cumprod",
    "Multiplies each element with all before it along an axis.", "numbers",
)  # fmt: skip
cumulative_logsumexp = _function(
    CumulativeLogsumexp, ("math.cumulative_logsumexp",), "CumulativeLogsumexp",
    "Computes `log(sum(exp(x)))` of each element and all before it along an axis.", "floats",
)  # fmt: skip
