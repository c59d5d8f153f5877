"""`tf.data`: input pipelines."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
