"""`tf.contrib.opt`: optimizers beside those of `tf.train`."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
