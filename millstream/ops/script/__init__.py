"""Ops that call Python functions."""

from millstream.ops.script.python import py_func

__all__ = ["py_func"]
