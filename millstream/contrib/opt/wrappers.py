"""Optimizers around others: averages, weight decay, clipping, several tasks."""

from millstream.base.export import export
from millstream.contrib.opt.rows import scatter
from millstream.ir.composite import IndexedSlices
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import colocate_with, control_dependencies, name_scope
from millstream.ops import math
from millstream.ops.array import gather
from millstream.ops.flow import group, no_op
from millstream.ops.flow.conditionals import cond
from millstream.ops.math.clipping import clip_by_global_norm, clip_by_norm
from millstream.state.listing import global_variables
from millstream.train.moving_averages import ExponentialMovingAverage
from millstream.train.optimizers.adam import AdamOptimizer
from millstream.train.optimizers.base import Optimizer
from millstream.train.optimizers.simple import MomentumOptimizer
from millstream.train.saver import Saver

# -- weight decay


@export("contrib.opt.DecoupledWeightDecayExtension")
class DecoupledWeightDecayExtension:
    """Is a mix-in that takes part of the weights away at each step, beside the gradient's update.

    Put it before an optimizer among the base classes.

    Args:
      weight_decay: the part, a number, tensor or function without arguments.
      **kwargs: arguments of the optimizer.

    Source: Loshchilov and Hutter, 2017.
    """

    def __init__(self, weight_decay, **kwargs) -> None:
        self._decay_var_list = None
        self._weight_decay = weight_decay
        self._weight_decay_tensor = None
        super().__init__(**kwargs)

    def minimize(
        self, loss, global_step=None, var_list=None, gate_gradients=Optimizer.GATE_OP,
        aggregation_method=None, colocate_gradients_with_ops=False, name=None, grad_loss=None,
        decay_var_list=None,
    ):  # fmt: skip
        """Is `Optimizer.minimize`; `decay_var_list` names the variables that decay."""
        self._note(decay_var_list)
        return super().minimize(
            loss, global_step=global_step, var_list=var_list, gate_gradients=gate_gradients,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops, name=name,
            grad_loss=grad_loss,
        )  # fmt: skip

    def apply_gradients(self, grads_and_vars, global_step=None, name=None, decay_var_list=None):
        """Is `Optimizer.apply_gradients`; `decay_var_list` names the variables that decay."""
        self._note(decay_var_list)
        return super().apply_gradients(grads_and_vars, global_step=global_step, name=name)

    def _note(self, decay_var_list):
        if decay_var_list:
            self._decay_var_list = {id(var) for var in decay_var_list}

    def _prepare(self):
        decay = self._weight_decay() if callable(self._weight_decay) else self._weight_decay
        self._weight_decay_tensor = convert_to_tensor(decay, name="weight_decay")
        super()._prepare()

    def _decay_weights_op(self, var):
        if self._decay_var_list is not None and id(var) not in self._decay_var_list:
            return no_op()
        decay = math.cast(self._weight_decay_tensor, var.dtype.base_dtype)
        return var.assign_sub(decay * var, self._use_locking)

    def _apply_dense(self, grad, var):
        with control_dependencies([self._decay_weights_op(var)]):
            return super()._apply_dense(grad, var)

    def _resource_apply_dense(self, grad, handle):
        with control_dependencies([self._decay_weights_op(handle)]):
            return super()._resource_apply_dense(grad, handle)

    def _apply_sparse(self, grad, var):
        with control_dependencies([self._decay_weights_op(var)]):
            return super()._apply_sparse(grad, var)

    def _resource_apply_sparse(self, grad, handle, indices):
        with control_dependencies([self._decay_weights_op(handle)]):
            return super()._resource_apply_sparse(grad, handle, indices)


@export("contrib.opt.extend_with_decoupled_weight_decay")
def extend_with_decoupled_weight_decay(base_optimizer):
    """Makes a class of optimizers with weight decay of another class.

    The new class takes `weight_decay` first.
    """

    class OptimizerWithDecoupledWeightDecay(DecoupledWeightDecayExtension, base_optimizer):
        """The optimizer with weight decay."""

        def __init__(self, weight_decay, *args, **kwargs) -> None:
            self._decay_var_list, self._weight_decay_tensor = None, None
            self._weight_decay = weight_decay
            base_optimizer.__init__(self, *args, **kwargs)

    return OptimizerWithDecoupledWeightDecay


