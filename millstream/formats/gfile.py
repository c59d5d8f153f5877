"""`tf.gfile` and `tf.io.gfile`: files and directories, local or behind a URL."""

import os
from collections.abc import Callable, Iterator
from typing import IO, Any

from millstream.base import errors
from millstream.base.export import export
from millstream.formats import globs
from millstream.formats.files import Stat as FileStatistics
from millstream.formats.files import files_of, os_errors, path_of

_COPY_CHUNK = 16 << 20


@export("gfile.Exists")
def Exists(filename: Any) -> bool:
    """Tells whether there is a file or directory of that name."""
    path = path_of(filename)
    return bool(path) and files_of(path).exists(path)


@export("gfile.IsDirectory")
def IsDirectory(dirname: Any) -> bool:
    """Tells whether there is a directory of that name."""
    path = path_of(dirname)
    return files_of(path).isdir(path)


@export("gfile.ListDirectory")
def ListDirectory(dirname: Any) -> list[str]:
    """Lists the names of a directory's files and directories.

    Raises:
        NotFoundError: if there is no such directory.
    """
    path = path_of(dirname)
    if not files_of(path).isdir(path):
        raise errors.NotFoundError(None, None, f"Could not find directory {path}")
    with os_errors(path):
        return files_of(path).listdir(path)


@export("gfile.Glob")
def Glob(filename: Any) -> list[str]:
    """Lists the files that match a pattern, or any of several.

    Raises:
        NotFoundError: if the directory before the first wildcard does not exist.
    """
    if isinstance(filename, str | bytes | os.PathLike):
        return globs.match_files(path_of(filename))
    return [path for pattern in filename for path in globs.match_files(path_of(pattern))]


@export("gfile.MkDir")
def MkDir(dirname: Any) -> None:
    """Makes a directory; one that exists is no error.

    Raises:
        NotFoundError: if its parent does not exist.
    """
    path = path_of(dirname)
    with os_errors(path):
        if not files_of(path).exists(path):
            files_of(path).mkdir(path)


@export("gfile.MakeDirs")
def MakeDirs(dirname: Any) -> None:
    """Makes a directory and its parents; one that exists is no error.

    Raises:
        FailedPreconditionError: if a parent is a file.
    """
    path = path_of(dirname)
    with os_errors(path):
        if path and not files_of(path).exists(path):
            files_of(path).makedirs(path)


@export("gfile.Remove")
def Remove(filename: Any) -> None:
    """Removes a file.

    Raises:
        FailedPreconditionError: if it is a directory.
        NotFoundError: if there is no such file.
    """
    path = path_of(filename)
    with os_errors(path):
        files_of(path).remove(path)


@export("gfile.DeleteRecursively")
def DeleteRecursively(dirname: Any) -> None:
    """Removes a directory and everything in it.

    Raises:
        FailedPreconditionError: if it is a file.
        NotFoundError: if there is no such directory.
    """
    path = path_of(dirname)
    if not files_of(path).exists(path):
        raise errors.NotFoundError(None, None, f"{path} not found")
    if not files_of(path).isdir(path):
        raise errors.FailedPreconditionError(None, None, f"{path}; Not a directory")
    with os_errors(path):
        files_of(path).rmtree(path)


@export("gfile.Copy")
def Copy(oldpath: Any, newpath: Any, overwrite: bool = False) -> None:
    """Copies a file.

    Raises:
        AlreadyExistsError: if the new one exists and is not to be overwritten.
        NotFoundError: if there is no such file, or no such directory to copy to.
    """
    old, new = path_of(oldpath), path_of(newpath)
    _check_new(new, overwrite)
    if files_of(old).isdir(old):
        raise errors.InvalidArgumentError(None, None, f"{old}; is a directory, no file to copy")
    with os_errors(old), files_of(old).open(old, "rb") as source:
        _write_all(source, new)


def _write_all(source: IO[bytes], path: str) -> None:
    with os_errors(path), files_of(path).open(path, "wb") as target:
        while chunk := source.read(_COPY_CHUNK):
            target.write(chunk)


