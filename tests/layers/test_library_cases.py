"""Layers, losses, metrics and slim make the nodes, collections and values that TF 1.15 makes."""

import gzip
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"
_spec = importlib.util.spec_from_file_location("library_cases", GOLDEN / "library_cases.py")
library_cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(library_cases)

with gzip.open(library_cases.RECORDED) as _file:
    RECORDED = json.load(_file)
CASES = [
    pytest.param(text, found, id=f"{family}-{i}")
    for family, texts in library_cases.read_cases().items()
    for i, (text, found) in enumerate(zip(texts, RECORDED[family], strict=True))
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_case(text, expected):
    found = json.loads(json.dumps(library_cases.run(tf, np, text)))
    assert found.get("error") == expected.get("error")
    assert found["nodes"] == expected["nodes"]
    assert found["collections"] == expected["collections"]
    assert found.get("run_error") == expected.get("run_error")
    ours, theirs = found.get("values", []), expected.get("values", [])
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=2e-4, atol=2e-5)
