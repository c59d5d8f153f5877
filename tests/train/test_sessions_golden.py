"""Monitored sessions behave as TF 1.15's: nodes, log lines, events, order of calls, errors."""

import json
import sys
from pathlib import Path

import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import train_sessions  # noqa: E402

RECORD = json.loads((GOLDEN / "train_sessions.json").read_text())


@pytest.mark.parametrize("case", train_sessions.CASES, ids=lambda case: case.__name__)
def test_behaves_as_tf(case):
    try:
        assert train_sessions.facts(tf, case) == RECORD[case.__name__]
    finally:
        tf.summary.FileWriterCache.clear()
