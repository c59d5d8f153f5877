"""`tf.nn.rnn_cell`: wrappers that put something around a cell: dropout, shortcuts, a device."""

import hashlib

from millstream.base import nest
from millstream.base.export import export
from millstream.base.nest_partial import get_traverse_shallow_structure, map_structure_up_to
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import device, name_scope
from millstream.ir.static_value import constant_value
from millstream.ops import array, math
from millstream.ops.by_name import ops
from millstream.ops.nn.dropout import dropout_v2
from millstream.ops.random.functions import random_uniform
from millstream.rnn.cell import RNNCell, check_cell
from millstream.rnn.core_cells import LSTMStateTuple


class CellWrapper(RNNCell):
    """Base of wrappers: is the cell that it wraps, without a scope of its own."""

    def __init__(self, cell):
        super().__init__()
        check_cell("cell", cell)
        self.cell = cell

    def __call__(self, inputs, state, scope=None):
        """Runs a step of the wrapped cell; see `RNNCell.__call__`."""
        return self._step(inputs, state, scope)

    def _step(self, inputs, state, scope):
        return self.cell(inputs, state, scope=scope)

    @property
    def wrapped_cell(self):
        """The cell inside."""
        return self.cell

    @property
    def state_size(self):
        """The cell's state sizes."""
        return self.cell.state_size

    @property
    def output_size(self):
        """The cell's output sizes."""
        return self.cell.output_size

    @property
    def trainable_weights(self):
        """The cell's variables that optimizers see."""
        return self.cell.trainable_weights

    @property
    def non_trainable_weights(self):
        """The cell's variables that optimizers do not see."""
        return self.cell.non_trainable_weights

    def zero_state(self, batch_size, dtype):
        """Returns the cell's zero state."""
        with name_scope(f"{type(self).__name__}ZeroState", values=[batch_size]):
            return self.cell.zero_state(batch_size, dtype)


def _numbered_map(shallow, function, *structures):
    """Maps a function of `(number, *items)` over structures, down to the depth of `shallow`."""
    count = iter(range(1 << 30))
    return map_structure_up_to(shallow, lambda *items: function(next(count), *items), *structures)


def _memory_kept(state):
    """Tells which parts of a state to drop from: not the memory of an LSTM."""
    if isinstance(state, LSTMStateTuple):
        return LSTMStateTuple(c=False, h=True)
    return not (hasattr(state, "gather") and hasattr(state, "flow"))


@export("nn.rnn_cell.DropoutWrapper", "contrib.rnn.DropoutWrapper")
class DropoutWrapper(CellWrapper):
    """Drops elements of a cell's inputs, outputs and states at random.

    Args:
      cell: the cell.
      input_keep_prob: the probability to keep an element of the input; a float or a tensor.
      output_keep_prob: the same for the output.
      state_keep_prob: the same for the state that goes to the next step; the memory `c` of LSTMs
        is left alone.
      variational_recurrent: whether to drop the same elements at every step.
      input_size: structure of the input's sizes, for variational dropout of the input.
      dtype: element type of inputs, states and outputs, for variational dropout.
      seed: seed; every kind of dropout derives its own from it.
      dropout_state_filter_visitor: function from a state to a structure of booleans: which parts
        to drop from.

    Raises:
      TypeError: if `cell` is no cell, or the visitor no function.
      ValueError: if a probability is not in `[0, 1]`, or `dtype` or `input_size` is missing.

    Source: Gal and Ghahramani, A Theoretically Grounded Application of Dropout in Recurrent Neural
    Networks (2015), for variational dropout.
    """

    def __init__(
        self, cell, input_keep_prob=1.0, output_keep_prob=1.0, state_keep_prob=1.0,
        variational_recurrent=False, input_size=None, dtype=None, seed=None,
        dropout_state_filter_visitor=None,
    ):  # fmt: skip
        super().__init__(cell)
        if dropout_state_filter_visitor is not None and not callable(dropout_state_filter_visitor):
            raise TypeError("dropout_state_filter_visitor must be callable")
        self._filter = dropout_state_filter_visitor or _memory_kept
        with name_scope("DropoutWrapperInit"):
            self._input_keep_prob = _probability("input_keep_prob", input_keep_prob)
            self._state_keep_prob = _probability("state_keep_prob", state_keep_prob)
            self._output_keep_prob = _probability("output_keep_prob", output_keep_prob)
        self._variational_recurrent = variational_recurrent
        self._input_size, self._seed = input_size, seed
        self._noise = {"input": None, "state": None, "output": None}
        if variational_recurrent:
            self._draw_once(input_size, dtype)

    def _draw_once(self, input_size, dtype):
        if dtype is None:
            raise ValueError("When variational_recurrent=True, dtype must be provided")

        def drawer(salt):
            def draw(number, size):
                shape = array.concat(([1], [size] if isinstance(size, int) else size), 0)
                return random_uniform(shape, seed=self._seed_of(salt, number), dtype=dtype)

            return draw

        cell = self.cell
        if _drops(self._input_keep_prob):
            if input_size is None:
                raise ValueError(
                    "When variational_recurrent=True and input_keep_prob < 1.0 or is unknown, "
                    "input_size must be provided"
                )
            self._noise["input"] = _numbered_map(input_size, drawer("input"), input_size)
        self._noise["state"] = _numbered_map(cell.state_size, drawer("state"), cell.state_size)
        self._noise["output"] = _numbered_map(cell.output_size, drawer("output"), cell.output_size)

    def _seed_of(self, salt, number):
        """Derives the seed of one kind of dropout, as TensorFlow does."""
        if self._seed is None:
            return None
        text = f"{self._seed}{salt}_{number}".encode()
        return int(hashlib.md5(text, usedforsecurity=False).hexdigest()[:8], 16) & 0x7FFFFFFF

    def _step(self, inputs, state, scope):
        if _drops(self._input_keep_prob):
            inputs = self._dropped(inputs, "input", self._input_keep_prob)
        output, new_state = self.cell(inputs, state, scope=scope)
        if _drops(self._state_keep_prob):
            chosen = get_traverse_shallow_structure(self._filter, new_state)
            new_state = self._dropped(new_state, "state", self._state_keep_prob, chosen)
        if _drops(self._output_keep_prob):
            output = self._dropped(output, "output", self._output_keep_prob)
        return output, new_state

    def _dropped(self, values, salt, keep_prob, chosen=None):
        chosen = values if chosen is None else chosen

        def drop(number, choice, value):
            if isinstance(choice, bool) and not choice:
                return value
            return dropout_v2(value, rate=1.0 - keep_prob, seed=self._seed_of(salt, number))

        def drop_the_same(_, choice, value, noise):
            if isinstance(choice, bool) and not choice:
                return value
            return _masked(value, noise, keep_prob)

        if self._variational_recurrent:
            return _numbered_map(chosen, drop_the_same, chosen, values, self._noise[salt])
        return _numbered_map(chosen, drop, chosen, values)


