"""`tf.contrib.layers`: layers with many options, regularizers, `optimize_loss`."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