@export("contrib.opt.AdamWOptimizer")
class AdamWOptimizer(DecoupledWeightDecayExtension, AdamOptimizer):
    """Is Adam with weight decay.

    Args:
      weight_decay: the part of the weights that a step takes away.
      learning_rate: a number or tensor.
      beta1: how much of the mean of gradients is kept.
      beta2: how much of the mean of squares is kept.
      epsilon: small number against division by zero.
      use_locking: whether updates of one variable exclude each other.
      name: scope of the nodes and name of the slots.
    """

    def __init__(
        self, weight_decay, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8,
        use_locking=False, name="AdamW",
    ) -> None:  # fmt: skip
        super().__init__(
            weight_decay, learning_rate=learning_rate, beta1=beta1, beta2=beta2, epsilon=epsilon,
            use_locking=use_locking, name=name,
        )  # fmt: skip


@export("contrib.opt.MomentumWOptimizer")
class MomentumWOptimizer(DecoupledWeightDecayExtension, MomentumOptimizer):
    """Is momentum with weight decay.

    Args:
      weight_decay: the part of the weights that a step takes away.
      learning_rate: a number or tensor.
      momentum: how much of the accumulated gradients is kept.
      use_locking: whether updates of one variable exclude each other.
      name: scope of the nodes and name of the slots.
      use_nesterov: whether to use Nesterov's momentum.
    """

    def __init__(
        self, weight_decay, learning_rate, momentum, use_locking=False, name="MomentumW",
        use_nesterov=False,
    ) -> None:  # fmt: skip
        super().__init__(
            weight_decay, learning_rate=learning_rate, momentum=momentum,
            use_locking=use_locking, name=name, use_nesterov=use_nesterov,
        )  # fmt: skip


# -- around an optimizer


class _Wrapper(Optimizer):
    """An optimizer that has another make gradients, slots and updates."""

    def __init__(self, opt, use_locking=False, name="Wrapper") -> None:
        super().__init__(use_locking, name)
        self._optimizer = opt

    def compute_gradients(self, *args, **kwargs):
        """Is the other optimizer's `compute_gradients`."""
        return self._optimizer.compute_gradients(*args, **kwargs)

    def get_slot(self, *args, **kwargs):
        """Is the other optimizer's `get_slot`."""
        return self._optimizer.get_slot(*args, **kwargs)

    def get_slot_names(self, *args, **kwargs):
        """Is the other optimizer's `get_slot_names`."""
        return self._optimizer.get_slot_names(*args, **kwargs)

    def variables(self):
        """Returns the other optimizer's variables."""
        return self._optimizer.variables()


@export("contrib.opt.MovingAverageOptimizer")
class MovingAverageOptimizer(_Wrapper):
    """Keeps moving averages of what another optimizer trains; a saver can save those instead.

    Args:
      opt: the optimizer.
      average_decay: weight of the old value.
      num_updates: counts, so that the decay is smaller at first.
      sequential_update: whether the averages see the values after the step.
    """

    def __init__(self, opt, average_decay=0.9999, num_updates=None, sequential_update=True) -> None:
        super().__init__(opt, name="MovingAverage")
        self._ema = ExponentialMovingAverage(average_decay, num_updates=num_updates)
        self._swapped = None
        self._sequential_update = sequential_update

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """Trains, and moves the averages."""
        pairs = list(grads_and_vars)
        train = self._optimizer.apply_gradients(pairs, global_step=global_step, name=name)
        variables = [v for g, v in pairs if g is not None]
        with control_dependencies([train] if self._sequential_update else []):
            averaged = self._ema.apply(variables)
        self._swapped = {}
        for var in variables:
            average = self._ema.average(var)
            self._swapped[var.op.name], self._swapped[average.op.name] = average, var
        return group(train, averaged, name="train_with_avg")

    def swapping_saver(self, var_list=None, name="swapping_saver", **kwargs):
        """Makes a saver that saves averages under the variables' names and the reverse.

        Args:
          var_list: what to save; by default all global variables.
          name: name of the saver.
          **kwargs: arguments of `tf.train.Saver`.

        Raises:
          RuntimeError: before `apply_gradients`.
        """
        if self._swapped is None:
            raise RuntimeError("Must call apply_gradients or minimize before creating the "
                               "swapping_saver")  # fmt: skip
        variables = global_variables() if var_list is None else var_list
        if not isinstance(variables, dict):
            variables = {var.op.name: var for var in variables}
        swapped = {n: self._swapped.get(v.op.name, v) for n, v in variables.items()}
        return Saver(swapped, name=name, **kwargs)


