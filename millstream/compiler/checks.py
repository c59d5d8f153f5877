"""Conditions that kernels state while they are traced, and that are looked at when all is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.ir.node import Operation


class Check:
    """A condition that a kernel stated: whose it is, and what to say when it does not hold."""

    def __init__(self, node: Operation, message: Callable[..., str], ok: Any, arrays: Any) -> None:
        self.node, self.message = node, message
        self.ok, self.arrays = ok, tuple(arrays)
