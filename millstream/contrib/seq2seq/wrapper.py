"""`tf.contrib.seq2seq.AttentionWrapper`: a cell that attends to memories."""

import collections

from millstream.base import nest
from millstream.base.dtypes import int32
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.contrib.seq2seq.mechanisms import AttentionMechanism
from millstream.contrib.seq2seq.memory import size_of
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ir.tensor import Tensor
from millstream.layers.core import Dense
from millstream.ops import array, math
from millstream.ops.flow.checks import assert_equal
from millstream.ops.flow.tensor_array import TensorArray
from millstream.rnn.cell import RNNCell, check_cell
from millstream.rnn.structure import zero_states

_Fields = collections.namedtuple(
    "AttentionWrapperState",
    ("cell_state", "attention", "time", "alignments", "alignment_history", "attention_state"),
)


@export("contrib.seq2seq.AttentionWrapperState")
class AttentionWrapperState(_Fields):
    """State of an `AttentionWrapper`.

    It holds the cell's state, the last attention `[batch, size]`, the number of steps, the
    alignments and states of the mechanisms (tuples if there are several), and the
    `TensorArray`s of all alignments, `()` without a history.
    """

    __slots__ = ()

    def clone(self, **kwargs):
        """Returns a state with some fields replaced, whose tensors keep the shapes of the old.

        Raises:
          ValueError: if shapes do not fit.
        """

        def shaped(old, new):
            if isinstance(old, Tensor) and isinstance(new, Tensor):
                new.set_shape(old.shape)
            return new

        replaced = super()._replace(**kwargs)
        return nest.map_structure(shaped, self, replaced)


def attend(attention_mechanism, cell_output, attention_state, attention_layer):
    """Returns the attention, the alignments and the mechanism's next state."""
    alignments, next_state = attention_mechanism(cell_output, state=attention_state)
    context = math.matmul(array.expand_dims(alignments, 1), attention_mechanism.values)
    context = array.squeeze(context, [1])
    if attention_layer is not None:
        context = attention_layer(array.concat([cell_output, context], 1))
    return context, alignments, next_state


def _listed(mechanism):
    if isinstance(mechanism, (list, tuple)):
        if not all(isinstance(m, AttentionMechanism) for m in mechanism):
            raise TypeError(
                "attention_mechanism must contain only instances of AttentionMechanism, saw type: "
                f"{', '.join(type(m).__name__ for m in mechanism)}"
            )
        return tuple(mechanism), True
    if not isinstance(mechanism, AttentionMechanism):
        raise TypeError(
            "attention_mechanism must be an AttentionMechanism or list of multiple "
            f"AttentionMechanism instances, saw type: {type(mechanism).__name__}"
        )
    return (mechanism,), False


def _inputs_and_attention(inputs, attention):
    return array.concat([inputs, attention], -1)


