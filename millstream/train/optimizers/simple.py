"""Gradient descent, momentum, Adagrad, Adadelta, RMSProp, Ftrl and the proximal optimizers."""

from typing import Any

from millstream.base import dtypes
from millstream.base.export import export
from millstream.ir.composite import IndexedSlices
from millstream.ir.constant import constant
from millstream.ir.scopes import colocate_with
from millstream.ops import array, math
from millstream.ops.state.scatter import ResourceScatterAdd
from millstream.state.initializers import Constant, Ones
from millstream.train.optimizers.base import convert_ref
from millstream.train.optimizers.formula import FormulaOptimizer


@export("train.GradientDescentOptimizer")
class GradientDescentOptimizer(FormulaOptimizer):
    """Steps against the gradient: `var -= learning_rate * gradient`.

    Args:
      learning_rate: a number, tensor or function without arguments.
      use_locking: whether updates of one variable exclude each other.
      name: scope of the nodes.
    """

    formula = "GradientDescent"
    hyperparameters = {"alpha": "learning_rate"}  # noqa: RUF012
    gradient_operand = "delta"

    def __init__(self, learning_rate, use_locking=False, name="GradientDescent"):
        super().__init__(use_locking, name, learning_rate=learning_rate)

    def _rate(self, var):
        return math.cast(self._tensors["learning_rate"], var.dtype.base_dtype)

    def _apply_sparse_duplicate_indices(self, grad, var):
        scaled = IndexedSlices(grad.values * self._rate(var), grad.indices, grad.dense_shape)
        return var.scatter_sub(scaled, use_locking=self._use_locking)

    def _resource_apply_sparse_duplicate_indices(self, grad, handle, indices):
        # TensorFlow takes the number itself here, not its tensor.
        return ResourceScatterAdd(handle.handle, indices, -grad * self._values["learning_rate"])


@export("train.MomentumOptimizer")
class MomentumOptimizer(FormulaOptimizer):
    """Steps along a decaying sum of gradients, `accum = momentum * accum + gradient`.

    Args:
      learning_rate: a number, tensor or function without arguments.
      momentum: how much of the sum is kept, likewise.
      use_locking: whether updates of one variable exclude each other.
      name: scope of the nodes and name of the slots.
      use_nesterov: whether the gradient is taken one step ahead.

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning"
      (2013).
    """

    formula = "Momentum"
    slot_operands = {"accum": "momentum"}  # noqa: RUF012
    hyperparameters = {"lr": "learning_rate", "momentum": "momentum"}  # noqa: RUF012

    def __init__(
        self, learning_rate, momentum, use_locking=False, name="Momentum", use_nesterov=False
    ):
        super().__init__(use_locking, name, learning_rate=learning_rate, momentum=momentum)
        self._use_nesterov = use_nesterov

    def _create_slots(self, var_list):
        for var in var_list:
            self._zeros_slot(var, "momentum", self._name)

    def _attrs(self):
        return {"use_nesterov": self._use_nesterov}


@export("train.AdagradOptimizer")
class AdagradOptimizer(FormulaOptimizer):
    """Divides each step by the root of the sum of all squared gradients so far.

    Args:
      learning_rate: a number, tensor or function without arguments.
      initial_accumulator_value: what the sum starts from, positive.
      use_locking: whether updates of one variable exclude each other.
      name: scope of the nodes and name of the slots.

    Raises:
      ValueError: if the initial value is not positive.

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods" (2011).
    """

    formula = "Adagrad"
    slot_operands = {"accum": "accumulator"}  # noqa: RUF012
    hyperparameters = {"lr": "learning_rate"}  # noqa: RUF012

    def __init__(
        self, learning_rate, initial_accumulator_value=0.1, use_locking=False, name="Adagrad"
    ):
        _require_positive(initial_accumulator_value)
        super().__init__(use_locking, name, learning_rate=learning_rate)
        self._initial = initial_accumulator_value

    def _create_slots(self, var_list):
        for var in var_list:
            dtype = var.dtype.base_dtype
            if var.shape.is_fully_defined():
                start: Any = Constant(self._initial, dtype=dtype)
            else:
                start = _dynamic_constant(var, self._initial, dtype)
            self._get_or_make_slot_with_initializer(
                var, start, var.shape, dtype, "accumulator", self._name
            )


