"""LSTMBlockCell: one step of a long short-term memory in one node, and its gradient.

The columns of the kernel `w` belong to the input gate, the candidate, the forget gate and the
output gate, in this order. With peepholes the gates also see the cell state through diagonal
matrices.
"""

import numpy as np

from millstream.base.lazy import jax, jnp
from millstream.ir.spec import Float, Half, Returns, Tensor, f, op
from millstream.ops.by_name import ops

__all__ = ["cell_shapes", "cell_step", "weight_gradients"]


@op
def LSTMBlockCell[T: (Half, Float)](
    x: Tensor[T],
    cs_prev: Tensor[T],
    h_prev: Tensor[T],
    w: Tensor[T],
    wci: Tensor[T],
    wcf: Tensor[T],
    wco: Tensor[T],
    b: Tensor[T],
    *,
    forget_bias: float = 1.0,
    cell_clip: float = 3.0,
    use_peephole: bool = False,
) -> Returns(
    i=Tensor[T], cs=Tensor[T], f=Tensor[T], o=Tensor[T], ci=Tensor[T], co=Tensor[T], h=Tensor[T]
):
    """Computes one LSTM step of `x` `[batch, inputs]`, with every value on the way.

    `i`, `f`, `o` are the gates, `ci` the candidate, `cs` the new state, `co` its hyperbolic tangent
    and `h` the output. The state is clipped to `±cell_clip` if that is positive.

    Gradient: of `cs` and `h` alone, as in TensorFlow; clipping counts as the identity.
    """


@op
def LSTMBlockCellGrad[T: (Half, Float)](
    x: Tensor[T],
    cs_prev: Tensor[T],
    h_prev: Tensor[T],
    w: Tensor[T],
    wci: Tensor[T],
    wcf: Tensor[T],
    wco: Tensor[T],
    b: Tensor[T],
    i: Tensor[T],
    cs: Tensor[T],
    f: Tensor[T],
    o: Tensor[T],
    ci: Tensor[T],
    co: Tensor[T],
    cs_grad: Tensor[T],
    h_grad: Tensor[T],
    *,
    use_peephole: bool,
) -> Returns(
    cs_prev_grad=Tensor[T],
    dicfo=Tensor[T],
    wci_grad=Tensor[T],
    wcf_grad=Tensor[T],
    wco_grad=Tensor[T],
):
    """Computes the gradients of one LSTM step by its state, its gates before they are squashed
    (`dicfo`, `[batch, 4 * units]`) and its peepholes."""


# -- shapes


def cell_shapes(x, cs_prev, w, units_of_w=4):
    """Returns the sizes `batch, units` of a step, and checks the kernel against them.

    Raises:
      ValueError: if the shapes do not fit together.
    """
    batch, inputs = x.with_rank(2).as_list()
    state_batch, units = cs_prev.with_rank(2).as_list()
    rows, columns = w.with_rank(2).as_list()
    if None not in (rows, inputs, units) and rows != inputs + units:
        raise ValueError(
            f"w has {rows} rows, but x and h_prev have {inputs} + {units} columns together"
        )
    if None not in (columns, units) and columns != units_of_w * units:
        raise ValueError(f"w has {columns} columns, not {units_of_w} * {units} units")
    return state_batch if batch is None else batch, units


@LSTMBlockCell.shape
def _(x, cs_prev, w):
    return (list(cell_shapes(x, cs_prev, w)),) * 7


@LSTMBlockCellGrad.shape
def _(x, cs_prev, w):
    batch, units = cell_shapes(x, cs_prev, w)
    return [batch, units], [batch, units and 4 * units], [units], [units], [units]


# -- forward


def cell_step(gates, cs_prev, peepholes, cell_clip, order="icfo"):
    """Computes a step from its `gates` `[batch, 4 * units]`, in JAX.

    Args:
      gates: the gates before they are squashed, the forget bias included.
      cs_prev: the state.
      peepholes: the diagonals `wci, wcf, wco`, or `None`.
      cell_clip: bound of the new state, if positive.
      order: the order of the gates' columns; `c` is the candidate.

    Returns:
      `i, cs, f, o, ci, co, h`.
    """
    part = dict(zip(order, jnp.split(gates, 4, axis=1), strict=True))
    i, f, o = part["i"], part["f"], part["o"]
    if peepholes:
        i = i + cs_prev * peepholes[0]
        f = f + cs_prev * peepholes[1]
    i, f, ci = jax.nn.sigmoid(i), jax.nn.sigmoid(f), jnp.tanh(part["c"])
    cs = ci * i + cs_prev * f
    if cell_clip > 0:
        cs = jnp.clip(cs, -cell_clip, cell_clip)
    o = jax.nn.sigmoid(o + cs * peepholes[2] if peepholes else o)
    co = jnp.tanh(cs)
    return i, cs, f, o, ci, co, co * o


@LSTMBlockCell.kernel
def _(x, cs_prev, h_prev, w, wci, wcf, wco, b, forget_bias, cell_clip, use_peephole):
    units = cs_prev.shape[1]
    bias = b.at[2 * units : 3 * units].add(forget_bias)
    gates = jnp.concatenate([x, h_prev], axis=1) @ w + bias
    return cell_step(gates, cs_prev, (wci, wcf, wco) if use_peephole else None, cell_clip)


def _sigmoid(x):
    return 0.5 * (np.tanh(0.5 * x) + 1)


