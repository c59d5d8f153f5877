"""Millstream: TensorFlow 1.x programs on XLA. `import millstream as tf`.

Every public name is found in `_api.tsv` and imported when it is first read, so this import is
cheap and loads neither JAX nor NumPy.
"""

from millstream.base.export import install_finder, namespace
from millstream.base.version import GIT_VERSION, VERSION

__version__ = VERSION
__git_version__ = GIT_VERSION

install_finder()
__getattr__, __dir__ = namespace(__name__)
