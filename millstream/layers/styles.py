"""`tf.layers.experimental`: layers that own their variables by object, not by variable scope."""

import threading
from contextlib import contextmanager

from millstream.base.export import export

_everywhere = [False]


class _Local(threading.local):
    depth = 0


_local = _Local()


def is_keras_style():
    """Tells whether layers made now own their variables by object."""
    return _everywhere[0] or _local.depth > 0


@export("layers.experimental.keras_style_scope")
@contextmanager
def keras_style_scope():
    """Is a context in which new layers own their variables: names never clash, nothing is reused.

    Example:
      >>> with tf.layers.experimental.keras_style_scope():
      ...     a, b = tf.layers.Dense(3, name="fc"), tf.layers.Dense(3, name="fc")
      >>> _ = a(tf.ones([1, 2])), b(tf.ones([1, 2]))
      >>> b.kernel.name
      'fc_1/kernel:0'
    """
    _local.depth += 1
    try:
        yield
    finally:
        _local.depth -= 1


@export("layers.experimental.set_keras_style")
def set_keras_style():
    """Makes all layers from now on own their variables, as in `keras_style_scope`."""
    _everywhere[0] = True


def made_variable(
    name, shape, dtype=None, initializer=None, trainable=True, constraint=None, partitioner=None,
    use_resource=None, create=None, **options,
):  # fmt: skip
    """Makes a variable in the current name scope; the getter of such layers."""
    make = initializer() if isinstance(initializer, type) else initializer
    return create(
        lambda: make(shape, dtype=dtype), name=name, trainable=trainable, dtype=dtype,
        constraint=constraint, use_resource=True if use_resource is None else use_resource,
        **options,
    )  # fmt: skip


def refuse(**arguments):
    """Raises ValueError for arguments that only variable scopes have."""
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(
                f"{name} argument not allowed when keras style layers are enabled, but saw: {value}"
            )
