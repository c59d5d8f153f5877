"""Attrs: every kind survives its message; types that an op does not compute are refused."""

import numpy as np
import pytest

import millstream as tf
from millstream.base import dtypes, errors
from millstream.base.shapes import TensorShape
from millstream.ir import registry
from millstream.ir.attrs import FunctionRef, from_proto, to_proto
from millstream.ir.opdef import AttrSpec, OpDef

VALUES = {
    "int": 3,
    "float": 2.5,
    "bool": True,
    "string": "a text",
    "type": dtypes.int64,
    "shape": TensorShape([2, None]),
    "list(int)": (1, -2),
    "list(float)": (1.0, 2.0),
    "list(bool)": (True, False),
    "list(string)": ("a", "b"),
    "list(type)": (dtypes.float32, dtypes.string),
    "list(shape)": (TensorShape([2]), TensorShape(None)),
}


@pytest.mark.parametrize("kind", VALUES)
def test_every_kind_survives_its_message(kind):
    value = VALUES[kind]
    found = from_proto(to_proto(value, kind))
    assert str(found) == str(value)  # unknown shapes equal nothing, not even themselves
    assert type(found) is type(value)


def test_arrays_functions_and_odd_bytes_survive_their_message():
    array = np.array([[1.5, 2.5]])
    np.testing.assert_array_equal(from_proto(to_proto(array, "tensor")), array)
    function = FunctionRef("body", {"T": dtypes.float32})
    assert from_proto(to_proto(function, "func")) == function
    assert from_proto(to_proto(b"\xff\x00", "string")) == b"\xff\x00"
    assert from_proto(to_proto((), "list(int)")) == ()


def test_a_whole_float_stays_a_float():
    assert to_proto(2, "float").f == 2.0
    assert to_proto(True, "int").i == 1


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *[("int", v) for v in ("a", 1.5, None)],
        *[("float", v) for v in ("a", None)],
        *[("bool", v) for v in ("a", None, 1.5)],
        *[("string", v) for v in (3, None)],
        *[("type", v) for v in ("nothing", object())],
        *[("list(int)", v) for v in (3, ["a"])],
    ],
)
def test_wrong_kinds_are_refused_by_name(kind, value):
    opdef = OpDef("Sample", [], [], [AttrSpec("size", kind)])
    with tf.Graph().as_default(), pytest.raises(TypeError, match=r"size.*Sample"):
        opdef(size=value)


def test_values_out_of_range_are_refused():
    least = OpDef("Sample", [], [], [AttrSpec("size", "int", None, 2)])
    named = OpDef("Sample", [], [], [AttrSpec("way", "string", ("up", "down"))])
    short = OpDef("Sample", [], [], [AttrSpec("sizes", "list(int)", None, 2)])
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="less than minimum 2"):
            least(size=1)
        with pytest.raises(ValueError, match='"up", "down"'):
            named(way="left")
        with pytest.raises(ValueError, match="length 1 less than minimum 2"):
            short(sizes=[1])
        with pytest.raises(TypeError, match="No argument for attr size"):
            least()
        with pytest.raises(TypeError, match="unexpected arguments: colour"):
            least(size=2, colour="red")


@pytest.fixture
def integer_update():
    """A training op with a type for which TF, too, has no kernel."""
    with tf.Graph().as_default():
        variable = tf.Variable([1, 2], use_resource=False, name="v")
        # As an imported graph would hold it.
        update = tf.get_default_graph().create_op(
            "ApplyGradientDescent",
            [variable._ref(), tf.constant(1), tf.constant([1, 1])],
            name="update",
            attrs={"T": dtypes.int32},
        )
        yield update


def test_a_type_that_is_not_computed_can_be_built_and_saved(integer_update):
    message = integer_update.graph.as_graph_def()
    with tf.Graph().as_default() as copy:
        tf.import_graph_def(message, name="")
    assert copy.get_operation_by_name("update").get_attr("T") is dtypes.int32


def test_running_a_type_that_is_not_computed_is_an_error(integer_update):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(errors.InvalidArgumentError, match="No OpKernel was registered") as e:
            session.run(integer_update)
    assert "'ApplyGradientDescent' used by node update" in str(e.value)
    assert "T=int32" in str(e.value)


def test_computed_types_are_among_the_allowed_ones():
    for opdef in registry.all_ops().values():
        for attr, types in opdef.computed_types.items():
            assert types
            allowed = opdef.attrs[attr].allowed  # None: all
            assert allowed is None or set(types) <= set(allowed), opdef
