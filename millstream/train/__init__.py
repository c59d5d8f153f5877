"""`tf.train`: optimizers, savers, checkpoints and the training loop."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
