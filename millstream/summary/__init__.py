"""`tf.summary`: numbers, histograms, images, text and sound for TensorBoard."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
