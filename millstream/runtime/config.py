"""What of `ConfigProto` and `RunOptions` means something here.

| field | effect |
|---|---|
| `device_count["CPU"]` | how many CPU devices are listed and may be named |
| `allow_soft_placement` | a device that does not exist is replaced by the CPU |
| `log_device_placement` | placements are logged when a step is planned |
| `operation_timeout_in_ms` | time limit of every step that may wait |
| `graph_options.optimizer_options.opt_level = L0` | no rewrite passes |
| `graph_options.optimizer_options.global_jit_level = ON_1` | compile at once, no NumPy tier |

The environment variable `MILLSTREAM_TIER` (`auto`, `numpy`, `xla`) overrides the last one. The rest
is accepted and has no meaning for this runtime.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from millstream.base.errors import OpError
from millstream.compiler.plan import PlanOptions

TIERS = ("auto", "numpy", "xla")
_L0 = -1
_LOG = logging.getLogger("millstream")


def is_config(value: Any) -> bool:
    """Tells whether a value is a `ConfigProto`, ours or another wire-compatible one."""
    return _message_name(value) == "ConfigProto"


def _message_name(value: Any) -> str:
    return str(getattr(getattr(value, "DESCRIPTOR", None), "name", ""))


def default_tier() -> str:
    """Gives the tier that the environment asks for.

    Raises:
      ValueError: If `MILLSTREAM_TIER` is set to something else.
    """
    tier = os.environ.get("MILLSTREAM_TIER") or "auto"
    if tier not in TIERS:
        raise ValueError(f"MILLSTREAM_TIER is {tier!r}; it can be {', '.join(TIERS)}")
    return tier


class Settings:
    """A session's configuration as the runtime uses it.

    Attributes:
      plan_options: What changes plans.
      timeout_ms: Time limit of a step that may wait, in milliseconds; 0 for none.
      cpu_count: Number of CPU devices to list.
      soft_placement: Whether devices that do not exist are replaced.
      log_placement: Whether placements are logged.
    """

    def __init__(self, config: Any = None) -> None:
        tier, optimize = default_tier(), True
        self.timeout_ms, self.cpu_count = 0, 1
        self.soft_placement = self.log_placement = False
        if config is not None:
            self.timeout_ms = int(config.operation_timeout_in_ms)
            counts = dict(config.device_count)
            self.cpu_count = max(1, counts.get("CPU", 1))
            self.soft_placement = bool(config.allow_soft_placement)
            self.log_placement = bool(config.log_device_placement)
            optimizer = config.graph_options.optimizer_options
            optimize = optimizer.opt_level != _L0
            if tier == "auto" and optimizer.global_jit_level > 0:
                tier = "xla"
        self.plan_options = PlanOptions(optimize, tier)


class RunSettings:
    """A step's `RunOptions` as the runtime uses them.

    Attributes:
      timeout_ms: Time limit in milliseconds; 0 for none.
      trace_level: 0 nothing, 1 software, 2 hardware, 3 full.
      partition_graphs: Whether the pruned graph is wanted.
    """

    def __init__(self, options: Any = None) -> None:
        self.timeout_ms = int(options.timeout_in_ms) if options is not None else 0
        self.trace_level = int(options.trace_level) if options is not None else 0
        self.partition_graphs = bool(options.output_partition_graphs) if options else False

    @property
    def wants_anything(self) -> bool:
        """Whether `RunMetadata` is to be filled at all."""
        return self.trace_level > 0 or self.partition_graphs


def run_options(options: Any) -> RunSettings:
    """Reads a `RunOptions`.

    Raises:
      TypeError: If it is none.
    """
    if options is not None and _message_name(options) != "RunOptions":
        raise TypeError(f"options must be a tf.RunOptions, but got {type(options)}")
    return RunSettings(options)


def check_metadata(metadata: Any) -> None:
    """Checks that a value is a `RunMetadata` or None.

    Raises:
      TypeError: If it is neither.
    """
    if metadata is not None and _message_name(metadata) != "RunMetadata":
        raise TypeError(f"run_metadata must be a tf.RunMetadata, but got {type(metadata)}")


def log_failure(error: OpError) -> None:
    """Logs an error that ends a session's `with` block."""
    _LOG.error("Session closing due to error: %s", error.message)
