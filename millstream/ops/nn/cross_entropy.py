"""`tf.nn.softmax` along any axis, and the losses of classifiers made from logits."""

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import bfloat16, float16, float32
from millstream.base.export import export
from millstream.base.shapes import unknown_shape
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ops import array, math
from millstream.ops.by_name import ops
from millstream.ops.flow.checks import assert_equal
from millstream.ops.nn._arguments import renamed
from millstream.ops.nn.softmax import (
    LogSoftmax,
    Softmax,
    SoftmaxCrossEntropyWithLogits,
    SparseSoftmaxCrossEntropyWithLogits,
)

# -- softmax


def _along(opdef, logits, axis, name):
    """Applies an op of the last axis along another one, between two transpositions."""
    logits = to_tensor(logits)
    rank = logits.shape.ndims
    if axis == -1 or (rank is not None and axis == rank - 1):
        return opdef(logits, name=name)
    if rank is None:
        raise TypeError(
            f"{opdef.name} along axis {axis} needs a tensor of known rank, got {logits}"
        )
    if not -rank <= axis < rank:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Dimension ({axis}) must be in the range [-{rank}, {rank}) where {rank} is the "
            "number of dimensions in the input.",
        )
    # The rank is made twice and the axis computed, because TensorFlow's nodes are.
    symbolic_rank = array.rank(logits)
    shifted = axis + symbolic_rank if axis < 0 else None
    symbolic_rank = array.rank(logits)
    if shifted is not None:
        axis = ops.FloorMod(shifted, rank, name="mod")
    swapped = _swapped(logits, axis, ops.Sub(symbolic_rank, 1), None)
    return _swapped(opdef(swapped), axis, ops.Sub(symbolic_rank, 1), name, logits.shape)


def _range(start, limit):
    return ops.Range(start, limit, 1, name="range")


def _swapped(x, axis, last, name, shape=None):
    """Exchanges the axes `axis` and `last`."""
    order = array.concat(
        [
            ops.Range(0, axis, 1, name="range"),
            [last],
            ops.Range(axis + 1, last, 1, name="range"),
            [axis],
        ],
        0,
    )
    result = ops.Transpose(x, order, name=name or "transpose")
    if shape is not None:
        result.set_shape(shape)
    return result


@export("nn.softmax", "math.softmax")
def softmax(logits, axis=None, name=None, dim=None):
    """Computes `exp(logits) / sum(exp(logits))` along an axis.

    Args:
      logits: a floating tensor of rank 1 or more.
      axis: the axis of the classes, by default the last.
      name: name of the node.
      dim: the older name of `axis`.

    Returns:
      A tensor of the same shape and dtype, whose sums along `axis` are 1.

    Raises:
      InvalidArgumentError: if there is no such axis.
    """
    axis = renamed("axis", axis, "dim", dim)
    return _along(Softmax, logits, -1 if axis is None else axis, name)


@export("nn.log_softmax", "math.log_softmax")
def log_softmax(logits, axis=None, name=None, dim=None):
    """Computes `logits - log(sum(exp(logits)))` along an axis.

    Args:
      logits: a floating tensor of rank 1 or more.
      axis: the axis of the classes, by default the last.
      name: name of the node.
      dim: the older name of `axis`.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      InvalidArgumentError: if there is no such axis.
    """
    axis = renamed("axis", axis, "dim", dim)
    return _along(LogSoftmax, logits, -1 if axis is None else axis, name)


# -- cross entropy of rows


def _named_arguments(function, sentinel, labels, logits):
    """Refuses positional labels and logits, whose order has changed over time."""
    if sentinel is not None:
        raise ValueError(
            f"Only call `{function}` with named arguments (labels=..., logits=..., ...)"
        )
    if labels is None or logits is None:
        raise ValueError("Both labels and logits must be provided.")


def _flat_rows(x):
    """Reshapes to a matrix that keeps the last axis."""
    rank = array.rank(x)
    last = ops.Slice(array.shape(x), [ops.Sub(rank, 1)], [1])
    rows = ops.Reshape(x, array.concat([[-1], last], 0))
    if x.shape.ndims is not None:
        outer = x.shape[:-1].num_elements()
        rows.set_shape([outer, x.shape.as_list()[-1]])
    return rows


def _last(x, axis, rank):
    """Moves an axis to the end."""
    order = array.concat([_range(0, axis), _range(axis + 1, rank), [axis]], 0)
    return ops.Transpose(x, order, name="transpose")


def _precise(x):
    """Returns 16-bit logits as float32, in which the exponentials are summed."""
    return math.cast(x, float32) if x.dtype.base_dtype in (float16, bfloat16) else x


