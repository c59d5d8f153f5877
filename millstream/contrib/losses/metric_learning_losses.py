"""`contrib.losses.metric_learning`: losses of embeddings by the distances between them."""

from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ops import array, math, nn
from millstream.ops.array.diagonals import diag
from millstream.ops.array.selecting import where


def _both(name):
    places = [f"contrib.{p}metric_learning.{name}" for p in ("losses.", "slim.losses.")]
    return export(*places, module=__name__)


def pairwise_distance(feature, squared=False):
    """Computes the distances of all rows from each other, `[rows, rows]`."""
    squares = math.add(
        math.reduce_sum(math.square(feature), axis=[1], keepdims=True),
        math.reduce_sum(math.square(array.transpose(feature)), axis=[0], keepdims=True),
    ) - 2.0 * math.matmul(feature, array.transpose(feature))
    squares = math.maximum(squares, 0.0)
    is_zero = math.less_equal(squares, 0.0)
    if not squared:
        # The root has no finite gradient at 0.
        squares = math.sqrt(squares + math.cast(is_zero, Float) * 1e-16)
    distances = math.multiply(squares, math.cast(math.logical_not(is_zero), Float))
    count = array.shape(feature)[0]
    return math.multiply(distances, array.ones_like(distances) - diag(array.ones([count])))


def _pairs(labels):
    """Returns which pairs have one label, `[batch, batch]`, and the batch size."""
    labels = convert_to_tensor(labels)
    labels = array.reshape(labels, [array.shape(labels)[0], 1])
    return math.equal(labels, array.transpose(labels)), array.size(labels)


def _positives(same, size):
    return math.cast(same, Float) - diag(array.ones([size]))


def _largest(data, mask):
    least = math.reduce_min(data, 1, keepdims=True)
    return math.reduce_max(math.multiply(data - least, mask), 1, keepdims=True) + least


def _smallest(data, mask):
    most = math.reduce_max(data, 1, keepdims=True)
    return math.reduce_min(math.multiply(data - most, mask), 1, keepdims=True) + most


@_both("contrastive_loss")
def contrastive_loss(labels, embeddings_anchor, embeddings_positive, margin=1.0):
    """Draws pairs of one label together, and others apart up to a margin.

    Args:
      labels: `[batch]`, 1 where the pair has one label.
      embeddings_anchor: `[batch, size]`.
      embeddings_positive: `[batch, size]`.
      margin: distance from which on others do not matter.

    Source: Hadsell et al., 2006.
    """
    squares = math.squared_difference(embeddings_anchor, embeddings_positive)
    distances = math.sqrt(math.reduce_sum(squares, 1))
    same = math.cast(labels, Float)
    apart = math.square(math.maximum(margin - distances, 0.0))
    return math.reduce_mean(
        same * math.square(distances) + (1.0 - same) * apart, name="contrastive_loss"
    )


@_both("npairs_loss")
def npairs_loss(
    labels, embeddings_anchor, embeddings_positive, reg_lambda=0.002, print_losses=False
):
    """Makes each anchor more similar to its positive than to those of other labels.

    Args:
      labels: `[batch]` integers.
      embeddings_anchor: `[batch, size]`.
      embeddings_positive: `[batch, size]`.
      reg_lambda: factor of the squared norms.
      print_losses: not used.

    Source: Sohn, 2016.
    """
    norms = [
        math.reduce_mean(math.reduce_sum(math.square(e), 1))
        for e in (embeddings_anchor, embeddings_positive)
    ]
    penalty = math.multiply(0.25 * reg_lambda, norms[0] + norms[1], name="l2loss")
    similarity = math.matmul(embeddings_anchor, embeddings_positive, transpose_b=True)
    same, _ = _pairs(labels)
    wanted = math.cast(same, Float)
    wanted /= math.reduce_sum(wanted, 1, keepdims=True)
    losses = nn.softmax_cross_entropy_with_logits_v2(logits=similarity, labels=wanted)
    return penalty + math.reduce_mean(losses, name="xentropy")


@_both("triplet_semihard_loss")
def triplet_semihard_loss(labels, embeddings, margin=1.0):
    """Makes negatives farther than positives by a margin; takes negatives just beyond them.

    Args:
      labels: `[batch]` integers.
      embeddings: `[batch, size]`, of length one.
      margin: by how much.

    Source: Schroff et al., 2015.
    """
    distances = pairwise_distance(embeddings, squared=True)
    same, size = _pairs(labels)
    other = math.logical_not(same)
    tiled = array.tile(distances, [size, 1])
    beyond = math.logical_and(
        array.tile(other, [size, 1]),
        math.greater(tiled, array.reshape(array.transpose(distances), [-1, 1])),
    )
    counts = math.reduce_sum(math.cast(beyond, Float), 1, keepdims=True)
    is_any = array.transpose(array.reshape(math.greater(counts, 0.0), [size, size]))
    outside = array.reshape(_smallest(tiled, math.cast(beyond, Float)), [size, size])
    inside = array.tile(_largest(distances, math.cast(other, Float)), [1, size])
    negatives = where(is_any, array.transpose(outside), inside)
    positives = _positives(same, size)
    losses = math.maximum((margin + distances - negatives) * positives, 0.0)
    return math.truediv(
        math.reduce_sum(losses), math.reduce_sum(positives), name="triplet_semihard_loss"
    )


@_both("lifted_struct_loss")
def lifted_struct_loss(labels, embeddings, margin=1.0):
    """Compares each positive pair with all negatives of both its ends.

    Args:
      labels: `[batch]` integers.
      embeddings: `[batch, size]`, not normalised.
      margin: distance from which on negatives do not matter.

    Source: Song et al., 2016.
    """
    distances = pairwise_distance(embeddings)
    same, size = _pairs(labels)
    other = math.cast(math.logical_not(same), Float)
    short = margin - distances
    most = _largest(short, other)
    # The exponentials are taken relative to the larger of the two ends' maxima.
    larger = math.maximum(most, array.transpose(most))
    column = array.reshape(array.transpose(larger), [-1, 1])
    spread = math.exp(array.tile(short, [size, 1]) - column) * array.tile(other, [size, 1])
    sums = array.reshape(math.reduce_sum(spread, 1, keepdims=True), [size, size])
    losses = larger + math.log(sums + array.transpose(sums)) + distances
    positives = _positives(same, size)
    total = math.reduce_sum(math.square(math.maximum(losses * positives, 0.0)))
    pairs = math.reduce_sum(positives) / 2.0
    return math.truediv(0.25 * total, pairs, name="liftedstruct_loss")
