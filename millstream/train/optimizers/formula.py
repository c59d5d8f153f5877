"""Optimizers whose update is one `Apply…` node: which slots and which hyperparameters it takes."""

from __future__ import annotations

from typing import Any, ClassVar

from millstream.ir.convert import convert_to_tensor
from millstream.ops import math
from millstream.ops.state import training
from millstream.train.optimizers.base import Optimizer, convert_ref
from millstream.train.saveable import is_resource


class FormulaOptimizer(Optimizer):
    """An optimizer that is described by the operands of its ops.

    Attributes:
      formula: the op's name behind `Apply`.
      slot_operands: op input → slot, in the op's order.
      hyperparameters: op input → name of the tensor that `_prepare` makes from `_values`.
    """

    formula: ClassVar[str]
    slot_operands: ClassVar[dict[str, str]] = {}
    hyperparameters: ClassVar[dict[str, str]] = {}
    gradient_operand: ClassVar[str] = "grad"

    def __init__(self, use_locking, name, **values):
        super().__init__(use_locking, name)
        self._values = values
        self._tensors: dict[str, Any] = {}

    def _prepare(self):
        for name, value in self._values.items():
            value = self._call_if_callable(value)
            self._tensors[name] = convert_to_tensor(value, name=name)

    def _attrs(self) -> dict[str, Any]:
        return {}

    def _formula(self) -> str:
        return self.formula

    def _operands(self, var):
        dtype = var.dtype.base_dtype
        scalars = {
            operand: math.cast(self._tensors[name], dtype)
            for operand, name in self.hyperparameters.items()
        }
        place = (lambda v: v.handle) if is_resource(var) else convert_ref
        states = {
            operand: place(self.get_slot(var, slot)) for operand, slot in self.slot_operands.items()
        }
        return {"var": place(var), **states, **scalars}

    def _apply(self, kind, var, gradient):
        op = training.OPS[f"{kind}{self._formula()}"]
        return op(**self._operands(var), **gradient, **self._attrs(), use_locking=self._use_locking)

    def _apply_dense(self, grad, var):
        return self._apply("Apply", var, {self.gradient_operand: grad}).op

    def _resource_apply_dense(self, grad, handle):
        return self._apply("ResourceApply", handle, {self.gradient_operand: grad})

    def _apply_sparse(self, grad, var):
        rows = {"grad": grad.values, "indices": grad.indices}
        return self._apply("SparseApply", var, rows).op

    def _resource_apply_sparse(self, grad, handle, indices):
        return self._apply("ResourceSparseApply", handle, {"grad": grad, "indices": indices})
