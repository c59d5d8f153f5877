"""Names of layers: from the class, numbered per graph."""

import re
from weakref import WeakKeyDictionary

from millstream.ir.default import get_default_graph

_counts = WeakKeyDictionary()
_WORD = re.compile(r"(.)([A-Z][a-z0-9]+)")
_ACRONYM = re.compile(r"([a-z])([A-Z])")


def snake_case(name):
    """Spells a class name with underscores: `SeparableConv2D` is `separable_conv2d`."""
    spelled = _ACRONYM.sub(r"\1_\2", _WORD.sub(r"\1_\2", name)).lower()
    return f"private{spelled}" if spelled.startswith("_") else spelled


def numbered(base_name):
    """Returns `base_name` with the next number of the default graph behind it, from 1."""
    counts = _counts.setdefault(get_default_graph(), {})
    counts[base_name] = counts.get(base_name, 0) + 1
    return f"{base_name}_{counts[base_name]}"
