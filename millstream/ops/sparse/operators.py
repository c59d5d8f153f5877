"""`sparse * dense` and `sparse / dense`: installs the operators of `SparseTensor`."""

from millstream.base import dtypes
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast

_FLOAT_OF = {
    dtypes.int8: dtypes.float32,
    dtypes.uint8: dtypes.float32,
    dtypes.int16: dtypes.float32,
    dtypes.uint16: dtypes.float32,
    dtypes.int32: dtypes.float64,
    dtypes.int64: dtypes.float64,
}


def _multiply(sp_x, y):
    with name_scope(None, "mul", [*sp_x.component_tensors, y]) as scope:
        y = convert_to_tensor(y, dtype=sp_x.dtype.base_dtype, name="y")
        values = ops.SparseDenseCwiseMul(*sp_x.component_tensors, y, name=scope)
        return SparseTensor(sp_x.indices, values, sp_x.dense_shape)


def _divide(sp_x, y):
    """Divides as `/` does in TF 1.x under Python 3: integers become floats."""
    with name_scope(None, "truediv", [*sp_x.component_tensors, y]) as scope:
        y = convert_to_tensor(y, dtype=sp_x.dtype.base_dtype, name="y")
        values, wider = sp_x.values, _FLOAT_OF.get(sp_x.dtype.base_dtype)
        if wider is not None:
            values, y = cast(values, wider), cast(y, wider)
        quotient = ops.SparseDenseCwiseDiv(sp_x.indices, values, sp_x.dense_shape, y, name=scope)
        return SparseTensor(sp_x.indices, quotient, sp_x.dense_shape)


def _divide_old(sp_x, y):
    with name_scope(None, "div", [*sp_x.component_tensors, y]) as scope:
        y = convert_to_tensor(y, dtype=sp_x.dtype.base_dtype, name="y")
        values = ops.SparseDenseCwiseDiv(*sp_x.component_tensors, y, name=scope)
        return SparseTensor(sp_x.indices, values, sp_x.dense_shape)


SparseTensor.__mul__ = _multiply
SparseTensor.__truediv__ = _divide
SparseTensor.__div__ = _divide_old
