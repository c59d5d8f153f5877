"""`tf.contrib.seq2seq`: decoders, attention, beam search and losses of sequences."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
