"""Embeddings of sequences and bags of symbols, and gradients of another scale."""

from millstream.base.export import export
from millstream.contrib.framework.model_variables import model_variable
from millstream.contrib.layers.common import published
from millstream.contrib.layers.shaping import dense_to_sparse
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import array, math
from millstream.ops.array.uniques import unique as unique_of
from millstream.state.embedding import embedding_lookup
from millstream.state.safe_embedding import safe_embedding_lookup_sparse
from millstream.state.scoping import variable_scope


@export("contrib.layers.embedding_lookup_unique", "contrib.slim.embedding_lookup_unique")
def embedding_lookup_unique(params, ids, partition_strategy="mod", name=None):
    """Is `tf.nn.embedding_lookup` that looks up each id once, however often it comes.

    Args:
      params: embeddings, a variable or a list of its parts.
      ids: integers.
      partition_strategy: how ids are spread over the parts.
      name: scope of the nodes.
    """
    with name_scope(name, "EmbeddingLookupUnique", [params, ids]):
        ids = convert_to_tensor(ids)
        shape = array.shape(ids)
        flat = array.reshape(ids, math.reduce_prod(shape, keepdims=True))
        once, where_to = unique_of(flat)
        rows = embedding_lookup(params, once, partition_strategy)
        embedded = array.gather(rows, where_to)
        size = array.slice_helper(array.shape(rows), slice(1, None))
        result = array.reshape(embedded, array.concat([shape, size], 0))
        result.set_shape(ids.shape.concatenate(rows.shape[1:]))
        return result


@export("contrib.layers.embed_sequence", "contrib.slim.embed_sequence")
def embed_sequence(
    ids, vocab_size=None, embed_dim=None, unique=False, initializer=None, regularizer=None,
    trainable=True, scope=None, reuse=None,
):  # fmt: skip
    """Maps a sequence of symbols to a sequence of embeddings, in the variable `embeddings`.

    Args:
      ids: `[batch, length]` integers.
      vocab_size: number of symbols.
      embed_dim: size of an embedding.
      unique: whether each symbol is looked up once, however often it comes.
      initializer: initializer of the embeddings.
      regularizer: function from the embeddings to a loss.
      trainable: whether optimizers see them.
      scope: variable scope.
      reuse: whether the variable must exist already.

    Returns:
      `[batch, length, embed_dim]`.

    Raises:
      ValueError: if a size is not given, unless the variable is reused.
    """
    if not (reuse or (vocab_size and embed_dim)):
        raise ValueError(
            "Must specify vocab size and embedding dimension when not reusing. Got "
            f"vocab_size={vocab_size} and embed_dim={embed_dim}"
        )
    with variable_scope(scope, "EmbedSequence", [ids], reuse=reuse):
        shape = [vocab_size, embed_dim]
        if (reuse and vocab_size is None) or embed_dim is None:
            shape = None
        embeddings = model_variable(
            "embeddings", shape=shape, initializer=initializer, regularizer=regularizer,
            trainable=trainable,
        )  # fmt: skip
        if unique:
            return embedding_lookup_unique(embeddings, ids)
        return embedding_lookup(embeddings, ids)


@published("scale_gradient")
def scale_gradient(inputs, gradient_multiplier):
    """Gives the inputs, through which gradients come multiplied by a number."""
    kept = array.stop_gradient(inputs)
    scaled = inputs * gradient_multiplier
    return scaled + array.stop_gradient(kept - scaled)


@export("contrib.layers.bow_encoder", "contrib.slim.bow_encoder")
def bow_encoder(
    ids, vocab_size, embed_dim, sparse_lookup=True, initializer=None, regularizer=None,
    trainable=True, scope=None, reuse=None,
):  # fmt: skip
    """Maps sequences of symbols to the mean of their embeddings: `[batch, embed_dim]`.

    Args:
      ids: `[batch, length]` integers, dense or sparse; 0 stands for nothing.
      vocab_size: number of symbols.
      embed_dim: size of an embedding.
      sparse_lookup: whether zeros are left out of the mean.
      initializer: initializer of the embeddings.
      regularizer: function from the embeddings to a loss.
      trainable: whether optimizers see them.
      scope: variable scope.
      reuse: whether the variable must exist already.
    """
    with variable_scope(scope, "bow_encoder", [ids], reuse=reuse):
        embeddings = model_variable(
            "embeddings", shape=[vocab_size, embed_dim], initializer=initializer,
            regularizer=regularizer, trainable=trainable,
        )  # fmt: skip
        if sparse_lookup:
            if not isinstance(ids, SparseTensor):
                ids = dense_to_sparse(ids)
            return safe_embedding_lookup_sparse([embeddings], ids, combiner="mean", default_id=0)
        if isinstance(ids, SparseTensor):
            raise TypeError("ids are expected to be dense Tensor, got: SparseTensor")
        return math.reduce_mean(embedding_lookup(embeddings, ids), axis=1)
