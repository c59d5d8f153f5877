"""`tf.contrib.rnn`: wrappers that project, embed or carry what a cell reads and gives."""

from millstream.base import nest
from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.contrib.rnn.linear import Linear
from millstream.ir.scopes import device, name_scope
from millstream.ops import array, math, nn
from millstream.rnn.cell import RNNCell, check_cell
from millstream.rnn.core_cells import LSTMStateTuple
from millstream.rnn.wrappers import CellWrapper
from millstream.state.embedding import embedding_lookup
from millstream.state.get_variable import get_variable
from millstream.state.initializers import Constant, RandomUniform
from millstream.state.scope import get_variable_scope


class _Around(RNNCell):
    """Base of wrappers that have a scope of their own around the cell's."""

    def __init__(self, cell, reuse):
        super().__init__(_reuse=reuse)
        check_cell("cell", cell)
        self._cell = cell
        self._linear = None

    @property
    def state_size(self):
        """The cell's state sizes."""
        return self._cell.state_size

    @property
    def output_size(self):
        """The cell's output sizes."""
        return self._cell.output_size

    def zero_state(self, batch_size, dtype):
        """Returns the cell's zero state."""
        with name_scope(f"{type(self).__name__}ZeroState", values=[batch_size]):
            return self._cell.zero_state(batch_size, dtype)


@export("contrib.rnn.InputProjectionWrapper")
class InputProjectionWrapper(_Around):
    """Maps the inputs linearly before the cell reads them.

    Args:
      cell: the cell.
      num_proj: size of what it reads.
      activation: function applied to that.
      input_size: not used any more.
      reuse: whether the variables must exist.

    Raises:
      TypeError: if `cell` is no cell.
    """

    def __init__(self, cell, num_proj, activation=None, input_size=None, reuse=None):
        super().__init__(cell, reuse)
        del input_size
        self._num_proj, self._activation = num_proj, activation

    def call(self, inputs, state):
        """Runs a step on projected inputs."""
        if self._linear is None:
            self._linear = Linear(inputs, self._num_proj, True)
        projected = self._linear(inputs)
        if self._activation:
            projected = self._activation(projected)
        return self._cell(projected, state)


@export("contrib.rnn.OutputProjectionWrapper")
class OutputProjectionWrapper(_Around):
    """Maps the cell's outputs linearly. One map of all steps' outputs after the loop is faster.

    Args:
      cell: the cell.
      output_size: size of the result.
      activation: function applied to it.
      reuse: whether the variables must exist.

    Raises:
      TypeError: if `cell` is no cell.
      ValueError: if `output_size` is not positive.
    """

    def __init__(self, cell, output_size, activation=None, reuse=None):
        super().__init__(cell, reuse)
        if output_size < 1:
            raise ValueError(f"Parameter output_size must be > 0: {output_size}.")
        self._output_size, self._activation = output_size, activation

    @property
    def output_size(self):
        """The size of the result."""
        return self._output_size

    def call(self, inputs, state):
        """Runs a step and projects its output."""
        output, new_state = self._cell(inputs, state)
        if self._linear is None:
            self._linear = Linear(output, self._output_size, True)
        projected = self._linear(output)
        if self._activation:
            projected = self._activation(projected)
        return projected, new_state


@export("contrib.rnn.EmbeddingWrapper")
class EmbeddingWrapper(_Around):
    """Looks integers up in a matrix, `embedding`, before the cell reads them.

    Args:
      cell: the cell.
      embedding_classes: number of rows.
      embedding_size: length of a row.
      initializer: initializer of the matrix; by default the scope's, or uniform in `±sqrt(3)`.
      reuse: whether the variables must exist.

    Raises:
      TypeError: if `cell` is no cell.
      ValueError: if a size is not positive.
    """

    def __init__(self, cell, embedding_classes, embedding_size, initializer=None, reuse=None):
        super().__init__(cell, reuse)
        if embedding_classes <= 0 or embedding_size <= 0:
            raise ValueError(
                "Both embedding_classes and embedding_size must be > 0: "
                f"{embedding_classes}, {embedding_size}."
            )
        self._classes, self._size = embedding_classes, embedding_size
        self._initializer = initializer

    def call(self, inputs, state):
        """Runs a step on the rows of `inputs` `[batch]` or `[batch, 1]`."""
        with device("/cpu:0"):
            initializer = self._initializer or get_variable_scope().initializer
            if not initializer:
                bound = 3.0**0.5
                initializer = RandomUniform(-bound, bound)
            first = state[0] if nest.is_nested(state) else state
            dtype = (first[0] if isinstance(first, LSTMStateTuple) else first).dtype
            embedding = get_variable(
                "embedding", [self._classes, self._size], initializer=initializer, dtype=dtype
            )
            rows = embedding_lookup(embedding, array.reshape(inputs, [-1]))
        return self._cell(rows, state)


@export("contrib.rnn.HighwayWrapper")
class HighwayWrapper(CellWrapper):
    """Mixes inputs into outputs by learned gates.

    Args:
      cell: the cell; its outputs have the shape of its inputs.
      couple_carry_transform_gates: whether output and input share one gate, which sums to one.
      carry_bias_init: first value of the carry gate's bias.

    Source: Zilly et al., Recurrent Highway Networks (2016).
    """

    def __init__(self, cell, couple_carry_transform_gates=True, carry_bias_init=1.0):
        super().__init__(cell)
        self._couple = couple_carry_transform_gates
        self._carry_bias = carry_bias_init

    def _step(self, inputs, state, scope):
        outputs, new_state = self.cell(inputs, state, scope=scope)
        nest.assert_same_structure(inputs, outputs)
        nest.map_structure(lambda x, y: x.shape.assert_is_compatible_with(y.shape), inputs, outputs)
        return nest.map_structure(self._mixed, inputs, outputs), new_state

    def _mixed(self, x, output):
        size = x.shape.as_list()[-1]
        carry = self._gate("carry", x, size, self._carry_bias)
        if self._couple:
            transform = 1 - carry
        else:
            transform = self._gate("transform", x, size, -self._carry_bias)
        return x * carry + output * transform

    @staticmethod
    def _gate(name, x, size, bias):
        weights = get_variable(f"{name}_w", [size, size], dtype=Float)
        biases = get_variable(f"{name}_b", [size], initializer=Constant(bias), dtype=Float)
        return math.sigmoid(nn.xw_plus_b(x, weights, biases))


@export("contrib.rnn.CompiledWrapper")
class CompiledWrapper(CellWrapper):
    """Is the cell that it wraps: everything is compiled here.

    Args:
      cell: the cell.
      compile_stateful: not needed.
    """

    def __init__(self, cell, compile_stateful=False):
        super().__init__(cell)
        del compile_stateful
