"""`tf.saved_model`: models as directories that serve, load and move between programs."""

from millstream.base.export import namespace

__getattr__, __dir__ = namespace(__name__)
