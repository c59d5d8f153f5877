"""`tf.contrib.slim.nets`: networks whose published checkpoints have these variables' names."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
