"""`tf.contrib.legacy_seq2seq`: whole models over classes, unrolled."""

from millstream.base import nest
from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.contrib.legacy_seq2seq.attention import embedding_attention_decoder
from millstream.contrib.legacy_seq2seq.decoders import (
    argmax_inputs,
    checked_projection,
    embedded,
    embedding_rnn_decoder,
    encoded,
    tied_rnn_seq2seq,
)
from millstream.contrib.rnn.projections import OutputProjectionWrapper
from millstream.ir.tensor import Tensor
from millstream.ops import array
from millstream.ops.flow.conditionals import cond
from millstream.state.get_variable import get_variable
from millstream.state.scope import get_variable_scope
from millstream.state.scoping import variable_scope


def either(feed_previous, decode):
    """Decodes with or without feeding back; where a tensor decides, makes both.

    Args:
      feed_previous: a Python bool or a bool tensor.
      decode: function from a Python bool to outputs and a state.
    """
    if not isinstance(feed_previous, Tensor):
        return decode(bool(feed_previous))
    structure = []

    def branch(feeds):
        with variable_scope(get_variable_scope(), reuse=True if feeds is False else None):
            outputs, state = decode(feeds)
        structure.append((outputs, state))
        return [*outputs, *nest.flatten(state)]

    flat = cond(feed_previous, lambda: branch(True), lambda: branch(False))
    outputs, state = structure[0]
    states = flat[len(outputs) :]
    packed = states[0] if not nest.is_nested(state) else nest.pack_sequence_as(state, states)
    return flat[: len(outputs)], packed


@export("contrib.legacy_seq2seq.embedding_rnn_seq2seq")
def embedding_rnn_seq2seq(
    encoder_inputs, decoder_inputs, cell, num_encoder_symbols, num_decoder_symbols, embedding_size,
    output_projection=None, feed_previous=False, dtype=None, scope=None,
):  # fmt: skip
    """Encodes a sequence of classes and decodes another one from the last state.

    Args:
      encoder_inputs: list of int32 classes by time, `[batch]`.
      decoder_inputs: list of int32 classes by time.
      cell: the cell of both.
      num_encoder_symbols: number of classes of the encoder.
      num_decoder_symbols: number of classes of the decoder.
      embedding_size: size of embeddings.
      output_projection: weights and biases from outputs to logits; by default the decoder's
        outputs are logits.
      feed_previous: whether decoder inputs but the first are the outputs before; a bool or tensor.
      dtype: element type of the first state.
      scope: variable scope, by default `"embedding_rnn_seq2seq"`.

    Returns:
      The list of outputs, and the last state.
    """
    with variable_scope(scope or "embedding_rnn_seq2seq") as opened:
        if dtype is not None:
            opened.set_dtype(dtype)
        else:
            dtype = opened.dtype
        _, state = encoded(cell, encoder_inputs, num_encoder_symbols, embedding_size, dtype)
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols)

        def decode(feeds):
            return embedding_rnn_decoder(
                decoder_inputs, state, cell, num_decoder_symbols, embedding_size,
                output_projection=output_projection, feed_previous=feeds,
                update_embedding_for_previous=not isinstance(feed_previous, Tensor),
            )  # fmt: skip

        return either(feed_previous, decode)


@export("contrib.legacy_seq2seq.embedding_tied_rnn_seq2seq")
def embedding_tied_rnn_seq2seq(
    encoder_inputs, decoder_inputs, cell, num_symbols, embedding_size, num_decoder_symbols=None,
    output_projection=None, feed_previous=False, dtype=None, scope=None,
):  # fmt: skip
    """Is `embedding_rnn_seq2seq` whose encoder and decoder share variables and embeddings.

    Args:
      encoder_inputs: list of int32 classes by time, `[batch]`.
      decoder_inputs: list of int32 classes by time.
      cell: the cell of both.
      num_symbols: number of classes.
      embedding_size: size of embeddings.
      num_decoder_symbols: number of classes of the output, by default `num_symbols`.
      output_projection: weights and biases from outputs to logits.
      feed_previous: whether decoder inputs but the first are the outputs before; a bool or tensor.
      dtype: element type of the first state.
      scope: variable scope, by default `"embedding_tied_rnn_seq2seq"`.

    Returns:
      The list of outputs, and the last state.

    Raises:
      ValueError: if the projection has wrong shapes.
    """
    with variable_scope(scope or "embedding_tied_rnn_seq2seq", dtype=dtype) as opened:
        dtype = opened.dtype
        if output_projection is not None:
            checked_projection(output_projection, None, num_symbols, dtype)
        embedding = get_variable("embedding", [num_symbols, embedding_size], dtype=dtype)
        sources = embedded(embedding, encoder_inputs)
        targets = embedded(embedding, decoder_inputs)
        count = num_decoder_symbols or num_symbols
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, count)

        def decode(feeds):
            loop = argmax_inputs(embedding, output_projection, True) if feeds else None
            return tied_rnn_seq2seq(sources, targets, cell, loop_function=loop, dtype=dtype)

        return either(feed_previous, decode)


