"""`optimize_loss`: one call from a loss to a train op, with clipping, noise and summaries."""

from millstream.base.dtypes import Float
from millstream.base.export import export, export_constant
from millstream.ir.composite import IndexedSlices
from millstream.ir.convert import convert_to_tensor
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import get_collection
from millstream.ir.tensor import Tensor
from millstream.ops import array, math
from millstream.ops.array.selecting import where
from millstream.ops.flow import with_dependencies
from millstream.ops.math.clipping import clip_by_global_norm, global_norm
from millstream.ops.random.functions import truncated_normal
from millstream.state.get_variable import get_variable
from millstream.state.global_step import assert_global_step, get_global_step
from millstream.state.initializers import Constant, Zeros
from millstream.state.listing import trainable_variables
from millstream.state.scoping import variable_scope
from millstream.summary.functions import histogram, scalar
from millstream.train.moving_averages import assign_moving_average
from millstream.train.optimizers.adam import AdamOptimizer
from millstream.train.optimizers.base import Optimizer
from millstream.train.optimizers.simple import (
    AdagradOptimizer,
    FtrlOptimizer,
    GradientDescentOptimizer,
    MomentumOptimizer,
    RMSPropOptimizer,
)

OPTIMIZER_CLS_NAMES = {
    "Adagrad": AdagradOptimizer,
    "Adam": AdamOptimizer,
    "Ftrl": FtrlOptimizer,
    "Momentum": lambda learning_rate: MomentumOptimizer(learning_rate, momentum=0.9),
    "RMSProp": RMSPropOptimizer,
    "SGD": GradientDescentOptimizer,
}
OPTIMIZER_SUMMARIES = [
    "learning_rate", "loss", "gradients", "gradient_norm", "global_gradient_norm",
]  # fmt: skip
for _place in ("contrib.layers", "contrib.slim"):
    export_constant(f"{_place}.OPTIMIZER_CLS_NAMES", OPTIMIZER_CLS_NAMES)
    export_constant(f"{_place}.OPTIMIZER_SUMMARIES", OPTIMIZER_SUMMARIES)


@export("contrib.layers.optimize_loss", "contrib.slim.optimize_loss")
def optimize_loss(
    loss, global_step, learning_rate, optimizer, gradient_noise_scale=None,
    gradient_multipliers=None, clip_gradients=None, learning_rate_decay_fn=None, update_ops=None,
    variables=None, name=None, summaries=None, colocate_gradients_with_ops=False,
    increment_global_step=True,
):  # fmt: skip
    """Makes a train op of a loss.

    Args:
      loss: a scalar.
      global_step: the step variable; `None` for the graph's, if there is one.
      learning_rate: a number or scalar; `None` for the optimizer's own.
      optimizer: a name (`"SGD"`, `"Adam"`, `"Adagrad"`, `"Ftrl"`, `"Momentum"`, `"RMSProp"`), an
        optimizer, its class, or a function of the learning rate that makes one.
      gradient_noise_scale: spread of normal noise to add to gradients.
      gradient_multipliers: factors of gradients by variable or its name.
      clip_gradients: the largest global norm of the gradients, or a function of
        `(gradient, variable)` pairs.
      learning_rate_decay_fn: function `(learning_rate, global_step) -> learning rate`.
      update_ops: nodes to run first; by default `GraphKeys.UPDATE_OPS`.
      variables: what to train; by default all trainable variables.
      name: variable scope.
      summaries: list of what to summarise, of `OPTIMIZER_SUMMARIES`.
      colocate_gradients_with_ops: see `tf.gradients`.
      increment_global_step: whether the global step counts.

    Returns:
      A node that trains and gives the loss.

    Raises:
      ValueError: if an argument is none of what is allowed.
    """
    loss = convert_to_tensor(loss)
    if loss.shape.ndims != 0:
        raise ValueError(f"Loss must be a scalar, not {loss}")
    if global_step is None:
        global_step = get_global_step()
    else:
        assert_global_step(global_step)
    with variable_scope(name, "OptimizeLoss", [loss, global_step]):
        if update_ops is None:
            update_ops = set(get_collection(GraphKeys.UPDATE_OPS))
        if update_ops:
            loss = with_dependencies(list(update_ops), loss)
        summaries = _checked_summaries(summaries)
        rate = _learning_rate(learning_rate, learning_rate_decay_fn, global_step, summaries)
        opt = _optimizer(optimizer, rate)
        pairs = opt.compute_gradients(
            loss, trainable_variables() if variables is None else variables,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )  # fmt: skip
        pairs = _changed(
            pairs, gradient_noise_scale, gradient_multipliers, clip_gradients, summaries
        )
        if "loss" in summaries:
            scalar("loss", loss)
        _summarize(pairs, summaries, clip_gradients)
        train = opt.apply_gradients(
            pairs, global_step=global_step if increment_global_step else None, name="train"
        )
        return with_dependencies([train], loss)