@LSTMBlockCell.reference
def _(x, cs_prev, h_prev, w, wci, wcf, wco, b, forget_bias, cell_clip, use_peephole):
    see = float(use_peephole)
    inputs = x.shape[1]
    gates = x @ w[:inputs] + h_prev @ w[inputs:] + b
    i, ci, f, o = np.split(gates, 4, axis=1)
    i, f = _sigmoid(i + see * wci * cs_prev), _sigmoid(f + see * wcf * cs_prev + forget_bias)
    ci = np.tanh(ci)
    cs = i * ci + f * cs_prev
    if cell_clip > 0:
        cs = np.minimum(np.maximum(cs, -cell_clip), cell_clip)
    o = _sigmoid(o + see * wco * cs)
    co = np.tanh(cs)
    return tuple(a.astype(x.dtype) for a in (i, cs, f, o, ci, co, o * co))


# -- backward


def cell_step_back(np_, cs_prev, peepholes, values, cs_grad, h_grad, order="icfo"):
    """Returns the gradients by the state and by the gates of a step.

    Args:
      np_: `numpy` or `jax.numpy`.
      cs_prev: the state before the step.
      peepholes: the diagonals `wci, wcf, wco`, or `None`.
      values: `i, cs, f, o, ci, co` of the step.
      cs_grad: gradient by the new state.
      h_grad: gradient by the output.
      order: the order of the gates' columns.
    """
    i, _, f, o, ci, co = values
    do = h_grad * co * o * (1 - o)
    dcs = cs_grad + h_grad * o * (1 - co * co)
    if peepholes:
        dcs = dcs + do * peepholes[2]
    part = {
        "i": dcs * ci * i * (1 - i),
        "c": dcs * i * (1 - ci * ci),
        "f": dcs * cs_prev * f * (1 - f),
        "o": do,
    }
    dcs_prev = dcs * f
    if peepholes:
        dcs_prev = dcs_prev + part["i"] * peepholes[0] + part["f"] * peepholes[1]
    return dcs_prev, np_.concatenate([part[gate] for gate in order], axis=-1)


def _cell_back(np_, cs_prev, peepholes, use_peephole, values, cs_grad, h_grad):
    dcs_prev, dgates = cell_step_back(
        np_, cs_prev, peepholes if use_peephole else None, values, cs_grad, h_grad
    )
    if not use_peephole:
        return dcs_prev, dgates, *(np_.zeros_like(p) for p in peepholes)
    di, _, df, do = np_.split(dgates, 4, axis=1)
    sums = [(d * c).sum(0) for d, c in ((di, cs_prev), (df, cs_prev), (do, values[1]))]
    return dcs_prev, dgates, *sums


@LSTMBlockCellGrad.kernel
def _(cs_prev, wci, wcf, wco, i, cs, f, o, ci, co, cs_grad, h_grad, use_peephole):
    values = (i, cs, f, o, ci, co)
    return _cell_back(jnp, cs_prev, (wci, wcf, wco), use_peephole, values, cs_grad, h_grad)


@LSTMBlockCellGrad.reference
def _(cs_prev, wci, wcf, wco, i, cs, f, o, ci, co, cs_grad, h_grad, use_peephole):
    values = (i, cs, f, o, ci, co)
    return _cell_back(np, cs_prev, (wci, wcf, wco), use_peephole, values, cs_grad, h_grad)


def weight_gradients(x, h, dgates):
    """Returns the nodes of the gradients by the kernel and by the bias of `[x, h] @ w + b`."""
    both = ops.ConcatV2([x, h], 1)
    return ops.MatMul(both, dgates, transpose_a=True), ops.Sum(dgates, [0])


@LSTMBlockCell.gradient
def _(node, *dys):
    x, cs_prev, h_prev, w, *diagonals, b = node.inputs
    *values, _ = node.outputs
    back = LSTMBlockCellGrad(
        *(x, cs_prev, h_prev, w, *diagonals, b, *values, dys[1], dys[6]),
        use_peephole=node.attrs["use_peephole"],
    )
    dboth = ops.MatMul(back.dicfo, w, transpose_b=True)
    batch, inputs = ops.Shape(x), x.shape.with_rank(2).as_list()[1]
    width = inputs if inputs is not None else ops.GatherV2(batch, 1, 0)
    units = w.shape.with_rank(2).as_list()[1] // 4
    dx, dh = ops.SplitV(dboth, ops.Pack([width, units]), 1, num_split=2)
    dx.set_shape(x.shape)
    dw, db = weight_gradients(x, h_prev, back.dicfo)
    return [dx, back.cs_prev_grad, dh, dw, back.wci_grad, back.wcf_grad, back.wco_grad, db]


LSTMBlockCellGrad.no_gradient("TensorFlow has none")

_cell = (f[2, 3], f[2, 4], 0.5 * f[2, 4], f[7, 16], f[4], 2 * f[4], 3 * f[4], f[16])
LSTMBlockCell.examples(*_cell)
LSTMBlockCell.examples(*_cell, use_peephole=True, forget_bias=0.5, cell_clip=0.8)
LSTMBlockCell.fails("columns together", f[2, 2], *_cell[1:])
LSTMBlockCell.fails("not 4 * 4 units", *_cell[:3], f[7, 12], *_cell[4:])
_values = (0.3 * f[2, 4], f[2, 4], *[0.2 * f[2, 4]] * 4, f[2, 4] + 1, 2 * f[2, 4])
LSTMBlockCellGrad.examples(*_cell, *_values, use_peephole=False)
LSTMBlockCellGrad.examples(*_cell, *_values, use_peephole=True)