@export("contrib.opt.VariableClippingOptimizer")
class VariableClippingOptimizer(_Wrapper):
    """Clips variables to a norm after each update by another optimizer.

    Args:
      opt: the optimizer.
      vars_to_clip_dims: for each variable to clip the axes of the vectors.
      max_norm: the largest norm.
      use_locking: whether updates of one variable exclude each other.
      colocate_clip_ops_with_vars: whether the nodes stand where the variables are.
      name: scope of the nodes.
    """

    def __init__(
        self, opt, vars_to_clip_dims, max_norm, use_locking=False,
        colocate_clip_ops_with_vars=False, name="VariableClipping",
    ) -> None:  # fmt: skip
        super().__init__(opt, use_locking, name)
        self._dims = {id(var): (var, dims) for var, dims in vars_to_clip_dims.items()}
        self._max_norm, self._colocate = max_norm, colocate_clip_ops_with_vars

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """Trains, and clips."""
        pairs = list(grads_and_vars)
        with name_scope(name, self._name) as scope:
            update = self._optimizer.apply_gradients(pairs, global_step=global_step)
            clips = []
            with control_dependencies([update]):
                for grad, var in pairs:
                    if grad is not None and id(var) in self._dims:
                        clips.append(self._clip(grad, var, self._dims[id(var)][1]))
            return group(update, *clips, name=scope)

    def _clip(self, grad, var, dims):
        if isinstance(grad, IndexedSlices):
            if 0 in dims:
                raise ValueError("Cannot clip along the first axis of a sparse gradient.")
            rows = gather(var, grad.indices)
            clipped = clip_by_norm(rows, self._max_norm, dims)
            return scatter("update", var, grad.indices, clipped, self._use_locking)
        value = var.read_value()
        excess = value - clip_by_norm(value, self._max_norm, dims)
        if not self._colocate:
            return var.assign_sub(excess, use_locking=self._use_locking)
        with colocate_with(var):
            return var.assign_sub(excess, use_locking=self._use_locking)


@export("contrib.opt.MultitaskOptimizerWrapper")
class MultitaskOptimizerWrapper:
    """Leaves variables and slots alone where a gradient is all zeros.

    Tasks that take turns then do not decay each other's momenta.

    Args:
      opt: the optimizer.
    """

    def __init__(self, opt) -> None:
        self._opt = opt
        for name in (
            "_apply_dense", "_resource_apply_dense", "_apply_sparse_duplicate_indices",
            "_resource_apply_sparse_duplicate_indices",
        ):  # fmt: skip
            setattr(opt, name, self._unless_zero(getattr(opt, name)))

    @staticmethod
    def _unless_zero(update):
        def apply(grad, *args, **kwargs):
            values = grad.values if isinstance(grad, IndexedSlices) else grad
            is_zero = math.equal(math.count_nonzero(values), 0)
            return cond(
                is_zero, lambda: group(no_op()), lambda: group(update(grad, *args, **kwargs))
            )

        return apply

    def __getattr__(self, name):
        return getattr(self._opt, name)


@export("contrib.opt.clip_gradients_by_global_norm")
def clip_gradients_by_global_norm(gradients_variables, clip_norm=20.0):
    """Clips gradients to a global norm; those that are all zero stay so.

    Args:
      gradients_variables: pairs of gradient and variable.
      clip_norm: the largest norm.
    """
    gradients, variables = zip(*gradients_variables)
    clipped, _ = clip_by_global_norm(gradients, clip_norm)
    return list(zip(clipped, variables))
