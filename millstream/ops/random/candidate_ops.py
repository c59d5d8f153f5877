"""The candidate samplers of sampled losses, and ComputeAccidentalHits."""

import math
import weakref

import numpy as np

from millstream.base import errors
from millstream.base.lazy import jnp
from millstream.formats.file_object import GFile
from millstream.ir.spec import (
    AtLeast,
    Dynamic,
    Float,
    Int32,
    Int64,
    Owns,
    Returns,
    Tensor,
    op,
)
from millstream.ops.random import candidates, philox
from millstream.ops.random.state import RNG, initial

_STATE_WORDS = 6


def _initial_counts(node):
    """Returns the state of a learning sampler: its generator, then one count for each class."""
    counts = np.ones(node.attrs["range_max"], np.uint32)
    return np.concatenate([initial(node), counts])


LEARNED = Owns("state", initial=_initial_counts)


@op(effect=RNG)
def UniformCandidateSampler(
    true_classes: Tensor[Int64],
    *,
    num_true: AtLeast(1),
    num_sampled: AtLeast(1),
    unique: bool,
    range_max: AtLeast(1),
    seed: int = 0,
    seed2: int = 0,
) -> Returns(
    sampled_candidates=Tensor[Int64],
    true_expected_count=Tensor[Float],
    sampled_expected_count=Tensor[Float],
):
    """Samples classes, each alike, and tells how often to expect them and the true ones."""


@op(effect=RNG)
def LogUniformCandidateSampler(
    true_classes: Tensor[Int64],
    *,
    num_true: AtLeast(1),
    num_sampled: AtLeast(1),
    unique: bool,
    range_max: AtLeast(1),
    seed: int = 0,
    seed2: int = 0,
) -> Returns(
    sampled_candidates=Tensor[Int64],
    true_expected_count=Tensor[Float],
    sampled_expected_count=Tensor[Float],
):
    """Samples classes that are numbered by falling frequency, as Zipf's law has it."""


@op(effect=LEARNED)
def LearnedUnigramCandidateSampler(
    true_classes: Tensor[Int64],
    *,
    num_true: AtLeast(1),
    num_sampled: AtLeast(1),
    unique: bool,
    range_max: AtLeast(1),
    seed: int = 0,
    seed2: int = 0,
) -> Returns(
    sampled_candidates=Tensor[Int64],
    true_expected_count=Tensor[Float],
    sampled_expected_count=Tensor[Float],
):
    """Samples classes as often as they were true classes in the runs so far, plus one."""


@op(effect=LEARNED)
def ThreadUnsafeUnigramCandidateSampler(
    true_classes: Tensor[Int64],
    *,
    num_true: AtLeast(1),
    num_sampled: AtLeast(1),
    unique: bool,
    range_max: AtLeast(1),
    seed: int = 0,
    seed2: int = 0,
) -> Returns(
    sampled_candidates=Tensor[Int64],
    true_expected_count=Tensor[Float],
    sampled_expected_count=Tensor[Float],
):
    """Is LearnedUnigramCandidateSampler by another name."""


@op(effect=RNG)
def FixedUnigramCandidateSampler(
    true_classes: Tensor[Int64],
    *,
    num_true: AtLeast(1),
    num_sampled: AtLeast(1),
    unique: bool,
    range_max: AtLeast(1),
    vocab_file: str = "",
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: AtLeast(1) = 1,
    shard: AtLeast(0) = 0,
    unigrams: list[float] = [],  # noqa: B006 - a declaration: nothing changes it
    seed: int = 0,
    seed2: int = 0,
) -> Returns(
    sampled_candidates=Tensor[Int64],
    true_expected_count=Tensor[Float],
    sampled_expected_count=Tensor[Float],
):
    """Samples classes by weights that are given, in a list or a file."""


@op(stateful=True)
def AllCandidateSampler(
    true_classes: Tensor[Int64],
    *,
    num_true: AtLeast(1),
    num_sampled: AtLeast(1),
    unique: bool,
    seed: int = 0,
    seed2: int = 0,
) -> Returns(
    sampled_candidates=Tensor[Int64],
    true_expected_count=Tensor[Float],
    sampled_expected_count=Tensor[Float],
):
    """Samples every class below `num_sampled` once."""


@op(effect=Dynamic())
def ComputeAccidentalHits(
    true_classes: Tensor[Int64],
    sampled_candidates: Tensor[Int64],
    *,
    num_true: int,
    seed: int = 0,
    seed2: int = 0,
) -> Returns(indices=Tensor[Int32], ids=Tensor[Int64], weights=Tensor[Float]):
    """Finds the sampled candidates that are true classes of a row."""


