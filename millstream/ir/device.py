"""Device strings such as `/job:ps/replica:0/task:1/device:GPU:0`, parsed, merged and printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from millstream.base.export import export

if TYPE_CHECKING:
    from millstream.ir.graph import Operation


@export("DeviceSpec", "device_spec.DeviceSpec")
@dataclass(unsafe_hash=True)
class DeviceSpec:
    """A partial device: every field may be open (`None`).

    Args:
      job: e.g. `"ps"`.
      replica: its number.
      task: its number in the job.
      device_type: `"CPU"`, `"GPU"`, …
      device_index: which device of that type.
    """

    job: str | None = None
    replica: int | None = None
    task: int | None = None
    device_type: str | None = None
    device_index: int | None = None

    @staticmethod
    def from_string(spec: str) -> DeviceSpec:
        """Parses a device string.

        Raises:
          ValueError: if it is malformed.
        """
        return replace(_parse(spec))

    def parse_from_string(self, spec: str) -> DeviceSpec:
        """Overwrites the fields with those of a device string and returns itself."""
        self.__dict__.update(_parse(spec).__dict__)
        return self

    def merge_from(self, dev: DeviceSpec) -> None:
        """Overwrites the fields that `dev` sets."""
        for key, value in dev.__dict__.items():
            if value is not None:
                setattr(self, key, value)

    def make_merged_spec(self, dev: DeviceSpec) -> DeviceSpec:
        """Returns a copy with the fields that `dev` sets overwritten."""
        merged = replace(self)
        merged.merge_from(dev)
        return merged

    def to_string(self) -> str:
        """Returns the device string."""
        parts: list[str] = []
        if self.job is not None:
            parts.append(f"/job:{self.job}")
        if self.replica is not None:
            parts.append(f"/replica:{self.replica}")
        if self.task is not None:
            parts.append(f"/task:{self.task}")
        if self.device_type is not None:
            index = "*" if self.device_index is None else self.device_index
            parts.append(f"/device:{self.device_type}:{index}")
        return "".join(parts)


_TASK_FIELDS = ("job", "replica", "task")


@lru_cache(maxsize=1024)
def _parse(spec: str) -> DeviceSpec:
    result = DeviceSpec()
    for part in filter(None, spec.split("/")):
        before = result.device_type
        fields = part.split(":")
        key = fields[0].lower()
        try:
            if key in _TASK_FIELDS and len(fields) == 2:
                setattr(result, key, fields[1] if key == "job" else int(fields[1]))
            elif key == "device" and len(fields) in (2, 3):
                result.device_type = fields[1].upper()
                result.device_index = _index(fields[2]) if len(fields) == 3 else None
            elif key in ("cpu", "gpu", "tpu", "xla_cpu", "xla_gpu") and len(fields) in (1, 2):
                result.device_type = key.upper()
                result.device_index = _index(fields[1]) if len(fields) == 2 else None
            else:
                raise ValueError(part)
            if before is not None and key not in _TASK_FIELDS:
                raise ValueError(part)  # a second device type
        except ValueError:
            raise ValueError(
                f"Malformed device specification '{spec}': cannot read '{part}'"
            ) from None
    return result


def _index(text: str) -> int | None:
    return None if text == "*" else int(text)


def canonical_name(device: Any) -> str:
    """Returns the canonical device string of a string, a `DeviceSpec` or `None`."""
    if device is None:
        return ""
    return device.to_string() if isinstance(device, DeviceSpec) else _parse(device).to_string()


def merge_device(spec: str | DeviceSpec | None) -> Callable[[Operation], str]:
    """Returns a device function that fills the fields a node leaves open from `spec`."""
    parsed = spec if isinstance(spec, DeviceSpec) else _parse(spec or "")

    def apply(node: Operation) -> str:
        if not node.device:
            return parsed.to_string()
        return parsed.make_merged_spec(_parse(node.device)).to_string()

    return apply
