"""Names, scopes, conversions and imports: what small programs give is what TF 1.15 gave."""

import importlib.util
import json
import warnings
from pathlib import Path

import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"


def _load(name):
    """Returns the programs of a golden script, and what was recorded of them."""
    spec = importlib.util.spec_from_file_location(name, GOLDEN / f"{name}.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.FACTS, json.loads((GOLDEN / f"{name}.json").read_text())


SOURCES = [_load("ir_facts"), _load("convert_facts"), _load("import_facts")]
FACTS = {name: fact for facts, _ in SOURCES for name, fact in facts.items()}
RECORDED = {name: found for _, recorded in SOURCES for name, found in recorded.items()}


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
        found = _plain(FACTS[name](tf))
    ours, theirs = dict(_leaves(found)), dict(_leaves(RECORDED[name]))
    assert {k: v for k, v in ours.items() if theirs.get(k) != v} == {
        k: v for k, v in theirs.items() if k in ours and ours[k] != v
    }
    assert found == RECORDED[name]


def test_every_program_is_recorded():
    assert list(RECORDED) == list(FACTS)
