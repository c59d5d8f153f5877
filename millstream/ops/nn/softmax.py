"""Softmax, its logarithm, and the fused cross entropies."""

import numpy as np

from millstream.base import errors
from millstream.base.lazy import jax, jnp
from millstream.base.shapes import broadcast
from millstream.ir.spec import Floating, Int32, Int64, Returns, Tensor, f, op
from millstream.ops.by_name import ops
from millstream.ops.nn.cotangents import is_zero


def _shifted(x):
    return x - x.max(-1, keepdims=True)


def _softmax(x):
    e = np.exp(_shifted(x))
    return e / e.sum(-1, keepdims=True, dtype=x.dtype)


def _log_softmax(x):
    s = _shifted(x)
    return s - np.log(np.exp(s).sum(-1, keepdims=True, dtype=x.dtype))


@op
def Softmax[T: Floating](logits: Tensor[T]) -> Returns(softmax=Tensor[T]):
    """Normalises exponentials along the last axis."""


@Softmax.shape
def _(logits):
    return logits.with_rank_at_least(1)


@Softmax.kernel
def _(logits):
    return jax.nn.softmax(logits, axis=-1) if logits.size else logits


@Softmax.reference
def _(logits):
    return _softmax(logits) if logits.size else logits


@Softmax.gradient
def _(node, dy):
    (y,) = node.outputs
    total = ops.Sum(dy * y, -1, keep_dims=True)
    return (dy - total) * y


Softmax.examples(f[2, 5]).examples(f[4]).examples(f[2, 3, 4]).examples(1e4 * f[2, 5])
Softmax.examples(f[0, 3])
Softmax.fails("rank at least 1", f[()])


@op
def LogSoftmax[T: Floating](logits: Tensor[T]) -> Returns(logsoftmax=Tensor[T]):
    """Gives the logarithm of `Softmax`, without its cancellation."""


@LogSoftmax.shape
def _(logits):
    return logits.with_rank_at_least(1)


@LogSoftmax.kernel
def _(logits):
    return jax.nn.log_softmax(logits, axis=-1) if logits.size else logits


@LogSoftmax.reference
def _(logits):
    return _log_softmax(logits) if logits.size else logits


@LogSoftmax.gradient
def _(node, dy):
    total = ops.Sum(dy, -1, keep_dims=True)
    return dy - total * ops.Exp(node.outputs[0])


LogSoftmax.examples(f[2, 5]).examples(f[4]).examples(1e4 * f[2, 5])


@op
def SoftmaxCrossEntropyWithLogits[T: Floating](features: Tensor[T], labels: Tensor[T]) -> Returns(
    loss=Tensor[T], backprop=Tensor[T]
):
    """Gives the cross entropy of each row of `labels` and softmax(`features`), and its gradient."""


@SoftmaxCrossEntropyWithLogits.shape
def _(features, labels):
    both = broadcast(features.with_rank(2), labels.with_rank(2))
    if both is None:
        raise ValueError(f"Dimensions must be equal: logits {features}, labels {labels}")
    both = both.with_rank(2)
    return both[:1], both


@SoftmaxCrossEntropyWithLogits.kernel
def _(features, labels):
    features, labels = jnp.broadcast_arrays(features, labels)
    logs = jax.nn.log_softmax(features, axis=-1)
    loss = -jnp.sum(jnp.where(labels == 0, 0, labels * logs), -1, dtype=features.dtype)
    return loss, jnp.exp(logs) - labels


@SoftmaxCrossEntropyWithLogits.reference
def _(features, labels):
    features, labels = np.broadcast_arrays(features, labels)
    if not features.size:
        return np.zeros(features.shape[:1], features.dtype), features.copy()
    logs = _log_softmax(features)
    loss = -np.where(labels == 0, labels.dtype.type(0), labels * logs).sum(-1, dtype=logs.dtype)
    return loss, np.exp(logs) - labels


def _rows(vector, matrix):
    return ops.ExpandDims(vector, -1) * matrix


@SoftmaxCrossEntropyWithLogits.gradient
def _(node, dloss, dback):
    logits = node.inputs[0]
    by_logits = _rows(dloss, node.outputs[1])
    by_labels = -_rows(dloss, LogSoftmax(logits))
    if not is_zero(dback):
        by_logits = by_logits + _through_softmax(logits, dback)
        by_labels = by_labels - dback
    return [by_logits, by_labels]


def _through_softmax(logits, dy):
    y = Softmax(logits)
    return (dy - ops.Sum(dy * y, -1, keep_dims=True)) * y


_LABELS = _softmax(np.linspace(-1, 1, 10, dtype=np.float32).reshape(2, 5))
SoftmaxCrossEntropyWithLogits.examples(f[2, 5], _LABELS).examples(30 * f[2, 5], _LABELS)
SoftmaxCrossEntropyWithLogits.fails("Dimensions must be equal", f[2, 5], f[2, 4])


@op(defaults={"Tlabels": Int64})
def SparseSoftmaxCrossEntropyWithLogits[T: Floating, Tlabels: (Int32, Int64)](
    features: Tensor[T], labels: Tensor[Tlabels]
) -> Returns(loss=Tensor[T], backprop=Tensor[T]):
    """Gives `-log softmax(features)[row, label]` per row, and its gradient."""


@SparseSoftmaxCrossEntropyWithLogits.shape
def _(features, labels):
    features = features.with_rank(2)
    batch = features[:1].merge_with(labels.with_rank(1))
    return batch, batch.concatenate(features[1:])


def _label_message(labels, classes):
    bad = labels[(labels < 0) | (labels >= classes)]
    return (
        f"Received a label value of {bad[0]} which is outside the valid range of [0, {classes}).  "
        f"Label values: {' '.join(map(str, labels))}"
    )


@SparseSoftmaxCrossEntropyWithLogits.kernel
def _(features, labels, check):
    classes = features.shape[1]
    inside = jnp.all((labels >= 0) & (labels < classes))
    check(inside, lambda found: _label_message(found, classes), labels)
    logs = jax.nn.log_softmax(features, axis=-1)
    picked = jnp.take_along_axis(logs, labels[:, None], 1, mode="clip")[:, 0]
    hot = labels[:, None] == jnp.arange(classes, dtype=labels.dtype)
    return -picked, jnp.exp(logs) - hot.astype(features.dtype)


@SparseSoftmaxCrossEntropyWithLogits.reference
def _(features, labels):
    rows, classes = features.shape
    if ((labels < 0) | (labels >= classes)).any():
        raise errors.InvalidArgumentError(None, None, _label_message(labels, classes))
    if not features.size:
        return np.zeros(rows, features.dtype), features.copy()
    logs = _log_softmax(features)
    at = (np.arange(rows), labels)
    back = np.exp(logs)
    back[at] -= back.dtype.type(1)
    return -logs[at], back


@SparseSoftmaxCrossEntropyWithLogits.gradient
def _(node, dloss, dback):
    gradient = _rows(dloss, node.outputs[1])
    if not is_zero(dback):
        gradient = gradient + _through_softmax(node.inputs[0], dback)
    return [gradient, None]


_CLASSES = np.array([3, 0], np.int64)
SparseSoftmaxCrossEntropyWithLogits.examples(f[2, 5], _CLASSES)
SparseSoftmaxCrossEntropyWithLogits.fails("outside the valid range", f[2, 3], _CLASSES)
