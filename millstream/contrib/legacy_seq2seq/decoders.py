"""`tf.contrib.legacy_seq2seq`: decoders that are unrolled step by step."""

import copy

from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.contrib.rnn.projections import EmbeddingWrapper
from millstream.ops import array, math, nn
from millstream.rnn.static import static_rnn
from millstream.state.embedding import embedding_lookup
from millstream.state.get_variable import get_variable
from millstream.state.scope import get_variable_scope
from millstream.state.scoping import variable_scope

__all__ = ["argmax_inputs", "checked_projection", "embedded"]


def argmax_inputs(embedding, output_projection=None, update_embedding=True):
    """Returns a loop function that embeds the likeliest class of the output before."""

    def loop_function(previous, _):
        if output_projection is not None:
            previous = nn.xw_plus_b(previous, *output_projection)
        rows = embedding_lookup(embedding, math.argmax(previous, 1))
        return rows if update_embedding else array.stop_gradient(rows)

    return loop_function


def checked_projection(projection, size, num_symbols, dtype):
    """Refuses a projection whose shapes do not fit.

    Raises:
      ValueError: saying which.
    """
    from_size, to_size = projection
    from_shape = getattr(from_size, "shape", None)
    if size is not None and from_shape is not None:
        from_shape.assert_is_compatible_with([size, num_symbols])
    if getattr(to_size, "shape", None) is not None:
        to_size.shape.assert_is_compatible_with([num_symbols])
    del dtype


def embedded(embedding, inputs):
    """Returns the embeddings of a list of inputs."""
    return [embedding_lookup(embedding, i) for i in inputs]


@export("contrib.legacy_seq2seq.rnn_decoder")
def rnn_decoder(decoder_inputs, initial_state, cell, loop_function=None, scope=None):
    """Runs a cell over decoder inputs.

    Args:
      decoder_inputs: list of inputs by time, `[batch, inputs]`.
      initial_state: state to begin with.
      cell: an `RNNCell`.
      loop_function: function `(previous_output, i) -> input` that makes all inputs but the first.
      scope: variable scope, by default `"rnn_decoder"`.

    Returns:
      The list of outputs, and the last state.
    """
    with variable_scope(scope or "rnn_decoder"):
        state, outputs, previous = initial_state, [], None
        for i, current in enumerate(decoder_inputs):
            if loop_function is not None and previous is not None:
                with variable_scope("loop_function", reuse=True):
                    current = loop_function(previous, i)
            if i > 0:
                get_variable_scope().reuse_variables()
            output, state = cell(current, state)
            outputs.append(output)
            if loop_function is not None:
                previous = output
    return outputs, state


@export("contrib.legacy_seq2seq.basic_rnn_seq2seq")
def basic_rnn_seq2seq(encoder_inputs, decoder_inputs, cell, dtype=Float, scope=None):
    """Gives a decoder the last state of an encoder of the same kind.

    Args:
      encoder_inputs: list of inputs by time, `[batch, inputs]`.
      decoder_inputs: list of inputs by time.
      cell: the cell; encoder and decoder have variables of their own.
      dtype: element type of the first state.
      scope: variable scope, by default `"basic_rnn_seq2seq"`.

    Returns:
      The decoder's list of outputs, and its last state.
    """
    with variable_scope(scope or "basic_rnn_seq2seq"):
        _, state = static_rnn(copy.deepcopy(cell), encoder_inputs, dtype=dtype)
        return rnn_decoder(decoder_inputs, state, cell)


@export("contrib.legacy_seq2seq.tied_rnn_seq2seq")
def tied_rnn_seq2seq(
    encoder_inputs, decoder_inputs, cell, loop_function=None, dtype=Float, scope=None
):
    """Is `basic_rnn_seq2seq` whose encoder and decoder share their variables.

    Args:
      encoder_inputs: list of inputs by time, `[batch, inputs]`.
      decoder_inputs: list of inputs by time.
      cell: the cell.
      loop_function: as for `rnn_decoder`.
      dtype: element type of the first state.
      scope: variable scope, by default `"combined_tied_rnn_seq2seq"`.

    Returns:
      The decoder's list of outputs, and its last state.
    """
    with variable_scope("combined_tied_rnn_seq2seq"):
        scope = scope or "tied_rnn_seq2seq"
        _, state = static_rnn(cell, encoder_inputs, dtype=dtype, scope=scope)
        get_variable_scope().reuse_variables()
        return rnn_decoder(decoder_inputs, state, cell, loop_function=loop_function, scope=scope)


@export("contrib.legacy_seq2seq.embedding_rnn_decoder")
def embedding_rnn_decoder(
    decoder_inputs, initial_state, cell, num_symbols, embedding_size, output_projection=None,
    feed_previous=False, update_embedding_for_previous=True, scope=None,
):  # fmt: skip
    """Is `rnn_decoder` of classes, which it embeds.

    Args:
      decoder_inputs: list of int32 classes by time, `[batch]`.
      initial_state: state to begin with.
      cell: an `RNNCell`.
      num_symbols: number of classes.
      embedding_size: size of their embeddings.
      output_projection: weights and biases from outputs to logits, or `None`.
      feed_previous: whether all inputs but the first are the likeliest outputs before.
      update_embedding_for_previous: whether gradients flow through those.
      scope: variable scope, by default `"embedding_rnn_decoder"`.

    Returns:
      The list of outputs, and the last state.

    Raises:
      ValueError: if the projection has wrong shapes.
    """
    with variable_scope(scope or "embedding_rnn_decoder") as opened:
        if output_projection is not None:
            checked_projection(output_projection, None, num_symbols, opened.dtype)
        embedding = get_variable("embedding", [num_symbols, embedding_size])
        loop_function = None
        if feed_previous:
            loop_function = argmax_inputs(
                embedding, output_projection, update_embedding_for_previous
            )
        # A generator, since TensorFlow looks up one step at a time.
        inputs = (embedding_lookup(embedding, i) for i in decoder_inputs)
        return rnn_decoder(inputs, initial_state, cell, loop_function=loop_function)


def encoded(cell, encoder_inputs, num_encoder_symbols, embedding_size, dtype):
    """Runs a copy of the cell over embedded classes; returns outputs and the last state."""
    encoder = EmbeddingWrapper(
        copy.deepcopy(cell),
        embedding_classes=num_encoder_symbols,
        embedding_size=embedding_size,
    )
    return static_rnn(encoder, encoder_inputs, dtype=dtype)
