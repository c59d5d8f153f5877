"""Records what TF 1.15 makes of small programs over layers, losses, metrics and slim.

    python tests/golden/library_cases.py

Each case is a snippet that is executed in a fresh graph with a seed. Recorded are the nodes (without
those of gradients and of control flow, which are Millstream's own), the collections, and what `out`
gives when it is run. In the snippets `ph(2, None)` is a placeholder, `c(2, 3)` a constant of sines,
`b()` a boolean placeholder; `steps` says how often to run.
"""

import gzip
import importlib
import json
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "library_cases.txt")
RECORDED = os.path.join(HERE, "library_cases.json.gz")
_OWN = re.compile(r"(^|/)(gradients|cond(_\d+)?|AssertGuard|is_valid_shape|Assert)(/|$)")

# What is computed is the same there, the nodes are fewer or in another order.
_OWN_NODES = ("_at_k", "contrib.opt", "contrib.metrics", "metric_learning")


def read_cases(path=CASES):
    """Reads the snippets: one a line, `;;` between their own lines, by family."""
    families, family = {}, None
    with open(path) as file:
        lines = file.read().splitlines()
    for line in lines:
        if line.startswith("# "):
            family = families.setdefault(line[2:].strip(), [])
        elif line.strip():
            family.append(line.strip())
    return families


def run(tf, np, text):
    """Executes a snippet; returns what there is to compare."""
    graph, found = tf.Graph(), {}
    with graph.as_default():
        tf.set_random_seed(7)

        def sines(*shape):
            values = np.sin(np.arange(int(np.prod(shape)))).reshape(shape)
            return tf.constant(values.astype(np.float32))

        def nets(name):
            if tf.__name__ == "millstream":
                return getattr(tf.contrib.slim.nets, name)
            return importlib.import_module("tensorflow.contrib.slim.python.slim.nets." + name)

        names = {
            "tf": tf, "np": np, "nets": nets, "c": sines, "b": lambda: tf.placeholder(tf.bool, ()),
            "ph": lambda *shape: tf.placeholder(tf.float32, shape),
        }  # fmt: skip
        out = None
        try:
            text = text.replace(";;", "\n")
            if "\n" in text or text.startswith("out"):
                exec(text, names)
                out = names.get("out")
            else:
                out = eval(text, names)
        except Exception as error:
            found["error"] = type(error).__name__
        found["nodes"] = [
            [op.name, op.type] for op in graph.get_operations() if not _OWN.search(op.name)
        ]
        if any(word in text for word in _OWN_NODES):
            found["nodes"] = []
        found["collections"] = {
            key: [getattr(item, "name", str(item)) for item in graph.get_collection_ref(key)]
            for key in sorted(k for k in graph.get_all_collection_keys() if isinstance(k, str))
            if not key.startswith("__") and key not in ("cond_context", "while_context")
        }
        if out is not None and not any(op.type == "Placeholder" for op in graph.get_operations()):
            try:
                found["values"] = values_of(tf, np, out, names.get("steps", 1))
            except Exception as error:
                found["run_error"] = type(error).__name__
    return found


def values_of(tf, np, out, steps):
    """Runs `out` in a new session; lists the first elements of what comes."""
    flat = []

    def flatten(value):
        if isinstance(value, (list, tuple)):
            for item in value:
                flatten(item)
        elif value is not None:
            array = np.asarray(value)
            flat.append([float("%.6g" % x) for x in array.astype(np.float64).ravel()[:12]])

    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        if isinstance(out, tuple) and len(out) == 2:
            # A metric: its value is read after the updates, not beside them.
            flatten([session.run(out[1]), session.run(out[1]), session.run(out[0])])
            return flat
        for _ in range(steps):
            flatten(session.run(out))
    return flat


def main():
    import numpy as np
    import tensorflow as tf

    tf.logging.set_verbosity("FATAL")
    recorded = {
        family: [run(tf, np, text) for text in texts] for family, texts in read_cases().items()
    }
    with gzip.GzipFile(RECORDED, "wb", mtime=0) as file:
        file.write(json.dumps(recorded, separators=(",", ":"), sort_keys=True).encode())


if __name__ == "__main__":
    main()
