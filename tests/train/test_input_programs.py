"""Nodes of producers, batching queues and tables against what TF 1.15 made of the same programs."""

import json
import runpy
from pathlib import Path

import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"
RECORD = json.loads((GOLDEN / "queue_programs.json").read_text())


@pytest.fixture(scope="module")
def found():
    # Entries are made in one go: the files that the programs read are there only then.
    return runpy.run_path(str(GOLDEN / "queue_programs.py"))["record_all"](tf)


@pytest.mark.parametrize("text", RECORD)
def test_program_is_as_in_tf(found, text):
    wanted, got = dict(RECORD[text]), dict(found[text])
    if "Switch" in str(wanted.get("nodes")):
        # Conditionals are functional inside: only what surrounds them is the same.
        for entry in (wanted, got):
            entry["nodes"] = [n for n in entry["nodes"] if "cond" not in n[0]]
            entry["runners"] = [[r[0], len(r[1])] for r in entry["runners"]]
    for part, value in wanted.items():
        assert got.get(part) == json.loads(json.dumps(value)), part
