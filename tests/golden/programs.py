"""Records what TF 1.15 makes of small programs: nodes, variables, values, training curves, errors.

A script of programs defines functions `(tf, np) -> fetches` and calls `main`; the tests run the
same functions with Millstream. What a program's name begins with says what is recorded besides:
`nodes_`: every node, in order; `train_`: five steps of gradient descent on the first fetch.
"""

import gzip
import json
import os
import sys

SEED = 11
STEPS = 5


def flat(result):
    """Lists the tensors in nested lists, tuples and dicts."""
    if isinstance(result, dict):
        return [t for key in sorted(result) for t in flat(result[key])]
    if hasattr(result, "dense_shape") and hasattr(result, "values"):
        return [result.indices, result.values, result.dense_shape]
    if isinstance(result, (list, tuple)):
        return [t for item in result for t in flat(item)]
    return [] if result is None else [result]


def shape_list(tensor):
    return None if tensor.shape.ndims is None else tensor.shape.as_list()


def nodes_of(graph):
    return [
        [op.name, op.type, [t.name for t in op.inputs], [c.name for c in op.control_inputs]]
        for op in graph.get_operations()
    ]


def plain(np, value):
    array = np.asarray(value)
    if array.dtype == object:
        return {"dtype": "object", "shape": list(array.shape), "data": []}
    data = array.ravel().tolist()
    if array.dtype.kind == "f":
        data = [float("%.7g" % v) for v in data]
    return {"dtype": str(array.dtype), "shape": list(array.shape), "data": data}


def run(tf, np, name, program):
    """Returns what becomes of one program."""
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(SEED)
        try:
            tensors = flat(program(tf, np))
        except Exception as error:
            # Converted code tells its place in TensorFlow before the message proper.
            message = str(error)
            if message.startswith("in converted code"):
                return {"raises": type(error).__name__}
            return {"raises": type(error).__name__, "message": message[:300]}
        entry = {"shapes": [shape_list(t) for t in tensors], "names": [t.name for t in tensors]}
        entry["variables"] = [[v.name, v.shape.as_list()] for v in tf.global_variables()]
        if name.startswith("nodes_"):
            entry["nodes"] = nodes_of(graph)
        train = None
        if name.startswith("train_"):
            train = tf.train.GradientDescentOptimizer(0.1).minimize(tensors[0])
        with tf.Session() as session:
            session.run([tf.global_variables_initializer(), tf.tables_initializer()])
            entry["initial"] = [plain(np, v) for v in session.run(tf.global_variables())]
            try:
                entry["values"] = [plain(np, v) for v in session.run(tensors)]
            except tf.errors.OpError as error:
                entry["fails"] = type(error).__name__
            if train is not None:
                entry["curve"] = [float(session.run([tensors[0], train])[0]) for _ in range(STEPS)]
    return entry


def collect(module):
    """Returns the programs of a module, by name: its public functions, in order."""
    return {
        name: value
        for name, value in vars(module).items()
        if callable(value) and not name.startswith("_") and name != "main"
    }


def main():
    """Records the programs of the running script beside it."""
    import numpy as np
    import tensorflow as tf

    tf.compat.v1.logging.set_verbosity("ERROR")
    path = os.path.splitext(os.path.abspath(sys.argv[0]))[0] + ".json.gz"
    programs = collect(sys.modules["__main__"])
    out = {name: run(tf, np, name, program) for name, program in programs.items()}
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as f:
        f.write(json.dumps(out, separators=(",", ":")).encode())
    for name, entry in out.items():
        if "raises" in entry or "fails" in entry:
            print(name, entry.get("raises"), entry.get("fails"), entry.get("message", ""))
    print(os.path.getsize(path), "bytes")
