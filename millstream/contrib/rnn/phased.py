"""`tf.contrib.rnn.PhasedLSTMCell`: an LSTM that is open now and then."""

from millstream.base.export import export
from millstream.contrib.rnn.linear import Linear
from millstream.ops import array, math
from millstream.ops.by_name import ops
from millstream.ops.random.functions import random_uniform
from millstream.rnn.cell import RNNCell
from millstream.rnn.core_cells import LSTMStateTuple
from millstream.state.get_variable import get_variable
from millstream.state.initializers import Constant, RandomUniform
from millstream.state.scoping import variable_scope


def _exponential(low, high):
    """Returns an initializer of numbers whose logarithms are uniform."""

    def initializer(shape, dtype=None, partition_info=None):
        del partition_info
        return math.exp(random_uniform(shape, math.log(low), math.log(high), dtype))

    return initializer


@export("contrib.rnn.PhasedLSTMCell")
class PhasedLSTMCell(RNNCell):
    """An LSTM each unit of which has a period, and is updated only in a part of it.

    Inputs are pairs of times `[batch, 1]` and features `[batch, inputs]`.

    Args:
      num_units: size of the output and of the cell state.
      use_peepholes: whether the gates see the cell state.
      leak: how far a unit is open while it is closed.
      ratio_on: first value of the part of the period in which a unit is open.
      trainable_ratio_on: whether that is trained.
      period_init_min: the least first period.
      period_init_max: the greatest first period.
      reuse: whether the variables must exist.

    Source: Neil et al., Phased LSTM (2016).
    """

    def __init__(
        self, num_units, use_peepholes=False, leak=0.001, ratio_on=0.1, trainable_ratio_on=True,
        period_init_min=1.0, period_init_max=1000.0, reuse=None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        self._num_units, self._use_peepholes = num_units, use_peepholes
        self._leak, self._ratio_on = leak, ratio_on
        self._trainable_ratio_on = trainable_ratio_on
        self._periods = period_init_min, period_init_max
        self._maps = {}

    @property
    def state_size(self):
        """`LSTMStateTuple(units, units)`."""
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self):
        """The number of units."""
        return self._num_units

    def _linear(self, name, args, size, activation):
        with variable_scope(name):
            if name not in self._maps:
                self._maps[name] = Linear(args, size, True)
            result = activation(self._maps[name](args))
            return (
                array.split(axis=1, num_or_size_splits=2, value=result)
                if name == "mask_gates"
                else result
            )

    def call(self, inputs, state):
        """Returns the output and the new state."""
        (c_prev, h_prev), (time, x), units = state, inputs, self._num_units
        seen = [x, h_prev] + ([c_prev] if self._use_peepholes else [])
        i, f = self._linear("mask_gates", seen, 2 * units, math.sigmoid)
        candidate = self._linear("new_input", [x, h_prev], units, math.tanh)
        new_c = c_prev * f + i * candidate
        seen = [x, h_prev] + ([new_c] if self._use_peepholes else [])
        o = self._linear("output_gate", seen, units, math.sigmoid)
        new_h = math.tanh(new_c) * o
        k = self._openness(time, x.dtype)
        new_c = k * new_c + (1 - k) * c_prev
        new_h = k * new_h + (1 - k) * h_prev
        return new_h, LSTMStateTuple(new_c, new_h)

    def _openness(self, time, dtype):
        """Returns how far each unit is open at a time, `[batch, units]`."""
        units = self._num_units
        period = get_variable(
            "period", [units], initializer=_exponential(*self._periods), dtype=dtype
        )
        phase = get_variable(
            "phase", [units],
            initializer=RandomUniform(0.0, period.initial_value, dtype=dtype), dtype=dtype,
        )  # fmt: skip
        ratio = get_variable(
            "ratio_on", [units], initializer=Constant(self._ratio_on), dtype=dtype,
            trainable=self._trainable_ratio_on,
        )  # fmt: skip
        shifted = time - phase
        # A gradient of one through the remainder, which has none by its divisor.
        rest = ops.FloorMod(shifted, period)
        cycle = (array.stop_gradient(rest - shifted) + shifted) / period
        rising = 2 * cycle / ratio
        falling = 2 - rising
        closed = self._leak * cycle
        k = ops.Select(cycle < ratio, falling, closed)
        return ops.Select(cycle < 0.5 * ratio, rising, k)
