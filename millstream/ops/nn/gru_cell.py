"""GRUBlockCell: one step of a gated recurrent unit in one node, and its gradient."""

import numpy as np

from millstream.base.lazy import jax, jnp
from millstream.ir.spec import Float, Returns, Tensor, f, op
from millstream.ops.by_name import ops
from millstream.ops.nn.lstm_cell import cell_shapes, weight_gradients

__all__ = []


@op
def GRUBlockCell[T: (Float,)](
    x: Tensor[T],
    h_prev: Tensor[T],
    w_ru: Tensor[T],
    w_c: Tensor[T],
    b_ru: Tensor[T],
    b_c: Tensor[T],
) -> Returns(r=Tensor[T], u=Tensor[T], c=Tensor[T], h=Tensor[T]):
    """Computes one GRU step of `x` `[batch, inputs]`, with every value on the way.

    `r` and `u` are the reset and the update gate, `c` the candidate, `h = u * h_prev + (1 - u) * c`
    the new state.

    Gradient: of `h` alone, as in TensorFlow.
    """


@op
def GRUBlockCellGrad[T: (Float,)](
    x: Tensor[T],
    h_prev: Tensor[T],
    w_ru: Tensor[T],
    w_c: Tensor[T],
    b_ru: Tensor[T],
    b_c: Tensor[T],
    r: Tensor[T],
    u: Tensor[T],
    c: Tensor[T],
    d_h: Tensor[T],
) -> Returns(d_x=Tensor[T], d_h_prev=Tensor[T], d_c_bar=Tensor[T], d_r_bar_u_bar=Tensor[T]):
    """Computes the gradients of a GRU step by its input, its state, and its candidate and gates
    before they are squashed."""


@GRUBlockCell.shape
def _(x, h_prev, w_ru, w_c):
    cell_shapes(x, h_prev, w_c, 1)
    return (list(cell_shapes(x, h_prev, w_ru, 2)),) * 4


@GRUBlockCellGrad.shape
def _(x, h_prev, w_ru):
    batch, units = cell_shapes(x, h_prev, w_ru, 2)
    return x, [batch, units], [batch, units], [batch, units and 2 * units]


@GRUBlockCell.kernel
def _(x, h_prev, w_ru, w_c, b_ru, b_c):
    gates = jax.nn.sigmoid(jnp.concatenate([x, h_prev], axis=1) @ w_ru + b_ru)
    r, u = jnp.split(gates, 2, axis=1)
    c = jnp.tanh(jnp.concatenate([x, h_prev * r], axis=1) @ w_c + b_c)
    return r, u, c, u * h_prev + (1 - u) * c


@GRUBlockCell.reference
def _(x, h_prev, w_ru, w_c, b_ru, b_c):
    inputs, units = x.shape[1], h_prev.shape[1]
    gates = x @ w_ru[:inputs] + h_prev @ w_ru[inputs:] + b_ru
    gates = 0.5 * (np.tanh(0.5 * gates) + 1)
    r, u = gates[:, :units], gates[:, units:]
    c = np.tanh(x @ w_c[:inputs] + (r * h_prev) @ w_c[inputs:] + b_c)
    return tuple(a.astype(x.dtype) for a in (r, u, c, c + u * (h_prev - c)))


def _back(np_, x, h_prev, w_ru, w_c, r, u, c, d_h):
    inputs = x.shape[1]
    d_c = d_h * (1 - u) * (1 - c * c)
    from_c = d_c @ w_c.T
    d_reset = from_c[:, inputs:]
    d_r = d_reset * h_prev * r * (1 - r)
    d_u = d_h * (h_prev - c) * u * (1 - u)
    gates = np_.concatenate([d_r, d_u], axis=1)
    from_gates = gates @ w_ru.T
    d_h_prev = d_h * u + from_gates[:, inputs:] + d_reset * r
    return from_gates[:, :inputs] + from_c[:, :inputs], d_h_prev, d_c, gates


@GRUBlockCellGrad.kernel
def _(x, h_prev, w_ru, w_c, r, u, c, d_h):
    return _back(jnp, x, h_prev, w_ru, w_c, r, u, c, d_h)


@GRUBlockCellGrad.reference
def _(x, h_prev, w_ru, w_c, r, u, c, d_h):
    return _back(np, x, h_prev, w_ru, w_c, r, u, c, d_h)


@GRUBlockCell.gradient
def _(node, *dys):
    x, h_prev = node.inputs[:2]
    r, u, c, _ = node.outputs
    back = GRUBlockCellGrad(*node.inputs, r, u, c, dys[3])
    dw_ru, db_ru = weight_gradients(x, h_prev, back.d_r_bar_u_bar)
    dw_c, db_c = weight_gradients(x, ops.Mul(h_prev, r), back.d_c_bar)
    return [back.d_x, back.d_h_prev, dw_ru, dw_c, db_ru, db_c]


GRUBlockCellGrad.no_gradient("TensorFlow has none")

_cell = (f[2, 3], f[2, 4], f[7, 8], f[7, 4], f[8], f[4])
GRUBlockCell.examples(*_cell)
GRUBlockCell.fails("not 2 * 4 units", *_cell[:2], f[7, 4], *_cell[3:])
GRUBlockCellGrad.examples(*_cell, 0.3 * f[2, 4], 0.2 * f[2, 4], 0.1 * f[2, 4], f[2, 4])
