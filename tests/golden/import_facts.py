"""Small programs that import graphs, and what they give under TF 1.15: names, edges, classes.

python tests/golden/import_facts.py          (with an interpreter that has TensorFlow 1.15)
"""

import json
import os

FACTS = {}


def fact(function):
    FACTS[function.__name__] = function
    return function


def tried(function):
    """Returns what the function gives, or the class of the error that it raises."""
    try:
        return function()
    except Exception as error:
        return "raises " + type(error).__name__


def controls(node):
    return sorted(op.name for op in node.control_inputs)


def _imported(tf, message, **kwargs):
    """Imports a message into a new graph, and describes what came."""
    with tf.Graph().as_default() as g:
        found = tf.import_graph_def(message, **kwargs)
        nodes = [
            [
                op.name,
                [t.name for t in op.inputs],
                controls(op),
                op.device,
                sorted(s.decode() for s in op.colocation_groups()),
            ]
            for op in g.get_operations()
        ]
    return [nodes, found and [e.name for e in found]]


def _message(tf):
    with tf.Graph().as_default() as g:
        x, z = tf.placeholder(tf.float32, [None], "x"), tf.constant(1.0, name="z")
        with tf.device("/cpu:0"):
            n = tf.no_op(name="n")
        with tf.control_dependencies([n]):
            y = tf.add(x, z, name="y")
        with tf.colocate_with(x):
            tf.split(y, 2, name="s")
    return g.as_graph_def()


@fact
def imports(tf):
    message = _message(tf)
    one = lambda: tf.constant([1.0, 2.0], name="one")
    calls = [
        lambda: _imported(tf, message),
        lambda: _imported(tf, message, name=""),
        lambda: _imported(tf, message, name="a/b"),
        lambda: _imported(tf, message, return_elements=["y", "y:0", "s:1", "n"]),
        lambda: _imported(tf, message, return_elements=["no"]),
        lambda: _imported(tf, message, return_elements=["s:2"]),
        lambda: _imported(tf, message, return_elements=[3]),
        lambda: _imported(tf, message, return_elements="y"),
        lambda: _imported(tf, message, input_map={"no:0": 1}),
        lambda: _imported(tf, message, input_map=3),
        lambda: _imported(tf, message, input_map={3: 1.0}),
        lambda: _imported(tf, message, name=3),
        lambda: _imported(tf, "text"),
        lambda: _imported(tf, message, op_dict={}),
    ]

    def mapped(key, name="import", make=one):
        with tf.Graph().as_default() as g:
            value = make()
            got = tf.import_graph_def(message, {key: value}, ["y:0"], name=name)
            return [[op.name, [t.name for t in op.inputs]] for op in g.get_operations()] + [
                got[0].name
            ]

    more = [mapped(k) for k in ("x", "x:0")] + [tried(lambda: mapped("x:1"))]
    more.append(tried(lambda: mapped("x", make=lambda: tf.constant([1], name="int"))))
    more.append(tried(lambda: mapped("x", make=lambda: [1.0, 2.0])))
    more.append(tried(lambda: mapped("x", make=lambda: [1.0, 2.0], name="")))
    more.append(tried(lambda: mapped("^n", make=lambda: tf.no_op(name="other"))))
    return [[tried(call) for call in calls], more]


@fact
def repeated_imports(tf):
    message = _message(tf)
    tf.import_graph_def(message)
    tf.import_graph_def(message)
    tf.import_graph_def(message, name="")
    again = tried(lambda: tf.import_graph_def(message, name=""))
    return [[op.name for op in tf.get_default_graph().get_operations()], again]


def _edited(tf, edit):
    message = _message(tf)
    edit(message)
    return tried(lambda: _imported(tf, message, name="")[0])


@fact
def damaged_imports(tf):
    def node(message, name):
        return next(n for n in message.node if n.name == name)

    def set_input(name, index, value):
        return lambda m: node(m, name).input.__setitem__(index, value)

    def drop_attr(m):
        del node(m, "y").attr["T"]

    def edit_attr(m):
        node(m, "y").attr["T"].type = 3

    def unknown_attr(m):
        node(m, "y").attr["nothing"].i = 3

    def hidden_attr(m):
        node(m, "y").attr["_hidden"].i = 3

    def versions(**fields):
        def edit(m):
            for key, value in fields.items():
                if key == "bad_consumers":
                    m.versions.bad_consumers.append(value)
                else:
                    setattr(m.versions, key, value)

        return edit

    return [
        _edited(tf, set_input("y", 0, "missing")),
        _edited(tf, set_input("y", 0, "x:1")),
        _edited(tf, set_input("y", 0, "x:a")),
        _edited(tf, set_input("y", 0, "^x")),
        _edited(tf, set_input("y", 2, "^missing")),
        _edited(tf, set_input("y", 2, "n")),
        _edited(tf, set_input("y", 0, "s:0")),
        _edited(tf, set_input("y", 0, "n")),
        _edited(tf, lambda m: node(m, "y").input.append("x")),
        _edited(tf, lambda m: node(m, "y").input.pop(0)),
        _edited(tf, lambda m: setattr(node(m, "y"), "op", "Nothing")),
        _edited(tf, lambda m: setattr(node(m, "y"), "name", "x")),
        _edited(tf, lambda m: setattr(node(m, "y"), "name", "bad name")),
        _edited(tf, lambda m: setattr(node(m, "n"), "device", "bad device")),
        _edited(tf, drop_attr),
        _edited(tf, edit_attr),
        _edited(tf, unknown_attr),
        _edited(tf, hidden_attr),
        _edited(tf, versions(producer=1 << 20)),
        _edited(tf, versions(min_consumer=1 << 20)),
        _edited(tf, versions(bad_consumers=134)),
        _edited(tf, versions(producer=5)),
    ]


def main():
    import tensorflow as tf

    recorded = {}
    for name, function in FACTS.items():
        with tf.Graph().as_default():
            recorded[name] = function(tf)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "import_facts.json")
    with open(path, "w") as file:
        json.dump(recorded, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
