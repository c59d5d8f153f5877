"""Identity matrices: `tf.eye`."""

from typing import Any

from millstream.base import dtypes
from millstream.base.export import export
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.filling import ones, zeros
from millstream.ops.array.joining import concat
from millstream.ops.by_name import ops


def _joined(batch_shape: Any, sizes: list[Any]) -> Any:
    """Appends sizes to a shape: a list if all of it is known, else a tensor."""
    if not isinstance(batch_shape, Tensor) and not any(isinstance(s, Tensor) for s in sizes):
        return [*batch_shape, *sizes]
    if not isinstance(batch_shape, Tensor):
        batch_shape = to_tensor(batch_shape, dtypes.int32, name="shape")
    return concat([batch_shape, sizes], 0)


@export("eye", "linalg.eye")
def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = dtypes.float32,
    name: Any = None,
) -> Any:  # fmt: skip
    """Makes identity matrices.

    Args:
      num_rows: the number of rows.
      num_columns: the number of columns, by default that of rows.
      batch_shape: a shape, to make so many matrices.
      dtype: the type of the elements.
      name: name for the nodes.

    Returns:
      `[*batch_shape, num_rows, num_columns]`.
    """
    with name_scope(name, "eye", [num_rows, num_columns, batch_shape]):
        square = num_columns is None
        num_columns = num_rows if square else num_columns
        batch_shape = [] if batch_shape is None else batch_shape
        if isinstance(num_rows, int) and isinstance(num_columns, int):
            size: Any = min(num_rows, num_columns)
        else:
            size = ops.Minimum(num_rows, num_columns)
        diagonal_shape = _joined(batch_shape, [size])
        if square:
            return ops.MatrixDiag(ones(diagonal_shape, dtype=dtype), name="diag")
        diagonal = ones(diagonal_shape, dtype=dtype)
        blank = zeros(_joined(batch_shape, [num_rows, num_columns]), dtype=dtype)
        return ops.MatrixSetDiag(blank, diagonal, name="set_diag")
