"""`tf.nn.nce_loss`, `tf.nn.sampled_softmax_loss`: losses over a few sampled classes of many."""

from __future__ import annotations

from typing import Any

from millstream.base import dtypes
from millstream.base.export import export
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops import array, math
from millstream.ops.array.slicing import slice as slice_
from millstream.ops.nn.cross_entropy import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
)
from millstream.ops.random.candidate_functions import (
    compute_accidental_hits,
    log_uniform_candidate_sampler,
)
from millstream.ops.sparse.dense import sparse_to_dense
from millstream.state.embedding import embedding_lookup


def _row_sums(x: Tensor) -> Tensor:
    """Sums the columns of `[rows, columns]` by a product with ones."""
    columns = array.shape(x)[1]
    ones = array.ones(array.stack([columns, 1]), x.dtype)
    return array.reshape(math.matmul(x, ones), [-1])


def _true_logits(inputs: Tensor, weights: Tensor, biases: Tensor, num_true: int) -> Tensor:
    """Returns `[batch, num_true]`: inputs times the weights of their true classes, plus biases."""
    size = array.shape(weights)[1:2]
    wide = array.concat([[-1, num_true], size], 0)
    products = math.multiply(array.expand_dims(inputs, 1), array.reshape(weights, wide))
    sums = _row_sums(array.reshape(products, array.concat([[-1], size], 0)))
    logits = array.reshape(sums, [-1, num_true])
    return logits + array.reshape(biases, [-1, num_true])


def _without_hits(labels: Tensor, sampled: Tensor, logits: Tensor, num_true: int) -> Tensor:
    """Adds a huge negative number where a sampled class is a true one."""
    rows, ids, penalties = compute_accidental_hits(labels, sampled, num_true=num_true)
    rows = array.reshape(rows, [-1, 1])
    ids = array.reshape(math.cast(ids, dtypes.int32), [-1, 1])
    places = array.concat([rows, ids], 1, "sparse_indices")
    count = sampled.shape.num_elements() or 0
    shape = array.concat([array.shape(labels)[:1], array.expand_dims(count, 0)], 0)
    if penalties.dtype != logits.dtype:
        penalties = math.cast(penalties, logits.dtype)
    dense = sparse_to_dense(places, shape, penalties, default_value=0.0, validate_indices=False)
    return logits + dense


def _sampled_logits(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int,
    num_true: int, sampled_values: Any, subtract_log_q: bool, remove_accidental_hits: bool,
    partition_strategy: str, name: str, seed: Any,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Returns the logits `[batch, num_true + num_sampled]` and their labels."""
    if hasattr(weights, "_get_variable_list"):
        weights = list(weights)
    weights = weights if isinstance(weights, list) else [weights]
    with name_scope(name, "compute_sampled_logits", [*weights, biases, inputs, labels]):
        if labels.dtype != dtypes.int64:
            labels = math.cast(labels, dtypes.int64)
        flat = array.reshape(labels, [-1])
        if sampled_values is None:
            sampled_values = log_uniform_candidate_sampler(
                labels, num_true, num_sampled, True, num_classes, seed=seed
            )
        sampled, true_count, sampled_count = (array.stop_gradient(t) for t in sampled_values)
        sampled = math.cast(sampled, dtypes.int64)
        ids = array.concat([flat, sampled], 0)
        rows = embedding_lookup(weights, ids, partition_strategy=partition_strategy)
        true_rows = slice_(rows, [0, 0], array.stack([array.shape(flat)[0], -1]))
        other_rows = slice_(rows, array.stack([array.shape(flat)[0], 0]), [-1, -1])
        others = math.matmul(inputs, other_rows, transpose_b=True)
        all_biases = embedding_lookup(biases, ids, partition_strategy=partition_strategy)
        true_biases = slice_(all_biases, [0], array.shape(flat))
        other_biases = slice_(all_biases, array.shape(flat), [-1])
        trues = _true_logits(inputs, true_rows, true_biases, num_true)
        others = others + other_biases
        if remove_accidental_hits:
            others = _without_hits(labels, sampled, others, num_true)
        if subtract_log_q:
            trues = trues - math.log(true_count)
            others = others - math.log(sampled_count)
        logits = array.concat([trues, others], 1)
        goals = array.concat([array.ones_like(trues) / num_true, array.zeros_like(others)], 1)
        return logits, goals


@export("nn.nce_loss")
def nce_loss(
    weights, biases, labels, inputs, num_sampled, num_classes, num_true=1, sampled_values=None,
    remove_accidental_hits=False, partition_strategy="mod", name="nce_loss",
):  # fmt: skip
    """Computes the noise-contrastive estimation loss of each example.

    Args:
      weights: `[classes, size]`, or its parts as `tf.nn.embedding_lookup` takes them.
      biases: `[classes]`.
      labels: `[batch, num_true]` integers, the true classes.
      inputs: `[batch, size]`, what the network says.
      num_sampled: how many classes to sample for the batch.
      num_classes: how many classes there are.
      num_true: how many true classes an example has.
      sampled_values: what a candidate sampler returned; by default the log-uniform one is used.
      remove_accidental_hits: whether samples that are true classes do not count.
      partition_strategy: `"mod"` or `"div"`, if `weights` has several parts.
      name: scope of the nodes.

    Returns:
      `[batch]`, of the dtype of `inputs`.

    Source: Gutmann and Hyvärinen, "Noise-contrastive estimation" (2010).
    """
    logits, goals = _sampled_logits(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, True,
        remove_accidental_hits, partition_strategy, name, None,
    )  # fmt: skip
    losses = sigmoid_cross_entropy_with_logits(labels=goals, logits=logits, name="sampled_losses")
    return _row_sums(losses)


@export("nn.sampled_softmax_loss")
def sampled_softmax_loss(
    weights, biases, labels, inputs, num_sampled, num_classes, num_true=1, sampled_values=None,
    remove_accidental_hits=True, partition_strategy="mod", name="sampled_softmax_loss", seed=None,
):  # fmt: skip
    """Computes the softmax loss over the true and some sampled classes; for training only.

    Args:
      weights: `[classes, size]`, or its parts as `tf.nn.embedding_lookup` takes them.
      biases: `[classes]`.
      labels: `[batch, num_true]` integers, the true classes.
      inputs: `[batch, size]`, what the network says.
      num_sampled: how many classes to sample for the batch.
      num_classes: how many classes there are.
      num_true: how many true classes an example has.
      sampled_values: what a candidate sampler returned; by default the log-uniform one is used.
      remove_accidental_hits: whether samples that are true classes do not count.
      partition_strategy: `"mod"` or `"div"`, if `weights` has several parts.
      name: scope of the nodes.
      seed: seed of the sampler.

    Returns:
      `[batch]`, of the dtype of `inputs`.

    Source: Jean et al., "On using very large target vocabulary" (2014).
    """
    logits, goals = _sampled_logits(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, True,
        remove_accidental_hits, partition_strategy, name, seed,
    )  # fmt: skip
    goals = array.stop_gradient(goals, name="labels_stop_gradient")
    return softmax_cross_entropy_with_logits_v2(labels=goals, logits=logits)
