"""`tf.contrib.losses`: the losses of `tf.losses` with predictions first."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
