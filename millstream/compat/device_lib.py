"""`tensorflow.python.client.device_lib`: the devices of this process."""

from __future__ import annotations

from typing import Any

from millstream.formats import protos
from millstream.runtime.config import Settings
from millstream.runtime.devices import TASK, list_devices


def list_local_devices(session_config: Any = None) -> list[Any]:
    """Lists the devices that a session of this process would have.

    Args:
      session_config: The session's `tf.ConfigProto`, if any.

    Returns:
      `DeviceAttributes` messages; memory limits in bytes.
    """
    return [
        protos.DeviceAttributes(
            name=device.name.removeprefix(TASK),
            device_type=device.device_type,
            memory_limit=device.memory_limit_bytes,
            incarnation=device.incarnation,
        )
        for device in list_devices(Settings(session_config))
    ]
