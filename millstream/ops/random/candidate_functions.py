"""Public functions of the candidate samplers."""

from millstream.base.export import export
from millstream.ir.random_seed import seed_attrs
from millstream.ops.random import candidate_ops


@export("nn.uniform_candidate_sampler", "random.uniform_candidate_sampler")
def uniform_candidate_sampler(
    true_classes, num_true, num_sampled, unique, range_max, seed=None, name=None
):
    """Samples classes, each with the same probability.

    Args:
      true_classes: `[batch, num_true]`, int64: the classes that the examples have.
      num_true: Number of true classes of an example.
      num_sampled: Number of classes to sample for the whole batch.
      unique: Whether to sample no class twice.
      range_max: Number of classes there are.
      seed: Seed of this node; see `tf.set_random_seed`.
      name: Name of the node.

    Returns:
      `sampled_candidates [num_sampled]` int64; `true_expected_count [batch, num_true]` and
      `sampled_expected_count [num_sampled]`, float32: how often each is expected in a sample.

    Raises:
      InvalidArgumentError: When run, if `unique` and there are fewer classes than samples.
    """
    return candidate_ops.UniformCandidateSampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        **seed_attrs(seed),
        name=name,
    )


@export("nn.log_uniform_candidate_sampler", "random.log_uniform_candidate_sampler")
def log_uniform_candidate_sampler(
    true_classes, num_true, num_sampled, unique, range_max, seed=None, name=None
):
    """Samples classes k with probability log((k + 2) / (k + 1)) / log(range_max + 1).

    That is about how frequent words are when they are numbered by falling frequency.

    Args:
      true_classes: `[batch, num_true]`, int64: the classes that the examples have.
      num_true: Number of true classes of an example.
      num_sampled: Number of classes to sample for the whole batch.
      unique: Whether to sample no class twice.
      range_max: Number of classes there are.
      seed: Seed of this node; see `tf.set_random_seed`.
      name: Name of the node.

    Returns:
      `sampled_candidates [num_sampled]` int64; `true_expected_count [batch, num_true]` and
      `sampled_expected_count [num_sampled]`, float32: how often each is expected in a sample.

    Raises:
      InvalidArgumentError: When run, if `unique` and there are fewer classes than samples.
    """
    return candidate_ops.LogUniformCandidateSampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        **seed_attrs(seed),
        name=name,
    )


@export("nn.learned_unigram_candidate_sampler", "random.learned_unigram_candidate_sampler")
def learned_unigram_candidate_sampler(
    true_classes, num_true, num_sampled, unique, range_max, seed=None, name=None
):
    """Samples classes by how often they were true classes in the session's steps so far.

    Every count starts at one. The node keeps the counts; each step adds its true classes after it
    has sampled.

    Args:
      true_classes: `[batch, num_true]`, int64: the classes that the examples have.
      num_true: Number of true classes of an example.
      num_sampled: Number of classes to sample for the whole batch.
      unique: Whether to sample no class twice.
      range_max: Number of classes there are.
      seed: Seed of this node; see `tf.set_random_seed`.
      name: Name of the node.

    Returns:
      `sampled_candidates [num_sampled]` int64; `true_expected_count [batch, num_true]` and
      `sampled_expected_count [num_sampled]`, float32: how often each is expected in a sample.

    Raises:
      InvalidArgumentError: When run, if `unique` and there are fewer classes than samples, or for a
        true class that is not in the range.
    """
    return candidate_ops.LearnedUnigramCandidateSampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        **seed_attrs(seed),
        name=name,
    )


@export("nn.fixed_unigram_candidate_sampler", "random.fixed_unigram_candidate_sampler")
def fixed_unigram_candidate_sampler(
    true_classes,
    num_true,
    num_sampled,
    unique,
    range_max,
    vocab_file="",
    distortion=1.0,
    num_reserved_ids=0,
    num_shards=1,
    shard=0,
    unigrams=(),
    seed=None,
    name=None,
):
    """Samples classes by given weights.

    Args:
      true_classes: `[batch, num_true]`, int64: the classes that the examples have.
      num_true: Number of true classes of an example.
      num_sampled: Number of classes to sample for the whole batch.
      unique: Whether to sample no class twice.
      range_max: Number of classes there are.
      vocab_file: File with one class a line, whose weight follows the last comma.
      distortion: Power that the weights are raised to; 0 makes the distribution uniform.
      num_reserved_ids: Number of classes of weight zero that come before those given.
      num_shards: Every `num_shards`-th class is used …
      shard: … from this one on.
      unigrams: The weights, if there is no `vocab_file`.
      seed: Seed of this node; see `tf.set_random_seed`.
      name: Name of the node.

    Returns:
      `sampled_candidates [num_sampled]` int64; `true_expected_count [batch, num_true]` and
      `sampled_expected_count [num_sampled]`, float32: how often each is expected in a sample.

    Raises:
      InvalidArgumentError: When run, if the weights are not `range_max`, or `unique` and there are
        fewer classes than samples.
    """
    return candidate_ops.FixedUnigramCandidateSampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        range_max=range_max,
        vocab_file=vocab_file,
        distortion=distortion,
        num_reserved_ids=num_reserved_ids,
        num_shards=num_shards,
        shard=shard,
        unigrams=unigrams,
        **seed_attrs(seed),
        name=name,
    )


@export("nn.all_candidate_sampler", "random.all_candidate_sampler")
def all_candidate_sampler(true_classes, num_true, num_sampled, unique, seed=None, name=None):
    """Samples every class once: for tests of sampled losses against full ones.

    Args:
      true_classes: `[batch, num_true]`, int64: the classes that the examples have.
      num_true: Number of true classes of an example.
      num_sampled: Number of classes there are.
      unique: Has no effect.
      seed: Has no effect.
      name: Name of the node.

    Returns:
      `sampled_candidates [num_sampled]` int64; `true_expected_count [batch, num_true]` and
      `sampled_expected_count [num_sampled]`, float32, all one.
    """
    return candidate_ops.AllCandidateSampler(
        true_classes,
        num_true=num_true,
        num_sampled=num_sampled,
        unique=unique,
        **seed_attrs(seed),
        name=name,
    )


@export("nn.compute_accidental_hits")
def compute_accidental_hits(true_classes, sampled_candidates, num_true, seed=None, name=None):
    """Finds the sampled candidates that are true classes of an example.

    Args:
      true_classes: `[batch, num_true]`, int64.
      sampled_candidates: `[num_sampled]`, int64, from a candidate sampler.
      num_true: Number of true classes of an example.
      seed: Has no effect.
      name: Name of the node.

    Returns:
      `indices [hits]` int32, the rows; `ids [hits]` int64, places in `sampled_candidates`;
      `weights [hits]` float32, the lowest number: to be added to the logits of those pairs.
    """
    return candidate_ops.ComputeAccidentalHits(
        true_classes, sampled_candidates, num_true=num_true, **seed_attrs(seed), name=name
    )
