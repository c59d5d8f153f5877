"""`tf.distributions`: probability distributions over tensors, with samples and densities."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
