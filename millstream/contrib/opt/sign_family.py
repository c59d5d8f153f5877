"""Optimizers that follow the sign of gradient and momentum, and how it decays; LARS."""

import math as scalar_math

from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.contrib.opt.rows import rows_of, scatter
from millstream.ir.scopes import name_scope
from millstream.ops import math
from millstream.ops.array.selecting import where
from millstream.ops.flow import group
from millstream.ops.math.functions import cos
from millstream.ops.math.norms import norm
from millstream.ops.state.training import OPS
from millstream.state.global_step import get_global_step
from millstream.train.optimizers.base import Optimizer
from millstream.train.optimizers.formula import FormulaOptimizer


class _SignOptimizer(FormulaOptimizer):
    """Base of the two; subclasses say how a step is scaled where signs agree."""

    slot_operands = {"m": "m"}  # noqa: RUF012
    base_operand = "alpha"
    hyperparameters = {  # noqa: RUF012
        "lr": "learning_rate", "alpha": "alpha", "sign_decay": "sign_decay", "beta": "beta",
    }  # fmt: skip

    def __init__(self, learning_rate, base, beta, sign_decay_fn, use_locking, name) -> None:
        super().__init__(
            use_locking, name, learning_rate=learning_rate, beta=beta, **{self.base_operand: base}
        )
        self._sign_decay_fn = sign_decay_fn

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """Is `Optimizer.apply_gradients`, with the decay of signs at this step."""
        decay = 1.0
        if self._sign_decay_fn is not None:
            decay = self._sign_decay_fn(get_global_step() if global_step is None else global_step)
        self._values["sign_decay"] = decay
        return super().apply_gradients(grads_and_vars, global_step=global_step, name=name)

    def _create_slots(self, var_list):
        for var in var_list:
            self._zeros_slot(var, "m", self._name)

    def _scale(self, base, agreement):
        raise NotImplementedError(type(self).__name__)

    def _update_rows(self, rows, indices, var):
        dtype = var.dtype.base_dtype
        rate, base, decay, beta = (
            math.cast(self._tensors[name], dtype)
            for name in ("learning_rate", self.base_operand, "sign_decay", "beta")
        )
        m = self.get_slot(var, "m")
        new_m = scatter(
            "update", m, indices, rows_of(m, indices) * beta + rows * (1 - beta),
            self._use_locking,
        )  # fmt: skip
        agreement = decay * math.sign(rows) * math.sign(rows_of(new_m, indices))
        step = rate * self._scale(base, agreement) * rows
        return group(scatter("sub", var, indices, step, self._use_locking), new_m)

    def _apply_sparse(self, grad, var):
        return self._update_rows(grad.values, grad.indices, var)

    def _resource_apply_sparse(self, grad, handle, indices):
        return self._update_rows(grad, indices, handle)


@export("contrib.opt.AddSignOptimizer")
class AddSignOptimizer(_SignOptimizer):
    """Scales a step by `alpha`, plus or minus one where gradient and momentum agree or not.

    Args:
      learning_rate: a number or tensor.
      alpha: what is added to the sign.
      beta: how much of the momentum is kept.
      sign_decay_fn: function from the global step to how much the sign counts.
      use_locking: whether updates of one variable exclude each other.
      name: scope of the nodes and name of the slots.

    Source: Bello et al., 2017.
    """

    formula = "AddSign"

    def __init__(
        self, learning_rate=0.1, alpha=1.0, beta=0.9, sign_decay_fn=None, use_locking=False,
        name="AddSignOptimizer",
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, alpha, beta, sign_decay_fn, use_locking, name)

    def _scale(self, base, agreement):
        return base + agreement


@export("contrib.opt.PowerSignOptimizer")
class PowerSignOptimizer(_SignOptimizer):
    """Scales a step by `base`, or its inverse, where gradient and momentum agree or not.

    Args:
      learning_rate: a number or tensor.
      base: the base of the power.
      beta: how much of the momentum is kept.
      sign_decay_fn: function from the global step to how much the sign counts.
      use_locking: whether updates of one variable exclude each other.
      name: scope of the nodes and name of the slots.

    Source: Bello et al., 2017.
    """

    formula = "PowerSign"
    base_operand = "logbase"
    hyperparameters = {  # noqa: RUF012
        "lr": "learning_rate", "logbase": "logbase", "sign_decay": "sign_decay", "beta": "beta",
    }  # fmt: skip

    def __init__(
        self, learning_rate=0.1, base=scalar_math.e, beta=0.9, sign_decay_fn=None,
        use_locking=False, name="PowerSignOptimizer",
    ) -> None:  # fmt: skip
        log = scalar_math.log(base)
        super().__init__(learning_rate, log, beta, sign_decay_fn, use_locking, name)

    def _scale(self, base, agreement):
        return math.exp(base * agreement)


