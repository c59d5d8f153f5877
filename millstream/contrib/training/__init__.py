"""`tf.contrib.training`: train ops, hyperparameters, evaluation, batches by kind and length."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