@export("contrib.legacy_seq2seq.embedding_attention_seq2seq")
def embedding_attention_seq2seq(
    encoder_inputs, decoder_inputs, cell, num_encoder_symbols, num_decoder_symbols, embedding_size,
    num_heads=1, output_projection=None, feed_previous=False, dtype=None, scope=None,
    initial_state_attention=False,
):  # fmt: skip
    """Is `embedding_rnn_seq2seq` whose decoder attends to the encoder's outputs.

    Args:
      encoder_inputs: list of int32 classes by time, `[batch]`.
      decoder_inputs: list of int32 classes by time.
      cell: the cell of both.
      num_encoder_symbols: number of classes of the encoder.
      num_decoder_symbols: number of classes of the decoder.
      embedding_size: size of embeddings.
      num_heads: how many places to attend to at once.
      output_projection: weights and biases from outputs to logits.
      feed_previous: whether decoder inputs but the first are the outputs before; a bool or tensor.
      dtype: element type of the first state.
      scope: variable scope, by default `"embedding_attention_seq2seq"`.
      initial_state_attention: whether to attend before the first step too.

    Returns:
      The list of outputs, and the last state.
    """
    with variable_scope(scope or "embedding_attention_seq2seq", dtype=dtype) as opened:
        dtype = opened.dtype
        outputs, state = encoded(cell, encoder_inputs, num_encoder_symbols, embedding_size, dtype)
        tops = [array.reshape(e, [-1, 1, cell.output_size]) for e in outputs]
        memory = array.concat(tops, 1)
        output_size = None
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols)
            output_size = num_decoder_symbols

        def decode(feeds):
            return embedding_attention_decoder(
                decoder_inputs, state, memory, cell, num_decoder_symbols, embedding_size,
                num_heads=num_heads, output_size=output_size, output_projection=output_projection,
                feed_previous=feeds, initial_state_attention=initial_state_attention,
                update_embedding_for_previous=not isinstance(feed_previous, Tensor),
            )  # fmt: skip

        return either(feed_previous, decode)


@export("contrib.legacy_seq2seq.one2many_rnn_seq2seq")
def one2many_rnn_seq2seq(
    encoder_inputs, decoder_inputs_dict, enc_cell, dec_cells_dict, num_encoder_symbols,
    num_decoder_symbols_dict, embedding_size, feed_previous=False, dtype=None, scope=None,
):  # fmt: skip
    """Encodes a sequence of classes and decodes several ones from the last state.

    Args:
      encoder_inputs: list of int32 classes by time, `[batch]`.
      decoder_inputs_dict: such lists for decoders, by name.
      enc_cell: the encoder's cell.
      dec_cells_dict: the decoders' cells, by name.
      num_encoder_symbols: number of classes of the encoder.
      num_decoder_symbols_dict: numbers of classes of the decoders, by name.
      embedding_size: size of embeddings.
      feed_previous: whether decoder inputs but the first are the outputs before; a bool or tensor.
      dtype: element type of the first state, by default float32.
      scope: variable scope, by default `"one2many_rnn_seq2seq"`.

    Returns:
      The lists of outputs and the last states, by name.
    """
    outputs, states = {}, {}
    with variable_scope(scope or "one2many_rnn_seq2seq", dtype=dtype or Float) as opened:
        dtype = opened.dtype
        _, start = encoded(enc_cell, encoder_inputs, num_encoder_symbols, embedding_size, dtype)
        for name, decoder_inputs in decoder_inputs_dict.items():
            count = num_decoder_symbols_dict[name]
            with variable_scope(f"one2many_decoder_{name}"):
                cell = OutputProjectionWrapper(dec_cells_dict[name], count)

                def decode(feeds, inputs=decoder_inputs, cell=cell, count=count):
                    return embedding_rnn_decoder(
                        inputs, start, cell, count, embedding_size, feed_previous=feeds
                    )

                outputs[name], states[name] = either(feed_previous, decode)
    return outputs, states
