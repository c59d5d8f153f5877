"""XLA's compile options, chosen per executable.

XLA:CPU sends convolutions to YNNPACK by default, whose backward-filter pass is slow and less
exact; without it they go to Eigen. oneDNN, which jaxlib carries too, is faster still for forward
and backward-input convolutions. (Backward-filter kernels must be written in a form that oneDNN's
matcher does not take: there Eigen is two to four times faster.)

In regions that update variables, XLA's default analysis copies most of the donated buffers before
it overwrites them; its region analysis sees that it need not (a convolutional network's step: 46 ms
of processor time with 43 copies, 38 with 16).

XLA cannot write an executable with calls of oneDNN to the persistent cache. Regions with many
convolutions, which take long to compile, go without oneDNN so that they can be kept.

A jaxlib that does not know an option refuses to compile; so each is tried once, alone.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from millstream.base.lazy import jax
from millstream.compiler.region import Region

_LOG = logging.getLogger("millstream")

ONEDNN = "xla_cpu_experimental_onednn_custom_call"
CONVOLUTION_OPTIONS: dict[str, Any] = {
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_DOT",
    ONEDNN: True,
}
UPDATE_OPTIONS: dict[str, Any] = {"xla_cpu_copy_insertion_use_region_analysis": True}
MOST_WITH_ONEDNN = 12
"""How many convolutions, gradients included, a region may have to be compiled with oneDNN."""

CONVOLUTIONS = frozenset(
    {
        *("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"),
        *("DepthwiseConv2dNative", "DepthwiseConv2dNativeBackpropInput"),
        *("DepthwiseConv2dNativeBackpropFilter", "Conv3D", "Conv3DBackpropInputV2"),
        *("Conv3DBackpropFilterV2", "Dilation2D"),
    }
)

_known: dict[str, bool] = {}
_lock = threading.Lock()


def options_for(region: Region) -> dict[str, Any]:
    """Gives the options to compile a region with."""
    wanted: dict[str, Any] = {}
    if region.trains:
        wanted.update(UPDATE_OPTIONS)
    count = _convolutions(region)
    if count:
        wanted.update(CONVOLUTION_OPTIONS)
    if count > MOST_WITH_ONEDNN:
        del wanted[ONEDNN]
    return {name: value for name, value in wanted.items() if _is_known(name, value)}


def _convolutions(region: Region) -> int:
    """Counts the convolutions of a region, those of the functions that it runs included."""
    count = 0
    for member in region.nodes:
        count += member.node.type in CONVOLUTIONS
        if member.call is not None:
            inner = [body.region for body in member.call.bodies if body.region is not None]
            count += sum(map(_convolutions, inner))
    return count


def _is_known(name: str, value: Any) -> bool:
    with _lock:
        if name not in _known:
            _known[name] = jax.default_backend() == "cpu" and _try(name, value)
        return _known[name]


def _try(name: str, value: Any) -> bool:
    def probe(x: Any) -> Any:
        return x + 1

    try:
        jax.jit(probe, compiler_options={name: value}).lower(1.0).compile()
    except Exception:  # noqa: BLE001 - whatever it says, the option cannot be used
        _LOG.info("this jaxlib does not know the compile option %s", name)
        return False
    return True
