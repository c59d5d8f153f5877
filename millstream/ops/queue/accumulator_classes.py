"""`tf.ConditionalAccumulator` and `tf.SparseConditionalAccumulator`."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import as_dtype, int64
from millstream.base.export import export
from millstream.base.shapes import TensorShape, unknown_shape
from millstream.ir.composite import IndexedSlices
from millstream.ir.convert import convert_to_tensor
from millstream.ir.tensor import Tensor
from millstream.ops.by_name import ops
from millstream.ops.math.cast import cast


@export("ConditionalAccumulatorBase")
class ConditionalAccumulatorBase:
    """Is the base of accumulators: they add up gradients until enough have come.

    Args:
      dtype: type of the gradients.
      shape: shape of the gradients, as far as it is known.
      accumulator_ref: the tensor of the accumulator's handle.
    """

    def __init__(self, dtype: Any, shape: Any, accumulator_ref: Tensor) -> None:
        self._dtype = as_dtype(dtype)
        self._shape = unknown_shape() if shape is None else TensorShape(shape)
        self._accumulator_ref = accumulator_ref
        self._name = accumulator_ref.op.name.rpartition("/")[2]

    @property
    def accumulator_ref(self) -> Tensor:
        """The tensor of the accumulator's handle."""
        return self._accumulator_ref

    @property
    def name(self) -> str:
        """The name of the accumulator's node, without scope."""
        return self._name

    @property
    def dtype(self) -> Any:
        """The type of the gradients."""
        return self._dtype

    def num_accumulated(self, name: str | None = None) -> Tensor:
        """Gives the number of gradients that were added since the last result."""
        name = name or f"{self._name}_NumAccumulated"
        return self._op("AccumulatorNumAccumulated")(self._accumulator_ref, name=name)

    def set_global_step(self, new_global_step: Any, name: str | None = None) -> Any:
        """Gives an operation that sets the step: gradients of earlier ones are dropped."""
        step = cast(convert_to_tensor(new_global_step), int64)
        return self._op("AccumulatorSetGlobalStep")(self._accumulator_ref, step, name=name)

    def _op(self, name: str) -> Any:
        is_ref = self._accumulator_ref.dtype.is_ref
        return getattr(ops, name if is_ref else f"Resource{name}")


@export("ConditionalAccumulator")
class ConditionalAccumulator(ConditionalAccumulatorBase):
    """Adds up dense gradients until enough have come.

    Args:
      dtype: type of the gradients.
      shape: shape of the gradients, as far as it is known.
      shared_name: name by which nodes share one accumulator.
      name: name of the node.
      reduction_type: `"MEAN"` or `"SUM"`.

    Example:
      >>> accumulator = ConditionalAccumulator(tf.float32, shape=[10])
      >>> add = accumulator.apply_grad(gradient, local_step=step)
      >>> mean = accumulator.take_grad(num_required=4)
    """

    def __init__(
        self,
        dtype,
        shape=None,
        shared_name=None,
        name="conditional_accumulator",
        reduction_type="MEAN",
    ):
        ref = ops.ResourceConditionalAccumulator(
            dtype=dtype,
            shape=shape,
            shared_name=shared_name or "",
            name=name,
            reduction_type=reduction_type,
        )
        super().__init__(dtype, shape, ref)

    def apply_grad(self, grad: Any, local_step: Any = 0, name: str | None = None) -> Any:
        """Gives an operation that adds a gradient, unless it is of an earlier step.

        Raises:
          ValueError: if its shape does not fit.
        """
        grad = convert_to_tensor(grad, self._dtype)
        grad.shape.assert_is_compatible_with(self._shape)
        step = cast(convert_to_tensor(local_step), int64)
        op = self._op("AccumulatorApplyGradient")
        return op(self._accumulator_ref, step, grad, name=name)

    def take_grad(self, num_required: Any, name: str | None = None) -> Tensor:
        """Gives the mean or sum of `num_required` gradients or more, waiting for them."""
        op = self._op("AccumulatorTakeGradient")
        result = op(self._accumulator_ref, num_required, dtype=self._dtype, name=name)
        result.set_shape(self._shape)
        return result


@export("SparseConditionalAccumulator", "sparse.SparseConditionalAccumulator")
class SparseConditionalAccumulator(ConditionalAccumulatorBase):
    """Adds up gradients of some rows until enough have come.

    The mean of a row is over the gradients that have the row.

    Args:
      dtype: type of the gradients.
      shape: shape of the full gradients, as far as it is known.
      shared_name: name by which nodes share one accumulator.
      name: name of the node.
      reduction_type: `"MEAN"` or `"SUM"`.
    """

    def __init__(
        self,
        dtype,
        shape=None,
        shared_name=None,
        name="sparse_conditional_accumulator",
        reduction_type="MEAN",
    ):
        ref = ops.SparseConditionalAccumulator(
            dtype=dtype,
            shape=shape,
            shared_name=shared_name or "",
            name=name,
            reduction_type=reduction_type,
        )
        super().__init__(dtype, shape, ref)

    def apply_indexed_slices_grad(
        self, grad: IndexedSlices, local_step: Any = 0, name: str | None = None
    ) -> Any:
        """Gives an operation that adds a gradient, unless it is of an earlier step."""
        return self.apply_grad(grad.indices, grad.values, grad.dense_shape, local_step, name)

    def apply_grad(
        self,
        grad_indices: Any,
        grad_values: Any,
        grad_shape: Any = None,
        local_step: Any = 0,
        name: str | None = None,
    ) -> Any:
        """Gives an operation that adds a gradient, unless it is of an earlier step.

        Args:
          grad_indices: numbers of the rows, `[n]`, ascending.
          grad_values: the rows, `[n, …]`.
          grad_shape: shape of the full gradient, if known.
          local_step: the step that it was computed in.
          name: name of the operation.
        """
        step = cast(convert_to_tensor(local_step), int64)
        return ops.SparseAccumulatorApplyGradient(
            self._accumulator_ref,
            step,
            _as_int64(grad_indices),
            grad_values,
            _as_int64([] if grad_shape is None else grad_shape),
            has_known_shape=grad_shape is not None,
            name=name,
        )

    def take_grad(self, num_required: Any, name: str | None = None) -> Any:
        """Gives indices, values and shape of the mean or sum of `num_required` gradients."""
        return ops.SparseAccumulatorTakeGradient(
            self._accumulator_ref, num_required, dtype=self._dtype, name=name
        )

    def take_indexed_slices_grad(self, num_required: Any, name: str | None = None) -> Any:
        """Gives the mean or sum of `num_required` gradients as `IndexedSlices`."""
        indices, values, shape = self.take_grad(num_required, name)
        return IndexedSlices(values, indices, shape)


def _as_int64(value: Any) -> Tensor:
    return cast(value, int64)
