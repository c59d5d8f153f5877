"""`tf.contrib.nn`: a few more functions of neural networks."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
