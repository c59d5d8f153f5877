"""Train ops with updates, clipping and multiplied gradients."""

from millstream.base.export import export
from millstream.base.logging import info, warning
from millstream.ir.composite import IndexedSlices
from millstream.ir.convert import convert_to_tensor
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import (
    control_dependencies,
    get_collection,
    get_collection_ref,
    name_scope,
)
from millstream.ir.tensor import Tensor
from millstream.ops import math
from millstream.ops.debug.numerics import check_numerics as checked
from millstream.ops.flow import no_op, with_dependencies
from millstream.ops.math.clipping import clip_by_norm, global_norm
from millstream.state.base import Variable
from millstream.state.global_step import get_or_create_global_step
from millstream.state.listing import trainable_variables
from millstream.summary.functions import histogram, scalar
from millstream.train.optimizers.base import Optimizer

_USE_GLOBAL_STEP = 0


def _both(name):
    return export(f"contrib.training.{name}", f"contrib.slim.learning.{name}", module=__name__)


@_both("clip_gradient_norms")
def clip_gradient_norms(gradients_to_variables, max_norm):
    """Clips each gradient to a norm.

    Args:
      gradients_to_variables: pairs of gradient and variable.
      max_norm: the largest norm.
    """
    clipped = []
    for gradient, variable in gradients_to_variables:
        if isinstance(gradient, IndexedSlices):
            values = clip_by_norm(gradient.values, max_norm)
            gradient = IndexedSlices(values, gradient.indices, gradient.dense_shape)
        elif gradient is not None:
            gradient = clip_by_norm(gradient, max_norm)
        clipped.append((gradient, variable))
    return clipped


@export("contrib.training.clip_gradient_norms_fn")
def clip_gradient_norms_fn(max_norm):
    """Makes a function of pairs of gradient and variable that clips each gradient to a norm."""

    def clip(gradients_to_variables):
        return clip_gradient_norms(gradients_to_variables, max_norm)

    return clip


@_both("multiply_gradients")
def multiply_gradients(grads_and_vars, gradient_multipliers):
    """Multiplies gradients by factors.

    Args:
      grads_and_vars: pairs of gradient and variable.
      gradient_multipliers: factors by variable or by its name.

    Raises:
      ValueError: if there are no pairs or no factors, or a gradient to multiply is `None`.
    """
    if not isinstance(grads_and_vars, list):
        raise ValueError("`grads_and_vars` must be a list.")
    if not gradient_multipliers:
        raise ValueError("`gradient_multipliers` is empty.")
    if not isinstance(gradient_multipliers, dict):
        raise ValueError("`gradient_multipliers` must be a dict.")
    changed = []
    for gradient, variable in grads_and_vars:
        if variable in gradient_multipliers or variable.op.name in gradient_multipliers:
            key = variable if variable in gradient_multipliers else variable.op.name
            if gradient is None:
                raise ValueError("Requested multiple of `None` gradient.")
            factor = gradient_multipliers[key]
            if isinstance(gradient, IndexedSlices):
                values = gradient.values * _as_factor(factor, gradient.values)
                gradient = IndexedSlices(values, gradient.indices, gradient.dense_shape)
            else:
                gradient *= _as_factor(factor, gradient)
        changed.append((gradient, variable))
    return changed


def _as_factor(factor, gradient):
    if isinstance(factor, (Tensor, Variable)):
        return math.cast(factor, gradient.dtype)
    return convert_to_tensor(factor, dtype=gradient.dtype)


@_both("add_gradients_summaries")
def add_gradients_summaries(grads_and_vars):
    """Summarises gradients: a histogram and the norm of each."""
    summaries = []
    for gradient, variable in grads_and_vars:
        if gradient is None:
            info("Var %s has no gradient", variable.op.name)
            continue
        values = gradient.values if isinstance(gradient, IndexedSlices) else gradient
        summaries.append(histogram(f"{variable.op.name}_gradient", values))
        summaries.append(scalar(f"{variable.op.name}_gradient_norm", global_norm([values])))
    return summaries


