"""The update formulas of the optimizers: variable, slots and gradient to new variable and slots.

Each is written once, over `xp`: NumPy in references, `jax.numpy` in kernels. What checks them are
recordings of TensorFlow's own results. Parameters are called as the ops' inputs and attrs are.
"""

from __future__ import annotations

from typing import Any


def gradient_descent(xp: Any, var: Any, alpha: Any, delta: Any) -> Any:
    """Steps against the gradient."""
    return (var - alpha * delta,)


def momentum(
    xp: Any, var: Any, accum: Any, lr: Any, grad: Any, momentum: Any, use_nesterov: bool
) -> Any:
    """Accumulates gradients, with the learning rate outside the accumulator."""
    accum = accum * momentum + grad
    if use_nesterov:
        return var - (grad * lr + accum * momentum * lr), accum
    return var - accum * lr, accum


def keras_momentum(
    xp: Any, var: Any, accum: Any, lr: Any, grad: Any, momentum: Any, use_nesterov: bool
) -> Any:
    """Accumulates steps, with the learning rate inside the accumulator."""
    accum = accum * momentum - grad * lr
    return (var + (accum * momentum - grad * lr) if use_nesterov else var + accum), accum


def adagrad(xp: Any, var: Any, accum: Any, lr: Any, grad: Any, update_slots: bool) -> Any:
    """Divides by the root of the sum of all squares."""
    if update_slots:
        accum = accum + grad * grad
    return var - lr * grad / xp.sqrt(accum), accum


def adagrad_v2(
    xp: Any, var: Any, accum: Any, lr: Any, epsilon: Any, grad: Any, update_slots: bool
) -> Any:
    """Is `adagrad` with an `epsilon` beside the root."""
    if update_slots:
        accum = accum + grad * grad
    return var - lr * grad / (xp.sqrt(accum) + epsilon), accum


def _shrunk(xp: Any, value: Any, threshold: Any) -> Any:
    """Moves values towards zero by `threshold`, at most to zero."""
    return xp.sign(value) * xp.maximum(xp.abs(value) - threshold, 0)


def proximal_gradient_descent(xp: Any, var: Any, alpha: Any, l1: Any, l2: Any, delta: Any) -> Any:
    """Steps against the gradient, then towards zero as the L1 and L2 penalties ask."""
    return (_proximal(xp, var - alpha * delta, alpha, l1, l2),)


def _proximal(xp: Any, moved: Any, rate: Any, l1: Any, l2: Any) -> Any:
    shrunk = xp.where(l1 > 0, _shrunk(xp, moved, rate * xp.maximum(l1, 0)), moved)
    return shrunk / (1 + l2 * rate)


def proximal_adagrad(xp: Any, var: Any, accum: Any, lr: Any, l1: Any, l2: Any, grad: Any) -> Any:
    """Is `proximal_gradient_descent` with Adagrad's rate for each element."""
    accum = accum + grad * grad
    rate = lr / xp.sqrt(accum)
    return _proximal(xp, var - grad * rate, rate, l1, l2), accum


def adagrad_da(
    xp: Any, var: Any, gradient_accumulator: Any, gradient_squared_accumulator: Any, grad: Any,
    lr: Any, l1: Any, l2: Any, global_step: Any,
) -> Any:  # fmt: skip
    """Solves for the weights anew from the sums of all gradients and squares (dual averaging)."""
    total = gradient_accumulator + grad
    squares = gradient_squared_accumulator + grad * grad
    steps = global_step.astype(var.dtype)
    numerator = xp.where(l1 > 0, _shrunk(xp, total, l1 * steps), total)
    var = -lr * numerator / (l2 * steps * lr + xp.sqrt(squares))
    return var, total, squares


def adadelta(
    xp: Any, var: Any, accum: Any, accum_update: Any, lr: Any, rho: Any, epsilon: Any, grad: Any
) -> Any:
    """Scales by the ratio of the decayed mean squares of steps and of gradients."""
    accum = accum * rho + grad * grad * (1 - rho)
    step = xp.sqrt(accum_update + epsilon) / xp.sqrt(accum + epsilon) * grad
    return var - step * lr, accum, accum_update * rho + step * step * (1 - rho)


def adam(
    xp: Any, var: Any, m: Any, v: Any, beta1_power: Any, beta2_power: Any, lr: Any, beta1: Any,
    beta2: Any, epsilon: Any, grad: Any, use_nesterov: bool,
) -> Any:  # fmt: skip
    """Divides the mean of gradients by the root of the mean of squares, both corrected for bias."""
    rate = lr * xp.sqrt(1 - beta2_power) / (1 - beta1_power)
    m = m + (grad - m) * (1 - beta1)
    v = v + (grad * grad - v) * (1 - beta2)
    direction = grad * (1 - beta1) + beta1 * m if use_nesterov else m
    return var - direction * rate / (xp.sqrt(v) + epsilon), m, v


