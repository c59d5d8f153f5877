"""`tf.estimator`: models that train, evaluate, predict and export themselves."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
