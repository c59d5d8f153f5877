"""`tf.estimator.export`: what a SavedModel of an estimator takes and gives."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
