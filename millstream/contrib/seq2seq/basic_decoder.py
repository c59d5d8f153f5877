"""`tf.contrib.seq2seq.BasicDecoder`: a cell whose inputs a helper chooses."""

import collections

from millstream.base import nest
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.contrib.seq2seq.decoder import Decoder
from millstream.contrib.seq2seq.helpers import Helper
from millstream.ir.scopes import name_scope
from millstream.layers.base import Layer
from millstream.ops import array, math
from millstream.rnn.cell import check_cell

_Fields = collections.namedtuple("BasicDecoderOutput", ("rnn_output", "sample_id"))


@export("contrib.seq2seq.BasicDecoderOutput")
class BasicDecoderOutput(_Fields):
    """Outputs of a `BasicDecoder`: those of the cell (or layer), and the classes chosen."""

    __slots__ = ()


@export("contrib.seq2seq.BasicDecoder")
class BasicDecoder(Decoder):
    """Runs a cell on inputs that a helper makes of its outputs.

    Args:
      cell: an `RNNCell`.
      helper: a `Helper`.
      initial_state: the state to begin with.
      output_layer: layer that is applied to the outputs before the helper sees them.

    Raises:
      TypeError: if an argument is not of its type.
    """

    def __init__(self, cell, helper, initial_state, output_layer=None):
        check_cell("cell", cell)
        if not isinstance(helper, Helper):
            raise TypeError(f"helper must be a Helper, received: {type(helper)}")
        if output_layer is not None and not isinstance(output_layer, Layer):
            raise TypeError(f"output_layer must be a Layer, received: {type(output_layer)}")
        self._cell, self._helper = cell, helper
        self._initial_state, self._output_layer = initial_state, output_layer

    @property
    def batch_size(self):
        """The number of sequences."""
        return self._helper.batch_size

    def _output_size(self):
        size = self._cell.output_size
        if self._output_layer is None:
            return size
        shapes = nest.map_structure(
            lambda s: TensorShape([None]).concatenate(
                TensorShape([s] if isinstance(s, int) else s)
            ),
            size,
        )
        shapes = self._output_layer.compute_output_shape(shapes)
        return nest.map_structure(lambda s: s[1:], shapes)

    @property
    def output_size(self):
        """Sizes of the output and of the chosen classes."""
        return BasicDecoderOutput(
            rnn_output=nest.map_structure(_as_shape, self._output_size()),
            sample_id=self._helper.sample_ids_shape,
        )

    @property
    def output_dtype(self):
        """Element types of the output and of the chosen classes."""
        dtype = nest.flatten(self._initial_state)[0].dtype
        return BasicDecoderOutput(
            nest.map_structure(lambda _: dtype, self._output_size()), self._helper.sample_ids_dtype
        )

    def limited(self, going, time):
        """Says that there are no more steps than there are inputs, if the helper knows them.

        One more is allowed: it fails, since there is nothing to read.
        """
        inputs = getattr(self._helper, "first_input", None)
        if inputs is None:
            return going
        return math.logical_and(going, time <= array.shape(inputs)[0])

    def initialize(self, name=None):
        """Returns what is finished, the first inputs and the first state."""
        return (*self._helper.initialize(), self._initial_state)

    def step(self, time, inputs, state, name=None):
        """Runs a step."""
        with name_scope(name, "BasicDecoderStep", (time, inputs, state)):
            outputs, state = self._cell(inputs, state)
            if self._output_layer is not None:
                outputs = self._output_layer(outputs)
            chosen = self._helper.sample(time=time, outputs=outputs, state=state)
            finished, next_inputs, next_state = self._helper.next_inputs(
                time=time, outputs=outputs, state=state, sample_ids=chosen
            )
        return BasicDecoderOutput(outputs, chosen), next_state, next_inputs, finished


def _as_shape(size):
    return TensorShape([size] if isinstance(size, int) else size)
