"""Paths relative to the calling file."""

from pathlib import Path

import pytest

import millstream as tf

HERE = Path(__file__).resolve()


def test_paths_beside_the_caller():
    assert tf.resource_loader.get_data_files_path() == str(HERE.parent)
    assert tf.resource_loader.get_path_to_datafile("a/b.txt") == str(HERE.parent / "a/b.txt")
    assert tf.resource_loader.readahead_file_path("x") == "x"


def test_resources_of_the_package():
    root = Path(tf.resource_loader.get_root_dir_with_all_resources())
    assert tf.resource_loader.load_resource("base/compat.py").startswith(b'"""')
    assert (root / "base/compat.py").exists()
    with pytest.raises(FileNotFoundError, match="nothing"):
        tf.resource_loader.load_resource("nothing")
