"""Special functions of two and three operands: `Igamma`, `Betainc`, `Zeta`, `Polygamma`."""

from typing import Any

import numpy as np

from millstream.base.dtypes import Double, Float
from millstream.base.export import export
from millstream.base.lazy import LazyModule, jnp, lax
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Returns, Tensor, op, pos
from millstream.ops.by_name import ops
from millstream.ops.math._tables import Unbroadcast, binary, both
from millstream.ops.math.reductions import reduce_sum

special: Any = LazyModule("scipy.special")
jspecial: Any = LazyModule("jax.scipy.special")

_TYPES = (Float, Double)
_OPERANDS = (pos[2, 3], pos[3])
_AX = ("a", "x", "z")


def _defined(a: Any, x: Any) -> Any:
    return (a > 0) & (x >= 0)


def _guarded(xp: Any, fn: Any) -> Any:
    """Makes a rule that gives NaN where the incomplete gamma functions are not defined."""

    def rule(a: Any, x: Any) -> Any:
        fine = _defined(a, x)
        value = fn(xp().where(fine, a, a.dtype.type(1)), xp().where(fine, x, x.dtype.type(1)))
        return xp().where(fine, value, a.dtype.type(np.nan))

    return rule


def _igamma_slope(a: Any, x: Any) -> Any:
    """Computes the derivative of `Igamma` with respect to `x`."""
    one = np.ones((), a.dtype.base_dtype.np)
    return ops.Exp(-x + (a - one) * ops.Log(x) - ops.Lgamma(a))


Igamma = binary(
    "Igamma", _TYPES, _guarded(lambda: jnp, lambda a, x: lax.igamma(a, x)),
    _guarded(lambda: np, lambda a, x: special.gammainc(a, x)),
    both(
        lambda dz, a, x, z: dz * IgammaGradA(a, x), lambda dz, a, x, z: dz * _igamma_slope(a, x)
    ),
    "Computes the lower regularised incomplete gamma function.", names=_AX, examples=_OPERANDS,
)  # fmt: skip
Igammac = binary(
    "Igammac", _TYPES, _guarded(lambda: jnp, lambda a, x: lax.igammac(a, x)),
    _guarded(lambda: np, lambda a, x: special.gammaincc(a, x)),
    both(
        lambda dz, a, x, z: -dz * IgammaGradA(a, x), lambda dz, a, x, z: -dz * _igamma_slope(a, x)
    ),
    "Computes the upper regularised incomplete gamma function.", names=_AX, examples=_OPERANDS,
)  # fmt: skip


def _series(a: Any, x: Any) -> Any:
    """Adds up the derivative, by `a`, of the power series of the incomplete gamma function."""
    a, x = np.broadcast_arrays(a, x)
    wide_a, wide_x = a.astype(np.float64)[..., None], x.astype(np.float64)[..., None]
    most = float(np.max(wide_x, initial=0.0))
    k = np.arange(int(most + 12 * np.sqrt(most) + 40))
    terms = (wide_a + k) * np.log(wide_x) - wide_x - special.gammaln(wide_a + k + 1)
    slopes = np.log(wide_x) - special.digamma(wide_a + k + 1)
    return np.where(x == 0, 0, (np.exp(terms) * slopes).sum(-1)).astype(a.dtype)


IgammaGradA = binary(
    "IgammaGradA", _TYPES, _guarded(lambda: jnp, lambda a, x: lax.igamma_grad_a(a, x)),
    _guarded(lambda: np, _series), "TensorFlow defines none",
    "Computes the derivative of `Igamma` with respect to `a`.", names=_AX, examples=_OPERANDS,
)  # fmt: skip


def _zeta_slope(x: Any, q: Any) -> Any:
    return -x * Zeta(x + np.ones((), x.dtype.base_dtype.np), q)


Zeta = binary(
    "Zeta", _TYPES, lambda x, q: jspecial.zeta(x, q), lambda x, q: special.zeta(x, q),
    both(None, lambda dz, x, q, z: dz * _zeta_slope(x, q)),
    "Computes the Hurwitz zeta function, the sum of `(q + n) ** -x`.",
    names=("x", "q", "z"), examples=(pos[2, 3] + 1, pos[3]),
)  # fmt: skip


def _polygamma(a: Any, x: Any) -> Any:
    order = a + 1
    derivative = (-1.0) ** order * special.gamma(order) * special.zeta(order, x)
    value = np.where(a == 0, special.digamma(x), derivative)
    whole = (a >= 0) & (a == np.floor(a))
    return np.where(whole, value, np.nan).astype(a.dtype)


