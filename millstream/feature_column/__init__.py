"""`tf.feature_column`: how the features of examples become the inputs of a model."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