def adam_with_amsgrad(
    xp: Any, var: Any, m: Any, v: Any, vhat: Any, beta1_power: Any, beta2_power: Any, lr: Any,
    beta1: Any, beta2: Any, epsilon: Any, grad: Any,
) -> Any:  # fmt: skip
    """Is `adam` with the largest mean of squares so far."""
    rate = lr * xp.sqrt(1 - beta2_power) / (1 - beta1_power)
    m = m + (grad - m) * (1 - beta1)
    v = v + (grad * grad - v) * (1 - beta2)
    vhat = xp.maximum(vhat, v)
    return var - m * rate / (xp.sqrt(vhat) + epsilon), m, v, vhat


def ada_max(
    xp: Any, var: Any, m: Any, v: Any, beta1_power: Any, lr: Any, beta1: Any, beta2: Any,
    epsilon: Any, grad: Any,
) -> Any:  # fmt: skip
    """Is `adam` with the decayed maximum of gradients in place of the root."""
    m = m + (grad - m) * (1 - beta1)
    v = xp.maximum(beta2 * v, xp.abs(grad))
    return var - lr / (1 - beta1_power) * (m / (v + epsilon)), m, v


def rms_prop(
    xp: Any, var: Any, ms: Any, mom: Any, lr: Any, rho: Any, momentum: Any, epsilon: Any, grad: Any
) -> Any:
    """Divides by the root of the decayed mean of squares, with momentum."""
    ms = ms + (grad * grad - ms) * (1 - rho)
    mom = mom * momentum + grad * lr / xp.sqrt(ms + epsilon)
    return var - mom, ms, mom


def centered_rms_prop(
    xp: Any, var: Any, mg: Any, ms: Any, mom: Any, lr: Any, rho: Any, momentum: Any, epsilon: Any,
    grad: Any,
) -> Any:  # fmt: skip
    """Divides by the root of the decayed variance of gradients, with momentum."""
    ms = ms + (grad * grad - ms) * (1 - rho)
    mg = mg + (grad - mg) * (1 - rho)
    mom = mom * momentum + grad * lr / xp.sqrt(ms - mg * mg + epsilon)
    return var - mom, mg, ms, mom


def ftrl(
    xp: Any, var: Any, accum: Any, linear: Any, grad: Any, lr: Any, l1: Any, l2: Any,
    lr_power: Any,
) -> Any:  # fmt: skip
    """Follows the regularised leader: solves for the weights from the accumulated gradients."""
    return ftrl_v2(xp, var, accum, linear, grad, lr, l1, l2, None, lr_power)


def ftrl_v2(
    xp: Any, var: Any, accum: Any, linear: Any, grad: Any, lr: Any, l1: Any, l2: Any,
    l2_shrinkage: Any, lr_power: Any,
) -> Any:  # fmt: skip
    """Is `ftrl` with a further L2 penalty, which only the gradient sees."""
    shrunk = grad if l2_shrinkage is None else grad + 2 * l2_shrinkage * var
    new_accum = accum + grad * grad
    # A square root is what lr_power = -1/2 asks for, and rounds better than a power.
    is_root = lr_power == -0.5
    before = xp.where(is_root, xp.sqrt(accum), accum ** (-lr_power))
    after = xp.where(is_root, xp.sqrt(new_accum), new_accum ** (-lr_power))
    linear = linear + shrunk - (after - before) / lr * var
    solved = (l1 * xp.sign(linear) - linear) / (after / lr + 2 * l2)
    return xp.where(xp.abs(linear) > l1, solved, xp.zeros_like(solved)), new_accum, linear


def add_sign(
    xp: Any, var: Any, m: Any, lr: Any, alpha: Any, sign_decay: Any, beta: Any, grad: Any
) -> Any:
    """Steps further where the gradient has the sign of its mean."""
    m = m * beta + grad * (1 - beta)
    agreement = xp.sign(grad) * xp.sign(m)
    return var - lr * (alpha + sign_decay * agreement) * grad, m


def power_sign(
    xp: Any, var: Any, m: Any, lr: Any, logbase: Any, sign_decay: Any, beta: Any, grad: Any
) -> Any:
    """Steps further, by a power, where the gradient has the sign of its mean."""
    m = m * beta + grad * (1 - beta)
    agreement = xp.sign(grad) * xp.sign(m)
    return var - lr * xp.exp(logbase * sign_decay * agreement) * grad, m
