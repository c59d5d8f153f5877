"""Ops on whole files: ReadFile, WriteFile, MatchingFiles."""

import posixpath

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.formats import gfile
from millstream.formats.files import files_of, os_errors
from millstream.ir.spec import Host, Returns, String, Tensor, op

__all__ = ["matching_files", "read_file", "write_file"]


@op(effect=Host())
def ReadFile(filename: Tensor[String]) -> Returns(contents=Tensor[String]):
    """Gives the bytes of a file."""


@op(effect=Host())
def WriteFile(filename: Tensor[String], contents: Tensor[String]) -> None:
    """Writes a file, making its directory if need be."""


@op(effect=Host())
def MatchingFiles(pattern: Tensor[String]) -> Returns(filenames=Tensor[String]):
    """Lists the files that match any of some patterns, sorted."""


def _scalar(value):
    return value.item() if isinstance(value, np.ndarray) else value


def _text(value):
    return _scalar(value).decode("utf-8", "surrogateescape")


@ReadFile.shape
def _(filename):
    filename.with_rank(0)
    return []


@ReadFile.run
def _(filename):
    path = _text(filename)
    try:
        with os_errors(path), files_of(path).open(path, "rb") as file:
            return np.array(file.read(), object)
    except errors.OpError:
        if files_of(path).isdir(path):
            raise errors.FailedPreconditionError(None, None, f"{path}; Is a directory") from None
        raise


@WriteFile.shape
def _(filename, contents):
    filename.with_rank(0)
    contents.with_rank(0)
    return ()


@WriteFile.run
def _(filename, contents):
    path = _text(filename)
    if files_of(path).isdir(path):
        raise errors.FailedPreconditionError(None, None, f"{path}; Is a directory")
    gfile.MakeDirs(posixpath.dirname(path))
    with os_errors(path), files_of(path).open(path, "wb") as file:
        file.write(_scalar(contents))
    return ()


@MatchingFiles.shape
def _(pattern):
    pattern.with_rank_at_most(1)
    return [None]


@MatchingFiles.run
def _(pattern):
    patterns = [item.decode("utf-8", "surrogateescape") for item in np.ravel(pattern).tolist()]
    found = sorted(path.encode("utf-8", "surrogateescape") for path in gfile.Glob(patterns))
    names = np.empty(len(found), object)
    names[:] = found
    return names


for _opdef in (ReadFile, WriteFile, MatchingFiles):
    _opdef.no_gradient("strings have none")


@export("read_file", "io.read_file")
def read_file(filename, name=None):
    """Returns the bytes of a file as a string tensor, when the step runs.

    Args:
      filename: scalar string tensor.
      name: name of the node.

    Raises:
      NotFoundError: when it runs, if there is no such file.
      FailedPreconditionError: when it runs, if it is a directory.
    """
    return ReadFile(filename, name=name)


@export("write_file", "io.write_file")
def write_file(filename, contents, name=None):
    """Writes a string to a file, replacing it; makes its directory if there is none.

    Args:
      filename: scalar string tensor.
      contents: scalar string tensor.
      name: name of the node.

    Returns:
      The operation.

    Raises:
      FailedPreconditionError: when it runs, if the name is that of a directory.
    """
    return WriteFile(filename, contents, name=name)


@export("matching_files", "io.matching_files")
def matching_files(pattern, name=None):
    """Lists the files that match patterns with `*`, `?` and `[...]`, sorted.

    Args:
      pattern: string tensor, a scalar or `[patterns]`.
      name: name of the node.

    Returns:
      String tensor `[files]`; a file that several patterns match is there several times.

    Raises:
      NotFoundError: when it runs, if a directory before the first wildcard does not exist.
    """
    return MatchingFiles(pattern, name=name)
