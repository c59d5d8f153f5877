"""Activations: `Relu`, `Elu`, `Softplus` and their kin, each with the op of its gradient."""

import numpy as np

from millstream.base.export import export
from millstream.base.lazy import jnn, jnp
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import (
    BFloat16,
    Double,
    Float,
    Floating,
    Half,
    QInt8,
    Real,
    Returns,
    Tensor,
    elementwise,
    f,
    op,
)
from millstream.ops import array, math
from millstream.ops.by_name import ops

_SELU_SCALE = 1.0507009873554805
_SELU_ALPHA = 1.6732632423543772


def _pair(name, types, doc, kernel, reference, grad_kernel, grad_reference, second="features"):
    """Declares an activation and its gradient op, whose inputs are `gradients` and `second`."""
    forward = elementwise(name, 1, types, names=("features", "activations"), doc=doc)
    forward.shape_unchanged()
    backward_types = tuple(t for t in _flat(types) if t is not QInt8)
    backward = elementwise(
        f"{name}Grad",
        2,
        backward_types,
        names=("gradients", second, "backprops"),
        doc=f"Gives the gradient of `{name}` from that of its output and its {second}.",
    )

    @backward.shape
    def _(gradients):
        return gradients

    forward.kernel(lambda features: kernel(features))
    forward.reference(lambda features: reference(features))
    if second == "features":
        backward.kernel(lambda gradients, features: grad_kernel(gradients, features))
        backward.reference(lambda gradients, features: grad_reference(gradients, features))
    else:
        backward.kernel(lambda gradients, outputs: grad_kernel(gradients, outputs))
        backward.reference(lambda gradients, outputs: grad_reference(gradients, outputs))

    @forward.gradient
    def _(node, dy):
        return backward(dy, node.inputs[0] if second == "features" else node.outputs[0])

    forward.examples(f[3, 4]).examples(f[0, 2]).examples(f[()])
    backward.examples(f[3, 4], f[3, 4] + 0.01)
    return forward, backward


def _flat(types):
    flat = []
    for t in types:
        flat += _flat(t) if isinstance(t, tuple) else [t]
    return flat


def _zero(x):
    return x.dtype.type(0)


Relu, ReluGrad = _pair(
    "Relu",
    (Real, QInt8),
    "Gives `max(x, 0)`.",
    lambda x: jnp.maximum(x, 0),
    lambda x: np.maximum(x, _zero(x)),
    lambda dy, x: jnp.where(x > 0, dy, jnp.zeros_like(dy)),
    lambda dy, x: np.where(x > 0, dy, _zero(dy)),
)
Relu6, Relu6Grad = _pair(
    "Relu6",
    Real,
    "Gives `min(max(x, 0), 6)`.",
    lambda x: jnp.clip(x, 0, 6),
    lambda x: np.minimum(np.maximum(x, _zero(x)), x.dtype.type(6)),
    lambda dy, x: jnp.where((x > 0) & (x < 6), dy, jnp.zeros_like(dy)),
    lambda dy, x: np.where((x > 0) & (x < 6), dy, _zero(dy)),
)
Elu, EluGrad = _pair(
    "Elu",
    Floating,
    "Gives `x`, or `exp(x) - 1` where `x < 0`.",
    lambda x: jnp.where(x < 0, jnp.expm1(jnp.minimum(x, 0)), x),
    lambda x: np.where(x < 0, np.expm1(np.minimum(x, _zero(x))), x),
    lambda dy, y: jnp.where(y < 0, (y + 1) * dy, dy),
    lambda dy, y: np.where(y < 0, (y + y.dtype.type(1)) * dy, dy),
    "outputs",
)
Selu, SeluGrad = _pair(
    "Selu",
    Floating,
    "Gives the self-normalising exponential linear unit.",
    lambda x: jnn.selu(x),
    lambda x: np.where(
        x < 0,
        x.dtype.type(_SELU_SCALE * _SELU_ALPHA) * np.expm1(np.minimum(x, _zero(x))),
        x.dtype.type(_SELU_SCALE) * x,
    ),
    lambda dy, y: jnp.where(
        y < 0, dy * (y + y.dtype.type(_SELU_SCALE * _SELU_ALPHA)), dy * y.dtype.type(_SELU_SCALE)
    ),
    lambda dy, y: np.where(
        y < 0, dy * (y + y.dtype.type(_SELU_SCALE * _SELU_ALPHA)), dy * y.dtype.type(_SELU_SCALE)
    ),
    "outputs",
)
Softplus, SoftplusGrad = _pair(
    "Softplus",
    Floating,
    "Gives `log(1 + exp(x))`.",
    lambda x: jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x))),
    lambda x: np.logaddexp(x, _zero(x)),
    lambda dy, x: dy * jnn.sigmoid(x),
    lambda dy, x: (dy / (np.exp(-x) + x.dtype.type(1))).astype(dy.dtype),
)
Softsign, SoftsignGrad = _pair(
    "Softsign",
    Floating,
    "Gives `x / (1 + |x|)`.",
    lambda x: x / (jnp.abs(x) + 1),
    lambda x: x / (np.abs(x) + x.dtype.type(1)),
    lambda dy, x: dy / jnp.square(jnp.abs(x) + 1),
    lambda dy, x: dy / np.square(np.abs(x) + x.dtype.type(1)),
)


# -- second gradients: `XGrad` is linear in `dy`, so by `dy` it is `XGrad` of the cotangent


def _mask_gradient(node, ddx):
    """Is the gradient of an `XGrad` whose slope in its second input is zero almost everywhere."""
    return [node.opdef(ddx, node.inputs[1]), ops.ZerosLike(node.inputs[1])]


