"""Records which public names TF 1.15's internal modules share: writes compat_modules.json.gz.

Run under a TF 1.15 interpreter. For every module that `millstream/compat/modules.tsv` lists, and
every name in it that is the same object as something public, the public names of that object; and,
to tell wrong hits, all public names.
"""

import gzip
import importlib
import json
import os
import types
import warnings

warnings.simplefilter("ignore")

import tensorflow as tf  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = os.path.join(HERE, "..", "..", "millstream", "compat", "modules.tsv")
PLAIN = (int, float, str, bytes, bool, tuple, type(None), types.ModuleType)

SKIPPED = ("compat", "keras", "contrib", "raw_ops")
# These libraries show whole modules of TensorFlow's own by accident.
LEAKY = {"quantization", "slim", "specs"}


def public_names(namespace, prefix="", found=None):
    """Maps the id of every public object to the object and its names."""
    found = {} if found is None else found
    for name in dir(namespace):
        value = getattr(namespace, name, None)
        if name.startswith("_") or (not prefix and name in SKIPPED):
            continue
        if isinstance(value, types.ModuleType):
            if "._api." in value.__name__:
                public_names(value, prefix + name + ".", found)
        elif not isinstance(value, PLAIN):
            found.setdefault(id(value), (value, []))[1].append(prefix + name)
    return found


def with_contrib(found):
    """Adds the libraries of contrib, without what they hold deeper down."""
    for library in sorted(set(dir(tf.contrib)) - LEAKY):
        module = getattr(tf.contrib, library, None)
        if isinstance(module, types.ModuleType) and module.__name__.endswith("contrib." + library):
            public_names(module, "contrib." + library + ".", found)
    return found


def main():
    public = with_contrib(public_names(tf))
    modules = {}
    with open(TABLE) as table:
        listed = [line.split("\t")[0].strip() for line in table if not line.startswith("#")]
    for module in listed:
        if not module.startswith("python."):
            continue
        try:
            members = vars(importlib.import_module("tensorflow." + module))
        except ImportError:
            continue
        rows = {
            name: sorted(public[id(value)][1])
            for name, value in members.items()
            if id(value) in public and _belongs(module, value) and not name.startswith("__")
        }
        if rows:
            modules[module] = rows
    names = sorted({name for _, names in public.values() for name in names})
    target = os.path.join(HERE, "compat_modules.json.gz")
    text = json.dumps({"modules": modules, "public": names}, sort_keys=True)
    with open(target, "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as file:
        file.write(text.encode())
    print(len(modules), "modules,", sum(map(len, modules.values())), "names")


def _belongs(module, value):
    """Leaves out what a module merely imports for itself."""
    home = getattr(value, "__module__", None) or ""
    return home.endswith((module, "gen_" + module.rpartition(".")[2]))


if __name__ == "__main__":
    main()
