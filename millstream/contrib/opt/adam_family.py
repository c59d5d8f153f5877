"""Adam's relatives: AdaMax, NAdam, and an Adam that leaves rows without gradients alone."""

from millstream.base.export import export
from millstream.contrib.opt.rows import rows_of, scatter
from millstream.ir.default import get_default_graph
from millstream.ir.scopes import colocate_with, control_dependencies
from millstream.ops import math
from millstream.ops.flow import group
from millstream.train.optimizers.adam import AdamOptimizer


class _ByRows(AdamOptimizer):
    """An Adam whose sparse update is a function of the rows."""

    def _numbers(self, var):
        """Returns the hyperparameters in the variable's type, and the powers of the betas."""
        dtype = var.dtype.base_dtype
        names = ("learning_rate", "beta1", "beta2", "epsilon")
        powers = [math.cast(power, dtype) for power in self._powers()]
        return [math.cast(self._tensors[name], dtype) for name in names], powers

    def _apply_sparse(self, grad, var):
        return self._update_rows(grad.values, grad.indices, var)

    def _resource_apply_sparse(self, grad, handle, indices):
        return self._update_rows(grad, indices, handle)

    def _update_rows(self, rows, indices, var):
        raise NotImplementedError(type(self).__name__)


@export("contrib.opt.LazyAdamOptimizer")
class LazyAdamOptimizer(_ByRows):
    """Is Adam, but a sparse gradient updates the moments of its own rows only.

    The arguments are those of `tf.train.AdamOptimizer`.
    """

    def _update_rows(self, rows, indices, var):
        (rate, beta1, beta2, epsilon), powers = self._numbers(var)
        rate = rate * math.sqrt(1 - powers[1]) / (1 - powers[0])
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        new_m = scatter(
            "update", m, indices, beta1 * rows_of(m, indices) + (1 - beta1) * rows,
            self._use_locking,
        )  # fmt: skip
        new_v = scatter(
            "update", v, indices, beta2 * rows_of(v, indices) + (1 - beta2) * math.square(rows),
            self._use_locking,
        )  # fmt: skip
        step = rate * rows_of(new_m, indices) / (math.sqrt(rows_of(new_v, indices)) + epsilon)
        return group(scatter("sub", var, indices, step, self._use_locking), new_m, new_v)


@export("contrib.opt.NadamOptimizer")
class NadamOptimizer(_ByRows):
    """Is Adam with Nesterov's momentum.

    The arguments are those of `tf.train.AdamOptimizer`.

    Source: Dozat, 2015.
    """

    def _attrs(self):
        return {"use_nesterov": True}

    def _update_rows(self, rows, indices, var):
        (rate, beta1, beta2, epsilon), powers = self._numbers(var)
        rate = rate * math.sqrt(1 - powers[1]) / (1 - powers[0])
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")

        def add_rows(slot, at, values):
            return scatter("add", slot, at, values, self._use_locking)

        scaled = rows * (1 - beta1)
        new_m = self._decayed(m, beta1, scaled, indices, add_rows)
        ahead = scaled + beta1 * rows_of(new_m, indices)
        new_v = self._decayed(v, beta2, rows * rows * (1 - beta2), indices, add_rows)
        step = rate * ahead / (math.sqrt(rows_of(new_v, indices)) + epsilon)
        return group(scatter("sub", var, indices, step, self._use_locking), new_m, new_v)


@export("contrib.opt.AdaMaxOptimizer")
class AdaMaxOptimizer(_ByRows):
    """Is Adam with the largest gradient, decayed, in place of the mean of squares.

    The arguments are those of `tf.train.AdamOptimizer`.

    Source: Kingma and Ba, 2014, section 7.
    """

    formula = "AdaMax"

    def __init__(
        self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, use_locking=False,
        name="AdaMax",
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, beta1, beta2, epsilon, use_locking, name)

    def _create_slots(self, var_list):
        first = min(var_list, key=lambda v: v.name)
        start = self._call_if_callable(self._values["beta1"])
        self._create_non_slot_variable(start, "beta1_power", first)
        for var in var_list:
            self._zeros_slot(var, "m", self._name)
            self._zeros_slot(var, "v", self._name)

    def _powers(self):
        return (self._get_non_slot_variable("beta1_power", get_default_graph()),)

    def _operands(self, var):
        operands = super(AdamOptimizer, self)._operands(var)
        operands["beta1_power"] = math.cast(self._powers()[0], var.dtype.base_dtype)
        return operands

    def _update_rows(self, rows, indices, var):
        (rate, beta1, beta2, epsilon), (power,) = self._numbers(var)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_rows = beta1 * rows_of(m, indices) + (1 - beta1) * rows
        v_rows = math.maximum(beta2 * rows_of(v, indices), math.abs(rows))
        new_m = scatter("update", m, indices, m_rows, self._use_locking)
        new_v = scatter("update", v, indices, v_rows, self._use_locking)
        step = -rate / (1 - power) * (m_rows / (v_rows + epsilon))
        return group(scatter("add", var, indices, step, self._use_locking), new_m, new_v)

    def _finish(self, update_ops, name_scope):
        (power,) = self._powers()
        with control_dependencies(update_ops), colocate_with(power):
            advanced = power.assign(power * self._tensors["beta1"], use_locking=self._use_locking)
        return group(*update_ops, advanced, name=name_scope)
