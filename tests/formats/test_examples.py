"""The quick way through serialised examples against the protobuf library, damage included."""

import random

import numpy as np
import pytest
from google.protobuf.message import DecodeError

import millstream as tf
from millstream.formats import examples

_LISTS = {examples.FLOAT: "float_list", examples.INT64: "int64_list", examples.BYTES: "bytes_list"}


def _values(rng, kind):
    count = rng.choice([0, 1, 1, 2, 40])
    if kind == examples.FLOAT:
        return np.float32([rng.gauss(0, 1) for _ in range(count)]).tolist()
    if kind == examples.INT64:
        return [rng.choice([0, 1, 127, 128, 300, -1, 1 << 62, -(1 << 63)]) for _ in range(count)]
    return [bytes(rng.randrange(256) for _ in range(rng.choice([0, 3, 200]))) for _ in range(count)]


def _example(rng):
    example = tf.train.Example()
    for key in rng.sample(["a", "b", "long" * 40, "é"], rng.randrange(4)):
        kind = rng.choice(list(_LISTS))
        feature = example.features.feature[key]
        getattr(feature, kind).value.extend(_values(rng, kind))
    return example


def _damage(rng, data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 3)):
        how = rng.randrange(3)
        at = rng.randrange(len(data)) if data else 0
        if how == 0 and data:
            data[at] = rng.randrange(256)
        elif how == 1 and data:
            del data[at]
        else:
            data.insert(at, rng.randrange(256))
    return bytes(data)


def _by_protobuf(record):
    """Lists kind and values by key, or None if the record is malformed."""
    try:
        example = tf.train.Example.FromString(record)
    except DecodeError:
        return None
    found = {}
    for key, feature in example.features.feature.items():
        kind = feature.WhichOneof("kind")
        found[key] = kind, list(getattr(feature, kind).value) if kind else []
    return found


def _decoded(values, kind):
    column, counts = examples.DECODERS[kind](values)
    ends = np.cumsum(counts)
    return [list(column[end - count : end]) for end, count in zip(ends, counts, strict=True)]


@pytest.mark.parametrize("seed", range(30))
def test_well_formed_examples_split_as_protobuf_splits_them(seed):
    rng = random.Random(seed)
    for _ in range(40):
        record = _example(rng).SerializeToString()
        found = examples.split(record)
        for key, (kind, wanted) in _by_protobuf(record).items():
            value = found[key.encode()]
            assert _decoded([value], kind) == [wanted]
            assert list(examples.one(value, kind)) == wanted


@pytest.mark.parametrize("kind", _LISTS)
@pytest.mark.parametrize("same", [True, False])
def test_columns_of_many_examples(kind, same):
    rng = random.Random(1)
    wanted = [_values(rng, kind) for _ in range(50)]
    wanted = [wanted[3]] * 50 if same else wanted
    column = []
    for values in wanted:
        example = tf.train.Example()
        getattr(example.features.feature["x"], kind).value.extend(values)
        column.append(examples.split(example.SerializeToString())[b"x"])
    assert _decoded(column, kind) == wanted


@pytest.mark.parametrize("seed", range(40))
def test_damaged_examples_never_give_more_than_protobuf(seed):
    rng = random.Random(seed)
    for _ in range(60):
        whole = _example(rng).SerializeToString()
        record = _damage(rng, whole)
        wanted = _by_protobuf(record)
        try:
            found = examples.split(record)
            read = {}
            for key, value in found.items():
                feature = examples.parse_feature(value)
                kind = feature.WhichOneof("kind")
                values = examples.one(value, kind) if kind else []
                read[key.decode()] = kind, values if isinstance(values, list) else values.tolist()
        except (examples.MalformedError, examples.WrongKindError, UnicodeDecodeError):
            continue
        if wanted is not None:
            assert repr(sorted(read.items())) == repr(sorted(wanted.items()))


def test_other_spellings():
    # Unpacked numbers, an unknown field, and features in two parts are legal.
    unpacked = b"\x0a\x0b\x0a\x09\x0a\x01a\x12\x04\x1a\x02\x08\x07"
    assert _decoded([examples.split(unpacked)[b"a"]], examples.INT64) == [[7]]
    example = tf.train.Example()
    example.features.feature["a"].int64_list.value.append(1)
    first = example.SerializeToString()
    example.features.feature["b"].int64_list.value.append(2)
    both = examples.split(first + example.SerializeToString() + b"\x50\x01")
    assert _decoded([both[b"a"], both[b"b"]], examples.INT64) == [[1], [2]]


def test_wrong_kind_and_malformed():
    example = tf.train.Example()
    example.features.feature["a"].int64_list.value.append(1)
    value = examples.split(example.SerializeToString())[b"a"]
    with pytest.raises(examples.WrongKindError) as info:
        examples.floats([value])
    assert info.value.kind == examples.INT64
    with pytest.raises(examples.MalformedError):
        examples.split(b"garbage")
