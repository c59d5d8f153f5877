"""Choosing examples at random: `rejection_sample`, `stratified_sample`, `weighted_resample`."""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.base.dtypes import float32, int32, int64
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import convert_n_to_tensor, convert_to_tensor
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ir.static_value import constant_value
from millstream.ops.array.gathering import gather
from millstream.ops.array.identities import identity
from millstream.ops.array.indicators import one_hot, sequence_mask
from millstream.ops.array.reshaping import expand_dims, squeeze
from millstream.ops.array.selecting import where
from millstream.ops.by_name import ops
from millstream.ops.flow.assertions import assert_true
from millstream.ops.math.cast import cast
from millstream.ops.math.reductions import reduce_max, reduce_mean, reduce_sum
from millstream.ops.random.functions import random_poisson, random_uniform
from millstream.state.variables import Variable
from millstream.train.input_batching import batch, maybe_batch
from millstream.train.moving_averages import assign_moving_average


@export("contrib.training.rejection_sample")
def rejection_sample(
    tensors,
    accept_prob_fn,
    batch_size,
    queue_threads=1,
    enqueue_many=False,
    prebatch_capacity=16,
    prebatch_threads=1,
    runtime_checks=False,
    name=None,
):
    """Returns batches of examples each of which was kept with a probability of its own.

    Args:
      tensors: list of tensors: one example.
      accept_prob_fn: gives the probability, a scalar, of a list of tensors.
      batch_size: how many examples make a batch.
      queue_threads: how many threads fill the queue of kept examples.
      enqueue_many: whether `tensors` are batches of examples.
      prebatch_capacity: with `enqueue_many`, most examples that wait to be looked at.
      prebatch_threads: with `enqueue_many`, how many threads make them.
      runtime_checks: whether probabilities outside of 0 to 1 fail the step.
      name: name of the nodes' scope.

    Returns:
      List of tensors with a batch dimension.
    """
    with name_scope(name, "rejection_sample", tensors):
        examples = convert_n_to_tensor(tensors)
        if enqueue_many:
            examples = _one_by_one(examples, prebatch_capacity, prebatch_threads)
        probability = convert_to_tensor(accept_prob_fn(examples))
        probability.shape.assert_has_rank(0)
        if runtime_checks:
            probability = _checked(probability)
        keep = ops.Less(random_uniform([]), probability)
        kept = maybe_batch(examples, keep, batch_size, num_threads=queue_threads)
        return kept if isinstance(kept, list) else [kept]


def _one_by_one(examples: list[Any], capacity: int, threads: int) -> list[Any]:
    """Cuts batches into examples."""
    single = batch(
        examples, batch_size=1, num_threads=threads, capacity=capacity, enqueue_many=True
    )
    return [squeeze(part, [0]) for part in (single if isinstance(single, list) else [single])]


def _checked(probability: Any) -> Any:
    fits = ops.LogicalAnd(ops.LessEqual(0.0, probability), ops.LessEqual(probability, 1.0))
    with control_dependencies([assert_true(fits, [probability])]):
        return identity(probability)


@export("contrib.training.stratified_sample")
def stratified_sample(
    tensors,
    labels,
    target_probs,
    batch_size,
    init_probs=None,
    enqueue_many=False,
    queue_capacity=16,
    threads_per_queue=1,
    name=None,
):
    """Returns batches of examples whose classes have wanted shares.

    Args:
      tensors: list of tensors: one example.
      labels: the example's class, an int32 scalar.
      target_probs: the wanted share of each class.
      batch_size: how many examples make a batch.
      init_probs: the share of each class in the input; by default it is counted.
      enqueue_many: whether `tensors` and `labels` are batches of examples.
      queue_capacity: most examples that wait to be looked at.
      threads_per_queue: how many threads fill each queue.
      name: name of the nodes' scope.

    Returns:
      List of tensors with a batch dimension, and the labels.

    Raises:
      ValueError: if the shares are no probabilities of as many classes.
    """
    with name_scope(name, "stratified_sample", [*tensors, labels]):
        parts = convert_n_to_tensor(tensors)
        labels = convert_to_tensor(labels)
        target = _probabilities(target_probs, "target_probs")
        if not enqueue_many:
            parts = [expand_dims(part, 0) for part in parts]
            labels = expand_dims(labels, 0)
        classes = len(target)
        if init_probs is None:
            initial = _counted_shares(labels, classes)
        else:
            initial = constant(_probabilities(init_probs, "init_probs"), float32)
            if initial.shape[0] != classes:
                raise ValueError(f"init_probs must have {classes} elements like target_probs")
        ratio = ops.RealDiv(constant(target, float32), initial)
        ratio = ops.SelectV2(ops.Equal(constant(target, float32), 0.0), 0.0, ratio)
        accept = ops.RealDiv(ratio, reduce_max(ratio))
        single = _one_by_one([*parts, labels], queue_capacity, threads_per_queue)
        keep = ops.Less(random_uniform([]), gather(accept, single[-1]))
        kept = maybe_batch(single, keep, batch_size, num_threads=threads_per_queue)
        return kept[:-1], kept[-1]


def _probabilities(given: Any, word: str) -> Any:
    value = constant_value(convert_to_tensor(given, float32))
    if value is None or value.ndim != 1:
        raise ValueError(f"{word} must be a vector that is known while the graph is built")
    if (value < 0).any() or not np.isclose(value.sum(), 1.0, atol=1e-3):
        raise ValueError(f"{word} must be probabilities that add up to 1, not {value}")
    return value


def _counted_shares(labels: Any, classes: int) -> Any:
    """Gives the share of each class in what came so far, with a prior of one of each."""
    counts = Variable(
        np.zeros(classes, np.int64),
        name="class_count",
        trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES],
    )
    seen = reduce_sum(one_hot(labels, classes, dtype=int64), 0)
    total = ops.AddV2(convert_to_tensor(counts.assign_add(seen)), np.int64(1))
    return cast(ops.RealDiv(cast(total, float32), cast(reduce_sum(total), float32)), float32)


@export("contrib.training.weighted_resample")
def weighted_resample(inputs, weights, overall_rate, scope=None, mean_decay=0.999, seed=None):
    """Returns rows of a batch, each as often as a random number whose mean its weight gives.

    Args:
      inputs: list of tensors with equally many rows.
      weights: weight of each row, `[n]`.
      overall_rate: how many rows come out for one that goes in, on average.
      scope: name of the nodes' scope.
      mean_decay: how slowly the average of the weights follows them.
      seed: fixes the numbers, together with the graph's seed.

    Returns:
      List of tensors, and the rate at which each of their rows was drawn.
    """
    with name_scope(scope, "weighted_resample", inputs):
        weights = cast(weights, float32)
        estimate = Variable(0.0, name="estimated_mean", trainable=False)
        mean = assign_moving_average(estimate, reduce_mean(weights), mean_decay)
        rates = ops.RealDiv(ops.Mul(weights, float(overall_rate)), mean)
        rows = _drawn_rows(rates, seed)
        drawn = gather(rates, rows)
        return [gather(part, rows) for part in inputs], drawn


def _drawn_rows(rates: Any, seed: Any) -> Any:
    """Gives row numbers, each as often as was drawn for it."""
    counts = cast(random_poisson(rates, shape=[], dtype=float32, seed=seed), int32)
    return ops.StopGradient(cast(where(sequence_mask(counts))[:, 0], int32))
