"""`import tensorflow` and what lies below it, in a process of its own each."""

import os
import subprocess
import sys
import textwrap

import pytest

import millstream
from millstream.compat import finder

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.getcwd()}


def run(source, **environment):
    code = "import millstream.compat; millstream.compat.install()\n" + textwrap.dedent(source)
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def check(source):
    result = run(source)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_public_namespaces_are_the_same_modules():
    check(
        """
        import tensorflow as tf
        import tensorflow.errors as errors
        import millstream
        from tensorflow.errors import NotFoundError
        assert tf is millstream and errors is millstream.errors
        assert NotFoundError is millstream.errors.NotFoundError
        """
    )


def test_internal_modules():
    check(
        """
        import tensorflow as tf
        from tensorflow.python.framework import ops, dtypes, tensor_shape
        import tensorflow.python.framework.ops
        from tensorflow.python.framework.ops import Graph, convert_to_tensor
        assert ops.Graph is Graph is tf.Graph
        assert dtypes.float32 is tf.float32
        assert tensor_shape.TensorShape is tf.TensorShape
        assert tensorflow.python.framework.ops is ops
        from tensorflow.python.util import nest, tf_inspect
        assert nest.flatten is tf.nest.flatten
        """
    )


def test_messages_and_their_enums():
    check(
        """
        import tensorflow as tf
        from tensorflow.core.framework import graph_pb2, types_pb2
        from tensorflow.core.example import example_pb2
        from tensorflow.core.protobuf.config_pb2 import ConfigProto
        assert graph_pb2.GraphDef is tf.GraphDef and ConfigProto is tf.ConfigProto
        assert example_pb2.Example is tf.train.Example
        assert types_pb2.DT_FLOAT == 1 and types_pb2.DataType.Name(1) == "DT_FLOAT"
        """
    )


@pytest.mark.parametrize(
    "name", ["tensorflow.nothing", "tensorflow.runtime", "tensorflow.python.framework.nothing"]
)
def test_modules_that_are_not_served(name):
    result = run(f"import {name}")
    assert result.returncode == 1
    assert f"ModuleNotFoundError: No module named {name!r}: Millstream serves" in result.stderr


def test_names_that_are_not_there():
    result = run("from tensorflow.python.framework import ops; ops.nothing")
    assert "AttributeError: module 'tensorflow.python.framework.ops' has no attribute" in (
        result.stderr
    )
    result = run("from tensorflow.python.framework.ops import nothing")
    assert "ImportError: cannot import name 'nothing'" in result.stderr


def test_installing_twice_and_uninstalling():
    check(
        """
        import sys, millstream.compat as compat
        compat.install()
        import tensorflow
        assert compat.installed()
        before = list(sys.meta_path)
        compat.uninstall()
        compat.uninstall()
        assert len(sys.meta_path) == len(before) - 1
        assert not [n for n in sys.modules if n.startswith("tensorflow")]
        try:
            import tensorflow.errors
        except ImportError as error:
            assert "Millstream" not in str(error)
        """
    )


def test_genuine_tensorflow_that_is_imported_already_is_left_alone(monkeypatch):
    other = type(sys)("tensorflow")
    other.__file__ = "/somewhere/tensorflow/__init__.py"
    monkeypatch.setitem(sys.modules, "tensorflow", other)
    with pytest.raises(ImportError, match=r"imported already, from /somewhere/tensorflow"):
        finder.install()
    assert not finder.installed()


def test_without_the_hook_tensorflow_is_no_name_of_ours():
    assert not finder.installed()
    assert sys.modules.get("tensorflow") is not millstream


def test_importing_loads_no_jax():
    check(
        """
        import sys
        import tensorflow as tf
        from tensorflow.python.framework import ops
        assert "jax" not in sys.modules
        """
    )
