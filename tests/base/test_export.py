"""The namespace: rows of the table, modules made for namespaces, one import per name."""

import importlib
import subprocess
import sys

import pytest

import millstream as tf
from millstream.base import export

ROWS = [
    ("relu", "m.nn", "relu"),
    ("nn.relu", "m.nn", "relu"),
    ("compat.as_bytes", "m.compat", "as_bytes"),
    ("contrib.layers.dense", "m.layers", "dense"),
    ("op:Relu", "m.ops", "Relu"),
]


@pytest.fixture
def table() -> export.Table:
    return export.Table(ROWS)


def test_names_and_their_v1_twins(table):
    assert table.entry("nn.relu") == ("m.nn", "relu")
    assert table.entry("compat.v1.nn.relu") == ("m.nn", "relu")
    assert table.entry("compat.v1.compat.as_bytes") == ("m.compat", "as_bytes")
    assert table.entry("nn") is None
    assert table.entry("nn.elu") is None


def test_raw_ops_are_the_ops(table):
    assert table.entry("raw_ops.Relu") == ("m.ops", "Relu")
    assert table.members("raw_ops") == {"Relu"}


@pytest.mark.parametrize(
    "name", ["nn", "compat", "compat.v1", "compat.v1.nn", "contrib", "contrib.layers", "raw_ops"]
)
def test_namespaces(table, name):
    assert table.is_namespace(name)


@pytest.mark.parametrize("name", ["relu", "nn.relu", "compat.v2", "contrib.layers.dense", "x"])
def test_no_namespaces(table, name):
    assert not table.is_namespace(name)


def test_members(table):
    assert table.members("") == {"relu", "nn", "compat", "contrib", "raw_ops"}
    assert table.members("compat") == {"v1", "as_bytes"}
    assert table.members("compat.v1") == {"relu", "nn", "compat", "raw_ops"}
    assert table.members("compat.v1.nn") == {"relu"}


def test_attributes_of_the_package():
    from millstream.base import dtypes

    assert tf.float32 is tf.dtypes.float32 is tf.compat.v1.float32 is dtypes.float32
    assert "float32" in dir(tf)
    assert "NotFoundError" in dir(tf.errors)


def test_import_forms():
    from millstream.compat.v1 import errors as v1_errors
    from millstream.errors import NotFoundError

    assert importlib.import_module("millstream.errors") is tf.errors
    assert v1_errors.NotFoundError is NotFoundError
    names: dict = {}
    exec("from millstream.errors import *", names)
    assert names["NotFoundError"] is NotFoundError


@pytest.mark.parametrize("name", ["no_such_name", "float32x", "__wrapped__"])
def test_missing_names_are_attribute_errors(name):
    with pytest.raises(AttributeError, match=f"'millstream' has no attribute '{name}'"):
        getattr(tf, name)


def test_missing_module_is_an_import_error():
    with pytest.raises(ModuleNotFoundError, match=r"millstream\.no_such_module"):
        importlib.import_module("millstream.no_such_module")


def test_export_notes_functions_and_values():
    try:
        # A value that is no function is found in the module by identity.
        export.export("zz.value")(ROWS)
        export.export("zz.function")(test_members)
        assert export.EXPORTS["zz.value"].attribute == "ROWS"
        assert export.EXPORTS["zz.function"].attribute == "test_members"
        assert export.EXPORTS["zz.function"].module == __name__
        export.export_constant("zz.lost", object())
        with pytest.raises(LookupError, match=r"tf\.zz\.lost is exported"):
            _ = export.EXPORTS["zz.lost"].attribute
    finally:
        for name in ("zz.value", "zz.function", "zz.lost"):
            export.EXPORTS.pop(name, None)


def test_importing_loads_neither_jax_nor_numpy():
    code = "import sys, millstream; print(sorted({'jax', 'numpy', 'absl'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