def _fail(message):
    raise errors.InvalidArgumentError(None, None, message)


def _check_true(true_classes, num_true):
    if true_classes.ndim != 2:
        _fail("true_classes must be a matrix")
    if true_classes.shape[1] != num_true:
        found = true_classes.shape[1]
        _fail(f"true_classes must have num_true columns, expected: {found} was: {num_true}")


def _sampled(rng, sampler, true_classes, node, xp):
    """Returns the three outputs of a sampler and the generator's new state."""
    attrs = node.attrs
    count, unique = attrs["num_sampled"], attrs["unique"]
    _check_true(true_classes, attrs["num_true"])
    if unique and attrs["range_max"] < count:
        _fail("Sampler's range is too small.")
    found, tries = candidates.sample(rng, sampler, count, unique, xp)
    expected = [
        candidates.expected_count(sampler.probability(c, xp), count, unique, tries, xp)
        for c in (true_classes, found)
    ]
    rng = philox.skip(rng, candidates.RESERVED_BLOCKS * count, xp)
    return rng, found, *expected


def _declare(opdef, make_sampler):
    """Hangs the rules on an op; `make_sampler(node)` gives its distribution."""

    @opdef.reference
    def _(true_classes, node, rng):
        with np.errstate(all="ignore"):
            return _sampled(rng, make_sampler(node), true_classes, node, np)

    @opdef.kernel
    def _(true_classes, node, rng):
        return _sampled(rng, make_sampler(node), true_classes, node, jnp)

    _complete(opdef)


def _sampled_learning(state, true_classes, node, xp):
    """Is `_sampled` for the ops that count the true classes, after they have sampled."""
    rng, counts = state[:_STATE_WORDS], state[_STATE_WORDS:]
    rng, *outputs = _sampled(rng, candidates.unigram(counts), true_classes, node, xp)
    if xp is np:
        counts = counts.copy()
        np.add.at(counts, true_classes.ravel(), np.uint32(1))
    else:
        counts = counts.at[true_classes.reshape(-1)].add(np.uint32(1))
    return xp.concatenate([rng, counts]), *outputs


def _classes_message(range_max):
    return f"true_classes must be in [0, {range_max})"


def _declare_learning(opdef):
    @opdef.reference
    def _(true_classes, node, range_max, state):
        if ((true_classes < 0) | (true_classes >= range_max)).any():
            _fail(_classes_message(range_max))
        return _sampled_learning(state, true_classes, node, np)

    @opdef.kernel
    def _(true_classes, node, range_max, state, check):
        inside = (true_classes >= 0) & (true_classes < range_max)
        check(jnp.all(inside), lambda: _classes_message(range_max))
        return _sampled_learning(state, true_classes, node, jnp)

    _complete(opdef)


def _shapes(true_classes, num_true, num_sampled):
    batch = true_classes.with_rank(2)[0]
    return [num_sampled], [batch, num_true], [num_sampled]


def _complete(opdef):
    """Adds what all samplers have in common."""
    opdef.shape(_shapes)
    opdef.no_gradient("its output is classes, and counts of them")
    if opdef in (FixedUnigramCandidateSampler, AllCandidateSampler):
        return
    classes = np.array([[1, 5], [7, 0], [3, 3]])
    for unique in (True, False):
        opdef.examples(
            classes, num_true=2, num_sampled=12, unique=unique, range_max=40, seed=3, seed2=4
        )
    attrs = {"num_true": 2, "num_sampled": 9, "unique": True}
    opdef.examples(classes, **attrs, range_max=9, seed=1)
    opdef.fails("range is too small", classes, **attrs, range_max=8)
    opdef.fails("rank", classes[0], **attrs, range_max=9)
    opdef.fails("num_true columns", classes[:, :1], **attrs, range_max=9)


_declare(UniformCandidateSampler, lambda node: candidates.uniform(node.attrs["range_max"]))
_declare(LogUniformCandidateSampler, lambda node: candidates.log_uniform(node.attrs["range_max"]))
_declare_learning(LearnedUnigramCandidateSampler)
_declare_learning(ThreadUnsafeUnigramCandidateSampler)


def _file_weights(path):
    """Reads one weight from each line of a file: what follows its last comma."""
    with GFile(path, "r") as file:
        lines = [line.strip() for line in file.read().splitlines()]
    try:
        return [float(line.rpartition(",")[2]) for line in lines if line]
    except ValueError as error:
        _fail(f"vocab_file {path}: {error}")


