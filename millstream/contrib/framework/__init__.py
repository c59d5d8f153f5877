"""`tf.contrib.framework`: argument scopes, variables by name, checkpoints, small helpers."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