def _drops(probability):
    return not isinstance(probability, float) or probability < 1.0


def _probability(name, value):
    tensor = to_tensor(value)
    known = constant_value(tensor)
    if known is None:
        return tensor
    if not 0 <= known <= 1:
        raise ValueError(f"Parameter {name} must be between 0 and 1: {known}")
    return float(known)


def _masked(value, noise, keep_prob):
    """Applies variational dropout: noise that is the same at every step."""
    mask = math.floor(keep_prob + noise)
    result = ops.RealDiv(value, keep_prob, name="div") * mask
    result.set_shape(value.shape)
    return result


@export("nn.rnn_cell.ResidualWrapper", "contrib.rnn.ResidualWrapper")
class ResidualWrapper(CellWrapper):
    """Adds the inputs to the outputs.

    Args:
      cell: the cell; its outputs have the shape of its inputs.
      residual_fn: function `(inputs, outputs) -> outputs` to use instead.

    Raises:
      TypeError: if `cell` is no cell.

    Source: Wu et al., Google's Neural Machine Translation System (2016).
    """

    def __init__(self, cell, residual_fn=None):
        super().__init__(cell)
        self._residual_fn = residual_fn

    def _step(self, inputs, state, scope):
        outputs, new_state = self.cell(inputs, state, scope=scope)
        combine = self._residual_fn or _sum_of_all
        combined = combine(inputs, outputs)
        nest.assert_same_structure(outputs, combined)
        for given, made in zip(nest.flatten(outputs), nest.flatten(combined), strict=True):
            given.shape.assert_is_compatible_with(made.shape)
        return combined, new_state


def _sum_of_all(inputs, outputs):
    nest.assert_same_structure(inputs, outputs)
    for x, y in zip(nest.flatten(inputs), nest.flatten(outputs), strict=True):
        x.shape.assert_is_compatible_with(y.shape)
    return nest.map_structure(lambda x, y: x + y, inputs, outputs)


@export("nn.rnn_cell.DeviceWrapper", "contrib.rnn.DeviceWrapper")
class DeviceWrapper(CellWrapper):
    """Runs a cell on a device.

    Args:
      cell: the cell.
      device: device string or function.

    Raises:
      TypeError: if `cell` is no cell.
    """

    def __init__(self, cell, device):
        super().__init__(cell)
        self._device = device

    def zero_state(self, batch_size, dtype):
        """Returns the cell's zero state, made on the device."""
        with name_scope(f"{type(self).__name__}ZeroState", values=[batch_size]), self._placed():
            return self.cell.zero_state(batch_size, dtype)

    def _placed(self):
        return device(self._device)

    def _step(self, inputs, state, scope):
        with self._placed():
            return self.cell(inputs, state, scope=scope)
