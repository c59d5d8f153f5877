"""Datasets against TF 1.15's: nodes, types, shapes, elements in their order, errors in place."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import data_pipelines  # noqa: E402

RECORD = json.loads((GOLDEN / "data_pipelines.json").read_text())


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("files"))
    data_pipelines.write_files(tf, path)
    return path


@pytest.mark.parametrize("text", data_pipelines.EXPRESSIONS.strip().splitlines())
def test_dataset_is_as_in_tf(directory, text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = data_pipelines.record(tf, np, text, directory)
    wanted = RECORD[text]
    assert {key: found.get(key) for key in ("raises", "end")} == {
        key: wanted.get(key) for key in ("raises", "end")
    }
    assert found.get("nodes") == wanted.get("nodes")
    for key in ("types", "shapes"):
        assert _spelled(found.get(key)) == _spelled(wanted.get(key))
    assert _close(found.get("elements"), wanted.get("elements"))


def _spelled(text):
    """Drops how Python 3.7 spelled ordered dicts."""
    if text and "OrderedDict" in text:
        return "an ordered dict"
    return text


def _close(found, wanted):
    if isinstance(wanted, float):
        return found == pytest.approx(wanted, rel=1e-6)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(_close, found, wanted))
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(_close(found[k], wanted[k]) for k in wanted)
    return found == wanted
