"""The nodes that savers add are those that TF 1.15 adds: names, order, devices, inputs."""

import json
import sys
from pathlib import Path

import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import saver_nodes  # noqa: E402

RECORD = json.loads((GOLDEN / "saver_nodes.json").read_text())


@pytest.mark.parametrize("case", saver_nodes.CASES, ids=lambda case: case.__name__)
def test_nodes_are_those_of_tf(case):
    assert saver_nodes.nodes(tf, case) == RECORD[case.__name__]
