"""`tf.initializers`: objects that make the initial value of a variable of a given shape."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np

from millstream.base.dtypes import DType, Float, as_dtype
from millstream.base.export import export
from millstream.base.shapes import TensorShape, as_shape
from millstream.ir.constant import constant
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.filling import ones, zeros
from millstream.ops.array.reshaping import reshape
from millstream.ops.array.slicing import slice as slice_of
from millstream.ops.by_name import ops
from millstream.ops.random.functions import random_normal, random_uniform, truncated_normal


class Initializer:
    """Makes initial values: `initializer(shape, dtype, partition_info)` gives a tensor.

    `partition_info`, if given, has `full_shape` and `var_offset` of the partitioned variable that a
    piece of shape `shape` belongs to.
    """

    dtype: DType
    _fields: tuple[str, ...] = ()

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        raise NotImplementedError(type(self).__name__)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make an equal initializer, as JSON has them."""
        config = {field: getattr(self, field) for field in self._fields}
        return {**config, "dtype": self.dtype.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Returns an initializer made of what `get_config` gave."""
        return cls(**config)

    def _type(self, dtype: Any) -> DType:
        return self.dtype if dtype is None else as_dtype(dtype)


def _floating(dtype: Any) -> DType:
    found = as_dtype(dtype)
    if not found.is_floating:
        raise ValueError(f"Expected floating point type, got {found!r}.")
    return found


def _sizes(shape: Any) -> list[int]:
    """Returns a shape's sizes; a shape may be a tensor's value, a list or a `TensorShape`."""
    return as_shape(shape).as_list() if not isinstance(shape, Tensor) else shape


# -- the same everywhere


@export("zeros_initializer", "initializers.zeros")
class Zeros(Initializer):
    """Makes zeros."""

    def __init__(self, dtype: Any = Float) -> None:
        self.dtype = as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return zeros(shape, self._type(dtype))


@export("ones_initializer", "initializers.ones")
class Ones(Initializer):
    """Makes ones."""

    def __init__(self, dtype: Any = Float) -> None:
        self.dtype = as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return ones(shape, self._type(dtype))


@export("constant_initializer", "initializers.constant")
class Constant(Initializer):
    """Makes a constant.

    Args:
      value: a number, list or array; the last element is repeated to fill the shape.
      dtype: element type.
      verify_shape: whether `value` must have the variable's shape.

    Raises:
      TypeError: if `value` is none of these.
    """

    _fields = ("value",)

    def __init__(self, value: Any = 0, dtype: Any = Float, verify_shape: bool = False) -> None:
        if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
            raise TypeError(
                f"Invalid type for initial value: {type(value)} (expected Python scalar, list or "
                "tuple of values, or numpy.ndarray)."
            )
        self.value, self.dtype, self._verify_shape = value, as_dtype(dtype), verify_shape

    def __call__(
        self, shape: Any, dtype: Any = None, partition_info: Any = None, verify_shape: Any = None
    ) -> Tensor:
        verify = self._verify_shape if verify_shape is None else verify_shape
        return constant(self.value, self._type(dtype), shape, verify_shape=verify)


# -- random


@export("random_uniform_initializer", "initializers.random_uniform")
class RandomUniform(Initializer):
    """Draws from the uniform distribution on [minval, maxval)."""

    _fields = ("minval", "maxval", "seed")

    def __init__(
        self, minval: Any = 0, maxval: Any = None, seed: Any = None, dtype: Any = Float
    ) -> None:
        self.minval, self.maxval, self.seed, self.dtype = minval, maxval, seed, as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return random_uniform(shape, self.minval, self.maxval, self._type(dtype), self.seed)


@export("random_normal_initializer", "initializers.random_normal")
class RandomNormal(Initializer):
    """Draws from the normal distribution."""

    _fields = ("mean", "stddev", "seed")

    def __init__(
        self, mean: Any = 0.0, stddev: Any = 1.0, seed: Any = None, dtype: Any = Float
    ) -> None:
        self.mean, self.stddev, self.seed, self.dtype = mean, stddev, seed, _floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return random_normal(shape, self.mean, self.stddev, self._type(dtype), self.seed)


@export("truncated_normal_initializer", "initializers.truncated_normal")
class TruncatedNormal(Initializer):
    """Draws from the normal distribution without what lies two standard deviations off or more."""

    _fields = ("mean", "stddev", "seed")

    def __init__(
        self, mean: Any = 0.0, stddev: Any = 1.0, seed: Any = None, dtype: Any = Float
    ) -> None:
        self.mean, self.stddev, self.seed, self.dtype = mean, stddev, seed, _floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        return truncated_normal(shape, self.mean, self.stddev, self._type(dtype), self.seed)


@export("uniform_unit_scaling_initializer", "initializers.uniform_unit_scaling")
class UniformUnitScaling(Initializer):
    """Draws uniformly so that a product with the weights keeps the scale of its input.

    The limits are ±`factor` · √(3 / inputs), where inputs is the product of all sizes but the last.
    """

    _fields = ("factor", "seed")

    def __init__(self, factor: Any = 1.0, seed: Any = None, dtype: Any = Float) -> None:
        self.factor, self.seed, self.dtype = factor, seed, _floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        whole = shape if partition_info is None else partition_info.full_shape
        inputs = math.prod(float(size) for size in _sizes(whole)[:-1])
        limit = math.sqrt(3 / max(inputs, 1.0)) * self.factor
        return random_uniform(shape, -limit, limit, self._type(dtype), self.seed)


_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("normal", "uniform", "truncated_normal", "untruncated_normal")
# The standard deviation of a standard normal distribution that is cut off at ±2.
_TRUNCATED_STDDEV = 0.87962566103423978


@export("variance_scaling_initializer", "initializers.variance_scaling")
class VarianceScaling(Initializer):
    """Draws with the variance `scale / n`, where n counts the inputs, outputs or their mean.

    Args:
      scale: positive factor.
      mode: `"fan_in"`, `"fan_out"` or `"fan_avg"`: what n is.
      distribution: `"truncated_normal"` (or `"normal"`), `"untruncated_normal"` or `"uniform"`.
      seed: op seed.
      dtype: element type.

    Raises:
      ValueError: for a scale that is not positive, or another mode or distribution.
    """

    _fields = ("scale", "mode", "distribution", "seed")

    def __init__(
        self,
        scale: Any = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        dtype: Any = Float,
    ) -> None:
        if scale <= 0.0:
            raise ValueError("`scale` must be positive float.")
        if mode not in _MODES:
            raise ValueError("Invalid `mode` argument:", mode)
        if distribution.lower() not in _DISTRIBUTIONS:
            raise ValueError("Invalid `distribution` argument:", distribution.lower())
        self.scale, self.mode, self.distribution = scale, mode, distribution.lower()
        self.seed, self.dtype = seed, _floating(dtype)

    def _variance(self, shape: Any) -> float:
        fan_in, fan_out = compute_fans(shape)
        count = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}
        return self.scale / max(1.0, count[self.mode])

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        dtype = self._type(dtype)
        variance = self._variance(shape if partition_info is None else partition_info.full_shape)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return random_uniform(shape, -limit, limit, dtype, seed=self.seed)
        if self.distribution == "untruncated_normal":
            return random_normal(shape, 0.0, math.sqrt(variance), dtype, seed=self.seed)
        stddev = math.sqrt(variance) / _TRUNCATED_STDDEV
        return truncated_normal(shape, 0.0, stddev, dtype, seed=self.seed)


def compute_fans(shape: Any) -> tuple[float, float]:
    """Returns how many inputs and outputs a weight of that shape connects.

    The last two sizes are channels in and out; those before them are a convolution's window.
    """
    sizes = _sizes(shape)
    if not sizes:
        return 1.0, 1.0
    if len(sizes) == 1:
        return sizes[0], sizes[0]
    window = math.prod(sizes[:-2])
    return sizes[-2] * window, sizes[-1] * window


@export("glorot_uniform_initializer", "initializers.glorot_uniform")
class GlorotUniform(VarianceScaling):
    """Draws uniformly with variance 2 / (inputs + outputs) (Glorot and Bengio, 2010)."""

    def __init__(self, seed: Any = None, dtype: Any = Float) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make an equal initializer, as JSON has them."""
        return {"seed": self.seed, "dtype": self.dtype.name}


@export("glorot_normal_initializer", "initializers.glorot_normal")
class GlorotNormal(VarianceScaling):
    """Draws from a truncated normal with variance 2 / (inputs + outputs) (Glorot, Bengio 2010)."""

    def __init__(self, seed: Any = None, dtype: Any = Float) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make an equal initializer, as JSON has them."""
        return {"seed": self.seed, "dtype": self.dtype.name}


@export("initializers.he_normal")
def he_normal(seed: Any = None) -> VarianceScaling:
    """Returns an initializer: truncated normal with variance 2 / inputs (He et al., 2015)."""
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed)


@export("initializers.he_uniform")
def he_uniform(seed: Any = None) -> VarianceScaling:
    """Returns an initializer: uniform with variance 2 / inputs (He et al., 2015)."""
    return VarianceScaling(2.0, "fan_in", "uniform", seed)


@export("initializers.lecun_normal")
def lecun_normal(seed: Any = None) -> VarianceScaling:
    """Returns an initializer: truncated normal with variance 1 / inputs (LeCun et al., 1998)."""
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed)


@export("initializers.lecun_uniform")
def lecun_uniform(seed: Any = None) -> VarianceScaling:
    """Returns an initializer: uniform with variance 1 / inputs (LeCun et al., 1998)."""
    return VarianceScaling(1.0, "fan_in", "uniform", seed)


# -- matrices


@export("orthogonal_initializer", "initializers.orthogonal")
class Orthogonal(Initializer):
    """Makes a random matrix with orthonormal rows or columns, times `gain`.

    All axes but the last are taken as one.

    Raises:
      ValueError: when called for a shape of fewer than two axes.
    """

    _fields = ("gain", "seed")

    def __init__(self, gain: Any = 1.0, seed: Any = None, dtype: Any = Float) -> None:
        self.gain, self.seed, self.dtype = gain, seed, _floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        dtype = self._type(dtype)
        sizes = _sizes(shape)
        if len(sizes) < 2:
            raise ValueError("The tensor to initialize must be at least two-dimensional")
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        flat = (max(rows, columns), min(rows, columns))
        q, r = ops.Qr(random_normal(flat, dtype=dtype, seed=self.seed), full_matrices=False)
        # Signs of R's diagonal make the distribution uniform over orthogonal matrices.
        q = ops.Mul(q, ops.Sign(ops.DiagPart(r)), name="mul")
        if rows < columns:
            with name_scope("matrix_transpose"), name_scope("transpose") as scope:
                q = ops.Transpose(q, constant([1, 0], name="perm"), name=scope)
        return ops.Mul(self.gain, reshape(q, sizes), name="mul")


@export("initializers.identity")
class Identity(Initializer):
    """Makes the identity matrix times `gain`.

    Raises:
      ValueError: when called for a shape that is no matrix's.
    """

    _fields = ("gain",)

    def __init__(self, gain: Any = 1.0, dtype: Any = Float) -> None:
        self.gain, self.dtype = gain, _floating(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        whole = shape if partition_info is None else partition_info.full_shape
        sizes = TensorShape(whole).as_list()
        if len(sizes) != 2:
            raise ValueError("Identity matrix initializer can only be used for 2D matrices.")
        dtype = self._type(dtype)
        with name_scope("eye"):
            diagonal = ones([min(sizes)], dtype)
            if sizes[0] == sizes[1]:
                matrix = ops.MatrixDiag(diagonal, name="diag")
            else:
                matrix = ops.MatrixSetDiag(zeros(sizes, dtype), diagonal, name="set_diag")
        if partition_info is not None:
            matrix = slice_of(matrix, partition_info.var_offset, shape)
        return ops.Mul(self.gain, matrix, name="mul")