@export("nn.softmax_cross_entropy_with_logits_v2")
def softmax_cross_entropy_with_logits_v2(labels, logits, axis=None, name=None, dim=None):
    """Computes the cross entropy of `labels` and `softmax(logits)`.

    Args:
      labels: probabilities in the shape of `logits`, whose sums along `axis` are 1.
      logits: `[..., classes]`, floats; not passed through softmax before.
      axis: the axis of the classes, by default the last.
      name: name of the nodes.
      dim: the older name of `axis`.

    Returns:
      The loss of every example: the shape of `logits` without `axis`.

    Gradient:
      That of `logits` is `softmax(logits) - labels`; labels get theirs too.
    """
    axis = renamed("axis", axis, "dim", dim)
    axis = -1 if axis is None else axis
    with name_scope(name, "softmax_cross_entropy_with_logits", [logits, labels]) as scope:
        logits = to_tensor(logits, None, "logits")
        labels = to_tensor(labels, None, "labels")
        precise = _precise(logits)
        labels = math.cast(labels, precise.dtype.base_dtype)
        rank, shape = array.rank(precise), logits.shape
        if axis != -1 and (shape.ndims is None or axis != shape.ndims - 1):
            precise, labels = _last(precise, axis, rank), _last(labels, axis, rank)
        input_shape = array.shape(precise)
        rows = _flat_rows(precise), _flat_rows(labels)
        loss, _ = SoftmaxCrossEntropyWithLogits(*rows, name=scope)
        output_shape = ops.Slice(input_shape, [0], [ops.Sub(rank, 1)])
        loss = ops.Reshape(loss, output_shape)
        if shape.ndims is not None:
            sizes = shape.as_list()
            del sizes[axis]
            loss.set_shape(sizes)
        return loss if precise.dtype is logits.dtype else _narrowed(loss, logits)


def _narrowed(loss, logits):
    return math.cast(loss, logits.dtype.base_dtype)


@export("nn.softmax_cross_entropy_with_logits")
def softmax_cross_entropy_with_logits(
    _sentinel=None, labels=None, logits=None, dim=-1, name=None, axis=None
):
    """Computes the cross entropy of constant `labels` and `softmax(logits)`.

    Args:
      _sentinel: nothing; it stops positional arguments.
      labels: probabilities in the shape of `logits`; no gradient flows into them.
      logits: `[..., classes]`, floats; not passed through softmax before.
      dim: the axis of the classes.
      name: name of the nodes.
      axis: the newer name of `dim`.

    Returns:
      The loss of every example: the shape of `logits` without `dim`.

    Raises:
      ValueError: if labels or logits are missing, or given by position.
    """
    if axis is not None:
        dim = axis
    _named_arguments("softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    with name_scope(name, "softmax_cross_entropy_with_logits_sg", [logits, labels]) as scope:
        labels = array.stop_gradient(labels, name="labels_stop_gradient")
        return softmax_cross_entropy_with_logits_v2(labels, logits, axis=dim, name=scope)


# -- cross entropy of class numbers


def _check_class_shapes(labels, logits):
    """Checks what is known of the shapes.

    Raises:
      ValueError: if `labels` is not shaped like `logits` without its last axis.
    """
    wanted = logits.shape[:-1] if logits.shape.ndims is not None else unknown_shape()
    if logits.shape.ndims == 0:
        raise ValueError(f"Logits cannot be scalars - received shape {logits.shape}.")
    if labels.shape.ndims is not None and wanted.ndims not in (None, labels.shape.ndims):
        raise ValueError(
            f"Rank mismatch: Rank of labels (received {labels.shape.ndims}) should equal rank of "
            f"logits minus 1 (received {logits.shape.ndims})."
        )
    known = labels.shape.is_fully_defined() and wanted.is_fully_defined()
    if known and labels.shape.as_list() != wanted.as_list():
        raise ValueError(
            f"Shape mismatch: The shape of labels (received {labels.shape}) should equal the "
            f"shape of logits except for the last dimension (received {logits.shape})."
        )


@export("nn.sparse_softmax_cross_entropy_with_logits")
def sparse_softmax_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, name=None):
    """Computes `-log softmax(logits)[label]` for examples of one class each.

    Args:
      _sentinel: nothing; it stops positional arguments.
      labels: `[...]` int32 or int64, each in `[0, classes)`.
      logits: `[..., classes]`, floats; not passed through softmax before.
      name: name of the nodes.

    Returns:
      The loss of every example, `[...]`.

    Raises:
      ValueError: if shapes do not fit, or an argument is missing or given by position.
      InvalidArgumentError: at run time, for a label that is no class.
    """
    _named_arguments("sparse_softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    with name_scope(name, "SparseSoftmaxCrossEntropyWithLogits", [labels, logits]):
        labels, logits = to_tensor(labels), to_tensor(logits)
        precise = _precise(logits)
        labels_shape = array.shape(labels)
        _check_class_shapes(labels, logits)
        if logits.shape.ndims == 2:
            loss, _ = SparseSoftmaxCrossEntropyWithLogits(precise, labels, name=name)
        else:
            with control_dependencies(_shape_checks(labels, logits)):
                loss = _losses_of_rows(labels, precise, labels_shape, name)
        return loss if precise is logits else _narrowed(loss, logits)


def _shape_checks(labels, logits):
    """Returns nodes that check at run time the sizes that are not known before."""
    outer = logits.shape[:-1] if logits.shape.ndims is not None else unknown_shape()
    if labels.shape.is_fully_defined() and outer.is_fully_defined():
        return []
    return [assert_equal(array.shape(labels), array.shape(logits)[:-1])]


def _losses_of_rows(labels, logits, labels_shape, name):
    """Flattens all axes but the last, for the op that wants a matrix."""
    shape = array.shape(logits)
    classes = shape[array.rank(logits) - 1]
    rows = array.reshape(logits, [-1, classes])
    flat = array.reshape(labels, [-1])
    loss, _ = SparseSoftmaxCrossEntropyWithLogits(rows, flat, name=name)
    loss = array.reshape(loss, labels_shape)
    loss.set_shape(labels.shape)
    return loss


# -- losses of independent classes


def _check_same_shape(first, second, names):
    try:
        second.shape.merge_with(first.shape)
    except ValueError:
        raise ValueError(
            f"{names} must have the same shape ({first.shape} vs {second.shape})"
        ) from None


@export("nn.sigmoid_cross_entropy_with_logits")
def sigmoid_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, name=None):
    """Computes the cross entropy of `labels` and `sigmoid(logits)`, elementwise.

    Args:
      _sentinel: nothing; it stops positional arguments.
      labels: probabilities, of the shape and dtype of `logits`.
      logits: floats; not passed through sigmoid before.
      name: name of the result's node.

    Returns:
      A tensor of the shape of `logits`.

    Raises:
      ValueError: if shapes differ, or an argument is missing or given by position.
    """
    _named_arguments("sigmoid_cross_entropy_with_logits", _sentinel, labels, logits)
    with name_scope(name, "logistic_loss", [logits, labels]) as scope:
        logits = to_tensor(logits, None, "logits")
        labels = to_tensor(labels, None, "labels")
        _check_same_shape(logits, labels, "logits and labels")
        # max(x, 0) - x * z + log(1 + exp(-|x|)) overflows for no x.
        zeros = array.zeros_like(logits)
        positive = logits >= zeros
        clipped = ops.Select(positive, logits, zeros)
        minus_abs = ops.Select(positive, -logits, logits)
        return ops.Add(clipped - logits * labels, math.log1p(math.exp(minus_abs)), name=scope)


