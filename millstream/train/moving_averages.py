"""Moving averages of variables: `tf.train.ExponentialMovingAverage` and the nodes it is made of."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import BFloat16, Double, Float, Half
from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.node import Operation
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.flow.groups import group
from millstream.ops.math.arithmetic import minimum, pow, truediv
from millstream.ops.math.cast import cast
from millstream.state.assignments import assign, assign_add, assign_sub
from millstream.state.base import Variable
from millstream.state.get_variable import get_variable
from millstream.state.initializers import Zeros
from millstream.state.listing import (
    global_variables,
    moving_average_variables,
    trainable_variables,
)
from millstream.state.scoping import variable_scope
from millstream.train.optimizers.slots import create_slot, create_zeros_slot

_AVERAGED = (Half, BFloat16, Float, Double)
_VARIABLE_OPS = ("Variable", "VariableV2", "VarHandleOp")


def assign_moving_average(
    variable: Any, value: Any, decay: Any, zero_debias: bool = True, name: Any = None
) -> Any:
    """Moves a variable towards a value: `variable -= (1 - decay) * (variable - value)`.

    Args:
      variable: the average.
      value: what is averaged.
      decay: how much of the average stays, a number or scalar tensor between 0 and 1.
      zero_debias: whether to correct for the average having started at zero, as Adam does; makes
        two more variables, `<variable>/biased` and `<variable>/local_step`.
      name: name of the nodes.

    Returns:
      The variable as it is afterwards.

    Source: Kingma and Ba, "Adam" (2015), section 3, for the correction.
    """
    with name_scope(name, "AssignMovingAvg", [value, decay]) as scope:
        moved: Any = convert_to_tensor(1.0 - decay, name="decay")
        moved = cast(moved, variable.dtype.base_dtype)
        if zero_debias:
            return assign(variable, _debiased(variable, value, moved), name=scope)
        return assign_sub(variable, (variable - value) * moved, name=scope)


def _debiased(variable: Any, value: Any, moved: Any) -> Any:
    """Updates the biased average and the count of steps; returns the average without the bias."""
    graph = get_default_graph()
    with (
        variable_scope(variable.op.name, values=[value, moved]),
        graph.colocate_with(variable.op),
        graph.control_dependencies(None),
    ):
        biased = get_variable(
            "biased", shape=variable.get_shape(), initializer=Zeros(variable.dtype.base_dtype),
            trainable=False,
        )  # fmt: skip
        step = get_variable(
            "local_step", shape=[], dtype=variable.dtype.base_dtype, initializer=Zeros(),
            trainable=False,
        )  # fmt: skip
    updated = assign_sub(biased, (biased - value) * moved)
    steps = assign_add(step, 1)
    return updated / (1 - pow(1.0 - moved, steps))


def weighted_moving_average(
    value: Any, decay: Any, weight: Any, truediv: bool = True, collections: Any = None,
    name: Any = None,
) -> Tensor:  # fmt: skip
    """Returns the moving average of `value`, each value counting by its `weight`.

    Args:
      value: what is averaged.
      decay: how much of the average stays, between 0 and 1.
      weight: weight of the value; broadcasts to it.
      truediv: whether integers are divided with a remainder.
      collections: collections of the two variables that are made.
      name: name of the variable scope.
    """
    collections = [GraphKeys.GLOBAL_VARIABLES] if collections is None else collections
    with variable_scope(name, "WeightedMovingAvg", [value, weight, decay]) as scope:
        totals = [
            get_variable(
                label, shape=part.get_shape(), dtype=part.dtype, initializer=Zeros(),
                trainable=False, collections=collections,
            )
            for label, part in (("value_x_weight", value), ("weight", weight))
        ]  # fmt: skip
        numerator = assign_moving_average(totals[0], value * weight, decay, zero_debias=False)
        denominator = assign_moving_average(totals[1], weight, decay, zero_debias=False)
        return _divide(numerator, denominator, truediv, scope.name)


def _divide(numerator: Any, denominator: Any, exactly: bool, name: str) -> Any:
    if exactly:
        return truediv(numerator, denominator, name=name)
    return numerator // denominator


@export("train.ExponentialMovingAverage")
class ExponentialMovingAverage:
    """Keeps moving averages of variables, to be used in their place when a model is evaluated.

    Args:
      decay: how much of an average stays in each step, near 1.
      num_updates: number of updates so far; early averages then decay faster, by at most
        `(1 + num_updates) / (10 + num_updates)`.
      zero_debias: whether averages of tensors, which start at zero, are corrected for that.
      name: suffix of the averages' names.

    Example:
      >>> w = tf.Variable(1.0, name="w")
      >>> average = tf.train.ExponentialMovingAverage(0.99)
      >>> update = average.apply([w])
      >>> average.average(w).name
      'w/ExponentialMovingAverage:0'
    """

    def __init__(
        self, decay: Any, num_updates: Any = None, zero_debias: bool = False,
        name: str = "ExponentialMovingAverage",
    ) -> None:  # fmt: skip
        self._decay, self._num_updates = decay, num_updates
        self._zero_debias, self._name = zero_debias, name
        self._averages: dict[Any, Any] = {}
        self._debiased: set[Any] = set()

    @property
    def name(self) -> str:
        """The suffix of the averages' names."""
        return self._name

    def apply(self, var_list: Any = None) -> Operation:
        """Returns a node that updates the averages, which it makes if need be.

        Args:
          var_list: variables and tensors of floats; default the trainable variables.

        Raises:
          TypeError: if one is not of floats.
        """
        var_list = trainable_variables() if var_list is None else list(var_list)
        for var in var_list:
            if var.dtype.base_dtype not in _AVERAGED:
                raise TypeError(f"The variables must be half, float, or double: {var.name}")
            if var not in self._averages:
                self._averages[var] = self._make(var)
        with name_scope(self._name) as scope:
            decay = self._current_decay()
            updates = [
                assign_moving_average(
                    self._averages[var], var, decay, zero_debias=var in self._debiased
                )
                for var in var_list
            ]
            return group(*updates, name=scope)

    def _make(self, var: Any) -> Any:
        with get_default_graph().control_dependencies(None):
            if isinstance(var, Variable):
                average = create_slot(var, var.initialized_value(), self._name)
                get_default_graph().add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, var)
                return average
            if self._zero_debias:
                self._debiased.add(var)
            beside = var.op.type in _VARIABLE_OPS
            return create_zeros_slot(var, self._name, colocate_with_primary=beside)

    def _current_decay(self) -> Any:
        decay = convert_to_tensor(self._decay, name="decay")
        if self._num_updates is None:
            return decay
        updates: Any = cast(self._num_updates, Float, name="num_updates")
        return minimum(decay, (1.0 + updates) / (10.0 + updates))

    def average(self, var: Any) -> Any:
        """Returns the variable that holds the average of `var`, or `None` if there is none."""
        return self._averages.get(var)

    def average_name(self, var: Any) -> str:
        """Returns the name that the average of `var` has, or would have if it were made now."""
        if var in self._averages:
            return self._averages[var].op.name
        name = f"{var.op.name}/{self._name}"
        return get_default_graph().unique_name(name, mark_as_used=False)

    def variables_to_restore(self, moving_avg_variables: Any = None) -> dict[str, Any]:
        """Returns what a `Saver` is given to load averages into the variables themselves.

        Args:
          moving_avg_variables: variables to take averages for; default the trainable ones and
            those of `GraphKeys.MOVING_AVERAGE_VARIABLES`.

        Returns:
          A dict from names in the checkpoint to variables; all global variables are in it.
        """
        if moving_avg_variables is None:
            moving_avg_variables = trainable_variables() + moving_average_variables()
        averaged = dict.fromkeys(moving_avg_variables)
        found = {self.average_name(v): v for v in averaged}
        names = {v.name for v in averaged}
        for variable in global_variables():
            if variable.name not in names:
                found.setdefault(variable.op.name, variable)
        return found
