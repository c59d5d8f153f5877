"""BlockLSTM: a whole sequence of LSTM steps in one node, and its gradient.

Kernels multiply all inputs by their part of the kernel before the loop, and sum the gradients of
the weights in one product after it, so that only `[batch, units] @ [units, 4 * units]` is left
inside.
"""

import numpy as np

from millstream.base import errors
from millstream.base.lazy import jnp, lax
from millstream.ir.registry import get
from millstream.ir.spec import Float, Half, Int64, Returns, Tensor, f, op
from millstream.ops.nn.lstm_cell import cell_shapes, cell_step, cell_step_back

__all__ = []


@op
def BlockLSTM[T: (Half, Float)](
    seq_len_max: Tensor[Int64],
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
    """Computes `seq_len_max` LSTM steps over `x` `[time, batch, inputs]`.

    The outputs are `[time, batch, units]`, zero from step `seq_len_max` on. The columns of `w` are
    in the order input gate, candidate, forget gate, output gate.
    """


@op
def BlockLSTMV2[T: (Half, Float)](
    seq_len_max: Tensor[Int64],
    x: Tensor[T],
    cs_prev: Tensor[T],
    h_prev: Tensor[T],
    w: Tensor[T],
    wci: Tensor[T],
    wcf: Tensor[T],
    wco: Tensor[T],
    b: Tensor[T],
    *,
    cell_clip: float = 0.0,
    use_peephole: bool = False,
) -> Returns(
    i=Tensor[T], cs=Tensor[T], f=Tensor[T], o=Tensor[T], ci=Tensor[T], co=Tensor[T], h=Tensor[T]
):
    """Is `BlockLSTM` with the columns of `w` in the order input gate, forget gate, candidate,
    output gate, and without a forget bias."""


@op
def BlockLSTMGrad[T: (Half, Float)](
    seq_len_max: Tensor[Int64],
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
    h: Tensor[T],
    cs_grad: Tensor[T],
    h_grad: Tensor[T],
    *,
    use_peephole: bool,
) -> Returns(
    x_grad=Tensor[T],
    cs_prev_grad=Tensor[T],
    h_prev_grad=Tensor[T],
    w_grad=Tensor[T],
    wci_grad=Tensor[T],
    wcf_grad=Tensor[T],
    wco_grad=Tensor[T],
    b_grad=Tensor[T],
):
    """Computes the gradients of `BlockLSTM` by its inputs."""


@op
def BlockLSTMGradV2[T: (Half, Float)](
    seq_len_max: Tensor[Int64],
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
    h: Tensor[T],
    cs_grad: Tensor[T],
    h_grad: Tensor[T],
    *,
    use_peephole: bool,
) -> Returns(
    x_grad=Tensor[T],
    cs_prev_grad=Tensor[T],
    h_prev_grad=Tensor[T],
    w_grad=Tensor[T],
    wci_grad=Tensor[T],
    wcf_grad=Tensor[T],
    wco_grad=Tensor[T],
    b_grad=Tensor[T],
):
    """Computes the gradients of `BlockLSTMV2` by its inputs."""


# -- shapes


def _sequence_shape(x, cs_prev, w):
    x = x.with_rank(3)
    return [x.as_list()[0], *cell_shapes(x[1:], cs_prev, w)]


def _gradient_shapes(x, cs_prev, w, wci, b):
    _, *state = _sequence_shape(x, cs_prev, w)
    return x, state, state, w, wci, wci, wci, b


@BlockLSTM.shape
@BlockLSTMV2.shape
def _(x, cs_prev, w):
    return (_sequence_shape(x, cs_prev, w),) * 7


BlockLSTMGrad.shape(_gradient_shapes)
BlockLSTMGradV2.shape(_gradient_shapes)


# -- forward


def _too_long(found, steps):
    return f"seq_len_max {int(found)} is not between 0 and the {steps} steps of x"


def _forward(seq_len_max, x, cs_prev, h_prev, w, peepholes, bias, cell_clip, order, check):
    steps, batch, inputs = x.shape
    fits = (seq_len_max >= 0) & (seq_len_max <= steps)
    check(fits, lambda found: _too_long(found, steps), seq_len_max)
    hoisted = x.reshape(-1, inputs) @ w[:inputs] + bias
    recurrent = w[inputs:]

    def step(state, gates):
        cs, h = state
        values = cell_step(gates + h @ recurrent, cs, peepholes, cell_clip, order)
        return (values[1], values[6]), values

    _, values = lax.scan(step, (cs_prev, h_prev), hoisted.reshape(steps, batch, -1))
    alive = (jnp.arange(steps) < seq_len_max)[:, None, None]
    return tuple(jnp.where(alive, v, jnp.zeros((), v.dtype)) for v in values)


@BlockLSTM.kernel
def _(
    seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, forget_bias, cell_clip, use_peephole,
    check,
):  # fmt: skip
    units = cs_prev.shape[1]
    bias = b.at[2 * units : 3 * units].add(forget_bias)
    peepholes = (wci, wcf, wco) if use_peephole else None
    return _forward(
        seq_len_max, x, cs_prev, h_prev, w, peepholes, bias, cell_clip, "icfo", check
    )  # fmt: skip


@BlockLSTMV2.kernel
def _(seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, cell_clip, use_peephole, check):
    peepholes = (wci, wcf, wco) if use_peephole else None
    return _forward(seq_len_max, x, cs_prev, h_prev, w, peepholes, b, cell_clip, "ifco", check)


def _icfo(matrix):
    """Reorders columns `ifco` to `icfo`; its own inverse."""
    i, f, c, o = np.split(matrix, 4, axis=-1)
    return np.concatenate([i, c, f, o], axis=-1)


def _steps(seq_len_max, x):
    if not 0 <= seq_len_max <= len(x):
        raise errors.InvalidArgumentError(None, None, _too_long(seq_len_max, len(x)))
    return range(int(seq_len_max))


def _walk(seq_len_max, x, cs, h, w, diagonals, b, forget_bias, cell_clip, use_peephole):
    """Runs the reference of the single step again and again."""
    one = get("LSTMBlockCell").reference.fn
    values = [np.zeros((len(x), *cs.shape), x.dtype) for _ in range(7)]
    for t in _steps(seq_len_max, x):
        found = one(x[t], cs, h, w, *diagonals, b, forget_bias, cell_clip, use_peephole)
        for whole, value in zip(values, found, strict=True):
            whole[t] = value
        cs, h = found[1], found[6]
    return tuple(values)


@BlockLSTM.reference
def _(seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, forget_bias, cell_clip, use_peephole):
    return _walk(
        *(seq_len_max, x, cs_prev, h_prev, w, (wci, wcf, wco), b),
        *(forget_bias, cell_clip, use_peephole),
    )


@BlockLSTMV2.reference
def _(seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, cell_clip, use_peephole):
    return _walk(
        *(seq_len_max, x, cs_prev, h_prev, _icfo(w), (wci, wcf, wco), _icfo(b)),
        *(0.0, cell_clip, use_peephole),
    )


# -- backward


def _before(first, values):
    """Returns for each step the value that the step before it left."""
    return jnp.concatenate([first[None], values[:-1]])


def _backward(node, seq_len_max, x, cs_prev, h_prev, w, *rest):
    diagonals, values, (h, cs_grad, h_grad) = rest[:3], rest[3:9], rest[9:]
    peepholes = diagonals if node.attrs["use_peephole"] else None
    order = "icfo" if node.type == "BlockLSTMGrad" else "ifco"
    steps, batch, inputs = x.shape
    alive = jnp.arange(steps) < seq_len_max
    before = _before(cs_prev, values[1])
    recurrent = w[inputs:].T

    def step(state, given):
        dcs, dh = state
        here, cs_before, own, dcs_here, dh_here = given
        dcs, dgates = cell_step_back(
            jnp, cs_before, peepholes, own, dcs + dcs_here * here, dh + dh_here * here, order
        )
        dgates, dcs = dgates * here, jnp.where(here != 0, dcs, state[0])
        return (dcs, dgates @ recurrent), dgates

    start = (jnp.zeros_like(cs_prev), jnp.zeros_like(h_prev))
    given = (alive.astype(x.dtype), before, values, cs_grad, h_grad)
    (dcs, dh), dgates = lax.scan(step, start, given, reverse=True)
    flat = dgates.reshape(steps * batch, -1)
    dx = (flat @ w[:inputs].T).reshape(x.shape)
    both = jnp.concatenate([x, _before(h_prev, h)], axis=2).reshape(steps * batch, -1)
    dw = both.T @ flat
    sums = _diagonal_sums(peepholes, diagonals, dgates, before, values[1], order)
    return dx, dcs, dh, dw, *sums, flat.sum(0)


def _diagonal_sums(peepholes, diagonals, dgates, before, cs, order):
    if not peepholes:
        return [jnp.zeros_like(d) for d in diagonals]
    part = dict(zip(order, jnp.split(dgates, 4, axis=2), strict=True))
    pairs = ((part["i"], before), (part["f"], before), (part["o"], cs))
    return [(d * c).sum((0, 1)) for d, c in pairs]


def _register_backward(opdef, reorder):
    @opdef.kernel
    def _(
        node, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, i, cs, f, o, ci, co, h, cs_grad,
        h_grad,
    ):  # fmt: skip
        return _backward(
            node, seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, i, cs, f, o, ci, co, h,
            cs_grad, h_grad,
        )  # fmt: skip

    @opdef.reference
    def _(
        seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, i, cs, f, o, ci, co, h, cs_grad, h_grad,
        use_peephole,
    ):  # fmt: skip
        found = _walk_back(
            seq_len_max, x, cs_prev, h_prev, reorder(w), (wci, wcf, wco), (i, cs, f, o, ci, co), h,
            cs_grad, h_grad, use_peephole,
        )  # fmt: skip
        return *found[:3], reorder(found[3]), *found[4:7], reorder(found[7])

    opdef.no_gradient("TensorFlow has none")


def _walk_back(
    seq_len_max, x, cs_prev, h_prev, w, diagonals, values, h, cs_grad, h_grad, use_peephole
):
    one = get("LSTMBlockCellGrad").reference.fn
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    sums = [np.zeros_like(d) for d in diagonals]
    db = np.zeros_like(w[0])
    dcs, dh = np.zeros_like(cs_prev), np.zeros_like(h_prev)
    for t in reversed(_steps(seq_len_max, x)):
        cs_before, h_before = (values[1][t - 1], h[t - 1]) if t else (cs_prev, h_prev)
        own = [v[t] for v in values]
        dcs, dgates, *parts = one(
            *(cs_before, *diagonals, *own), dcs + cs_grad[t], dh + h_grad[t], use_peephole
        )
        dx[t], dh = np.split(dgates @ w.T, [x.shape[2]], axis=1)
        dw += np.concatenate([x[t], h_before], axis=1).T @ dgates
        db += dgates.sum(0)
        sums = [total + part for total, part in zip(sums, parts, strict=True)]
    return dx, dcs, dh, dw, *sums, db


_register_backward(BlockLSTMGrad, lambda matrix: matrix)
_register_backward(BlockLSTMGradV2, _icfo)


@BlockLSTM.gradient
def _(node, *dys):
    return _gradient(BlockLSTMGrad, node, dys)


@BlockLSTMV2.gradient
def _(node, *dys):
    return _gradient(BlockLSTMGradV2, node, dys)


def _gradient(opdef, node, dys):
    back = opdef(
        *node.inputs, *node.outputs, dys[1], dys[6], use_peephole=node.attrs["use_peephole"]
    )
    return [None, *back]


_block = (f[5, 2, 3], f[2, 4], 0.5 * f[2, 4], f[7, 16], f[4], 2 * f[4], 3 * f[4], f[16])
_values = (0.3 * f[5, 2, 4], f[5, 2, 4], *[0.2 * f[5, 2, 4]] * 5, f[5, 2, 4] + 1, 2 * f[5, 2, 4])
for _opdef in (BlockLSTM, BlockLSTMV2):
    _opdef.examples(np.int64(5), *_block)
    _opdef.examples(np.int64(3), *_block, use_peephole=True, cell_clip=0.8)
    _opdef.fails("is not between 0 and the 5 steps", np.int64(6), *_block)
for _opdef in (BlockLSTMGrad, BlockLSTMGradV2):
    _opdef.examples(np.int64(5), *_block, *_values, use_peephole=False)
    _opdef.examples(np.int64(3), *_block, *_values, use_peephole=True)
