"""Small programs about graphs, and what they give under TF 1.15: names, values, error classes.

python tests/golden/ir_facts.py          (with an interpreter that has TensorFlow 1.15)
"""

import json
import os

import numpy as np

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


def shape_of(tensor):
    return str(tensor.get_shape())


def described(value):
    """Returns dtype, shape and content of a constant tensor."""
    return [value.dtype.name, shape_of(value), value.op.type]


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


# -- constants and conversion


@fact
def constants(tf):
    values = [
        1, 1.0, True, "a", b"a", 1j, [1, 2], [1, 2.0], [[1], [2]], [], [[]], (1, 2), [True, False],
        2**31, 2**40, 2**63, -(2**63), 1e40, None, [1, None], [[1], [1, 2]], [1, "a"], ["a", 1],
        [True, 1], [1, True], [1.0, 1j], np.float32(1), np.float64(1), np.int64(1), np.arange(3),
        np.array([1.0, 2.0]), np.array(["a", "bc"]), [np.float32(1), 2], [np.float64(1), 2.0],
        np.zeros([0, 3]), np.array(None), np.bool_(True), {}, object,
        np.array([1, "a"], object), [np.int32(1), 2], [np.int64(1), 2], [b"a", "b"],
        tf.float32, [[1, 2], 3], set(), 1 << 70,
    ]  # fmt: skip
    return [tried(lambda v=v: described(tf.constant(v))) for v in values]


@fact
def typed_constants(tf):
    cases = [
        (1, tf.float32), (1.0, tf.int32), (1.5, tf.int32), (True, tf.int32), (1, tf.bool),
        ("a", tf.int32), (1, tf.string), (300, tf.uint8), (-1, tf.uint8), (2**40, tf.int32),
        (2**40, tf.int64), (1.0, tf.float16), (1, tf.complex64), (1j, tf.float32), (1.0, "float64"),
        ([], tf.int32), (np.float64(1.5), tf.int32), (np.arange(3), tf.float32), (None, tf.float32),
        (np.array([1.7]), tf.int64), ([1, 2.5], tf.int32), (1e400, tf.float32),
        (np.int64(3), tf.int32), (np.array([True]), tf.float32), (0, tf.bool), ([True], tf.float32),
        (1, tf.bfloat16), ("a", tf.bool), (np.array([1.0]), tf.string),
    ]  # fmt: skip
    return [tried(lambda v=v, t=t: described(tf.constant(v, t))) for v, t in cases]


@fact
def shaped_constants(tf):
    cases = [
        (1, [2, 3]), ([1, 2], [3]), ([1, 2, 3], [2]), ([1, 2], [2, 1]), ([], [0]), ([], [2]),
        (1, []), ([1], []), (1, None), (1, [None]), ([1, 2, 3, 4], (2, 2)), ("a", [2]), (1, 3),
    ]  # fmt: skip
    plain = [tried(lambda v=v, s=s: described(tf.constant(v, shape=s))) for v, s in cases]
    checked = [
        tried(lambda v=v, s=s: described(tf.constant(v, shape=s, verify_shape=True)))
        for v, s in cases
    ]
    return [plain, checked]


@fact
def converted(tf):
    x = tf.constant(1.0, name="x")
    y = tf.placeholder(tf.int32, [2], "y")

    class Plain:
        def __array__(self, dtype=None, copy=None):
            return np.array([1.0, 2.0], np.float32)

    calls = [
        lambda: tf.convert_to_tensor(x) is x,
        lambda: tf.convert_to_tensor(x, tf.float32) is x,
        lambda: tf.convert_to_tensor(x, tf.int32),
        lambda: described(tf.convert_to_tensor(1, preferred_dtype=tf.float64)),
        lambda: described(tf.convert_to_tensor("a", preferred_dtype=tf.float64)),
        lambda: described(tf.convert_to_tensor(1.5, preferred_dtype=tf.int32)),
        lambda: described(tf.convert_to_tensor([x, 2.0])),
        lambda: described(tf.convert_to_tensor([x, 2])),
        lambda: described(tf.convert_to_tensor([y, [1, 2]])),
        lambda: described(tf.convert_to_tensor([[x, 1.0], [2.0, x]])),
        lambda: described(tf.convert_to_tensor([x, y])),
        lambda: described(tf.convert_to_tensor([x, "a"])),
        lambda: described(tf.convert_to_tensor(tf.TensorShape([1, 2]))),
        lambda: described(tf.convert_to_tensor(tf.TensorShape([1, 2]), tf.int64)),
        lambda: described(tf.convert_to_tensor(tf.TensorShape([1, 2]), tf.float32)),
        lambda: described(tf.convert_to_tensor(tf.TensorShape([1, None]))),
        lambda: described(tf.convert_to_tensor(tf.TensorShape([3])[0])),
        lambda: described(tf.convert_to_tensor([tf.TensorShape([3])[0], 2])),
        lambda: described(tf.convert_to_tensor(tf.TensorShape([2**40]))),
        lambda: described(tf.convert_to_tensor(Plain())),
        lambda: described(tf.convert_to_tensor(tf.Variable(1.0))),
        lambda: tf.convert_to_tensor(x.op),
        lambda: tf.convert_to_tensor(object()),
        lambda: described(tf.convert_to_tensor(np.float64(2), preferred_dtype=tf.float32)),
    ]
    return [tried(call) for call in calls]