def _checked_summaries(summaries):
    if summaries is None:
        return ["loss", "learning_rate", "global_gradient_norm"]
    for summary in summaries:
        if summary not in OPTIMIZER_SUMMARIES:
            raise ValueError(
                f"Summaries should be one of [{', '.join(OPTIMIZER_SUMMARIES)}], you provided "
                f"{summary}."
            )
    return summaries


def _learning_rate(learning_rate, decay, global_step, summaries):
    if learning_rate is None:
        return None
    if isinstance(learning_rate, Tensor) and learning_rate.shape.ndims == 0:
        rate = learning_rate
    elif isinstance(learning_rate, (float, int)):
        if learning_rate < 0.0:
            raise ValueError(f"Invalid learning_rate {learning_rate}.")
        rate = get_variable(
            "learning_rate", [], trainable=False, initializer=Constant(learning_rate)
        )
    else:
        raise ValueError(
            "Learning rate should be 0d Tensor or float. "
            f"Got {learning_rate} of type {type(learning_rate)}"
        )
    if decay is not None:
        if global_step is None:
            raise ValueError("global_step is required for learning_rate_decay_fn.")
        rate = decay(rate, global_step)
        if "learning_rate" in summaries:
            scalar("learning_rate", rate)
    return rate


def _optimizer(optimizer, rate):
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZER_CLS_NAMES:
            raise ValueError(
                f"Optimizer name should be one of [{', '.join(OPTIMIZER_CLS_NAMES)}], you provided "
                f"{optimizer}."
            )
        return OPTIMIZER_CLS_NAMES[optimizer](learning_rate=rate)
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
        if rate is None:
            raise ValueError(f"Learning rate is None, but should be specified for {optimizer}.")
        return optimizer(learning_rate=rate)
    if isinstance(optimizer, Optimizer):
        return optimizer
    if callable(optimizer):
        made = optimizer() if rate is None else optimizer(rate)
        if not isinstance(made, Optimizer):
            raise ValueError(
                f"Unrecognized optimizer: function should return subclass of Optimizer. Got {made}."
            )
        return made
    raise ValueError(
        "Unrecognized optimizer: should be string, subclass of Optimizer, instance of subclass of "
        f"Optimizer or function with one argument. Got {optimizer}."
    )


def _changed(pairs, noise_scale, multipliers, clip, summaries):
    if noise_scale is not None:
        pairs = _noisy(pairs, noise_scale)
    if multipliers is not None:
        pairs = _multiplied(pairs, multipliers)
        if not pairs:
            raise ValueError(f"Empty list of (gradient, var) pairs encountered: {multipliers}")
    if "global_gradient_norm" in summaries or "gradient_norm" in summaries:
        scalar("global_norm/gradient_norm", global_norm([g for g, _ in pairs]))
    if isinstance(clip, (int, float)) and not isinstance(clip, bool):
        gradients, variables = zip(*pairs)
        clipped, _ = clip_by_global_norm(gradients, clip)
        return list(zip(clipped, variables))
    if callable(clip):
        return clip(pairs)
    if clip is not None:
        raise ValueError(f"Unknown type {type(clip)} for clip_gradients")
    return pairs


