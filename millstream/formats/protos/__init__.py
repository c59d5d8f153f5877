"""TensorFlow's protocol messages, wire- and text-compatible, built at run time from descriptors.

`protos.GraphDef`, `protos.Summary`, `protos.DataType`, … are built when first asked for, in a
descriptor pool of their own: importing this package costs nothing, any `protobuf` >= 4 serves,
and genuine TensorFlow may be imported in the same process. Type names (`tensorflow.GraphDef`)
equal TensorFlow's, so that text format and `Any` type URLs agree.
"""

import importlib
from typing import Any

from millstream.formats.protos.index import THEME_OF

__all__ = sorted(THEME_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in THEME_OF:
        raise AttributeError(f"module {__name__!r} has no message {name!r}")
    # The pool module imports protobuf, which a mere import of this package must not.
    pool = importlib.import_module(f"{__name__}.pool")
    globals()[name] = found = pool.build(name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *THEME_OF})
