"""`tf.layers`: functions and classes that make the variables of a network as well as its nodes."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
