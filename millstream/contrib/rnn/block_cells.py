"""`tf.contrib.rnn`: cells whose step is a single node."""

from millstream.base.export import export
from millstream.layers.input_spec import InputSpec
from millstream.ops import array
from millstream.ops.nn.gru_cell import GRUBlockCell as GRUStep
from millstream.ops.nn.lstm_cell import LSTMBlockCell as LSTMStep
from millstream.rnn.cell import LayerRNNCell, input_width
from millstream.rnn.core_cells import LSTMStateTuple
from millstream.state.initializers import Constant

_PEEPHOLES = ("w_i_diag", "w_f_diag", "w_o_diag")


def peepholes(layer, units, wanted, dtype):
    """Returns the three diagonals, made by `layer`, or zeros in their place."""
    if wanted:
        return [layer.add_weight(name, [units]) for name in _PEEPHOLES]
    return [array.zeros([units], dtype)] * 3


@export("contrib.rnn.LSTMBlockCell")
class LSTMBlockCell(LayerRNNCell):
    """An LSTM of one node per step; the variables are those of `BasicLSTMCell`.

    Args:
      num_units: size of the output and of the cell state.
      forget_bias: what is added to the forget gate before it is squashed.
      cell_clip: bound of the cell state; `None` for none.
      use_peephole: whether the gates see the cell state.
      dtype: element type of the variables.
      reuse: whether the variables must exist.
      name: the cell's name and its scope's.
    """

    def __init__(
        self, num_units, forget_bias=1.0, cell_clip=None, use_peephole=False, dtype=None,
        reuse=None, name="lstm_cell",
    ):  # fmt: skip
        super().__init__(_reuse=reuse, dtype=dtype, name=name)
        self._num_units, self._forget_bias = num_units, forget_bias
        self._use_peephole = use_peephole
        self._cell_clip = -1 if cell_clip is None else cell_clip
        self.input_spec = InputSpec(ndim=2)

    @property
    def state_size(self):
        """`LSTMStateTuple(units, units)`."""
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self):
        """The number of units."""
        return self._num_units

    def build(self, inputs_shape):
        """Makes `kernel`, `bias` and the peepholes."""
        width, units = input_width(inputs_shape), self._num_units
        self._kernel = self.add_weight("kernel", [width + units, 4 * units])
        self._bias = self.add_weight("bias", [4 * units], initializer=Constant(0.0))
        if self._use_peephole:
            self._diagonals = peepholes(self, units, True, None)
        self.built = True

    def call(self, inputs, state):
        """Returns the output and the new state.

        Raises:
          ValueError: if the state is no pair.
        """
        if len(state) != 2:
            raise ValueError("Expecting state to be a tuple with length 2.")
        units = self._num_units
        diagonals = (
            self._diagonals if self._use_peephole else peepholes(self, units, False, self.dtype)
        )
        step = LSTMStep(
            *(inputs, *state, self._kernel, *diagonals, self._bias),
            forget_bias=float(self._forget_bias), cell_clip=float(self._cell_clip),
            use_peephole=self._use_peephole,
        )  # fmt: skip
        return step.h, LSTMStateTuple(step.cs, step.h)


@export("contrib.rnn.GRUBlockCell")
class GRUBlockCell(LayerRNNCell):
    """A GRU of one node per step, with variables `w_ru`, `b_ru`, `w_c`, `b_c`.

    Args:
      num_units: size of the state.
      cell_size: the former name of `num_units`.
      reuse: whether the variables must exist.
      name: the cell's name and its scope's.

    Raises:
      ValueError: unless exactly one of the sizes is given.
    """

    _names = ("w_ru", "b_ru", "w_c", "b_c")

    def __init__(self, num_units=None, cell_size=None, reuse=None, name="gru_cell"):
        super().__init__(_reuse=reuse, name=name)
        if (cell_size is None) == (num_units is None):
            raise ValueError(
                "Exactly one of num_units or cell_size must be provided: "
                f"num_units={num_units}, cell_size={cell_size}"
            )
        self._cell_size = cell_size if num_units is None else num_units
        self.input_spec = InputSpec(ndim=2)

    @property
    def state_size(self):
        """The number of units."""
        return self._cell_size

    @property
    def output_size(self):
        """The number of units."""
        return self._cell_size

    def build(self, inputs_shape):
        """Makes the kernels and biases of gates and candidate."""
        width, units = input_width(inputs_shape), self._cell_size
        w_ru, b_ru, w_c, b_c = self._names
        self._w_ru = self.add_weight(w_ru, [width + units, 2 * units])
        self._b_ru = self.add_weight(b_ru, [2 * units], initializer=Constant(1.0))
        self._w_c = self.add_weight(w_c, [width + units, units])
        self._b_c = self.add_weight(b_c, [units], initializer=Constant(0.0))
        self.built = True

    def call(self, inputs, h_prev):
        """Returns the new state twice."""
        step = GRUStep(inputs, h_prev, self._w_ru, self._w_c, self._b_ru, self._b_c)
        return step.h, step.h


@export("contrib.rnn.GRUBlockCellV2")
class GRUBlockCellV2(GRUBlockCell):
    """Is `GRUBlockCell` with the variables of `GRUCell`."""

    _names = ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")
