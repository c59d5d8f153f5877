"""`RNNCell`: what every cell is, and what is asked of things that are used as one."""

from millstream.base import nest
from millstream.base.export import export
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.layers.base import Layer
from millstream.ops import array
from millstream.rnn.structure import known_size, zero_states
from millstream.state.listing import trainable_variables
from millstream.state.partitioned import PartitionedVariable
from millstream.state.scope import get_variable_scope
from millstream.state.scoping import variable_scope

WEIGHTS, BIAS = "kernel", "bias"


def check_cell(name, cell):
    """Refuses what cannot serve as a cell.

    Raises:
      TypeError: naming what it lacks.
    """
    has_start = hasattr(cell, "zero_state") or hasattr(cell, "get_initial_state")
    lacks = [
        (not _has(cell, "output_size"), "'output_size' property is missing"),
        (not _has(cell, "state_size"), "'state_size' property is missing"),
        (not has_start, "either 'zero_state' or 'get_initial_state' method is required"),
        (not callable(cell), "is not callable"),
    ]
    if any(bad for bad, _ in lacks):
        errors = ", ".join(text for bad, text in lacks if bad)
        raise TypeError(f"The argument '{name}' ({cell}) is not an RNNCell: {errors}.")


def _has(cell, attribute):
    try:
        getattr(cell, attribute)
    except AttributeError:
        return False
    except (ValueError, NotImplementedError):
        return True
    return True


@export("nn.rnn_cell.RNNCell", "contrib.rnn.RNNCell")
class RNNCell(Layer):
    """Base of cells: functions from one step's input and a state to an output and a new state.

    A subclass says `state_size` and `output_size` and defines `call(inputs, state)` (or, as
    programs of old do, `__call__(inputs, state, scope=None)`). Sizes are ints, shapes without the
    batch, or nested structures of them; states and outputs have the same structure.

    Example:
      >>> class Adder(tf.nn.rnn_cell.RNNCell):
      ...     state_size = output_size = 4
      ...     def call(self, inputs, state):
      ...         total = state + inputs
      ...         return total, total
    """

    def __init__(self, trainable=True, name=None, dtype=None, **kwargs):
        super().__init__(trainable=trainable, name=name, dtype=dtype, **kwargs)
        self._call_scope = None

    def __call__(self, inputs, state, scope=None):
        """Runs one step.

        Args:
          inputs: `[batch, inputs]`, or a structure of such tensors.
          state: the state, of the structure of `state_size`.
          scope: the variable scope to open; by default one named after the class.

        Returns:
          The output and the new state.
        """
        if scope is not None:
            with variable_scope(scope, custom_getter=self._keep_variable) as scope:
                return super().__call__(inputs, state, scope=scope)
        # A subclass may not have called `RNNCell.__init__`.
        if getattr(self, "_call_scope", None) is None:
            self._call_scope = get_variable_scope()
        with variable_scope(self._call_scope, custom_getter=self._keep_variable):
            return super().__call__(inputs, state)

    def _keep_variable(self, getter, *args, **kwargs):
        """Is a custom getter that lists the variables among the cell's."""
        variable = getter(*args, **kwargs)
        pieces = list(variable) if isinstance(variable, PartitionedVariable) else [variable]
        trained = trainable_variables()
        trains = any(piece is v for piece in pieces for v in trained)
        kept = self._trainable_weights if trains else self._non_trainable_weights
        if not any(variable is v for v in kept):
            kept.append(variable)
        return variable

    @property
    def state_size(self):
        """Sizes of the state: an int, a shape, or a structure of them."""
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self):
        """Sizes of the output: an int, a shape, or a structure of them."""
        raise NotImplementedError("Abstract method")

    def build(self, _):
        """Does nothing: cells that make variables in `call` have none to make before."""

    def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
        """Returns the state to begin with, by default zeros.

        Args:
          inputs: a tensor whose batch and type the state shall have.
          batch_size: a number or scalar tensor, without `inputs`.
          dtype: element type, without `inputs`.

        Raises:
          ValueError: if something is missing or contradicts `inputs`.
        """
        if inputs is not None:
            inputs = to_tensor(inputs, name="inputs")
            static = inputs.shape[0] if inputs.shape.ndims else None
            static = getattr(static, "value", static)
            given = None if batch_size is None else known_size(batch_size)
            if given is not None and static is not None and given != static:
                raise ValueError(
                    "batch size from input tensor is different from the input param. Input tensor "
                    f"batch: {static}, batch_size: {batch_size}"
                )
            if dtype is not None and inputs.dtype != dtype:
                raise ValueError(
                    "dtype from input tensor is different from the input param. Input tensor "
                    f"dtype: {inputs.dtype}, dtype: {dtype}"
                )
            batch_size = static if static is not None else array.shape(inputs)[0]
            dtype = inputs.dtype
        if batch_size is None or dtype is None:
            raise ValueError(
                "batch_size and dtype cannot be None while constructing initial state: "
                f"batch_size={batch_size}, dtype={dtype}"
            )
        return self.zero_state(batch_size, dtype)

    def zero_state(self, batch_size, dtype):
        """Returns a state of zeros.

        Args:
          batch_size: number of sequences, or a scalar tensor.
          dtype: element type.
        """
        with name_scope(f"{type(self).__name__}ZeroState", values=[batch_size]):
            return zero_states(self.state_size, batch_size, dtype)


@export("contrib.rnn.LayerRNNCell")
class LayerRNNCell(RNNCell):
    """Base of cells that make their variables in `build`, as layers do."""

    def __call__(self, inputs, state, scope=None, *args, **kwargs):
        """Runs one step; see `RNNCell.__call__`."""
        return Layer.__call__(self, inputs, state, *args, scope=scope, **kwargs)


def input_width(inputs_shape):
    """Returns the size of a step's input.

    Raises:
      ValueError: if it is not known.
    """
    last = inputs_shape[-1]
    last = getattr(last, "value", last)
    if last is None:
        raise ValueError(f"Expected inputs.shape[-1] to be known, saw shape: {inputs_shape}")
    return last


def flat_shapes(structure):
    """Returns the static shapes of the tensors in a structure."""
    return [t.shape for t in nest.flatten(structure)]
