"""Makes the API reference: one page per public namespace, from the table of public names.

MkDocs calls `on_files` before it builds the site.
"""

import importlib
import inspect
import re
from functools import cache

from mkdocs.structure.files import File

from millstream.base import export

ROOT = "tf"
HIDDEN = ("compat.v1", "raw_ops")


def on_files(files, config):
    pages = []
    for namespace in sorted(export.table().children):
        if namespace.startswith(HIDDEN):
            continue
        content = page(namespace)
        if content:
            title = _title(namespace)
            path = f"reference/{title}.md"
            files.append(File.generated(config, path, content=content))
            pages.append({title: path})
    config.nav.append({"API reference": pages})
    return files


def _title(namespace):
    return f"{ROOT}.{namespace}" if namespace else ROOT


@cache
def _main_names():
    """Chooses, of the public names that share an object, the one that describes it."""
    found = {}
    for name, home in sorted(names_known().items(), key=lambda row: (row[0].count("."), row)):
        if not name.startswith(HIDDEN):
            found.setdefault(home, name)
    return found


def page(namespace):
    """Writes one namespace's page, or nothing if only other namespaces are in it."""
    prefix = f"{namespace}." if namespace else ""
    names = sorted(n for n in export.table().members(namespace) if prefix + n in names_known())
    if not names:
        return ""
    return "\n".join([f"# {_title(namespace)}\n", *(entry(prefix + name) for name in names)])


def names_known():
    return export.table().names


def entry(name):
    """Writes one public name's section."""
    module, attribute = names_known()[name]
    value = importlib.import_module(module)
    for part in attribute.split("."):
        value = getattr(value, part)
    heading = f"{ROOT}.{name}"
    main = _main_names()[module, attribute]
    if main != name:
        link = f"[`{ROOT}.{main}`]({_title(main.rpartition('.')[0])}.md)"
        return f"### {heading}\n\nThe same as {link}.\n"
    if _is_in_source(value, module, attribute):
        options = f"    options:\n      heading: {heading}\n      toc_label: {heading}\n"
        return f"::: {module}.{attribute}\n{options}"
    text = f"### {heading}\n"
    summary = inspect.getdoc(value) if not inspect.ismodule(value) else ""
    if isinstance(value, (int, float, str, bytes, bool)):
        return f"{text}\n`{value!r}`\n"
    return f"{text}\n{summary or ''}\n"


def _is_in_source(value, module, attribute):
    """Tells whether a reader of the source alone finds a definition under this name."""
    if not (inspect.isclass(value) or inspect.isfunction(value)) or hasattr(value, "DESCRIPTOR"):
        return False
    first = attribute.partition(".")[0]
    return re.search(rf"^(class|def) {first}\b", _source(module), re.MULTILINE) is not None


@cache
def _source(module):
    return inspect.getsource(importlib.import_module(module))
