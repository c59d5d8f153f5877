"""Records what summaries of TF 1.15 are: nodes, and serialised messages as text or base64.

    python tests/golden/summaries.py

The tests evaluate the same expressions with Millstream. `x` is a float32 scalar placeholder.
"""

import base64
import json
import os

NODES = """
tf.summary.scalar("loss", x)
tf.summary.scalar("loss with spaces?", x)
tf.summary.scalar("/leading/slash", x)
tf.summary.scalar("a", x, family="fam ily")
tf.summary.scalar("a", x, collections=["mine"])
[tf.summary.scalar("a", x), tf.summary.scalar("a", x)]
tf.summary.histogram("h", x)
tf.summary.histogram("h", x, family="f")
tf.summary.image("im", tf.zeros([1, 2, 2, 1]))
tf.summary.image("im", tf.zeros([1, 2, 2, 1]), max_outputs=1, family="f")
tf.summary.audio("au", tf.zeros([1, 2]), 100.)
tf.summary.audio("au", tf.zeros([1, 2]), x, max_outputs=7)
tf.summary.text("t", tf.constant("a"))
tf.summary.tensor_summary("ts", x)
tf.summary.tensor_summary("ts", x, summary_description="d", display_name="n", family="f")
[tf.summary.scalar("a", x), tf.summary.merge_all()]
[tf.summary.scalar("a", x), tf.summary.scalar("b", x), tf.summary.merge_all(scope="b")]
tf.summary.merge_all()
tf.summary.merge([tf.summary.scalar("a", x), tf.summary.scalar("b", x)])
tf.summary.merge([tf.summary.scalar("a", x)], name="m", collections=["mine"])
tf.summary.merge([])
tf.summary.text("t", x)
tf.summary.scalar(3, x)
tf.summary.scalar("s", tf.constant("text"))
tf.summary.histogram("h", tf.constant("text"))
tf.summary.image("im", tf.zeros([2, 2]))
tf.summary.image("im", tf.zeros([1, 2, 2, 1], tf.int32))
tf.summary.image("im", tf.zeros([1, 2, 2, 1]), max_outputs=0)
"""

VALUES = """
tf.summary.scalar("a", tf.constant(1.1))
tf.summary.scalar("a", tf.constant(-3))
tf.summary.scalar("a", tf.constant(True))
tf.summary.scalar("a", tf.constant(1e300, tf.float64))
tf.summary.scalar("a", tf.constant(float("nan")))
tf.summary.scalar("a", tf.constant([1.]))
tf.summary.scalar("a", tf.constant([1., 2.]))
tf.summary.scalar("a", tf.constant(2.5, tf.float16))
tf.summary.histogram("h", tf.constant(0.))
tf.summary.histogram("h", tf.constant([1., 2., 3., 3., -1e-30, 1e30, -1e25]))
tf.summary.histogram("h", tf.constant([1e-12, 1.1e-12, -1e-12, 1e-13]))
tf.summary.histogram("h", tf.constant([1, 2, 300], tf.int64))
tf.summary.histogram("h", tf.constant([0, 200, 255], tf.uint8))
tf.summary.histogram("h", tf.constant([[1.5, 2.5]], tf.float16))
tf.summary.histogram("h", tf.zeros([0]))
tf.summary.histogram("h", tf.constant([1., float("nan")]))
tf.summary.histogram("h", tf.constant([1., float("inf")]))
tf.summary.histogram("h", tf.constant(normal))
tf.summary.histogram("h", tf.constant(normal.astype("float64") * 1e-3))
tf.summary.image("i", tf.constant(pixels(1)))
tf.summary.image("i", tf.constant(pixels(3)))
tf.summary.image("i", tf.constant(pixels(4)), max_outputs=2)
tf.summary.image("i", tf.constant(pixels(1)), max_outputs=1)
tf.summary.image("i", tf.constant(pixels(3) * -1))
tf.summary.image("i", tf.constant(pixels(3) - 0.25))
tf.summary.image("i", tf.constant(pixels(1) * 0))
tf.summary.image("i", tf.constant(pixels(3) * 1e-9))
tf.summary.image("i", tf.constant(spoilt(3)))
tf.summary.image("i", tf.constant(spoilt(1)))
tf.summary.image("i", tf.constant(spoilt(4)))
tf.summary.image("i", tf.constant(pixels(3), tf.float16))
tf.summary.image("i", tf.constant(pixels(3), tf.float64))
tf.summary.image("i", tf.constant((pixels(3) * 255).astype("uint8")))
tf.summary.image("i", tf.constant(pixels(2)))
tf.summary.image("i", tf.zeros([0, 2, 2, 1]))
tf.raw_ops.ImageSummary(tag="i", tensor=spoilt(3), bad_color=tf.make_tensor_proto(numpy.array([1, 2, 3], "uint8")))
tf.raw_ops.ImageSummary(tag="i", tensor=spoilt(3), bad_color=tf.make_tensor_proto(numpy.array([1, 2], "uint8")))
tf.summary.audio("a", tf.constant(sound()), 8000.0)
tf.summary.audio("a", tf.constant(sound()), 8000.0, max_outputs=1)
tf.summary.audio("a", tf.constant(sound()[:, :, None]), 44100.5)
tf.summary.audio("a", tf.constant(sound().reshape(2, -1, 2)), 44100.0)
tf.summary.audio("a", tf.constant(sound()), 8000)
tf.summary.audio("a", tf.constant(sound()), 0.)
tf.summary.audio("a", tf.constant(sound()[0]), 8000.)
tf.summary.text("t", tf.constant("some text"))
tf.summary.text("t", tf.constant([["a", "b"], ["c", "d"]]))
tf.summary.tensor_summary("t", tf.constant([[1., 2.]]))
tf.summary.tensor_summary("t", tf.constant([1, 2]), summary_description="d", display_name="n")
tf.raw_ops.TensorSummary(tensor=tf.constant([1., 2.]), description="d", labels=["l"], name="ts")
tf.summary.merge([tf.summary.scalar("a", tf.constant(1.)), tf.summary.scalar("b", tf.constant(2.))])
tf.summary.merge([tf.summary.scalar("a", tf.constant(1.)), tf.raw_ops.ScalarSummary(tags="a", values=1.)])
tf.raw_ops.ScalarSummary(tags=["a", "b"], values=[1., 2.])
tf.raw_ops.MergeSummary(inputs=["not a message"])
"""