ReluGrad.gradient(_mask_gradient)
Relu6Grad.gradient(_mask_gradient)


def _exponential_gradient(node, ddx):
    """Is the gradient of `EluGrad` and `SeluGrad`, whose slope in `y` is `dy` where `y < 0`."""
    dy, y = node.inputs
    negative = ops.Cast(ops.Less(y, 0.0), DstT=y.dtype.base_dtype)
    return [node.opdef(ddx, y), dy * ddx * negative]


EluGrad.gradient(_exponential_gradient)
SeluGrad.gradient(_exponential_gradient)


@SoftplusGrad.gradient
def _(node, ddx):
    dy, x = node.inputs
    s = ops.Sigmoid(x)
    return [SoftplusGrad(ddx, x), dy * ddx * s * (1.0 - s)]


@SoftsignGrad.gradient
def _(node, ddx):
    dy, x = node.inputs
    bent = ops.Pow(ops.Abs(x) + 1.0, -3.0)
    return [SoftsignGrad(ddx, x), -2.0 * dy * ddx * ops.Sign(x) * bent]


@op(defaults={"T": Float})
def LeakyRelu[T: (Half, BFloat16, Float, Double)](
    features: Tensor[T], *, alpha: float = 0.2
) -> Returns(activations=Tensor[T]):
    """Gives `x`, or `alpha * x` where `x < 0`."""


LeakyRelu.shape_unchanged()


@LeakyRelu.kernel
def _(features, alpha):
    return jnp.where(features > 0, features, features * features.dtype.type(alpha))


@LeakyRelu.reference
def _(features, alpha):
    return np.where(features > 0, features, features * features.dtype.type(alpha))


@LeakyRelu.gradient
def _(node, dy):
    return LeakyReluGrad(dy, node.inputs[0], alpha=node.attrs["alpha"])


LeakyRelu.examples(f[3, 4], alpha=0.1)


@op(defaults={"T": Float})
def LeakyReluGrad[T: (Half, BFloat16, Float, Double)](
    gradients: Tensor[T], features: Tensor[T], *, alpha: float = 0.2
) -> Returns(backprops=Tensor[T]):
    """Gives the gradient of `LeakyRelu` from that of its output and its features."""


LeakyReluGrad.shape_unchanged()


@LeakyReluGrad.kernel
def _(gradients, features, alpha):
    return jnp.where(features > 0, gradients, gradients * gradients.dtype.type(alpha))


@LeakyReluGrad.reference
def _(gradients, features, alpha):
    return np.where(features > 0, gradients, gradients * gradients.dtype.type(alpha))


@LeakyReluGrad.gradient
def _(node, ddx):
    x = node.inputs[1]
    return [LeakyReluGrad(ddx, x, alpha=node.attrs["alpha"]), ops.ZerosLike(x)]


LeakyReluGrad.examples(f[3, 4], f[3, 4] + 0.01)


# -- public functions


def _publish(name, opdef, doc):
    def function(features, name=None):
        return opdef(features, name=name)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{doc}

    Args:
      features: a numeric tensor, any shape.
      name: name of the node.

    Returns:
      A tensor of the same shape and dtype.
    """
    return export(f"nn.{name}")(function)


relu = _publish("relu", Relu, "Computes `max(features, 0)` elementwise.")
elu = _publish("elu", Elu, "Computes `features`, or `exp(features) - 1` below zero, elementwise.")
selu = _publish("selu", Selu, "Computes the self-normalising exponential linear unit elementwise.")
softplus = _publish("softplus", Softplus, "Computes `log(1 + exp(features))` elementwise.")
softsign = _publish("softsign", Softsign, "Computes `features / (1 + |features|)` elementwise.")
export("math.softplus")(softplus)
export("math.softsign")(softsign)


@export("nn.relu6")
def relu6(features, name=None):
    """Computes `min(max(features, 0), 6)` elementwise.

    Args:
      features: a real tensor, any shape.
      name: name of the node.

    Returns:
      A tensor of the same shape and dtype.
    """
    with name_scope(name, "Relu6", [features]) as scope:
        return Relu6(to_tensor(features, None, "features"), name=scope)


@export("nn.leaky_relu")
def leaky_relu(features, alpha=0.2, name=None):
    """Computes `features`, or `alpha * features` below zero, elementwise.

    Args:
      features: a real tensor, any shape; integers become float32.
      alpha: slope below zero.
      name: name of the node.

    Returns:
      A floating tensor of the same shape.
    """
    with name_scope(name, "LeakyRelu", [features, alpha]) as scope:
        features = to_tensor(features, None, "features")
        if features.dtype.is_integer:
            features = math.cast(features, "float32")
        return LeakyRelu(features, alpha=alpha, name=scope)


@export("nn.crelu")
def crelu(features, name=None, axis=-1):
    """Computes `relu` of `features` and of `-features`, one behind the other along `axis`.

    Args:
      features: a real tensor.
      name: name of the node.
      axis: where to concatenate.

    Returns:
      A tensor with twice the size along `axis`.
    """
    with name_scope(name, "CRelu", [features]) as scope:
        features = to_tensor(features, None, "features")
        both = array.concat([features, -features], axis, name=scope)
        return relu(both)


@export("nn.swish")
def swish(features):
    """Computes `features * sigmoid(features)` elementwise.

    Args:
      features: a floating tensor, any shape.

    Returns:
      A tensor of the same shape and dtype.
    """
    features = to_tensor(features)
    y = features * math.sigmoid(features)
    # TensorFlow wraps the product in a custom gradient, which leaves these nodes.
    array.identity(y)
    return ops.IdentityN([y, features])[0]
