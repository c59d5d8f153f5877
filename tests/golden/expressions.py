"""Records what TF 1.15 makes of small expressions: nodes, static shapes, values, and errors.

Used by the scripts beside it, each of which lists expressions. Every one is evaluated in a fresh
graph; the tests evaluate the same strings with Millstream. In them `x` makes float32 placeholders
of various shapes: `x(2, None)`; `u()` one of unknown rank; `xi`, `ui` are their int32 twins; `ph`
makes a tensor that is a value by default and of which only the shape is known; `v(2, 3)` is an
array of consecutive float32 values, `vi` of int32; `grad(f, *values)` lists the gradients of the
sum of squares of `f` by its operands, the three parts of an `IndexedSlices` one by one.
"""

import json
import os
import sys


def helpers(tf, np):
    """Returns the names that the expressions use, for a given TensorFlow."""

    def values(*shape):
        return np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)

    def grad(function, *operands):
        xs = [tf.placeholder_with_default(v, np.shape(v)) for v in operands]
        ys = function(*xs)
        total = [
            tf.reduce_sum(tf.square(y)) for y in (ys if isinstance(ys, (list, tuple)) else [ys])
        ]
        parts = []
        for dx in tf.gradients(total, xs):
            if isinstance(dx, tf.IndexedSlices):
                parts += [dx.values, dx.indices, dx.dense_shape]
            else:
                parts.append(dx)
        return parts

    return {
        "grad": grad,
        "tf": tf,
        "np": np,
        "x": lambda *shape: tf.placeholder(tf.float32, list(shape), name="x"),
        "xi": lambda *shape: tf.placeholder(tf.int32, list(shape), name="xi"),
        "ph": lambda value: tf.placeholder_with_default(value, np.shape(value)),
        "u": lambda: tf.placeholder(tf.float32, name="u"),
        "ui": lambda: tf.placeholder(tf.int32, name="ui"),
        "v": values,
        "vi": lambda *shape: values(*shape).astype(np.int32),
    }


def plain(value):
    """Turns arrays into lists, with their dtype and shape."""
    import numpy as np

    array = np.asarray(value)
    if array.dtype.kind == "c":
        data = [array.real.tolist(), array.imag.tolist()]
    elif array.dtype.kind in "OS":
        data = [v.decode("latin1") if isinstance(v, bytes) else v for v in array.ravel().tolist()]
    else:
        data = array.tolist()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "data": data}


def shape_list(tensor):
    shape = tensor.shape
    return None if shape.ndims is None else shape.as_list()


def flat(result):
    """Lists what an expression gave."""
    if hasattr(result, "dense_shape") and hasattr(result, "values"):
        return [result.indices, result.values, result.dense_shape]
    return list(result) if isinstance(result, (list, tuple)) else [result]


def record(tf, np, text, keep_nodes):
    """Returns what becomes of one expression."""
    graph = tf.Graph()
    with graph.as_default():
        try:
            result = eval(text, helpers(tf, np))
        except Exception as error:
            return {"raises": type(error).__name__, "message": str(error)[:200]}
        nodes = graph.get_operations()
        entry = {}
        if keep_nodes:
            entry["nodes"] = [
                [op.name, op.type, [t.name for t in op.inputs], [c.name for c in op.control_inputs]]
                for op in nodes
            ]
        fetches = [t for t in flat(result) if isinstance(t, (tf.Tensor, tf.Operation))]
        tensors = [t for t in fetches if isinstance(t, tf.Tensor)]
        entry["shapes"] = [shape_list(t) for t in tensors]
        if any(op.type == "Placeholder" for op in nodes) or not fetches:
            return entry
        with tf.Session() as session:
            try:
                values = session.run(fetches)
                entry["values"] = [plain(v) for v in values if v is not None]
            except tf.errors.OpError as error:
                entry["fails"] = type(error).__name__
                entry["message"] = error.message.splitlines()[0][:300]
    return entry


def write(expressions, nodes=True):
    """Records expressions in the JSON file that is called as the running script."""
    import numpy as np
    import tensorflow as tf

    tf.compat.v1.logging.set_verbosity("ERROR")
    rows = []
    for text in expressions.strip().splitlines():
        entry = json.dumps(record(tf, np, text, nodes), separators=(",", ":"))
        rows.append("%s: %s" % (json.dumps(text), entry))
    path = os.path.splitext(os.path.abspath(sys.argv[0]))[0] + ".json"
    with open(path, "w") as f:
        f.write("{\n" + ",\n".join(rows) + "\n}\n")