def _fixed_weights(attrs):
    """Returns the weights of a shard's classes, float32."""
    if attrs["vocab_file"] and attrs["unigrams"]:
        _fail("Must only provide one of vocab_file and unigrams.")
    if not (attrs["vocab_file"] or attrs["unigrams"]):
        _fail("Must provide either vocab_file or unigrams.")
    if attrs["shard"] >= attrs["num_shards"]:
        _fail(f"shard must be below num_shards, got {attrs['shard']} >= {attrs['num_shards']}")
    raw = attrs["unigrams"] or _file_weights(attrs["vocab_file"])
    if not all(0 <= weight < math.inf for weight in raw):
        _fail("The weights must be finite and not negative")
    weights = [0.0] * attrs["num_reserved_ids"] + [w ** attrs["distortion"] for w in raw]
    weights = np.array(weights[attrs["shard"] :: attrs["num_shards"]], np.float32)
    if len(weights) != attrs["range_max"]:
        _fail(f"range_max is {attrs['range_max']} but there are {len(weights)} weights")
    if not weights.any():
        _fail("All weights are zero")
    return weights


_TABLES = weakref.WeakKeyDictionary()


def _fixed_sampler(node):
    """Returns the sampler of a FixedUnigramCandidateSampler node; its table is made once."""
    if node not in _TABLES:
        _TABLES[node] = candidates.alias_table(_fixed_weights(node.attrs))
    return candidates.fixed_unigram(_TABLES[node])


_declare(FixedUnigramCandidateSampler, _fixed_sampler)
_FIXED = {"num_true": 2, "num_sampled": 5, "unique": False, "range_max": 8, "seed": 3, "seed2": 4}
_WEIGHTS = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]
FixedUnigramCandidateSampler.examples(np.array([[1, 5], [7, 0]]), **_FIXED, unigrams=_WEIGHTS)
FixedUnigramCandidateSampler.examples(
    np.array([[1, 5], [7, 0]]),
    **(_FIXED | {"unique": True}),
    unigrams=_WEIGHTS[:6],
    num_reserved_ids=2,
    distortion=0.75,
)
FixedUnigramCandidateSampler.fails("range_max is 8", np.array([[1, 5]]), **_FIXED, unigrams=[1.0])
FixedUnigramCandidateSampler.fails("Must provide either", np.array([[1, 5]]), **_FIXED)


def _all_classes(true_classes, num_true, num_sampled, xp):
    _check_true(true_classes, num_true)
    sampled = xp.arange(num_sampled, dtype=np.int64)
    return sampled, xp.ones(true_classes.shape, np.float32), xp.ones(num_sampled, np.float32)


@AllCandidateSampler.reference
def _(true_classes, num_true, num_sampled):
    return _all_classes(true_classes, num_true, num_sampled, np)


@AllCandidateSampler.kernel
def _(true_classes, num_true, num_sampled):
    return _all_classes(true_classes, num_true, num_sampled, jnp)


_complete(AllCandidateSampler)
AllCandidateSampler.examples(np.array([[1, 5]]), num_true=2, num_sampled=9, unique=True)


@ComputeAccidentalHits.shape
def _(true_classes, sampled_candidates, num_true):
    true_classes.assert_has_rank(2)
    true_classes.assert_is_compatible_with([None, num_true])
    sampled_candidates.assert_has_rank(1)
    return [None], [None], [None]


@ComputeAccidentalHits.reference
def _(true_classes, sampled_candidates, num_true):
    if true_classes.ndim != 2 or true_classes.shape[1] != num_true:
        _fail("true_candidates must be a batch_size * num_true matrix")
    if sampled_candidates.ndim != 1:
        _fail("sampled_candidates must be a vector, typically the output of a CandidateSampler")
    # The last of several equal candidates is the one that counts.
    place = {candidate: k for k, candidate in enumerate(sampled_candidates.tolist())}
    hits = [
        (row, place[true])
        for row, classes in enumerate(true_classes.tolist())
        for true in classes
        if true in place
    ]
    indices, ids = np.array(hits, np.int64).reshape(-1, 2).T
    weights = np.full(len(hits), np.finfo(np.float32).min)
    return indices.astype(np.int32), ids, weights


ComputeAccidentalHits.no_gradient("its output is indices")
ComputeAccidentalHits.examples(np.array([[1, 5], [7, 0], [3, 3]]), [3, 5, 9, 0, 2], num_true=2)
ComputeAccidentalHits.examples(np.zeros([0, 2], np.int64), [3, 5], num_true=2)
ComputeAccidentalHits.fails("rank", np.array([1, 2]), [3, 5], num_true=2)
