"""`tf.contrib.rnn`: more cells and wrappers, fused cells, and the core ones once more."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
