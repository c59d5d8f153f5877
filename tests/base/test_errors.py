"""What an error tells beside its message."""

import pickle
from types import SimpleNamespace

import pytest

from millstream.base import errors
from millstream.base.errors import InvalidArgumentError, NotFoundError


def test_text_names_the_node_and_its_origin():
    op = SimpleNamespace(name="w/read", type="Identity", origin="train.py:12", node_def="def")
    error = InvalidArgumentError(None, op, "bad shape")
    assert str(error) == "bad shape\n\nNode 'w/read' (Identity) made at train.py:12"
    assert error.message == "bad shape"
    assert error.node_def == "def"


def test_text_without_origin():
    op = SimpleNamespace(name="a", type="Add", origin="")
    assert str(NotFoundError("def", op, "gone")) == "gone\n\nNode 'a' (Add)"


def test_pickling_keeps_words_and_leaves_the_node():
    op = SimpleNamespace(name="a", type="Add", origin="x.py:1")
    error = pickle.loads(pickle.dumps(NotFoundError("def", op, "gone")))
    assert type(error) is NotFoundError
    assert error.op is None
    assert error.node_def == "def"
    assert "made at x.py:1" in str(error)


@pytest.mark.parametrize("code", range(1, 17))
def test_codes_and_classes_are_one_to_one(code):
    cls = errors.exception_type_from_error_code(code)
    assert errors.error_code_from_exception_type(cls) == code
    assert cls(None, None, "").error_code == code


def test_not_ok_context_lets_errors_pass():
    with pytest.raises(KeyError), errors.raise_exception_on_not_ok_status():
        raise KeyError
