"""Options of variables that say how copies on several devices behave."""

from __future__ import annotations

import enum
from typing import Any

from millstream.base.export import export


@export("VariableSynchronization")
class VariableSynchronization(enum.Enum):
    """Says when copies of a variable on several devices are brought together."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


@export("VariableAggregation")
class VariableAggregation(enum.Enum):
    """Says how updates of one variable from several devices are combined."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3
    ONLY_FIRST_TOWER = 3  # noqa: PIE796 - its name until TF 1.12

    def __hash__(self) -> int:
        return hash(self.value)


def checked_options(
    synchronization: Any, aggregation: Any, trainable: bool | None, name: Any
) -> tuple[VariableSynchronization, VariableAggregation, bool]:
    """Fills in the defaults of a variable's options.

    Raises:
      ValueError: if one is none of the enumerated values, or a variable that is synchronised on
        reading is to be trainable.
    """
    if aggregation is None:
        aggregation = VariableAggregation.NONE
    try:
        aggregation = VariableAggregation(getattr(aggregation, "value", aggregation))
    except ValueError:
        raise ValueError(
            f"Invalid variable aggregation mode: {aggregation} for variable: {name}"
        ) from None
    if synchronization is None:
        synchronization = VariableSynchronization.AUTO
    try:
        synchronization = VariableSynchronization(
            getattr(synchronization, "value", synchronization)
        )
    except ValueError:
        raise ValueError(
            f"Invalid variable synchronization mode: {synchronization} for variable: {name}"
        ) from None
    if synchronization is VariableSynchronization.ON_READ:
        if trainable:
            raise ValueError(
                "Synchronization value can be set to VariableSynchronization.ON_READ only for "
                "non-trainable variables. You have specified trainable=True and "
                "synchronization=VariableSynchronization.ON_READ."
            )
        trainable = False
    return synchronization, aggregation, True if trainable is None else trainable
