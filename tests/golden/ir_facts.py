"""Small programs about graphs, and what they give under TF 1.15: names, values, error classes.

python tests/golden/ir_facts.py          (with an interpreter that has TensorFlow 1.15)
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


def names(tf):
    return [op.name for op in tf.get_default_graph().get_operations()]


def controls(node):
    return sorted(op.name for op in node.control_inputs)


# -- names and scopes


@fact
def unique_names(tf):
    g = tf.get_default_graph()
    tf.no_op(name="a")
    tf.no_op(name="A")
    tf.no_op(name="a_1")
    tf.no_op(name="a")
    marked = [g.unique_name("a", mark_as_used=False), g.unique_name("a"), g.unique_name("a")]
    return [names(tf), marked]


@fact
def scope_names(tf):
    seen = []
    with tf.name_scope("s") as s:
        tf.no_op(name="n")
        with tf.name_scope("t") as t:
            seen += [s, t, tf.get_default_graph().get_name_scope()]
            tf.no_op(name="n")
        with tf.name_scope(None) as top:
            seen.append(top)
            tf.no_op(name="n")
        with tf.name_scope("t") as again:
            seen.append(again)
    with tf.name_scope(s) as same:
        seen.append(same)
        tf.no_op(name="n")
    with tf.name_scope("s") as new:
        seen.append(new)
    with tf.name_scope(None, "default", [1]) as default:
        seen.append(default)
    with tf.name_scope("", "default") as empty:
        seen.append(empty)
    tf.no_op(name="exact/")
    return [seen, names(tf)]


@fact
def scope_errors(tf):
    def enter(name, *rest):
        with tf.name_scope(name, *rest) as scope:
            return scope

    outer = [
        tried(lambda n=n: enter(n)) for n in ("_a", "-a", "/a", "a b", "a:0", ".a", "9", 3, "a//b")
    ]
    with tf.name_scope("s"):
        inner = [tried(lambda n=n: enter(n)) for n in ("_a", "-a", "a b", "\\a")]
    return [outer, inner, tried(lambda: enter(None, None, [])), tried(lambda: enter(None, None))]


@fact
def node_name_errors(tf):
    found = [tried(lambda n=n: tf.no_op(name=n).name) for n in ("_a", "a b", "a/b", "a:0", "0", "")]
    tf.no_op(name="x")
    return [*found, tried(lambda: tf.no_op(name="x/").name), tried(lambda: tf.no_op(name="x").name)]


@fact
def look_ups(tf):
    g = tf.get_default_graph()
    x = tf.constant(1.0, name="x")
    other = tf.Graph()
    with other.as_default():
        y = tf.constant(1.0, name="y")
    asks = [
        lambda: g.get_tensor_by_name("x:0").name,
        lambda: g.get_tensor_by_name("x"),
        lambda: g.get_tensor_by_name("x:1"),
        lambda: g.get_tensor_by_name("no:0"),
        lambda: g.get_tensor_by_name("x:y"),
        lambda: g.get_tensor_by_name(3),
        lambda: g.get_tensor_by_name("x:0:0"),
        lambda: g.get_operation_by_name("x").name,
        lambda: g.get_operation_by_name("x:0"),
        lambda: g.get_operation_by_name("no"),
        lambda: g.get_operation_by_name(x),
        lambda: g.as_graph_element("x").name,
        lambda: g.as_graph_element("x:0").name,
        lambda: g.as_graph_element(x).name,
        lambda: g.as_graph_element(x.op).name,
        lambda: g.as_graph_element(y),
        lambda: g.as_graph_element(y.op),
        lambda: g.as_graph_element(3),
        lambda: g.as_graph_element(x, allow_tensor=False),
        lambda: g.as_graph_element(x.op, allow_operation=False),
        lambda: tf.add(x, y),
        lambda: x.op.get_attr("no"),
    ]
    return [tried(ask) for ask in asks]


@fact
def finalized(tf):
    g = tf.get_default_graph()
    x = tf.constant(1.0)
    before = g.finalized
    g.finalize()
    return [
        before,
        g.finalized,
        tried(lambda: tf.no_op()),
        tried(lambda: x + 1.0),
        tried(lambda: tf.add_to_collection("c", 1)),
        tried(lambda: g.get_collection("c")),
    ]


# -- control dependencies


@fact
def control_dependencies(tf):
    g = tf.get_default_graph()
    a, b = tf.no_op(name="a"), tf.constant(1.0, name="b")
    v = tf.placeholder(tf.float32, [], "v")
    with tf.control_dependencies([a, b]):
        c = tf.constant(2.0, name="c")
        d = tf.add(c, 1.0, name="d")
        e = tf.add(b, v, name="e")
        with tf.control_dependencies([v]):
            h = tf.add(v, v, name="h")
            i = tf.add(c, v, name="i")
            j = tf.no_op(name="j")
        with tf.control_dependencies(None):
            k = tf.no_op(name="k")
            with tf.control_dependencies([a, a]):
                m = tf.no_op(name="m")
        with tf.control_dependencies([d]):
            n = tf.no_op(name="n")
            o = tf.add(d, d, name="o")
    with g.control_dependencies([]):
        p = tf.no_op(name="p")
    nodes = [c.op, d.op, e.op, h.op, i.op, j, k, m, n, o.op, p]
    return [[n.name, controls(n)] for n in nodes]


@fact
def control_dependency_errors(tf):
    other = tf.Graph()
    with other.as_default():
        y = tf.no_op(name="y")

    def under(*items):
        with tf.control_dependencies(list(items)):
            return controls(tf.no_op())

    x = tf.constant([1.0, 2.0], name="x")
    slices = tf.IndexedSlices(x, tf.constant([0, 1], name="i"))
    return [
        tried(lambda: under(y)),
        tried(lambda: under(3)),
        tried(lambda: under(None)),
        tried(lambda: under("x")),
        tried(lambda: under("x:0")),
        tried(lambda: under("nothing")),
        tried(lambda: under(slices)),
        tried(lambda: under(tf.Variable(1.0, name="v"))),
        tried(lambda: under(tf.Variable(1.0, name="r", use_resource=True))),
    ]


@fact
def added_controls(tf):
    a, b, c = (tf.no_op(name=n) for n in "abc")
    c._add_control_inputs([a, b])
    c._add_control_input(a)
    before = controls(c)
    c._remove_all_control_inputs()
    return [before, controls(c)]


# -- devices, colocation, containers, attrs


@fact
def devices(tf):
    seen = []
    with tf.device("/cpu:0"):
        seen.append(tf.no_op().device)
        with tf.device("/job:ps/task:1"):
            seen.append(tf.no_op().device)
            with tf.device("/gpu:2"):
                seen.append(tf.no_op().device)
            with tf.device(None):
                seen.append(tf.no_op().device)
            with tf.device(lambda op: "/job:w" if op.type == "NoOp" else "/job:x"):
                seen += [tf.no_op().device, tf.constant(1.0).device]
        with tf.device("/job:a/cpu:*"):
            seen.append(tf.no_op().device)
    with tf.device(tf.DeviceSpec(job="w", device_type="GPU", device_index=1)):
        seen.append(tf.no_op().device)
    with tf.device(""):
        seen.append(tf.no_op().device)
    bad = []
    for name in ("cpu:0", "/cpu:x", "/device:CPU:0", "/job:w/job:v", "/cpu:0/gpu:0", "/task:x"):

        def place(name=name):
            with tf.device(name):
                return tf.no_op().device

        bad.append(tried(place))
    return [seen, bad]


@fact
def device_specs(tf):
    spec = tf.DeviceSpec.from_string("/job:w/replica:1/task:2/device:GPU:3")
    other = tf.DeviceSpec(job="ps", device_type="CPU")
    other.merge_from(tf.DeviceSpec(device_index=4))
    return [
        [spec.job, spec.replica, spec.task, spec.device_type, spec.device_index, spec.to_string()],
        other.to_string(),
        tf.DeviceSpec().to_string(),
        tf.DeviceSpec.from_string("/job:a/cpu:*").to_string(),
        tried(lambda: tf.DeviceSpec.from_string("/jab:w").to_string()),
    ]


@fact
def colocation(tf):
    with tf.device("/cpu:0"):
        a = tf.constant(1.0, name="a")
    b = tf.constant(1.0, name="b")
    with tf.colocate_with(a):
        c = tf.constant(1.0, name="c")
        with tf.colocate_with(b):
            d = tf.constant(1.0, name="d")
        with tf.get_default_graph().colocate_with(None, ignore_existing=True):
            e = tf.constant(1.0, name="e")
        with tf.device("/gpu:0"):
            f = tf.constant(1.0, name="f")
    with tf.colocate_with(c.op):
        g = tf.constant(1.0, name="g")
    return [
        [t.op.name, t.device, sorted(s.decode() for s in t.op.colocation_groups())]
        for t in (a, b, c, d, e, f, g)
    ]


@fact
def containers(tf):
    with tf.container("one"):
        a = tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[])
        with tf.container("two"):
            b = tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[])
        c = tf.constant(1.0)
    d = tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[])
    found = [t.op.get_attr("container").decode() for t in (a, b, d)]
    return [found, tried(lambda: c.op.get_attr("container"))]


@fact
def overrides(tf):
    g = tf.get_default_graph()
    with g.gradient_override_map({"Square": "Mine"}):
        a = tf.square(1.0)
        b = tf.sqrt(1.0)
        with g.gradient_override_map({"Square": "Inner"}):
            c = tf.square(1.0)
    d = tf.square(1.0)

    def bad(value):
        with g.gradient_override_map(value):
            return 1

    return [
        [tried(lambda t=t: t.op.get_attr("_gradient_op_type").decode()) for t in (a, b, c, d)],
        tried(lambda: bad("Square")),
        tried(lambda: bad({1: "a"})),
        tried(lambda: bad({"Square": 1})),
    ]


@fact
def collections(tf):
    g = tf.get_default_graph()
    with tf.name_scope("in"):
        x = tf.constant(1.0, name="x")
    y = tf.constant(1.0, name="y")
    tf.add_to_collection("c", x)
    tf.add_to_collection("c", y)
    tf.add_to_collection("c", 3)
    g.add_to_collections(["c", "d", "d"], "z")
    copy = tf.get_collection("c")
    copy.append("lost")
    reference = tf.get_collection_ref("e")
    reference.append(1)
    shown = [getattr(v, "name", v) for v in tf.get_collection("c")]
    scoped = [getattr(v, "name", v) for v in tf.get_collection("c", "in")]
    keys = sorted(map(str, g.get_all_collection_keys()))
    g.clear_collection("c")
    return [
        *(shown, scoped, tf.get_collection("d"), tf.get_collection("e"), tf.get_collection("f")),
        *(keys, sorted(map(str, g.get_all_collection_keys())), tf.get_collection("c")),
    ]


def main():
    import tensorflow as tf

    recorded = {}
    for name, function in FACTS.items():
        with tf.Graph().as_default():
            recorded[name] = function(tf)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ir_facts.json")
    with open(path, "w") as file:
        json.dump(recorded, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
