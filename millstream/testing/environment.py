"""`tf.test.main`, temporary directories, and questions about devices."""

import atexit
import os
import shutil
import sys
import tempfile
from functools import cache

from absl.testing import absltest

from millstream.base.export import export
from millstream.runtime.session import Session


@cache
def _directory():
    parent = os.environ.get("TEST_TMPDIR") or tempfile.gettempdir()
    path = tempfile.mkdtemp(prefix="millstream-test-", dir=parent)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


@export("test.get_temp_dir")
def get_temp_dir():
    """Returns a directory for files of this process's tests, which is removed at its end."""
    return _directory()


@export("test.test_src_dir_path")
def test_src_dir_path(relative_path):
    """Returns the path of a file below the directory that the tests run in."""
    return os.path.join(os.environ.get("TEST_SRCDIR", os.getcwd()), relative_path)


# pytest would take it for a test.
test_src_dir_path.__test__ = False


@export("test.main")
def main(argv=None):
    """Runs all tests of the calling module and exits.

    Args:
      argv: command line, by default the program's.
    """
    absltest.main(argv=argv or sys.argv)


def _gpus():
    with Session() as session:
        return [d for d in session.list_devices() if d.device_type == "GPU"]


@export("test.is_gpu_available")
def is_gpu_available(cuda_only=False, min_cuda_compute_capability=None):
    """Returns whether sessions see a GPU.

    Args:
      cuda_only: accepted.
      min_cuda_compute_capability: accepted; the compiler decides what a GPU must be able to do.
    """
    del cuda_only, min_cuda_compute_capability
    return bool(_gpus())


@export("test.gpu_device_name")
def gpu_device_name():
    """Returns the name of the first GPU, `""` if there is none."""
    found = _gpus()
    return found[0].name if found else ""


@export("test.is_built_with_cuda", "test.is_built_with_gpu_support")
def is_built_with_cuda():
    """Returns whether GPUs can be used at all: whether sessions see one."""
    return is_gpu_available()


@export("test.is_built_with_rocm")
def is_built_with_rocm():
    """Returns whether AMD GPUs can be used: never tested, so `False`."""
    return False
