"""Layers of the feature columns of tf.contrib.layers against TF 1.15: variables, values, errors."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[2] / "golden"
sys.path.insert(0, str(GOLDEN))
import contrib_columns as programs  # noqa: E402

sys.path.remove(str(GOLDEN))
RECORD = json.loads((GOLDEN / "contrib_columns.json").read_text())


@pytest.mark.parametrize("text", RECORD)
def test_program_is_as_in_tf(text):
    wanted = RECORD[text]
    found = programs.run(tf, text)
    assert found.get("raises") == wanted.get("raises"), found.get("message")
    for key in ("list", "variables", "collections"):
        assert found.get(key) == wanted.get(key), key
    if "value" in wanted:
        np.testing.assert_allclose(found["value"], wanted["value"], rtol=1e-5)
