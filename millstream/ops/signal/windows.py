"""Windows: `hann_window`, `hamming_window`."""

import math

from millstream.base.dtypes import Bool, Float, Int32, as_dtype
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.static_value import constant_value
from millstream.ops.array.filling import ones
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast
from millstream.ops.math.ranges import range as range_of


@export("signal.hann_window")
def hann_window(window_length, periodic=True, dtype=Float, name=None):
    """Returns a Hann window: a raised cosine that begins at 0.

    Args:
      window_length: number of samples.
      periodic: whether the window is one period, as spectra need it, or symmetric.
      dtype: a floating type.
      name: name of the nodes' scope.

    Returns:
      `[window_length]`.

    Raises:
      ValueError: if `dtype` is not floating.
    """
    return _raised_cosine(name, "hann_window", window_length, periodic, dtype, 0.5, 0.5)


@export("signal.hamming_window")
def hamming_window(window_length, periodic=True, dtype=Float, name=None):
    """Returns a Hamming window: a raised cosine that begins at 0.08.

    Args:
      window_length: number of samples.
      periodic: whether the window is one period, as spectra need it, or symmetric.
      dtype: a floating type.
      name: name of the nodes' scope.

    Returns:
      `[window_length]`.

    Raises:
      ValueError: if `dtype` is not floating.
    """
    return _raised_cosine(name, "hamming_window", window_length, periodic, dtype, 0.54, 0.46)


def _raised_cosine(name, default_name, length, periodic, dtype, a, b):
    dtype = as_dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(f"dtype must be a floating point type. Found {dtype.name}")
    with name_scope(name, default_name, [length, periodic]):
        length = convert_to_tensor(length, dtype=Int32, name="window_length")
        length.shape.assert_has_rank(0)
        known = constant_value(length)
        if known is not None and int(known) == 1:
            return ones([1], dtype=dtype)
        periodic = cast(convert_to_tensor(periodic, dtype=Bool, name="periodic"), Int32)
        even = 1 - ops.FloorMod(length, 2)
        steps = cast(length + periodic * even - 1, dtype)
        at = cast(range_of(length), dtype)
        angle = constant(2 * math.pi, dtype) * at / steps
        # In low precision the angle would lose its bits, but TF computes it so.
        return cast(a - b * ops.Cos(angle), dtype)
