"""Activations, initializers, regularizers and constraints by name."""

from functools import partial

from millstream.ops import math, nn
from millstream.ops.math.clipping import clip_by_value
from millstream.state import initializers


def _hard_sigmoid(x):
    return clip_by_value(x * 0.2 + 0.5, 0.0, 1.0)


def linear(x):
    """Returns `x` as it is."""
    return x


_ACTIVATIONS = {
    "elu": nn.elu, "exponential": math.exp, "hard_sigmoid": _hard_sigmoid, "linear": linear,
    "relu": nn.relu, "selu": nn.selu, "sigmoid": math.sigmoid, "softmax": nn.softmax,
    "softplus": nn.softplus, "softsign": nn.softsign, "tanh": math.tanh,
}  # fmt: skip

_INITIALIZERS = {
    "constant": initializers.Constant, "glorot_normal": initializers.GlorotNormal,
    "glorot_uniform": initializers.GlorotUniform, "he_normal": initializers.he_normal,
    "he_uniform": initializers.he_uniform, "identity": initializers.Identity,
    "lecun_normal": initializers.lecun_normal, "lecun_uniform": initializers.lecun_uniform,
    "one": initializers.Ones, "ones": initializers.Ones, "orthogonal": initializers.Orthogonal,
    "random_normal": partial(initializers.RandomNormal, 0.0, 0.05),
    "random_uniform": partial(initializers.RandomUniform, -0.05, 0.05),
    "truncated_normal": partial(initializers.TruncatedNormal, 0.0, 0.05),
    "variance_scaling": initializers.VarianceScaling, "zero": initializers.Zeros,
    "zeros": initializers.Zeros,
}  # fmt: skip


def _l1_l2(l1, l2, w):
    loss = 0.0
    if l1:
        loss += l1 * math.reduce_sum(math.abs(w))
    if l2:
        loss += l2 * math.reduce_sum(math.square(w))
    return loss


_REGULARIZERS = {
    "l1": partial(_l1_l2, 0.01, 0.0),
    "l2": partial(_l1_l2, 0.0, 0.01),
    "l1_l2": partial(_l1_l2, 0.01, 0.01),
}


def _non_negative(w):
    return w * math.cast(math.greater_equal(w, 0.0), w.dtype.base_dtype)


def _at_most_norm(w):
    norms = math.sqrt(math.reduce_sum(math.square(w), axis=0, keepdims=True))
    return w * (clip_by_value(norms, 0.0, 2.0) / (1e-7 + norms))


def _unit_norm(w):
    return w / (1e-7 + math.sqrt(math.reduce_sum(math.square(w), axis=0, keepdims=True)))


_CONSTRAINTS = {
    "max_norm": _at_most_norm, "non_neg": _non_negative, "nonneg": _non_negative,
    "unit_norm": _unit_norm,
}  # fmt: skip


def _looked_up(table, kind, given):
    if given is None or callable(given):
        return given
    name = given.get("class_name") if isinstance(given, dict) else given
    if not isinstance(name, str):
        raise ValueError(f"Could not interpret {kind} identifier: {given}")
    found = table.get(_plain(name))
    if found is None:
        raise ValueError(f"Unknown {kind}: {name}. There are: {', '.join(sorted(table))}")
    return found


def _plain(name):
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


def activation(given):
    """Returns an activation given by name or as a function.

    Raises:
      ValueError: if there is none of that name.
    """
    return _looked_up(_ACTIVATIONS, "activation function", given)


def initializer(given):
    """Returns an initializer given by name, as a config or as such; `None` stays."""
    found = _looked_up(_INITIALIZERS, "initializer", given)
    if isinstance(given, dict):
        return found(**given.get("config", {}))
    return found() if isinstance(given, str) else found


def regularizer(given):
    """Returns a regularizer given by name or as a function; `None` stays."""
    found = _looked_up(_REGULARIZERS, "regularizer", given)
    if isinstance(given, dict):
        config = given.get("config", {})
        return partial(_l1_l2, config.get("l1", 0.0), config.get("l2", 0.0))
    return found


def constraint(given):
    """Returns a constraint given by name or as a function; `None` stays."""
    return _looked_up(_CONSTRAINTS, "constraint", given)