def _require_positive(value):
    if value <= 0.0:
        raise ValueError(f"initial_accumulator_value must be positive: {value}")


def _dynamic_constant(var, value, dtype):
    def initializer(shape=None, dtype=dtype, partition_info=None):
        del shape, partition_info
        return array.ones_like(var, dtype) * constant(value, dtype)

    return initializer


@export("train.ProximalAdagradOptimizer")
class ProximalAdagradOptimizer(FormulaOptimizer):
    """Is Adagrad with L1 and L2 penalties, applied by their proximal operator.

    Args:
      learning_rate: a number, tensor or function without arguments.
      initial_accumulator_value: what the sum of squares starts from, positive.
      l1_regularization_strength: weight of the L1 penalty, not negative.
      l2_regularization_strength: weight of the L2 penalty, not negative.
      use_locking: whether updates of one variable exclude each other.
      name: scope of the nodes and name of the slots.

    Raises:
      ValueError: if the initial value is not positive.

    Source: Duchi and Singer, "Efficient learning using forward-backward splitting" (2009).
    """

    formula = "ProximalAdagrad"
    slot_operands = {"accum": "accumulator"}  # noqa: RUF012
    hyperparameters = {  # noqa: RUF012
        "lr": "learning_rate",
        "l1": "l1_regularization_strength",
        "l2": "l2_regularization_strength",
    }

    def __init__(
        self,
        learning_rate,
        initial_accumulator_value=0.1,
        l1_regularization_strength=0.0,
        l2_regularization_strength=0.0,
        use_locking=False,
        name="ProximalAdagrad",
    ):
        _require_positive(initial_accumulator_value)
        super().__init__(
            use_locking,
            name,
            learning_rate=learning_rate,
            l1_regularization_strength=l1_regularization_strength,
            l2_regularization_strength=l2_regularization_strength,
        )
        self._initial = initial_accumulator_value

    def _create_slots(self, var_list):
        for var in var_list:
            with colocate_with(var):
                start = constant(self._initial, var.dtype.base_dtype, var.shape)
            self._get_or_make_slot(var, start, "accumulator", self._name)


@export("train.ProximalGradientDescentOptimizer")
class ProximalGradientDescentOptimizer(FormulaOptimizer):
    """Is gradient descent with L1 and L2 penalties, applied by their proximal operator.

    Args:
      learning_rate: a number, tensor or function without arguments.
      l1_regularization_strength: weight of the L1 penalty, not negative.
      l2_regularization_strength: weight of the L2 penalty, not negative.
      use_locking: whether updates of one variable exclude each other.
      name: scope of the nodes.

    Source: Duchi and Singer, "Efficient learning using forward-backward splitting" (2009).
    """

    formula = "ProximalGradientDescent"
    hyperparameters = {  # noqa: RUF012
        "alpha": "learning_rate",
        "l1": "l1_regularization_strength",
        "l2": "l2_regularization_strength",
    }
    gradient_operand = "delta"

    def __init__(
        self,
        learning_rate,
        l1_regularization_strength=0.0,
        l2_regularization_strength=0.0,
        use_locking=False,
        name="ProximalGradientDescent",
    ):
        super().__init__(
            use_locking,
            name,
            learning_rate=learning_rate,
            l1_regularization_strength=l1_regularization_strength,
            l2_regularization_strength=l2_regularization_strength,
        )