@export("gfile.Rename")
def Rename(oldname: Any, newname: Any, overwrite: bool = False) -> None:
    """Renames a file or directory.

    Raises:
        AlreadyExistsError: if the new one exists and is not to be overwritten.
        NotFoundError: if there is no such file.
    """
    old, new = path_of(oldname), path_of(newname)
    _check_new(new, overwrite)
    with os_errors(old):
        files_of(old).rename(old, new)


def _check_new(path: str, overwrite: bool) -> None:
    if not overwrite and files_of(path).exists(path):
        raise errors.AlreadyExistsError(None, None, f"{path}: file already exists")


@export("gfile.Stat")
def Stat(filename: Any) -> FileStatistics:
    """Returns length (bytes), `mtime_nsec` (ns since 1970) and `is_directory` of a file.

    Raises:
        NotFoundError: if there is no such file.
    """
    path = path_of(filename)
    with os_errors(path):
        return files_of(path).stat(path)


@export("gfile.Walk")
def Walk(top: Any, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """Gives (directory, its directories, its files) for a directory and all below it.

    Args:
        top: the directory; one that does not exist gives nothing.
        in_order: a directory comes before those in it, not after.
    """
    return walk(top, in_order)


@export("io.gfile.walk")
def walk(
    top: Any, topdown: bool = True, onerror: Callable[[errors.OpError], Any] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Gives (directory, its directories, its files) for a directory and all below it.

    Args:
        top: the directory.
        topdown: a directory comes before those in it, not after.
        onerror: called with the error if a directory cannot be listed.
    """
    path = path_of(top)
    try:
        names = sorted(ListDirectory(path))
    except errors.OpError as error:
        if onerror:
            onerror(error)
        return
    inside = [(name, globs.join(path, name)) for name in names]
    directories = [name for name, full in inside if files_of(full).isdir(full)]
    here = path, directories, [name for name in names if name not in set(directories)]
    if topdown:
        yield here
    for name in directories:
        yield from walk(globs.join(path, name), topdown, onerror)
    if not topdown:
        yield here


@export("io.gfile.copy")
def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Copies a file: see `tf.gfile.Copy`."""
    Copy(src, dst, overwrite)


@export("io.gfile.exists")
def exists(path: Any) -> bool:
    """Tells whether there is a file or directory of that name."""
    return Exists(path)


@export("io.gfile.glob")
def glob(pattern: Any) -> list[str]:
    """Lists the files that match a pattern: see `tf.gfile.Glob`."""
    return Glob(pattern)


@export("io.gfile.isdir")
def isdir(path: Any) -> bool:
    """Tells whether there is a directory of that name."""
    return IsDirectory(path)


@export("io.gfile.listdir")
def listdir(path: Any) -> list[str]:
    """Lists the names in a directory: see `tf.gfile.ListDirectory`."""
    return ListDirectory(path)


@export("io.gfile.makedirs")
def makedirs(path: Any) -> None:
    """Makes a directory and its parents: see `tf.gfile.MakeDirs`."""
    MakeDirs(path)


@export("io.gfile.mkdir")
def mkdir(path: Any) -> None:
    """Makes a directory: see `tf.gfile.MkDir`."""
    MkDir(path)


@export("io.gfile.remove")
def remove(path: Any) -> None:
    """Removes a file: see `tf.gfile.Remove`."""
    Remove(path)


@export("io.gfile.rename")
def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Renames a file or directory: see `tf.gfile.Rename`."""
    Rename(src, dst, overwrite)


@export("io.gfile.rmtree")
def rmtree(path: Any) -> None:
    """Removes a directory and everything in it: see `tf.gfile.DeleteRecursively`."""
    DeleteRecursively(path)


@export("io.gfile.stat")
def stat(path: Any) -> FileStatistics:
    """Returns length, time and kind of a file: see `tf.gfile.Stat`."""
    return Stat(path)