@export("contrib.seq2seq.AttentionWrapper")
class AttentionWrapper(RNNCell):
    """Adds attention to a cell: the last attention joins its inputs, its output is the query.

    Args:
      cell: the cell.
      attention_mechanism: a mechanism, or a list of them.
      attention_layer_size: size of the attention after a linear layer over output and context, or
        a list of sizes; without it the context itself is the attention.
      alignment_history: whether to keep all alignments, in `state.alignment_history`.
      cell_input_fn: function `(inputs, attention) -> inputs`; by default they are concatenated.
      output_attention: whether the attention is the output; else the cell's output is.
      initial_cell_state: what `zero_state` puts in place of the cell's zeros.
      name: the cell's name.
      attention_layer: layer in place of `attention_layer_size`, or a list of them.
      attention_fn: function in place of the computation of attention: `(mechanism, cell_output,
        state, layer) -> (attention, alignments, next_state)`.
      dtype: element type of the layers.

    Raises:
      TypeError: if arguments are not of their types.
      ValueError: if the numbers of layers and mechanisms differ, or both kinds of layers are given.
    """

    def __init__(
        self, cell, attention_mechanism, attention_layer_size=None, alignment_history=False,
        cell_input_fn=None, output_attention=True, initial_cell_state=None, name=None,
        attention_layer=None, attention_fn=None, dtype=None,
    ):  # fmt: skip
        super().__init__(name=name)
        check_cell("cell", cell)
        self._mechanisms, self._is_multi = _listed(attention_mechanism)
        if cell_input_fn is not None and not callable(cell_input_fn):
            raise TypeError(
                f"cell_input_fn must be callable, saw type: {type(cell_input_fn).__name__}"
            )
        self._cell_input_fn = cell_input_fn or _inputs_and_attention
        if attention_layer_size is not None and attention_layer is not None:
            raise ValueError("Only one of attention_layer_size and attention_layer should be set")
        self._cell = cell
        self._layers = self._make_layers(attention_layer_size, attention_layer, dtype)
        self._size = self._attention_size(attention_layer_size)
        self._attention_fn = attention_fn or attend
        self._output_attention = output_attention
        self._alignment_history = alignment_history
        with name_scope(name, "AttentionWrapperInit"):
            self._initial_cell_state = self._checked_start(initial_cell_state)

    def _make_layers(self, sizes, layers, dtype):
        count = len(self._mechanisms)
        if sizes is not None:
            sizes = tuple(sizes) if isinstance(sizes, (list, tuple)) else (sizes,)
            self._check_count("attention_layer_size", sizes)
            return tuple(
                Dense(size, name="attention_layer", use_bias=False,
                      dtype=getattr(m, "dtype", None) if dtype is None else dtype)
                for size, m in zip(sizes, self._mechanisms, strict=True)
            )  # fmt: skip
        if layers is None:
            return (None,) * count
        layers = tuple(layers) if isinstance(layers, (list, tuple)) else (layers,)
        self._check_count("attention_layer", layers)
        return layers

    def _check_count(self, name, given):
        if len(given) != len(self._mechanisms):
            raise ValueError(
                f"If provided, {name} must contain exactly one item per attention_mechanism, saw: "
                f"{len(given)} vs {len(self._mechanisms)}"
            )

    def _attention_size(self, sizes):
        if sizes is not None:
            return sum(sizes) if isinstance(sizes, (list, tuple)) else sizes
        total = 0
        for layer, mechanism in zip(self._layers, self._mechanisms, strict=True):
            depth = mechanism.values.shape.as_list()[-1]
            if layer is not None:
                joint = TensorShape([None, self._cell.output_size + depth])
                depth = layer.compute_output_shape(joint).as_list()[-1]
            total += depth
        return total

    def _checked_start(self, state):
        if state is None:
            return None
        batch = size_of(nest.flatten(state)[-1], 0)
        message = (
            f"When constructing AttentionWrapper {self._base_name}: Non-matching batch sizes "
            "between the memory (encoder output) and initial_cell_state.  Are you using the "
            "BeamSearchDecoder?  You may need to tile your initial state via the "
            "tf.contrib.seq2seq.tile_batch function with argument multiple=beam_width."
        )
        with control_dependencies(self._batch_checks(batch, message)):
            return nest.map_structure(
                lambda s: array.identity(s, name="check_initial_cell_state"), state
            )

    def _batch_checks(self, batch_size, message):
        return [assert_equal(batch_size, m.batch_size, message=message) for m in self._mechanisms]

    def _one_or_all(self, items):
        items = tuple(items)
        return items if self._is_multi else items[0]

    @property
    def output_size(self):
        """The size of the attention, or the cell's output size."""
        return self._size if self._output_attention else self._cell.output_size

    @property
    def state_size(self):
        """The sizes of the state's fields."""
        return AttentionWrapperState(
            cell_state=self._cell.state_size,
            time=TensorShape([]),
            attention=self._size,
            alignments=self._one_or_all(m.alignments_size for m in self._mechanisms),
            attention_state=self._one_or_all(m.state_size for m in self._mechanisms),
            alignment_history=self._one_or_all(
                m.alignments_size if self._alignment_history else () for m in self._mechanisms
            ),
        )

    def zero_state(self, batch_size, dtype):
        """Returns the state before the first step.

        With a `BeamSearchDecoder`, tile the memory and `initial_cell_state` by `tile_batch`, and
        give `batch_size` times the width.
        """
        with name_scope(f"{type(self).__name__}ZeroState", values=[batch_size]):
            if self._initial_cell_state is not None:
                state = self._initial_cell_state
            else:
                state = self._cell.zero_state(batch_size, dtype)
            message = (
                f"When calling zero_state of AttentionWrapper {self._base_name}: Non-matching "
                "batch sizes between the memory (encoder output) and the requested batch size.  "
                "Are you using the BeamSearchDecoder?  If so, make sure your encoder output has "
                "been tiled to beam_width via tf.contrib.seq2seq.tile_batch, and the batch_size= "
                "argument passed to zero_state is batch_size * beam_width."
            )
            with control_dependencies(self._batch_checks(batch_size, message)):
                state = nest.map_structure(
                    lambda s: array.identity(s, name="checked_cell_state"), state
                )
            alignments = [m.initial_alignments(batch_size, dtype) for m in self._mechanisms]
            return AttentionWrapperState(
                cell_state=state,
                time=array.zeros([], dtype=int32),
                attention=zero_states(self._size, batch_size, dtype),
                alignments=self._one_or_all(alignments),
                attention_state=self._one_or_all(
                    m.initial_state(batch_size, dtype) for m in self._mechanisms
                ),
                alignment_history=self._one_or_all(
                    self._history(a, dtype) if self._alignment_history else () for a in alignments
                ),
            )

    @staticmethod
    def _history(alignments, dtype):
        return TensorArray(dtype=dtype, size=0, dynamic_size=True, element_shape=alignments.shape)

    def call(self, inputs, state):
        """Runs a step.

        Raises:
          TypeError: if `state` is no `AttentionWrapperState`.
        """
        if not isinstance(state, AttentionWrapperState):
            raise TypeError(
                "Expected state to be instance of AttentionWrapperState. Received type "
                f"{type(state)} instead."
            )
        cell_inputs = self._cell_input_fn(inputs, state.attention)
        output, next_cell_state = self._cell(cell_inputs, state.cell_state)
        message = (
            f"When applying AttentionWrapper {self.name}: Non-matching batch sizes between the "
            "memory (encoder output) and the query (decoder output).  Are you using the "
            "BeamSearchDecoder?  You may need to tile your memory input via the "
            "tf.contrib.seq2seq.tile_batch function with argument multiple=beam_width."
        )
        with control_dependencies(self._batch_checks(size_of(output, 0), message)):
            output = array.identity(output, name="checked_cell_output")
        before, histories = state.attention_state, state.alignment_history
        if not self._is_multi:
            before, histories = [before], [histories]
        parts = [
            self._attention_fn(m, output, s, layer)
            for m, s, layer in zip(self._mechanisms, before, self._layers, strict=True)
        ]
        attention = array.concat([attention for attention, _, _ in parts], 1)
        next_state = AttentionWrapperState(
            time=state.time + 1,
            cell_state=next_cell_state,
            attention=attention,
            attention_state=self._one_or_all(s for _, _, s in parts),
            alignments=self._one_or_all(a for _, a, _ in parts),
            alignment_history=self._one_or_all(
                history.write(state.time, a) if self._alignment_history else ()
                for history, (_, a, _) in zip(histories, parts, strict=True)
            ),
        )
        return (attention if self._output_attention else output), next_state
