"""`tf.contrib.crf`: linear-chain conditional random fields."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
