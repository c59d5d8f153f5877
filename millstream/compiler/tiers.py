"""Which tier runs a region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from millstream.compiler.region import BoundRegion, Region
    from millstream.compiler.steps import Frame

NEVER = 1 << 62


class Variant:
    """A region for one signature."""

    __slots__ = ("executable", "next_event", "runs")

    def __init__(self) -> None:
        self.runs = 0
        self.next_event = NEVER
        self.executable: Any = None


class Tiers:
    """Chooses the tier of each run of a region."""

    def __init__(self, region: Region, static_slots: tuple[int, ...], mode: str) -> None:
        self.region = region
        self.sole: Variant | None = Variant()

    def select(self, frame: Frame) -> Variant:
        """Finds the variant for the arrays in a frame."""
        raise LookupError

    def advance(self, variant: Variant, bound: BoundRegion, frame: Frame) -> None:
        """Takes the step of the switch that is due."""
