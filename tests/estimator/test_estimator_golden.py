"""Estimators behave as TF 1.15's: seeds, log lines, events, files, errors."""

import json
import sys
from pathlib import Path

import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import estimator_core  # noqa: E402

RECORD = json.loads((GOLDEN / "estimator_core.json").read_text())


@pytest.fixture(autouse=True)
def closed_writers():
    yield
    tf.summary.FileWriterCache.clear()


@pytest.mark.parametrize("case", estimator_core.CASES, ids=lambda case: case.__name__)
def test_behaves_as_tf(case):
    assert estimator_core.facts(tf, case) == RECORD[case.__name__]
