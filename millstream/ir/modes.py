"""Switches between TF 1.x and 2.x: graphs are always on, eager execution is not there."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from millstream.base.export import export
from millstream.base.shapes import disable_v2_tensorshape
from millstream.ir.func_graph import lifted


@export("executing_eagerly")
def executing_eagerly() -> bool:
    """Returns `False`: ops make nodes of a graph."""
    return False


@export("disable_eager_execution")
def disable_eager_execution() -> None:
    """Does nothing: eager execution is off."""


@export("disable_v2_behavior")
def disable_v2_behavior() -> None:
    """Makes sure of TF 1.x behaviour, which is the default."""
    disable_v2_tensorshape()


@export("disable_control_flow_v2")
def disable_control_flow_v2() -> None:
    """Does nothing: `tf.control_flow_v2_enabled()` is `False`."""


@export("control_flow_v2_enabled")
def control_flow_v2_enabled() -> bool:
    """Returns `False`: names of control-flow nodes follow TF 1.x."""
    return False


@export("init_scope")
@contextmanager
def init_scope() -> Generator[None]:
    """Is a context for nodes that initialise variables: out of every branch, loop and function.

    New nodes go to the outermost graph, in the current name scope, and wait for nothing.
    """
    with lifted():
        yield
