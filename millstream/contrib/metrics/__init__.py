"""`tf.contrib.metrics`: streaming metrics, the predictions first, and sets."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
