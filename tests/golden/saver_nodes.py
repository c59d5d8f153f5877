"""Records the nodes that savers of TF 1.15 add: `python tests/golden/saver_nodes.py`.

Each case adds variables and savers to a fresh default graph; the tests run the same functions with
Millstream.
"""

import json
import os
import re


def plain(tf):
    tf.Variable([1.0, 2.0], name="v")
    tf.Variable(3, name="w")
    tf.train.Saver()


def resource(tf):
    tf.Variable([1.0, 2.0], name="v", use_resource=True)
    tf.Variable(3, name="w")
    tf.train.Saver()


def partitioned(tf):
    tf.get_variable("p", [4, 2], partitioner=tf.fixed_size_partitioner(2))
    tf.Variable(3.0, name="w", use_resource=True)
    tf.train.Saver()


def sharded(tf):
    tf.get_variable("p", [4, 2], partitioner=tf.fixed_size_partitioner(2))
    tf.Variable(3.0, name="w", use_resource=True)
    tf.train.Saver(sharded=True, max_to_keep=2)


def _on_devices(tf):
    with tf.device("/job:ps/task:1/gpu:0"):
        tf.Variable(3.0, name="a")
        tf.Variable(3.0, name="b", use_resource=True)
    with tf.device("/job:ps/task:0"):
        tf.Variable(3.0, name="c")
    tf.Variable(1.0, use_resource=True, name="d")
    tf.Variable(1.0, name="e")


def sharded_by_device(tf):
    _on_devices(tf)
    tf.train.Saver(sharded=True)


def on_devices(tf):
    _on_devices(tf)
    tf.train.Saver()


def reshaping(tf):
    _on_devices(tf)
    tf.Variable(tf.placeholder(tf.float32), validate_shape=False, name="u")
    tf.train.Saver(reshape=True)
    tf.train.Saver(reshape=True, sharded=True)


def sequential(tf):
    tf.Variable([1.0, 2.0], name="v")
    tf.Variable(3, name="w")
    tf.train.Saver(restore_sequentially=True)


def named(tf):
    v = tf.Variable([1.0, 2.0], name="v")
    w = tf.Variable(3, name="w")
    p = tf.get_variable("p", [4, 2], partitioner=tf.fixed_size_partitioner(2))
    tf.train.Saver({"other": v, "a": w, "p": p}, name="mine")
    tf.train.Saver([w] + list(p))
    tf.train.Saver({"x/y": v.op.outputs[0]})
    with tf.name_scope("scope"):
        tf.train.Saver([v], filename="/x/y")


def format_1(tf):
    tf.Variable([1.0, 2.0], name="v")
    tf.get_variable("p", [4, 2], partitioner=tf.fixed_size_partitioner(2))
    tf.train.Saver(write_version=tf.train.SaverDef.V1)
    tf.train.Saver(write_version=tf.train.SaverDef.V1, sharded=True)


CASES = [
    plain,
    resource,
    partitioned,
    sharded,
    sharded_by_device,
    on_devices,
    reshaping,
    sequential,
    named,
    format_1,
]


def nodes(tf, case):
    """Returns the saver's nodes that a case adds: name, op, device, inputs, strings of constants."""
    with tf.Graph().as_default() as graph:
        case(tf)
    graph_def = graph.as_graph_def()
    saving = re.compile(r"(scope/)?(save|mine)(_\d)?/")
    return [_plain(n) for n in graph_def.node if saving.match(n.name)]


def _plain(node):
    strings = [s.decode() for s in node.attr["value"].tensor.string_val]
    strings = [re.sub("_temp_[0-9a-f]{32}", "_temp_", s) for s in strings]
    return [node.name, node.op, node.device, list(node.input), strings]


def main():
    import tensorflow as tf

    tf.compat.v1.logging.set_verbosity("ERROR")
    path = os.path.splitext(os.path.abspath(__file__))[0] + ".json"
    with open(path, "w") as file:
        file.write("{\n")
        for case in CASES:
            rows = ",\n  ".join(json.dumps(row) for row in nodes(tf, case))
            end = "" if case is CASES[-1] else ","
            file.write(json.dumps(case.__name__) + ": [\n  " + rows + "\n]" + end + "\n")
        file.write("}\n")


if __name__ == "__main__":
    main()
