"""`tf.contrib`: façades under which TensorFlow 1.x published what was not settled yet."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