def _polygamma_kernel(a: Any, x: Any) -> Any:
    whole = (a >= 0) & (a == jnp.floor(a))
    order = jnp.where(whole, a, 1) + 1
    sign = jnp.where(order % 2 == 0, 1.0, -1.0)
    derivative = sign * jnp.exp(lax.lgamma(order)) * jspecial.zeta(order, x)
    value = jnp.where(a == 0, lax.digamma(x), derivative)
    return jnp.where(whole, value, jnp.nan).astype(a.dtype)


Polygamma = binary(
    "Polygamma", _TYPES, _polygamma_kernel, _polygamma,
    both(
        None,
        lambda dz, a, x, z: dz * Polygamma(a + np.ones((), a.dtype.base_dtype.np), x),
    ),
    "Computes the `a`-th derivative of the digamma function.", names=_AX,
    examples=(np.array([0, 1, 2], np.float32), pos[2, 3]),
)  # fmt: skip


@op
def Betainc[T: _TYPES](a: Tensor[T], b: Tensor[T], x: Tensor[T]) -> Returns(z=Tensor[T]):
    """Computes the regularised incomplete beta function; scalars broadcast."""


@Betainc.shape
def _(a, b, x):
    # Unlike elsewhere only scalars broadcast; of the others all shapes must agree.
    shape = None
    for operand in (a, b, x):
        if operand.ndims is None:
            return None
        if operand.ndims:
            shape = operand if shape is None else shape.merge_with(operand)
    return [] if shape is None else shape


Betainc.kernel(lambda a, b, x: jspecial.betainc(a, b, x))
Betainc.reference(lambda a, b, x: special.betainc(a, b, x))


@Betainc.gradient
def _(node, dz):
    a, b, x = node.inputs
    one = np.ones((), x.dtype.base_dtype.np)
    beta = ops.Lgamma(a) + ops.Lgamma(b) - ops.Lgamma(a + b)
    slope = ops.Exp((b - one) * ops.Log1p(-x) + (a - one) * ops.Log(x) - beta)
    return [None, None, Unbroadcast(x, dz).x(dz * slope)]


Betainc.examples(pos[2, 3], pos[2, 3], 0.9 * pos[2, 3] + -0.4).examples(
    2.0, pos[4], np.float32(0.3)
)
Betainc.fails("not compatible", pos[2], pos[3], 0.5)


def _function(opdef: Any, first: str, second: str, doc: str) -> Any:
    leaf = opdef.name.lower()

    def ax(a: Any, x: Any, name: Any = None) -> Any:
        return opdef(a, x, name=name)

    def xq(x: Any, q: Any, name: Any = None) -> Any:
        return opdef(x, q, name=name)

    fn = xq if first == "x" else ax
    fn.__name__ = fn.__qualname__ = leaf
    fn.__doc__ = (
        f"{doc}\n\nArgs:\n  {first}: a tensor of `float32` or `float64`.\n  {second}: a tensor "
        "of the same type that broadcasts with it.\n  name: name for the node.\n\nReturns:\n"
        "  A tensor of the same type."
    )
    return export(leaf, f"math.{leaf}", module=__name__)(fn)


igamma = _function(Igamma, "a", "x", "Computes the lower regularised incomplete gamma function.")
igammac = _function(Igammac, "a", "x", "Computes the upper regularised incomplete gamma function.")
polygamma = _function(Polygamma, "a", "x", "Computes derivatives of the digamma function.")
zeta = _function(Zeta, "x", "q", "Computes the Hurwitz zeta function.")


@export("betainc", "math.betainc")
def betainc(a: Any, b: Any, x: Any, name: Any = None) -> Any:
    """Computes the regularised incomplete beta function.

    Args:
      a: a tensor of `float32` or `float64`.
      b: the same type and shape.
      x: the same type and shape, from 0 to 1.
      name: name for the node.

    Returns:
      A tensor of the same type and shape.
    """
    return Betainc(a, b, x, name=name)


@export("lbeta", "math.lbeta")
def lbeta(x: Any, name: Any = None) -> Any:
    """Computes the logarithm of the multivariate beta function along the last axis.

    Args:
      x: `[…, n]`, floats.
      name: name for the nodes.

    Returns:
      `[…]`, of the same type.
    """
    with name_scope(name, "lbeta", [x]):
        logs = reduce_sum(ops.Lgamma(x), axis=[-1])
        return ops.Sub(logs, ops.Lgamma(reduce_sum(x, axis=[-1])), name="sub")