def _noisy(pairs, scale):
    changed = []
    for gradient, variable in pairs:
        if gradient is None:
            changed.append((None, variable))
            continue
        sparse = isinstance(gradient, IndexedSlices)
        shape = gradient.dense_shape if sparse else gradient.shape
        changed.append((gradient + truncated_normal(shape) * scale, variable))
    return changed


def _multiplied(pairs, multipliers):
    changed = []
    for gradient, variable in pairs:
        if gradient is not None:
            key = variable if variable in multipliers else variable.name
            if key in multipliers:
                factor = math.cast(multipliers[key], gradient.dtype)
                if isinstance(gradient, IndexedSlices):
                    gradient = IndexedSlices(
                        gradient.values * factor, gradient.indices, gradient.dense_shape
                    )
                else:
                    gradient = gradient * factor
        changed.append((gradient, variable))
    return changed


def _summarize(pairs, summaries, clip):
    for gradient, variable in pairs:
        values = gradient.values if isinstance(gradient, IndexedSlices) else gradient
        if values is None:
            continue
        name = variable.name.replace(":", "_")
        if "gradients" in summaries:
            histogram(f"gradients/{name}", values)
        if "gradient_norm" in summaries:
            scalar(f"gradient_norm/{name}", global_norm([values]))
    if clip is not None and {"global_gradient_norm", "gradient_norm"} & set(summaries):
        scalar("global_norm/clipped_gradient_norm", global_norm([g for g, _ in pairs]))


@export("contrib.layers.adaptive_clipping_fn", "contrib.slim.adaptive_clipping_fn")
def adaptive_clipping_fn(
    std_factor=2.0, decay=0.95, static_max_norm=None, global_step=None, report_summary=False,
    epsilon=1e-8, name=None,
):  # fmt: skip
    """Makes a function that clips gradients whose norm is unusually large.

    Args:
      std_factor: how many standard deviations of the logarithm above its mean are allowed.
      decay: weight of the old values in the moving moments.
      static_max_norm: a bound beside it.
      global_step: counts, so that the first steps are corrected for the start at zero.
      report_summary: whether the bound is summarised.
      epsilon: small number against the logarithm of 0.
      name: variable scope.

    Returns:
      A function from `(gradient, variable)` pairs to clipped ones, for `optimize_loss`.
    """

    def clip(pairs):
        gradients, variables = zip(*pairs)
        norm = global_norm(gradients)
        bound, log_mean = _largest_usual_norm(norm, std_factor, decay, global_step, epsilon, name)
        if report_summary:
            scalar("global_norm/adaptive_max_gradient_norm", bound)
        if static_max_norm is not None:
            bound = math.minimum(bound, static_max_norm)
        factor = where(norm < bound, array.ones_like(norm), math.exp(log_mean) / norm)
        clipped = [_scaled(gradient, factor) for gradient in gradients]
        return list(zip(clipped, variables))

    return clip


def _scaled(gradient, factor):
    if gradient is None:
        return None
    if isinstance(gradient, IndexedSlices):
        return IndexedSlices(gradient.values * factor, gradient.indices, gradient.dense_shape)
    return gradient * factor


def _largest_usual_norm(norm, std_factor, decay, global_step, epsilon, name):
    """Keeps moving moments of the norm's logarithm; returns the bound, and the mean."""
    with variable_scope(name, "AdaptiveMaxNorm", [norm]):
        log_norm = math.log(norm + epsilon)

        def moving(name, value, step_decay):
            average = get_variable(
                name, shape=value.shape, dtype=value.dtype, initializer=Zeros(), trainable=False
            )
            return assign_moving_average(average, value, step_decay, zero_debias=False)

        if global_step is not None:
            n = math.cast(global_step, Float)
            decay = math.minimum(decay, n / (n + 1.0))
        mean = moving("mean", log_norm, decay)
        sq_mean = moving("sq_mean", math.square(log_norm), decay)
        variance = sq_mean - math.square(mean)
        std = math.sqrt(math.maximum(epsilon, variance))
        return math.exp(mean + std_factor * std), mean
