"""`tf.contrib.slim`: layers with argument scopes, training and evaluation loops, networks."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
