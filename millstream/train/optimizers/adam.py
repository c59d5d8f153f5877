"""`tf.train.AdamOptimizer`."""

from millstream.base.export import export
from millstream.ir.default import get_default_graph
from millstream.ir.scopes import colocate_with, control_dependencies
from millstream.ops import math
from millstream.ops.flow import group
from millstream.ops.state.scatter import ResourceScatterAdd
from millstream.state.assignments import assign, assign_sub, scatter_add
from millstream.train.optimizers.formula import FormulaOptimizer


@export("train.AdamOptimizer")
class AdamOptimizer(FormulaOptimizer):
    """Scales each step by decaying means of the gradients and of their squares, corrected for bias.

    A sparse gradient decays the means of all rows, as TF does; only rows with gradients are added
    to.

    Args:
      learning_rate: a number, tensor or function without arguments.
      beta1: how much of the mean of gradients is kept.
      beta2: how much of the mean of squares is kept.
      epsilon: added to the root, before the bias correction ("epsilon hat" in the paper).
      use_locking: whether updates of one variable exclude each other.
      name: scope of the nodes and name of the slots.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (2014).
    """

    formula = "Adam"
    slot_operands = {"m": "m", "v": "v"}  # noqa: RUF012
    hyperparameters = {  # noqa: RUF012
        "lr": "learning_rate",
        "beta1": "beta1",
        "beta2": "beta2",
        "epsilon": "epsilon",
    }

    def __init__(
        self,
        learning_rate=0.001,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        use_locking=False,
        name="Adam",
    ):
        super().__init__(
            use_locking,
            name,
            learning_rate=learning_rate,
            beta1=beta1,
            beta2=beta2,
            epsilon=epsilon,
        )

    def _create_slots(self, var_list):
        first = min(var_list, key=lambda v: v.name)
        for key in ("beta1", "beta2"):
            start = self._call_if_callable(self._values[key])
            self._create_non_slot_variable(start, f"{key}_power", first)
        for var in var_list:
            self._zeros_slot(var, "m", self._name)
            self._zeros_slot(var, "v", self._name)

    def _powers(self):
        graph = get_default_graph()
        return tuple(self._get_non_slot_variable(f"beta{i}_power", graph) for i in (1, 2))

    def _operands(self, var):
        beta1_power, beta2_power = self._powers()
        operands = super()._operands(var)
        operands["beta1_power"] = math.cast(beta1_power, var.dtype.base_dtype)
        operands["beta2_power"] = math.cast(beta2_power, var.dtype.base_dtype)
        return operands

    def _apply_rows(self, values, indices, var, add_rows):
        dtype = var.dtype.base_dtype
        beta1_power, beta2_power = (math.cast(p, dtype) for p in self._powers())
        rate, beta1, beta2, epsilon = (
            math.cast(self._tensors[n], dtype)
            for n in ("learning_rate", "beta1", "beta2", "epsilon")
        )
        rate = rate * math.sqrt(1 - beta2_power) / (1 - beta1_power)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        scaled = values * (1 - beta1)
        m_next = self._decayed(m, beta1, scaled, indices, add_rows)
        squared = (values * values) * (1 - beta2)
        v_next = self._decayed(v, beta2, squared, indices, add_rows)
        root = math.sqrt(v_next)
        step = rate * m_next / (root + epsilon)
        update = assign_sub(var, step, use_locking=self._use_locking)
        return group(update, m_next, v_next)

    def _decayed(self, slot, beta, rows, indices, add_rows):
        decayed = assign(slot, slot * beta, use_locking=self._use_locking)
        with control_dependencies([decayed]):
            return add_rows(slot, indices, rows)

    def _apply_sparse(self, grad, var):
        def add_rows(slot, indices, rows):
            return scatter_add(slot, indices, rows, use_locking=self._use_locking)

        return self._apply_rows(grad.values, grad.indices, var, add_rows)

    def _resource_apply_sparse(self, grad, handle, indices):
        def add_rows(slot, at, rows):
            with control_dependencies([ResourceScatterAdd(slot.handle, at, rows)]):
                return slot.value()

        return self._apply_rows(grad, indices, handle, add_rows)

    def _finish(self, update_ops, name_scope):
        powers = self._powers()
        with control_dependencies(update_ops), colocate_with(powers[0]):
            advanced = [
                power.assign(power * self._tensors[key], use_locking=self._use_locking)
                for power, key in zip(powers, ("beta1", "beta2"), strict=True)
            ]
        return group(*update_ops, *advanced, name=name_scope)
