"""A linear map of one or several matrices, with its variables in the current scope."""

from millstream.base import nest
from millstream.base.dtypes import int32
from millstream.ir.constant import constant
from millstream.ops import array, math, nn
from millstream.rnn.cell import BIAS, WEIGHTS
from millstream.state.get_variable import get_variable
from millstream.state.initializers import Constant


class Linear:
    """Multiplies matrices side by side by `kernel` and adds `bias`.

    Args:
      args: a matrix, or list of matrices `[batch, inputs]`, for the sizes.
      output_size: columns of the result.
      build_bias: whether there is a bias.
      bias_initializer: initializer of the bias, by default zeros.
      kernel_initializer: initializer of the kernel, by default the scope's.

    Raises:
      ValueError: if there is nothing to multiply, or a size is not known.
    """

    def __init__(
        self, args, output_size, build_bias, bias_initializer=None, kernel_initializer=None
    ):
        if args is None or (nest.is_nested(args) and not args):
            raise ValueError("`args` must be specified")
        self._listed = nest.is_nested(args)
        args = args if self._listed else [args]
        dtype = args[0].dtype
        self._kernel = get_variable(
            WEIGHTS, [sum(map(_columns, args)), output_size], dtype=dtype,
            initializer=kernel_initializer,
        )  # fmt: skip
        self._bias = None
        if build_bias:
            if bias_initializer is None:
                bias_initializer = Constant(0.0, dtype=dtype)
            self._bias = get_variable(
                BIAS, [output_size], dtype=dtype, initializer=bias_initializer
            )

    def __call__(self, args):
        """Applies it."""
        args = args if self._listed else [args]
        if len(args) == 1:
            result = math.matmul(args[0], self._kernel)
        else:
            one = constant(1, dtype=int32)
            result = math.matmul(array.concat(args, one), self._kernel)
        return result if self._bias is None else nn.bias_add(result, self._bias)


def _columns(matrix):
    if matrix.shape.ndims != 2:
        raise ValueError(f"linear is expecting 2D arguments: {[matrix.shape]}")
    columns = matrix.shape.as_list()[1]
    if columns is None:
        raise ValueError(
            f"linear expects shape[1] to be provided for shape {matrix.shape}, but saw None"
        )
    return columns
