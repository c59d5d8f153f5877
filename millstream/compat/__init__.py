"""Compatibility: `tf.compat.*`, and `import tensorflow` served by Millstream.

`millstream run script.py` installs the import hook before it starts the script. A program that
wants it in its own process says so before its first `import tensorflow`:

    import millstream.compat
    millstream.compat.install()
    import tensorflow as tf
"""

from millstream.base.export import namespace
from millstream.compat.finder import install, installed, uninstall

__getattr__, __dir__ = namespace(__name__)

__all__ = ["install", "installed", "uninstall"]