def helpers(tf, np):
    """Returns what the expressions use."""

    def pixels(channels):
        count = 2 * 3 * 4 * channels
        return (np.arange(count, dtype=np.float32) / count).reshape(2, 3, 4, channels)

    def spoilt(channels):
        found = pixels(channels) - np.float32(0.125)
        found[0, 0, 0, 0] = np.nan
        found[0, 1, 2, channels - 1] = np.inf
        return found

    def sound():
        return np.linspace(-1.25, 1.25, 40, dtype=np.float32).reshape(2, 20)

    normal = np.random.RandomState(3).standard_normal(1000).astype(np.float32)
    return {
        "tf": tf,
        "numpy": np,
        "pixels": pixels,
        "spoilt": spoilt,
        "sound": sound,
        "normal": normal,
    }


def expressions(text):
    return [line for line in text.splitlines() if line]


def nodes(tf, np, text):
    """Returns the nodes of an expression, or the name of the error class."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [], name="x")
        try:
            eval(text, dict(helpers(tf, np), x=x))
        except Exception as error:
            return type(error).__name__
        found = graph.as_graph_def().node
        collections = {k: len(graph.get_collection(k)) for k in graph.get_all_collection_keys()}
    rows = [
        [
            node.name,
            node.op,
            list(node.input),
            [s.decode() for s in node.attr["value"].tensor.string_val],
        ]
        for node in found
    ]
    return [rows, {k: v for k, v in collections.items() if v}]


def value(tf, np, text):
    """Returns the serialised message that an expression gives, or the name of the error class."""
    with tf.Graph().as_default(), tf.Session() as session:
        try:
            found = session.run(eval(text, helpers(tf, np)))
        except Exception as error:
            return type(error).__name__
    return base64.b64encode(found).decode()


def main():
    import numpy as np
    import tensorflow as tf

    tf.logging.set_verbosity("ERROR")
    record = {
        "nodes": {text: nodes(tf, np, text) for text in expressions(NODES)},
        "values": {text: value(tf, np, text) for text in expressions(VALUES)},
    }
    path = os.path.splitext(os.path.abspath(__file__))[0] + ".json"
    with open(path, "w") as file:
        json.dump(record, file, indent=0, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main()