def _fraction(step, decay_steps):
    return math.cast(step, Float) / float(decay_steps)


@export("contrib.opt.sign_decay.get_linear_decay_fn")
def get_linear_decay_fn(decay_steps):
    """Makes a function that falls from 1 to 0 in `decay_steps` steps."""

    def decay(global_step):
        with name_scope("linear_sign_decay"):
            done = math.minimum(_fraction(global_step, decay_steps), 1.0)
            return 1.0 - done

    return decay


@export("contrib.opt.sign_decay.get_cosine_decay_fn")
def get_cosine_decay_fn(decay_steps, num_periods=0.5, zero_after=None):
    """Makes a function that follows a cosine, `num_periods` of it in `decay_steps` steps."""

    def decay(global_step):
        with name_scope("cosine_sign_decay"):
            done = math.minimum(_fraction(global_step, decay_steps), 1.0)
            periods = 2.0 * num_periods * done
            value = 0.5 * (1.0 + cos(scalar_math.pi * periods))
            if zero_after is not None:
                value = where(math.greater_equal(done * num_periods, zero_after), 0.0, value)
            return value

    return decay


@export("contrib.opt.LARSOptimizer")
class LARSOptimizer(Optimizer):
    """Is momentum with a rate per layer: in proportion to the norms of weights and gradient.

    Args:
      learning_rate: a number or tensor.
      momentum: how much of the accumulated gradients is kept.
      weight_decay: factor of the weights that are added to the gradient.
      eeta: factor of the ratio of norms.
      epsilon: small number against division by zero.
      name: scope of the nodes.
      skip_list: names; a variable whose name contains one is updated plainly.
      use_nesterov: whether to use Nesterov's momentum.

    Source: You et al., 2017.
    """

    def __init__(
        self, learning_rate, momentum=0.9, weight_decay=0.0001, eeta=0.001, epsilon=0.0,
        name="LARSOptimizer", skip_list=None, use_nesterov=False,
    ) -> None:  # fmt: skip
        if momentum < 0.0:
            raise ValueError(f"momentum should be positive: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"weight_decay should be positive: {weight_decay}")
        super().__init__(use_locking=False, name=name)
        self._learning_rate, self._momentum = learning_rate, momentum
        self._weight_decay, self._eeta, self._epsilon = weight_decay, eeta, epsilon
        self._skip_list, self._use_nesterov = skip_list, use_nesterov

    def _create_slots(self, var_list):
        for var in var_list:
            self._zeros_slot(var, "momentum", self._name)

    def compute_lr(self, grad, var):
        """Returns the rate of a variable, and its gradient with the decay of the weights."""
        rate = self._learning_rate
        if self._skip_list is not None and any(name in var.name for name in self._skip_list):
            return rate, grad
        weights, gradients = norm(var, ord=2), norm(grad, ord=2)
        ratio = self._eeta * weights / (gradients + self._weight_decay * weights + self._epsilon)
        ratio = where(math.greater(gradients, 0), ratio, 1.0)
        trust = where(math.greater(weights, 0), ratio, 1.0)
        return rate * trust, grad + self._weight_decay * var

    def _apply_dense(self, grad, var):
        rate, grad = self.compute_lr(grad, var)
        slot, dtype = self.get_slot(var, "momentum"), var.dtype.base_dtype
        return OPS["ApplyMomentum"](
            var._ref(), slot._ref(), math.cast(rate, dtype), grad,
            math.cast(self._momentum, dtype), use_locking=False, use_nesterov=self._use_nesterov,
        ).op  # fmt: skip

    def _resource_apply_dense(self, grad, handle):
        rate, grad = self.compute_lr(grad, handle)
        slot, dtype = self.get_slot(handle, "momentum"), handle.dtype.base_dtype
        return OPS["ResourceApplyMomentum"](
            handle.handle, slot.handle, math.cast(rate, dtype), grad,
            math.cast(self._momentum, dtype), use_locking=False, use_nesterov=self._use_nesterov,
        )  # fmt: skip
