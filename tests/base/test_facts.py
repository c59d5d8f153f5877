"""Dtypes, shapes, errors, nests and text answer as TensorFlow 1.15 does."""

import collections
import copy
import json
import pathlib
import pickle

import numpy as np
import pytest

import millstream as tf

GOLDEN = pathlib.Path(__file__).parent.parent / "golden" / "base_facts.json"


class L(list):
    """A subclass of list, as in the recording."""


def _names() -> dict:
    return {
        "tf": tf,
        "D": tf.Dimension,
        "N": tf.Dimension(None),
        "S": tf.TensorShape,
        "E": tf.errors.DataLossError,
        "nest": tf.nest,
        "more": tf.contrib.framework.nest,
        "P": collections.namedtuple("P", "x y"),
        "P2": collections.namedtuple("P", "x y"),
        "Q": collections.namedtuple("Q", "x y"),
        "L": L,
        "np": np,
        "collections": collections,
        "copy": copy,
        "pathlib": pathlib,
        "pickle": pickle,
    }


def _outcome(expression: str) -> list[str]:
    try:
        return ["value", repr(eval(expression, _names()))]
    except Exception as error:
        return ["error", type(error).__name__]


@pytest.mark.parametrize(("group", "expression", "recorded"), json.loads(GOLDEN.read_text()))
def test_answers_as_tensorflow(group, expression, recorded):
    assert _outcome(expression) == recorded
