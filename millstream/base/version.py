"""Version numbers: Millstream's own, and those of the TensorFlow interface that it speaks."""

from __future__ import annotations

from millstream._version import __version__ as MILLSTREAM_VERSION  # noqa: N812
from millstream.base.export import export_constant

VERSION = "1.15.5"
"""Version of the TensorFlow interface; programs branch on it, so `tf.__version__` is this one."""

GIT_VERSION = f"millstream-{MILLSTREAM_VERSION}"
COMPILER_VERSION = "none: XLA through JAX"
CXX11_ABI_FLAG = 1
MONOLITHIC_BUILD = 0

GRAPH_DEF_VERSION = 134
"""The producer number written to GraphDefs."""

GRAPH_DEF_VERSION_MIN_CONSUMER = 0
GRAPH_DEF_VERSION_MIN_PRODUCER = 0

export_constant("millstream_version", MILLSTREAM_VERSION)
export_constant("VERSION", VERSION)
export_constant("version.VERSION", VERSION)
for _name in ("CXX11_ABI_FLAG", "MONOLITHIC_BUILD"):
    export_constant(_name, globals()[_name])
    export_constant(f"sysconfig.{_name}", globals()[_name])
for _name in ("GIT_VERSION", "COMPILER_VERSION"):
    export_constant(_name, globals()[_name])
    export_constant(f"version.{_name}", globals()[_name])
for _name in (
    "GRAPH_DEF_VERSION",
    "GRAPH_DEF_VERSION_MIN_CONSUMER",
    "GRAPH_DEF_VERSION_MIN_PRODUCER",
):
    export_constant(_name, globals()[_name])
    export_constant(f"version.{_name}", globals()[_name])