@export("nn.weighted_cross_entropy_with_logits")
def weighted_cross_entropy_with_logits(
    labels=None, logits=None, pos_weight=None, name=None, targets=None
):
    """Computes the sigmoid cross entropy with a weight on the positive part.

    Args:
      labels: probabilities, of the shape and dtype of `logits`.
      logits: floats; not passed through sigmoid before.
      pos_weight: factor of `labels * -log(sigmoid(logits))`; above 1 it favours recall.
      name: name of the result's node.
      targets: the older name of `labels`.

    Returns:
      A tensor of the shape of `logits`.

    Raises:
      ValueError: if shapes differ.
    """
    labels = renamed("labels", labels, "targets", targets)
    with name_scope(name, "logistic_loss", [logits, labels]) as scope:
        logits = to_tensor(logits, None, "logits")
        labels = to_tensor(labels, None, "labels")
        _check_same_shape(logits, labels, "logits and labels")
        weight = 1 + (pos_weight - 1) * labels
        linear = (1 - labels) * logits
        rest = math.log1p(math.exp(-math.abs(logits))) + ops.Relu(-logits)
        return ops.Add(linear, weight * rest, name=scope)


@export("nn.log_poisson_loss")
def log_poisson_loss(targets, log_input, compute_full_loss=False, name=None):
    """Computes the negative log likelihood of counts, `exp(log_input) - log_input * targets`.

    Args:
      targets: counts, of the shape and dtype of `log_input`.
      log_input: logarithms of the expected counts.
      compute_full_loss: whether to add Stirling's approximation of `log(targets!)`.
      name: name of the nodes.

    Returns:
      A tensor of the shape of `log_input`.

    Raises:
      ValueError: if shapes differ.
    """
    with name_scope(name, "log_poisson_loss", [log_input, targets]):
        log_input = to_tensor(log_input, None, "log_input")
        targets = to_tensor(targets, None, "targets")
        _check_same_shape(log_input, targets, "log_input and targets")
        loss = math.exp(log_input) - log_input * targets
        return loss + _log_factorial(targets) if compute_full_loss else loss


def _log_factorial(targets):
    """Approximates `log(targets!)` above 1."""
    dtype = targets.dtype.base_dtype
    half, two_pi = to_tensor(0.5, dtype), to_tensor(2 * np.pi, dtype)
    approximation = targets * math.log(targets) - targets + half * math.log(two_pi * targets)
    zeros = array.zeros_like(targets)
    ones = array.ones_like(targets)
    exact = math.logical_and(targets >= zeros, targets <= ones)
    return ops.Select(exact, zeros, approximation)
