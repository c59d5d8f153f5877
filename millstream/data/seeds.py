"""The two seeds of datasets that draw random numbers, as tensors."""

from __future__ import annotations

from typing import Any

from millstream.base import dtypes
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.random_seed import get_seed
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.by_name import ops

_LARGEST = 2**31 - 1


def seed_tensors(seed: Any) -> tuple[Tensor, Tensor]:
    """Returns two int64 tensors for an op seed; zeros if there is no seed at all."""
    first, second = get_seed(seed) if not isinstance(seed, Tensor) else _pair(seed)
    one = constant(0 if first is None else first, dtype=dtypes.int64, name="seed")
    if second is None:
        return one, constant(0, dtype=dtypes.int64, name="seed2")
    with name_scope("seed2") as scope:
        two = convert_to_tensor(second, dtype=dtypes.int64)
        is_unset = ops.LogicalAnd(
            ops.Equal(one, constant(0, dtype=dtypes.int64, name="Equal/y")),
            ops.Equal(two, constant(0, dtype=dtypes.int64, name="Equal_1/y")),
        )
        largest = constant(_LARGEST, dtype=dtypes.int64)
        return one, ops.Select(is_unset, largest, two, name=scope)


def _pair(seed: Tensor) -> tuple[Any, Any]:
    return get_seed(0)[0], seed
