"""`tf.contrib.legacy_seq2seq`: sequence-to-sequence models that are unrolled."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
