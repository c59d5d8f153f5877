"""`tf.losses`: measures of what is wrong, weighted, reduced and collected."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
