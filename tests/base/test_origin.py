"""Origins name the user's line, not ours."""

import contextlib
import functools
import pickle

import pytest

from millstream.base import origin

INSIDE = {"__name__": "millstream.fake"}
exec(
    compile(
        "def through(call):\n    return call()\n"
        "def context(call):\n    made.append(call())\n    yield\n"
        "made = []\n",
        "<millstream:fake>",
        "exec",
    ),
    INSIDE,
)


@pytest.fixture
def deep():
    before = origin.set_depth(2)
    yield
    origin.set_depth(before)


def _line(found: origin.Origin) -> str:
    file, line, _ = next(found.frames())
    with open(file) as source:
        return source.readlines()[line - 1].strip()


def test_direct_call():
    here = origin.capture()  # this line
    assert _line(here).endswith("# this line")
    assert str(here).endswith("in test_direct_call()")


def test_frames_of_the_package_are_passed_over():
    here = INSIDE["through"](origin.capture)  # the user's line
    assert _line(here).endswith("# the user's line")


def test_standard_library_between_is_passed_over():
    with contextlib.contextmanager(INSIDE["context"])(origin.capture):  # with
        pass
    assert _line(INSIDE["made"].pop()).endswith("# with")


def test_wrapper_that_took_the_users_module_name_is_passed_over():
    through = functools.wraps(test_direct_call)(INSIDE["through"])
    try:
        assert through.__module__ == __name__
        here = through(origin.capture)  # not the wrapper
    finally:
        through.__module__ = INSIDE["__name__"]
    assert _line(here).endswith("# not the wrapper")


@pytest.mark.usefixtures("deep")
def test_depth_keeps_the_callers():
    def make():
        return origin.capture()

    found = make()
    names = [name for _, _, name in found.frames()]
    assert names == ["make", "test_depth_keeps_the_callers"]
    assert [frame.name for frame in found.traceback] == names[::-1]
    assert ", called at " in str(found)


def test_depth_must_be_positive():
    with pytest.raises(ValueError, match="at least one frame"):
        origin.set_depth(0)


def test_an_origin_crosses_processes_as_nothing():
    assert pickle.loads(pickle.dumps(origin.capture())) == origin.NOWHERE
    assert not origin.NOWHERE
    assert str(origin.NOWHERE) == ""
