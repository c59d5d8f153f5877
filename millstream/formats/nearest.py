"""Names like one that was not found."""

import difflib
from collections.abc import Sequence


def nearest_names(name: str, names: Sequence[str]) -> str:
    """Gives the end of a message that names the tensors most like one that was not found."""
    near = difflib.get_close_matches(name, names, 3, 0.5)
    if not near:
        # A renamed scope leaves the last part of a name.
        leaf = name.rpartition("/")[2]
        near = [other for other in names if other.rpartition("/")[2] == leaf][:3]
    return f"; the nearest names there are {', '.join(map(repr, near))}" if near else ""
