"""`tf.resource_loader`: paths of data files that lie beside the program's modules."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import sys
from pathlib import Path

from millstream.base.export import export

_ROOT = Path(__file__).resolve().parent.parent


def _directory_of_caller() -> str:
    return str(Path(sys._getframe(2).f_code.co_filename).resolve().parent)


@export("resource_loader.get_data_files_path")
def get_data_files_path() -> str:
    """Gives the directory of the file that calls this."""
    return _directory_of_caller()


@export("resource_loader.get_path_to_datafile")
def get_path_to_datafile(path: str) -> str:
    """Gives the path of a file that lies relative to the file that calls this."""
    return str(Path(_directory_of_caller(), path))


@export("resource_loader.get_root_dir_with_all_resources")
def get_root_dir_with_all_resources() -> str:
    """Gives the package's directory."""
    return str(_ROOT)


@export("resource_loader.load_resource")
def load_resource(path: str) -> bytes:
    """Reads a file that lies relative to the package's directory.

    Raises:
      FileNotFoundError: If there is no such file.
    """
    return Path(_ROOT, path).read_bytes()


@export("resource_loader.readahead_file_path")
def readahead_file_path(path: str, readahead: str = "128M") -> str:
    """Gives the path itself: no file system here has a notation for reading ahead."""
    return path