@fact
def operand_types(tf):
    x, i = tf.constant(1.0, name="x"), tf.constant(1, name="i")
    calls = [
        lambda: described(x + 1),
        lambda: described(1 + x),
        lambda: described(x + 1.5),
        lambda: described(i + 1.5),
        lambda: described(1.5 + i),
        lambda: described(x + i),
        lambda: described(x + np.float64(1)),
        lambda: described(np.float64(1) + x),
        lambda: described(np.ones(2) + x),
        lambda: described(x + np.ones(2)),
        lambda: described(x + "a"),
        lambda: described(x + None),
        lambda: described(i / 2),
        lambda: described(i // 2),
        lambda: described(tf.add(1, 2.5)),
        lambda: described(tf.add(1.5, 2)),
        lambda: described(tf.sqrt(1)),
        lambda: described(tf.logical_and(True, 1)),
        lambda: described(tf.concat([x, x], 0)),
        lambda: described(tf.add_n([])),
        lambda: described(tf.add_n([x, i])),
        lambda: described(tf.add_n([x, 1.0])),
        lambda: described(tf.raw_ops.MatMul(a=[[1.0]], b=[[1.0]], transpose_a="a")),
        lambda: described(tf.raw_ops.Sum(input=[1.0])),
        lambda: described(tf.raw_ops.Sqrt(x=1.0, y=2)),
        lambda: described(tf.raw_ops.Cast(x=1, DstT=tf.float32)),
        lambda: described(tf.raw_ops.Cast(x=1, DstT="nothing")),
        lambda: described(tf.raw_ops.Placeholder(dtype=tf.float32, shape="a")),
        lambda: described(tf.raw_ops.Pack(values=x)),
        lambda: described(tf.raw_ops.Pack(values=[])),
        lambda: described(tf.raw_ops.MaxPool(
            input=np.ones([1, 4, 4, 1], np.float32), ksize=[1, 2, 2], strides=[1, 1, 1, 1],
            padding="SAME")),
        lambda: described(tf.raw_ops.MaxPool(
            input=np.ones([1, 4, 4, 1], np.float32), ksize=[1, 2, 2, 1], strides=[1, 1, 1, 1],
            padding="NONE")),
    ]  # fmt: skip
    return [tried(call) for call in calls]


@fact
def static_values(tf):
    from_util = tf.contrib.util.constant_value
    p = tf.placeholder(tf.float32, [2, None, 3], "p")
    q = tf.placeholder(tf.int32, [], "q")
    values = [
        tf.constant([1, 2]),
        tf.shape(p),
        tf.shape(p)[0],
        tf.shape(p)[1],
        tf.shape(tf.zeros([4, 5])),
        tf.size(tf.zeros([4, 5])),
        tf.rank(p),
        tf.range(1, 10, 3),
        tf.cast([1.5, 2.5], tf.int32),
        tf.concat([[1, 2], [3]], 0),
        tf.concat([[1, 2], [q]], 0),
        tf.stack([1, 2]),
        tf.stack([1, q]),
        tf.fill([2, 2], 7),
        tf.equal([1, 2], [1, 3]),
        tf.not_equal(1, 2),
        q,
    ]

    def shown(value):
        return value if value is None else np.asarray(value).tolist()

    return [tried(lambda v=v: shown(from_util(v))) for v in values]


@fact
def partial_shapes(tf):
    p = tf.placeholder(tf.float32, [2, None, 3], "p")
    q = tf.placeholder(tf.int32, [], "q")
    u = tf.placeholder(tf.int32, None, "u")
    k = tf.placeholder(tf.int32, [3], "k")
    s = tf.shape(p)
    wanted = [
        lambda: s,
        lambda: [2, q],
        lambda: tf.concat([s[:2], [4]], 0),
        lambda: s[1:],
        lambda: s[:-1],
        lambda: [s[1], -1],
        lambda: u,
        lambda: k,
        lambda: tf.concat([k, [1]], 0),
    ]
    filled = [tried(lambda w=w: shape_of(tf.fill(w(), 1.0))) for w in wanted]
    return [filled, [tried(lambda w=w: shape_of(tf.reshape(u, w()))) for w in wanted]]


@fact
def set_shapes(tf):
    p = tf.placeholder(tf.float32, [2, None], "p")

    def merged(shape):
        t = tf.identity(p)
        t.set_shape(shape)
        return shape_of(t)

    return [tried(lambda s=s: merged(s)) for s in ([2, 3], [None, 4], [3, 3], [2], None, [2, None])]


# -- messages


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
    return [names(tf), again]


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
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ir_facts.json")
    with open(path, "w") as file:
        json.dump(recorded, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
