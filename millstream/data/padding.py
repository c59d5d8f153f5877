"""`Dataset.padded_batch`: its arguments as tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.shapes import TensorShape, as_shape
from millstream.data import specs, structures
from millstream.data.specs import TensorSpec, batch_rows
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.static_value import constant_array
from millstream.ir.tensor import Tensor
from millstream.ops.by_name import ops


def padded_batches(dataset: Any, batch_size: Any, shapes: Any, values: Any, drop: Any) -> Any:
    """Makes the dataset of padded batches; see `Dataset.padded_batch`."""
    leaves = structures.flatten(dataset.element_spec)
    for leaf in leaves:
        if not isinstance(leaf, TensorSpec):
            raise TypeError("Batching of padded sparse tensors is not currently supported")
    size = convert_to_tensor(batch_size, dtypes.int64, name="batch_size")
    flat_shapes = _flat_shapes(dataset.element_spec, shapes)
    padded = [_padded_shape(shape, leaf.shape) for shape, leaf in zip(flat_shapes, leaves)]
    if values is None:
        fillers = [_filler(leaf.dtype) for leaf in leaves]
    else:
        found = structures.flatten_up_to(dataset.element_spec, values)
        fillers = [_checked_filler(value, leaf.dtype) for value, leaf in zip(found, leaves)]
    dropping = convert_to_tensor(drop, dtypes.bool_, name="drop_remainder")
    rows = batch_rows(size, dropping)
    spec = structures.pack(
        dataset.element_spec,
        [
            TensorSpec(TensorShape([rows]).concatenate(_static(shape)), leaf.dtype)
            for shape, leaf in zip(padded, leaves)
        ],
    )
    node = ops.PaddedBatchDatasetV2(
        dataset._variant_tensor,
        size,
        padded,
        fillers,
        dropping,
        output_shapes=specs.flat_shapes(spec),
    )
    return dataset._of(node, spec, (dataset,))


def _flat_shapes(spec: Any, shapes: Any) -> list[Any]:
    """Lists the shapes to pad to; a list is a shape, not a structure."""
    structures.assert_shallow(spec, shapes)
    return structures.flatten_up_to(spec, shapes)


def _padded_shape(shape: Any, component: TensorShape) -> Tensor:
    """Gives a shape to pad to as an int64 vector, -1 where the largest of a batch decides.

    Raises:
      ValueError: if it is none, or does not suit the component.
    """
    if isinstance(shape, Tensor):
        vector = shape
    else:
        vector = _vector(shape)
    if vector.shape.ndims not in (None, 1) or vector.dtype != dtypes.int64:
        raise ValueError(
            f"Padded shape {shape} must be a 1-D tensor of tf.int64 values, but its shape was "
            f"{vector.shape}."
        )
    if component.ndims is not None and not _suits(_static(vector), component):
        raise ValueError(
            f"The padded shape {_static(vector)} is not compatible with the corresponding input "
            f"component shape {component}."
        )
    return vector


def _vector(shape: Any) -> Tensor:
    if isinstance(shape, (list, tuple)) and any(isinstance(size, (list, tuple)) for size in shape):
        return convert_to_tensor(np.asarray(shape, np.int64))
    if isinstance(shape, np.ndarray):
        shape = shape.tolist()
    if isinstance(shape, (list, tuple)):
        sizes = [-1 if size is None else _as_size(size) for size in shape]
    else:
        sizes = [-1 if size is None else size for size in as_shape(shape).as_list()]
    return constant(np.array(sizes, np.int64), dtype=dtypes.int64)


def _as_size(size: Any) -> int:
    """Gives a size of a padded shape as a number, -1 for an unknown one."""
    size = getattr(size, "value", size)
    return -1 if size is None else int(size)


def _static(vector: Tensor) -> TensorShape:
    known = constant_array(vector)
    if known is None:
        size = vector.shape[0] if vector.shape.ndims == 1 else None
        return TensorShape(None if size is None else [None] * int(size))
    return TensorShape([None if size < 0 else int(size) for size in known])


def _suits(padded: TensorShape, component: TensorShape) -> bool:
    if padded.ndims is None:
        return True
    if padded.ndims != component.ndims:
        return False
    pairs = zip(padded.as_list(), component.as_list(), strict=True)
    return all(a is None or b is None or a >= b for a, b in pairs)


def _filler(dtype: Any) -> Tensor:
    if dtype == dtypes.string:
        return constant("", name="padding_value")
    return constant(np.zeros((), dtype.np), dtype=dtype, name="padding_value")


def _checked_filler(value: Any, dtype: Any) -> Tensor:
    tensor = convert_to_tensor(value, name="padding_value")
    if tensor.shape.ndims not in (None, 0):
        raise ValueError(f"Padding value should be a scalar, but is not: {tensor}")
    if tensor.dtype != dtype:
        raise TypeError(f"Padding value tensor ({tensor}) does not match output type: {dtype}")
    return tensor
