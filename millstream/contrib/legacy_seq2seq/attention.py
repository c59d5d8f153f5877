"""`tf.contrib.legacy_seq2seq`: decoders that attend to an encoder's outputs, unrolled."""

from millstream.base import nest
from millstream.base.export import export
from millstream.contrib.legacy_seq2seq.decoders import (
    argmax_inputs,
    checked_projection,
    embedded,
)
from millstream.contrib.rnn.linear import Linear
from millstream.ops import array, math, nn
from millstream.state.get_variable import get_variable
from millstream.state.scope import get_variable_scope
from millstream.state.scoping import variable_scope


class _Heads:
    """The attention of each head: its hidden features of the memory, and its vector.

    Args:
      memory: `[batch, length, size]`.
      count: number of heads.
      dtype: element type.
    """

    def __init__(self, memory, count, dtype):
        self.size = memory.shape.as_list()[2]
        self.length = memory.shape.as_list()[1]
        if self.length is None:
            self.length = array.shape(memory)[1]
        self._hidden = array.reshape(memory, [-1, self.length, 1, self.size])
        self._features, self._vectors = [], []
        for a in range(count):
            k = get_variable(f"AttnW_{a}", [1, 1, self.size, self.size], dtype=dtype)
            self._features.append(nn.conv2d(self._hidden, k, [1, 1, 1, 1], "SAME"))
            self._vectors.append(get_variable(f"AttnV_{a}", [self.size], dtype=dtype))

    def __call__(self, query):
        """Returns what each head attends to, `[batch, size]`."""
        if nest.is_nested(query):
            parts = nest.flatten(query)
            for q in parts:
                if q.shape.ndims:
                    assert q.shape.ndims == 2
            query = array.concat(parts, 1)
        found = []
        for a, (features, v) in enumerate(zip(self._features, self._vectors, strict=True)):
            with variable_scope(f"Attention_{a}"):
                y = Linear(query, self.size, True)(query)
                y = math.cast(array.reshape(y, [-1, 1, 1, self.size]), features.dtype)
                scores = math.reduce_sum(v * math.tanh(features + y), [2, 3])
                weights = array.reshape(nn.softmax(scores), [-1, self.length, 1, 1])
                context = math.reduce_sum(weights * self._hidden, [1, 2])
                found.append(array.reshape(context, [-1, self.size]))
        return found


@export("contrib.legacy_seq2seq.attention_decoder")
def attention_decoder(
    decoder_inputs, initial_state, attention_states, cell, output_size=None, num_heads=1,
    loop_function=None, dtype=None, scope=None, initial_state_attention=False,
):  # fmt: skip
    """Runs a cell that attends to a memory over decoder inputs.

    Args:
      decoder_inputs: list of inputs by time, `[batch, inputs]`.
      initial_state: state to begin with.
      attention_states: the memory, `[batch, length, size]`.
      cell: an `RNNCell`.
      output_size: size of the outputs, by default the cell's.
      num_heads: how many places to attend to at once.
      loop_function: function `(previous_output, i) -> input` that makes all inputs but the first.
      dtype: element type.
      scope: variable scope, by default `"attention_decoder"`.
      initial_state_attention: whether to attend before the first step too; else the first
        attention is zero.

    Returns:
      The list of outputs, and the last state.

    Raises:
      ValueError: if there are no inputs or no heads, or the size of the memory is not known.

    Source: Vinyals et al., Grammar as a Foreign Language (2014).
    """
    if not decoder_inputs:
        raise ValueError("Must provide at least 1 input to attention decoder.")
    if num_heads < 1:
        raise ValueError("With less than 1 heads, use a non-attention decoder.")
    if attention_states.shape.as_list()[2] is None:
        raise ValueError(f"Shape[2] of attention_states must be known: {attention_states.shape}")
    output_size = cell.output_size if output_size is None else output_size
    with variable_scope(scope or "attention_decoder", dtype=dtype) as opened:
        dtype = opened.dtype
        batch = array.shape(decoder_inputs[0])[0]
        heads = _Heads(attention_states, num_heads, dtype)
        state, outputs, previous = initial_state, [], None
        sizes = array.stack([batch, heads.size])
        zeros = [array.zeros(sizes, dtype=dtype) for _ in range(num_heads)]
        for zero in zeros:
            zero.set_shape([None, heads.size])
        found = heads(initial_state) if initial_state_attention else zeros
        for i, current in enumerate(decoder_inputs):
            if i > 0:
                get_variable_scope().reuse_variables()
            if loop_function is not None and previous is not None:
                with variable_scope("loop_function", reuse=True):
                    current = loop_function(previous, i)
            width = current.shape.with_rank(2).as_list()[1]
            if width is None:
                raise ValueError(f"Could not infer input size from input: {current.name}")
            both = [math.cast(current, dtype)] + [math.cast(f, dtype) for f in found]
            x = Linear(both, width, True)(both)
            cell_output, state = cell(x, state)
            if i == 0 and initial_state_attention:
                with variable_scope(get_variable_scope(), reuse=True):
                    found = heads(state)
            else:
                found = heads(state)
            with variable_scope("AttnOutputProjection"):
                both = [math.cast(cell_output, dtype)] + [math.cast(f, dtype) for f in found]
                output = Linear(both, output_size, True)(both)
            if loop_function is not None:
                previous = output
            outputs.append(output)
    return outputs, state


@export("contrib.legacy_seq2seq.embedding_attention_decoder")
def embedding_attention_decoder(
    decoder_inputs, initial_state, attention_states, cell, num_symbols, embedding_size,
    num_heads=1, output_size=None, output_projection=None, feed_previous=False,
    update_embedding_for_previous=True, dtype=None, scope=None, initial_state_attention=False,
):  # fmt: skip
    """Is `attention_decoder` of classes, which it embeds.

    Args:
      decoder_inputs: list of int32 classes by time, `[batch]`.
      initial_state: state to begin with.
      attention_states: the memory, `[batch, length, size]`.
      cell: an `RNNCell`.
      num_symbols: number of classes.
      embedding_size: size of their embeddings.
      num_heads: how many places to attend to at once.
      output_size: size of the outputs, by default the cell's.
      output_projection: weights and biases from outputs to logits, or `None`.
      feed_previous: whether all inputs but the first are the likeliest outputs before.
      update_embedding_for_previous: whether gradients flow through those.
      dtype: element type.
      scope: variable scope, by default `"embedding_attention_decoder"`.
      initial_state_attention: whether to attend before the first step too.

    Returns:
      The list of outputs, and the last state.

    Raises:
      ValueError: if the projection has wrong shapes.
    """
    output_size = cell.output_size if output_size is None else output_size
    if output_projection is not None:
        checked_projection(output_projection, output_size, num_symbols, dtype)
    with variable_scope(scope or "embedding_attention_decoder", dtype=dtype):
        embedding = get_variable("embedding", [num_symbols, embedding_size])
        loop_function = None
        if feed_previous:
            loop_function = argmax_inputs(
                embedding, output_projection, update_embedding_for_previous
            )
        return attention_decoder(
            embedded(embedding, decoder_inputs), initial_state, attention_states, cell,
            output_size=output_size, num_heads=num_heads, loop_function=loop_function,
            initial_state_attention=initial_state_attention,
        )  # fmt: skip