@export("contrib.training.create_train_op")
def create_train_op(
    total_loss, optimizer, global_step=_USE_GLOBAL_STEP, update_ops=None, variables_to_train=None,
    transform_grads_fn=None, summarize_gradients=False, gate_gradients=Optimizer.GATE_OP,
    aggregation_method=None, colocate_gradients_with_ops=False, check_numerics=True,
):  # fmt: skip
    """Makes a tensor that computes the loss, trains, and runs the updates.

    Args:
      total_loss: the loss.
      optimizer: the optimizer.
      global_step: the step variable, made if need be; `None` to count none.
      update_ops: nodes to run first; by default `GraphKeys.UPDATE_OPS`.
      variables_to_train: what to train; by default all trainable variables.
      transform_grads_fn: function from pairs of gradient and variable to such pairs.
      summarize_gradients: whether gradients are summarised.
      gate_gradients: as in `Optimizer.minimize`.
      aggregation_method: see `tf.gradients`.
      colocate_gradients_with_ops: see `tf.gradients`.
      check_numerics: whether the step fails if the loss is infinite or not a number.

    Returns:
      A tensor: the loss, after training.
    """
    if global_step is _USE_GLOBAL_STEP:
        global_step = get_or_create_global_step()
    total_loss = _after_updates(total_loss, update_ops)
    if variables_to_train is None:
        variables_to_train = trainable_variables()
    grads = optimizer.compute_gradients(
        total_loss, variables_to_train, gate_gradients=gate_gradients,
        aggregation_method=aggregation_method,
        colocate_gradients_with_ops=colocate_gradients_with_ops,
    )  # fmt: skip
    if transform_grads_fn:
        grads = transform_grads_fn(grads)
    if summarize_gradients:
        with name_scope("summarize_grads"):
            add_gradients_summaries(grads)
    updates = optimizer.apply_gradients(grads, global_step=global_step)
    with name_scope("train_op"):
        if check_numerics:
            total_loss = checked(total_loss, "LossTensor is inf or nan")
        train_op = with_dependencies([updates], total_loss)
    held = get_collection_ref(GraphKeys.TRAIN_OP)
    if not any(train_op is item for item in held):
        held.append(train_op)
    return train_op


def _after_updates(total_loss, update_ops):
    collected = list(dict.fromkeys(get_collection(GraphKeys.UPDATE_OPS)))
    if update_ops is None:
        update_ops = collected
    else:
        update_ops = list(dict.fromkeys(update_ops))
        if not set(collected) <= set(update_ops):
            warning(
                "update_ops in create_train_op does not contain all the update_ops in "
                "GraphKeys.UPDATE_OPS"
            )
    if not update_ops:
        return total_loss
    with control_dependencies(update_ops):
        barrier = no_op(name="update_barrier")
    return with_dependencies([barrier], total_loss)


def slim_create_train_op(
    total_loss, optimizer, global_step=_USE_GLOBAL_STEP, update_ops=None, variables_to_train=None,
    clip_gradient_norm=0, summarize_gradients=False, gate_gradients=Optimizer.GATE_OP,
    aggregation_method=None, colocate_gradients_with_ops=False, gradient_multipliers=None,
    check_numerics=True,
):  # fmt: skip
    """Is `contrib.training.create_train_op` with clipping and factors.

    Args:
      clip_gradient_norm: the largest norm of each gradient; 0 for none.
      gradient_multipliers: factors of gradients by variable or its name.

    The other arguments are those of `contrib.training.create_train_op`.
    """

    def transform(grads):
        if gradient_multipliers:
            with name_scope("multiply_grads"):
                grads = multiply_gradients(grads, gradient_multipliers)
        if clip_gradient_norm > 0:
            with name_scope("clip_grads"):
                grads = clip_gradient_norms(grads, clip_gradient_norm)
        return grads

    return create_train_op(
        total_loss=total_loss, optimizer=optimizer, global_step=global_step,
        update_ops=update_ops, variables_to_train=variables_to_train,
        transform_grads_fn=transform, summarize_gradients=summarize_gradients,
        gate_gradients=gate_gradients, aggregation_method=aggregation_method,
        colocate_gradients_with_ops=colocate_gradients_with_ops, check_numerics=check_numerics,
    )  # fmt: skip


export("contrib.slim.learning.create_train_op")(slim_create_train_op)
