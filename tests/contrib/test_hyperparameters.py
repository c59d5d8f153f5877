"""`HParams`: values from text, kept to their types."""

import pytest

import millstream as tf

HParams = tf.contrib.training.HParams


def made():
    return HParams(a=1, b=0.5, c="x", d=[1, 2, 3], e=True)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("a=3", {"a": 3}),
        ("b=1e-3,c=yy", {"b": 1e-3, "c": "yy"}),
        ("d=[4,5]", {"d": [4, 5]}),
        ("e=false", {"e": False}),
        ("", {}),
        ("c=", {"c": ""}),
    ],
)
def test_parse(text, changed):
    assert made().parse(text).values() == {**made().values(), **changed}


@pytest.mark.parametrize(
    "text", ["a=1.5", "zz=1", "e=maybe", "a=[1]", "d=1", "a=2,a=3", "a", "b=[1"]
)
def test_text_that_does_not_fit(text):
    with pytest.raises(ValueError):
        made().parse(text)


def test_types_are_kept():
    params = made()
    params.set_hparam("b", 2)
    assert isinstance(params.b, float)
    for name, value in (("a", 2.5), ("a", True), ("a", "2"), ("c", 1), ("d", 3)):
        with pytest.raises(ValueError):
            params.set_hparam(name, value)


def test_json_and_text():
    params = made()
    assert params.to_json(sort_keys=True) == (
        '{"a": 1, "b": 0.5, "c": "x", "d": [1, 2, 3], "e": true}'
    )
    assert str(params) == "a=1,b=0.5,c=x,d=[1, 2, 3],e=True"
    assert params.parse_json('{"b": 2.5}').b == 2.5


def test_names():
    params = made()
    assert "a" in params
    assert params.get("z", 3) == 3
    with pytest.raises(ValueError, match="reserved"):
        params.add_hparam("a", 1)
    with pytest.raises(ValueError, match="reserved"):
        HParams(parse=1)
    with pytest.raises(ValueError, match="cannot be empty"):
        HParams(x=[])
    params.del_hparam("a")
    assert "a" not in params
