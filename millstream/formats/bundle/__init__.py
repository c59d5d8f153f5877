"""Checkpoints of format 2: `BundleWriter`, `BundleReader`, `merge_bundles`."""

from millstream.formats.bundle.place import data_name, index_name, merge_bundles
from millstream.formats.bundle.reader import BundleReader
from millstream.formats.bundle.writer import BundleWriter

__all__ = ["BundleReader", "BundleWriter", "data_name", "index_name", "merge_bundles"]
