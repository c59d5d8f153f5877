"""`tf.metrics`: measures that add up over many batches, each a value and an update."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
