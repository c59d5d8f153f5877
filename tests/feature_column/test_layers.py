"""Layers made of feature columns against TF 1.15: nodes, variables, collections, values, errors."""

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import feature_columns as programs  # noqa: E402

sys.path.remove(str(GOLDEN))
RECORD = json.loads(gzip.decompress((GOLDEN / "feature_columns.json.gz").read_bytes()))


@pytest.mark.parametrize("text", RECORD)
def test_program_is_as_in_tf(text, tmp_path):
    wanted = RECORD[text]
    found = programs.run(tf, text, str(tmp_path))
    if "raises" in wanted:
        assert found.get("raises") == wanted["raises"], found.get("message")
        return
    assert "raises" not in found, found
    for key in ("list", "variables", "trainable", "shapes", "fails"):
        assert found.get(key) == wanted.get(key), key
    assert _unguarded(found) == _unguarded(wanted)
    assert _filled(found) == _filled(wanted)
    if _is_drawn(wanted) and len(found["nodes"]) != len(wanted["nodes"]):
        return  # random numbers follow from the count of nodes, those of assertions among them
    for value, other in zip(found.get("values", ()), wanted.get("values", ()), strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-6)


def _filled(entry):
    counts = entry.get("collections", {})
    return {key: count for key, count in counts.items() if count and key != "cond_context"}


def _unguarded(entry):
    """Returns the nodes of a program but those of assertions, which are not this layer's."""
    return [node for node in entry.get("nodes", ()) if "/Assert/" not in node]


def _is_drawn(entry):
    return any(node.endswith("TruncatedNormal") for node in entry.get("nodes", ()))
