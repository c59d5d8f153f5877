"""Arrays and Python values to `TensorProto` and back, against what TensorFlow 1.15 writes."""

import contextlib
import json
from pathlib import Path
from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from millstream.base import dtypes
from millstream.base.shapes import TensorShape
from millstream.formats import protos, tensors
from millstream.formats.shapes import shape_from_proto, shape_to_proto

GOLDEN = Path(__file__).parents[1] / "golden" / "formats_tensors.json"
tf = SimpleNamespace(make_tensor_proto=tensors.make_tensor_proto, **vars(dtypes))
tf.bool = dtypes.bool_
NUMERIC = [
    *("float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8"),
    *("uint16", "uint32", "uint64", "bool", "complex64", "complex128"),
    *("qint8", "quint8", "qint16", "quint16", "qint32"),
]


@pytest.mark.parametrize(("case", "kind", "wanted"), json.loads(GOLDEN.read_text()))
def test_make_tensor_proto_writes_what_tensorflow_writes(case, kind, wanted):
    call = lambda: eval(f"tf.make_tensor_proto({case})", {"tf": tf, "np": np})
    if kind == "raises":
        with pytest.raises((TypeError, ValueError)) as caught:
            call()
        assert caught.type.__name__ == wanted
    else:
        assert call().SerializeToString(deterministic=True).hex() == wanted


@pytest.mark.parametrize("name", NUMERIC)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (0,), (2, 0)])
def test_round_trip(name, shape):
    dtype = dtypes.as_dtype(name)
    array = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype.np)
    proto = protos.TensorProto.FromString(tensors.encode(array, dtype).SerializeToString())
    back = tensors.decode(proto)
    assert back.dtype == dtype.np
    assert back.shape == shape
    np.testing.assert_array_equal(back, array)
    public = tensors.make_ndarray(proto)
    assert public.dtype == np.dtype(dtype.as_numpy_dtype)
    assert public.flags.writeable


def test_one_by_one_fields_keep_every_bit():
    bits = np.array([0x3C00, 0xFE01, 0x8000, 0x7C00], np.uint16)
    for dtype in (np.float16, ml_dtypes.bfloat16):
        back = tensors.decode(tensors.encode(bits.view(dtype)))
        np.testing.assert_array_equal(back.view(np.uint16), bits)
    for low in (np.int8(-128), np.int16(-32768), np.int64(-(2**63)), np.uint64(2**64 - 1)):
        assert tensors.decode(tensors.encode(low)) == low


def test_strings_round_trip():
    array = np.array([[b"a\0", "é".encode()], [b"", b"\xff"]], object)
    back = tensors.make_ndarray(tensors.encode(array))
    assert back.dtype == object
    assert back.tolist() == array.tolist()


def test_big_endian_arrays_keep_their_values():
    back = tensors.decode(tensors.make_tensor_proto(np.array([1, 2], ">i4")))
    assert back.tolist() == [1, 2]


def _proto(dtype, shape, **fields):
    proto = protos.TensorProto(dtype=getattr(dtypes, dtype).enum, **fields)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


def test_last_element_stands_for_the_rest():
    cases = [
        (_proto("float32", [4], float_val=[1, 2]), [1, 2, 2, 2]),
        (_proto("int32", [3], int_val=[7]), [7, 7, 7]),
        (_proto("int32", [2]), [0, 0]),
        (_proto("string", [2]), [b"", b""]),
        (_proto("string", [3], string_val=[b"a", b"b"]), [b"a", b"b", b"b"]),
        (_proto("complex64", [2], scomplex_val=[1, 2]), [1 + 2j, 1 + 2j]),
    ]
    for proto, wanted in cases:
        assert tensors.make_ndarray(proto).tolist() == wanted


def test_huge_splat_takes_no_memory():
    assert tensors.decode(_proto("float32", [1 << 40], float_val=[1])).strides == (0,)
    with pytest.raises(ValueError, match="2 GB"):
        tensors.make_ndarray(_proto("float32", [1 << 40], float_val=[1]))


@pytest.mark.parametrize(
    ("proto", "message"),
    [
        (_proto("float32", [2], float_val=[1, 2, 3]), "should have 2 elements"),
        (_proto("complex64", [2], scomplex_val=[1, 2, 3]), "odd number"),
        (_proto("float32", [2], tensor_content=b"1234567"), "needs 8 bytes"),
        (_proto("float32", [-1], float_val=[1]), "fully defined"),
        (_proto("float32", [1 << 62, 1 << 62], float_val=[1]), "too large"),
        (_proto("float32", [0, 1 << 62, 1 << 62]), "too large"),
        (_proto("float32", [1 << 40], float_val=[1, 2]), "2 GB"),
        (_proto("float32", [1] * 100, float_val=[1]), "too large"),
        (protos.TensorProto(dtype=99), "unknown type 99"),
    ],
)
def test_damaged_protos(proto, message):
    with pytest.raises(ValueError, match=message):
        tensors.decode(proto)


@given(st.binary(max_size=60))
def test_any_bytes_give_an_array_or_an_error(data):
    try:
        proto = protos.TensorProto.FromString(data)
    except DecodeError:
        return
    with contextlib.suppress(ValueError):
        tensors.decode(proto)


def test_more_than_two_gigabytes_is_refused():
    big = np.broadcast_to(np.float32(0), (1 << 29,))
    with pytest.raises(ValueError, match="2 GB"):
        tensors.encode(big)


def test_shapes():
    for dims in (None, [], [2, None], [0, 3]):
        shape = TensorShape(dims)
        back = shape_from_proto(shape_to_proto(shape))
        assert back.tuple == shape.tuple
    assert TensorShape([None, 2]).as_proto().dim[0].size == -1
