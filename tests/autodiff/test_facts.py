"""Gradients: what small programs give is what TF 1.15 gave."""

import importlib.util
import json
import warnings
from pathlib import Path

import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"
_spec = importlib.util.spec_from_file_location("gradient_facts", GOLDEN / "gradient_facts.py")
script = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)
RECORDED = json.loads((GOLDEN / "gradient_facts.json").read_text())


def _plain(value):
    return json.loads(json.dumps(value))


def _leaves(value, path=()):
    if isinstance(value, list):
        yield path, len(value)
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value


@pytest.mark.parametrize("name", RECORDED)
def test_fact(name):
    with tf.Graph().as_default(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _plain(script.FACTS[name](tf))
    ours, theirs = dict(_leaves(found)), dict(_leaves(RECORDED[name]))
    assert {k: v for k, v in ours.items() if theirs.get(k) != v} == {
        k: v for k, v in theirs.items() if k in ours and ours[k] != v
    }
    assert found == RECORDED[name]


def test_every_program_is_recorded():
    assert list(RECORDED) == list(script.FACTS)
