"""How one function serves as the rule of several ops whose inputs are called differently."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any


def named(fn: Callable[..., Any], names: Iterable[str]) -> Callable[..., Any]:
    """Returns `fn` with its positional parameters called `names`; rules go by those names."""

    def rule(*operands: Any) -> Any:
        return fn(*operands)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, kind) for name in names]
    rule.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return rule
