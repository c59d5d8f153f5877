"""Patterns of file names: `*`, `?`, `[a-z]`, and a backslash before a character meant as such."""

import posixpath
import re

from millstream.formats.files import files_of, is_remote, os_errors

_MAGIC = re.compile(r"[*?\[\\]")
_TOKEN = re.compile(r"\\(.)|(\*)|(\?)|\[(!|\^)?(\]?[^\]]*)\]|(.)", re.DOTALL)


def match_files(pattern: str) -> list[str]:
    """Lists the files and directories that match a pattern, sorted; `*` matches no `/`.

    Names without a directory are given as `./name`.

    Raises:
        NotFoundError: if the directory before the first wildcard does not exist.
    """
    if "/" not in pattern:
        pattern = "./" + pattern
    wildcard = _MAGIC.search(pattern)
    fixed = pattern[: wildcard.start()] if wildcard else pattern
    cut = fixed.rfind("/")
    directory, parts = pattern[: max(cut, 0)], pattern[cut + 1 :].split("/")
    if cut == 0:
        directory = "/"
    files = files_of(pattern)
    with os_errors(directory):
        files.listdir(directory)
    found = [directory]
    for depth, part in enumerate(parts):
        last = depth == len(parts) - 1
        found = [path for parent in found for path in _children(parent, part, last)]
    return sorted(found)


def _children(directory: str, part: str, last: bool) -> list[str]:
    files = files_of(directory)
    base = directory if directory.endswith("/") else directory + "/"
    if not _MAGIC.search(part):
        path = base + part
        return [path] if (files.exists(path) if last else files.isdir(path)) else []
    matches = translate(part).fullmatch
    try:
        names = files.listdir(directory)
    except OSError:  # a directory that may not be read holds no matches
        return []
    paths = [base + name for name in names if matches(name)]
    return paths if last else [path for path in paths if files.isdir(path)]


def translate(part: str) -> re.Pattern[str]:
    """Compiles the pattern of one name to a regular expression."""
    out: list[str] = []
    for escaped, star, question, negated, chars, other in _TOKEN.findall(part):
        if star:
            out.append(".*")
        elif question:
            out.append(".")
        elif chars:
            safe = chars.replace("\\", r"\\").replace("[", r"\[").replace("]", r"\]")
            out.append(f"[{'^' if negated else ''}{safe}]")
        else:
            out.append(re.escape(escaped or other))
    try:
        return re.compile("".join(out), re.DOTALL)
    except re.error:  # a reversed range matches nothing
        return re.compile(r"(?!)")


def join(directory: str, name: str) -> str:
    """Joins paths, local or URLs."""
    return posixpath.join(directory, name) if directory and not is_remote(name) else name