@export("train.AdadeltaOptimizer")
class AdadeltaOptimizer(FormulaOptimizer):
    """Scales each step by decaying means of squared gradients and of squared steps.

    Args:
      learning_rate: a number, tensor or function without arguments.
      rho: how much of the means is kept.
      epsilon: added under the roots.
      use_locking: whether updates of one variable exclude each other.
      name: scope of the nodes and name of the slots.

    Source: Zeiler, "ADADELTA: an adaptive learning rate method" (2012).
    """

    formula = "Adadelta"
    slot_operands = {"accum": "accum", "accum_update": "accum_update"}  # noqa: RUF012
    hyperparameters = {"lr": "lr", "rho": "rho", "epsilon": "epsilon"}  # noqa: RUF012

    def __init__(
        self, learning_rate=0.001, rho=0.95, epsilon=1e-8, use_locking=False, name="Adadelta"
    ):
        super().__init__(use_locking, name, lr=learning_rate, rho=rho, epsilon=epsilon)

    def _create_slots(self, var_list):
        for var in var_list:
            self._zeros_slot(var, "accum", self._name)
            self._zeros_slot(var, "accum_update", self._name)


@export("train.RMSPropOptimizer")
class RMSPropOptimizer(FormulaOptimizer):
    """Divides each step by the root of a decaying mean of squared gradients.

    Args:
      learning_rate: a number, tensor or function without arguments.
      decay: how much of the mean is kept.
      momentum: how much of the former step is kept.
      epsilon: added under the root.
      use_locking: whether updates of one variable exclude each other.
      name: scope of the nodes and name of the slots.
      centered: whether the variance is used instead of the mean square.

    Source: Hinton, "Neural networks for machine learning", lecture 6 (2012).
    """

    hyperparameters = {  # noqa: RUF012
        "lr": "learning_rate",
        "rho": "decay",
        "momentum": "momentum",
        "epsilon": "epsilon",
    }

    def __init__(
        self,
        learning_rate,
        decay=0.9,
        momentum=0.0,
        epsilon=1e-10,
        use_locking=False,
        centered=False,
        name="RMSProp",
    ):
        super().__init__(
            use_locking,
            name,
            learning_rate=learning_rate,
            decay=decay,
            momentum=momentum,
            epsilon=epsilon,
        )
        self._centered = centered
        centre = {"mg": "mg"} if centered else {}
        self.slot_operands = {**centre, "ms": "rms", "mom": "momentum"}

    def _formula(self):
        return "CenteredRMSProp" if self._centered else "RMSProp"

    def _create_slots(self, var_list):
        for var in var_list:
            dtype = var.dtype.base_dtype
            if var.shape.is_fully_defined():
                start = Ones(dtype=dtype)
            else:
                start = array.ones_like(var)
            self._get_or_make_slot_with_initializer(var, start, var.shape, dtype, "rms", self._name)
            if self._centered:
                self._zeros_slot(var, "mg", self._name)
            self._zeros_slot(var, "momentum", self._name)


@export("train.FtrlOptimizer")
class FtrlOptimizer(FormulaOptimizer):
    """Follows the regularised leader: sparse weights by an L1 penalty.

    Args:
      learning_rate: a number, tensor or function without arguments.
      learning_rate_power: exponent of the sum of squares, not positive.
      initial_accumulator_value: what the sum of squares starts from, not negative.
      l1_regularization_strength: weight of the L1 penalty, not negative.
      l2_regularization_strength: weight of the L2 penalty, not negative.
      use_locking: whether updates of one variable exclude each other.
      name: scope of the nodes and name of the slots.
      accum_name: name of the slot of squares, by default `name`.
      linear_name: name of the slot of the linear term, by default `name`.
      l2_shrinkage_regularization_strength: weight of an L2 penalty on the gradient itself, not
        negative.

    Raises:
      ValueError: if a value has the wrong sign.

    Source: McMahan et al., "Ad click prediction: a view from the trenches" (2013).
    """

    slot_operands = {"accum": "accum", "linear": "linear"}  # noqa: RUF012

    def __init__(
        self,
        learning_rate,
        learning_rate_power=-0.5,
        initial_accumulator_value=0.1,
        l1_regularization_strength=0.0,
        l2_regularization_strength=0.0,
        use_locking=False,
        name="Ftrl",
        accum_name=None,
        linear_name=None,
        l2_shrinkage_regularization_strength=0.0,
    ):
        if learning_rate_power > 0:
            raise ValueError(
                f"learning_rate_power {learning_rate_power} needs to be negative or zero"
            )
        for key, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
        ):
            if value < 0.0:
                raise ValueError(f"{key} {value} needs to be positive or zero")
        shrinks = l2_shrinkage_regularization_strength > 0
        values = {
            "learning_rate": learning_rate,
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
            "learning_rate_power": learning_rate_power,
        }
        super().__init__(use_locking, name, **values)
        self._initial, self._shrinks = initial_accumulator_value, shrinks
        self._accum_name, self._linear_name = accum_name, linear_name
        shrinkage = {"l2_shrinkage": "l2_shrinkage_regularization_strength"} if shrinks else {}
        self.hyperparameters = {
            "lr": "learning_rate",
            "l1": "l1_regularization_strength",
            "l2": "l2_regularization_strength",
            **shrinkage,
            "lr_power": "learning_rate_power",
        }

    def _formula(self):
        return "FtrlV2" if self._shrinks else "Ftrl"

    def _create_slots(self, var_list):
        for var in var_list:
            with colocate_with(var):
                start = constant(self._initial, var.dtype.base_dtype, var.shape)
                self._get_or_make_slot(var, start, "accum", self._accum_name or self._name)
                self._zeros_slot(var, "linear", self._linear_name or self._name)


