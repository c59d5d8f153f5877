"""Devices: which there are, and whether nodes ask for ones that are not."""

from __future__ import annotations

import logging
import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from millstream.base.errors import InvalidArgumentError
from millstream.ir.device import DeviceSpec
from millstream.ir.node import Operation
from millstream.runtime.config import Settings

TASK = "/job:localhost/replica:0/task:0"
_LOG = logging.getLogger("millstream")


@dataclass(frozen=True, slots=True)
class DeviceAttributes:
    """One device of a session.

    Attributes:
      name: Full name, `/job:localhost/replica:0/task:0/device:CPU:0`.
      device_type: `CPU`, `GPU` or `TPU`.
      memory_limit_bytes: Memory that it can use, in bytes.
      incarnation: A number that differs between runs of the process.
    """

    name: str
    device_type: str
    memory_limit_bytes: int
    incarnation: int


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def list_devices(settings: Settings) -> list[DeviceAttributes]:
    """Lists the devices of a session with these settings."""
    memory = _memory_bytes()
    names = [f"{TASK}/device:CPU:{index}" for index in range(settings.cpu_count)]
    return [
        DeviceAttributes(name, "CPU", memory, zlib.crc32(f"{name} {os.getpid()}".encode()))
        for name in names
    ]


def check_placement(nodes: Iterable[Operation], settings: Settings) -> None:
    """Checks that every node can be placed where it asks to be.

    Raises:
      InvalidArgumentError: If a node asks for a device that does not exist.
    """
    known: dict[str, bool] = {}
    for node in nodes:
        wanted = node.device
        if wanted and wanted not in known:
            known[wanted] = _exists(wanted, settings)
        if wanted and not known[wanted]:
            _refuse(node, settings)
        if settings.log_placement:
            _LOG.info("%s: (%s): %s/device:CPU:0", node.name, node.type, TASK)


def _exists(device: str, settings: Settings) -> bool:
    spec = DeviceSpec.from_string(device)
    here = spec.job in (None, "localhost") and not spec.replica and not spec.task
    if not here or settings.soft_placement:
        return here
    kind = (spec.device_type or "CPU").upper()
    return kind == "CPU" and (spec.device_index or 0) < settings.cpu_count


def _refuse(node: Operation, settings: Settings) -> None:
    available = ", ".join(device.name for device in list_devices(settings))
    message = (
        f"Cannot assign a device for operation {node.name}: it was explicitly assigned to "
        f"{node.device} but available devices are [ {available} ]. Make sure the device "
        "specification refers to a valid device."
    )
    if "GPU" in node.device.upper():
        message += " ConfigProto(allow_soft_placement=True) would run it on the CPU."
    raise InvalidArgumentError(None, node, message)
