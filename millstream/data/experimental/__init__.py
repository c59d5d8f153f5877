"""`tf.data.experimental`: less common sources and transformations."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