@export("train.AdagradDAOptimizer")
class AdagradDAOptimizer(FormulaOptimizer):
    """Is Adagrad with dual averaging: penalties hold for features that were never seen, too.

    Args:
      learning_rate: a number, tensor or function without arguments.
      global_step: the variable that counts steps.
      initial_gradient_squared_accumulator_value: what the sum of squares starts from, positive.
      l1_regularization_strength: weight of the L1 penalty, not negative.
      l2_regularization_strength: weight of the L2 penalty, not negative.
      use_locking: whether updates of one variable exclude each other.
      name: scope of the nodes and name of the slots.

    Raises:
      ValueError: if the initial value is not positive.

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods" (2011).
    """

    formula = "AdagradDA"
    slot_operands = {  # noqa: RUF012
        "gradient_accumulator": "gradient_accumulator",
        "gradient_squared_accumulator": "gradient_squared_accumulator",
    }

    def __init__(
        self,
        learning_rate,
        global_step,
        initial_gradient_squared_accumulator_value=0.1,
        l1_regularization_strength=0.0,
        l2_regularization_strength=0.0,
        use_locking=False,
        name="AdagradDA",
    ):
        if initial_gradient_squared_accumulator_value <= 0.0:
            raise ValueError(
                "initial_gradient_squared_accumulator_value must be positive: "
                f"{initial_gradient_squared_accumulator_value}"
            )
        super().__init__(use_locking, name, learning_rate=learning_rate)
        self._initial = initial_gradient_squared_accumulator_value
        self._l1, self._l2 = l1_regularization_strength, l2_regularization_strength
        self._global_step = global_step
        self._step_on_worker = None

    def _create_slots(self, var_list):
        for var in var_list:
            dtype = var.dtype.base_dtype
            with colocate_with(var):
                zero = constant(0.0, dtype, var.shape)
                start = constant(self._initial, dtype, var.shape)
            self._get_or_make_slot(var, zero, "gradient_accumulator", self._name)
            self._get_or_make_slot(var, start, "gradient_squared_accumulator", self._name)

    def _prepare(self):
        super()._prepare()
        with colocate_with(self._tensors["learning_rate"]):
            self._step_on_worker = array.identity(self._global_step) + 1

    def _operands(self, var):
        operands = super()._operands(var)
        dtype = var.dtype.base_dtype
        with colocate_with(convert_ref(var)):
            step = array.identity(self._step_on_worker)
        operands["lr"] = math.cast(self._tensors["learning_rate"], dtype)
        operands["l1"] = math.cast(self._l1, dtype)
        operands["l2"] = math.cast(self._l2, dtype)
        operands["global_step"] = math.cast(step, dtypes.int64)
        return operands
