"""`tf.estimator.inputs`: input functions over arrays and data frames."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
