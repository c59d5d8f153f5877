"""MetaGraphs: what is written, what comes back, and TensorFlow's own."""

import sys
from pathlib import Path

import numpy as np
import pytest

import millstream as tf
from millstream.train.meta_graph import read_meta_graph_file

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import saver_checkpoints  # noqa: E402

CHECKPOINTS = GOLDEN / "saver_checkpoints"


@pytest.fixture(autouse=True)
def fresh_graph():
    with tf.Graph().as_default() as graph:
        yield graph


def _import_in_new_graph(source, **kwargs):
    with tf.Graph().as_default() as graph:
        return graph, tf.train.import_meta_graph(source, **kwargs)


def test_tensorflows_meta_graph_trains_on():
    saver = tf.train.import_meta_graph(f"{CHECKPOINTS}/trained-3.meta")
    with tf.Session() as session:
        saver.restore(session, CHECKPOINTS / "trained-3")
        loss = tf.get_collection("loss")[0]
        before = session.run(loss)
        session.run("Adam")
        assert session.run(loss) < before
        assert session.run(tf.train.get_global_step()) == 4
    w, r, *parts = tf.trainable_variables()
    assert (w.name, w.dtype.name, r.dtype) == ("layer/w:0", "float32_ref", tf.float32)
    assert [p._get_save_slice_info().spec for p in parts] == ["5 2 0,3:0,2", "5 2 3,2:0,2"]
    (listed,) = tf.get_collection(tf.GraphKeys.SAVERS)
    assert listed.saver_def == saver.saver_def


def test_collections_come_back_as_tensorflow_writes_them():
    """What TensorFlow wrote for a model is what is written for the same model here."""
    with tf.Graph().as_default():
        saver_checkpoints.make_model(tf)
        saver = tf.train.Saver(max_to_keep=3)
        tf.add_to_collection("savers", saver)
        tf.global_variables_initializer()
        ours = tf.train.export_meta_graph(saver_def=saver.saver_def)
    theirs = read_meta_graph_file(CHECKPOINTS / "trained-3.meta")
    assert dict(ours.collection_def) == dict(theirs.collection_def)
    assert ours.saver_def == theirs.saver_def
    assert ours.graph_def.versions == theirs.graph_def.versions
    named = {node.name: node for node in ours.graph_def.node}
    for node in theirs.graph_def.node:
        # Gradients may be computed by other nodes.
        if not node.name.startswith("gradients/"):
            assert named[node.name].op == node.op
            assert named[node.name].attr["_output_shapes"] == node.attr["_output_shapes"]


@pytest.mark.parametrize("as_text", [False, True])
def test_round_trip(tmp_path, as_text):
    v = tf.Variable([1.0, 2.0], name="v", trainable=False)
    tf.Variable(3, False, name="local", collections=[tf.GraphKeys.LOCAL_VARIABLES])
    tf.train.get_or_create_global_step()
    doubled = tf.multiply(v, 2.0, name="doubled")
    items = {
        "tensor": doubled,
        "node": doubled.op,
        "number": 3,
        "fraction": 1.5,
        "text": "some text",
        "variable": v,
    }
    for name, item in items.items():
        tf.add_to_collection(name, item)
    tf.train.export_meta_graph(tmp_path / "graph", as_text=as_text)
    graph, _ = _import_in_new_graph(tmp_path / "graph")
    found = {name: graph.get_collection(name)[0] for name in items}
    assert found["tensor"] is graph.get_tensor_by_name("doubled:0")
    assert found["node"] is graph.get_operation_by_name("doubled")
    assert found["number"] == 3
    assert found["fraction"] == 1.5
    assert found["text"] == "some text"
    assert found["variable"] is graph.get_tensor_by_name("v:0")
    assert not graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)
    names = [x.name for x in graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)]
    assert names == ["v:0", "global_step:0"]
    assert graph.get_collection(tf.GraphKeys.LOCAL_VARIABLES)[0].name == "local:0"
    assert graph.get_collection(tf.GraphKeys.GLOBAL_STEP)[0].dtype.base_dtype == tf.int64


def test_imported_variables_work(tmp_path):
    tf.Variable(1.0, name="ref")
    tf.Variable(2.0, name="resource", use_resource=True)
    message = tf.train.export_meta_graph()
    graph, saver = _import_in_new_graph(message)
    with tf.Session(graph=graph) as session, graph.as_default():
        session.run(tf.global_variables_initializer())
        ref, resource = tf.global_variables()
        session.run([ref.assign_add(1.0), resource.assign_add(1.0)])
        assert session.run([ref, resource]) == [2, 3]
        resource.load(9.0, session)
        path = saver.save(session, tmp_path / "m")
        session.run(tf.global_variables_initializer())
        saver.restore(session, path)
        assert session.run([ref, resource]) == [2, 9]


def test_import_scope(tmp_path):
    v = tf.Variable(5.0, name="v")
    saver = tf.train.Saver()
    tf.add_to_collection("text", "t")
    with tf.Session() as session:
        session.run(v.initializer)
        path = saver.save(session, tmp_path / "m")
    with tf.Graph().as_default(), tf.Session() as session:
        first = tf.train.import_meta_graph(f"{path}.meta", import_scope="s")
        second = tf.train.import_meta_graph(f"{path}.meta", import_scope="s")
        a, b = tf.global_variables()
        assert [a.name, b.name] == ["s/v:0", "s_1/v:0"]
        assert tf.get_collection("text") == ["s/t", "s_1/t"]
        first.restore(session, path)
        assert session.run(a) == 5
        with pytest.raises(tf.errors.FailedPreconditionError, match="s_1/v"):
            session.run(b)
        second.restore(session, path)
        assert session.run(b) == 5


def test_export_scope():
    outside = tf.placeholder(tf.float32, [], name="outside")
    with tf.name_scope("scope"):
        v = tf.Variable(2.0, name="v")
        tf.add_to_collection("result", tf.multiply(v, outside, name="product"))
        tf.train.Saver()
    tf.add_to_collection("result", outside)
    message = tf.train.export_meta_graph(export_scope="scope")
    assert message.collection_def["unbound_inputs"].bytes_list.value == [b"$unbound_inputs_outside"]
    assert message.collection_def["result"].node_list.value == ["product:0"]
    with pytest.raises(ValueError, match=r"unbound inputs: \$unbound_inputs_outside"):
        _import_in_new_graph(message)
    with tf.Graph().as_default(), tf.Session() as session:
        given = {"$unbound_inputs_outside": tf.constant(21.0)}
        tf.train.import_meta_graph(message, input_map=given)
        (variable,) = tf.global_variables()
        assert variable.name == "v:0"
        session.run(variable.initializer)
        assert session.run("product:0") == 42


def test_return_elements_and_input_map():
    x = tf.placeholder(tf.float32, [], name="x")
    tf.add(x, 1.0, name="y")
    message = tf.train.export_meta_graph()
    with tf.Graph().as_default(), tf.Session() as session:
        saver, (y,) = tf.train.import_meta_graph(
            message, input_map={"x:0": tf.constant(4.0)}, return_elements=["y:0"]
        )
        assert saver is None
        assert session.run(y) == 5


def test_clear_devices():
    with tf.device("/job:ps/task:3"):
        tf.constant(1.0, name="c")
    assert tf.train.export_meta_graph(clear_devices=True).graph_def.node[0].device == ""
    message = tf.train.export_meta_graph()
    assert message.graph_def.node[0].device == "/job:ps/task:3"
    graph, _ = _import_in_new_graph(message, clear_devices=True)
    assert graph.get_operation_by_name("c").device == ""
    assert message.graph_def.node[0].device == "/job:ps/task:3"


def test_clear_extraneous_savers():
    tf.Variable(1.0, name="v")
    kept, other = tf.train.Saver(name="kept"), tf.train.Saver()
    tf.add_to_collection(tf.GraphKeys.SAVERS, other)
    message = kept.export_meta_graph(clear_extraneous_savers=True)
    names = {node.name.partition("/")[0] for node in message.graph_def.node}
    assert names == {"v", "kept"}
    assert tf.GraphKeys.SAVERS not in message.collection_def


def test_strip_default_attrs():
    tf.matmul(tf.zeros([2, 2]), tf.zeros([2, 2]), transpose_b=True, name="product")
    message = tf.train.export_meta_graph(strip_default_attrs=True)
    attrs = {node.name: node.attr for node in message.graph_def.node}["product"]
    assert set(attrs) == {"T", "transpose_b", "_output_shapes"}
    assert message.meta_info_def.stripped_default_attrs
    graph, _ = _import_in_new_graph(message)
    assert graph.get_operation_by_name("product").get_attr("transpose_a") is False


def test_ops_are_described():
    tf.identity(tf.constant(1.0))
    info = tf.train.export_meta_graph().meta_info_def
    assert [op.name for op in info.stripped_op_list.op] == ["Const", "Identity"]
    assert info.tensorflow_version == tf.__version__


def test_unknown_collections_are_left_out(caplog):
    tf.add_to_collection("objects", object())
    tf.add_to_collection("mixed", 1)
    tf.add_to_collection("mixed", "text")
    message = tf.train.export_meta_graph()
    assert "objects" not in message.collection_def
    assert "mixed" not in message.collection_def


def test_what_cannot_be_imported(tmp_path):
    with pytest.raises(OSError, match="does not exist"):
        tf.train.import_meta_graph(tmp_path / "absent")
    (tmp_path / "bad").write_bytes(b"nothing of that kind")
    with pytest.raises(OSError, match="Cannot parse file"):
        tf.train.import_meta_graph(tmp_path / "bad")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    with pytest.raises(OSError, match="Cannot parse file"):
        tf.train.import_meta_graph(tmp_path / "binary")
    with pytest.raises(TypeError, match="SaverDef"):
        tf.train.export_meta_graph(saver_def=3)
    with pytest.raises(TypeError, match="other"):
        tf.train.export_meta_graph(other=3)


def test_values_survive_in_half_and_strings(tmp_path):
    saver_checkpoints.make_model(tf)
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = saver.save(session, tmp_path / "m")
        wanted = session.run({v.name: v for v in tf.global_variables()})
    graph, saver = _import_in_new_graph(f"{path}.meta")
    with tf.Session(graph=graph) as session:
        saver.restore(session, path)
        for name, value in wanted.items():
            variables = graph.get_collection("variables")
            variable = next(v for v in variables if v.name == name)
            np.testing.assert_array_equal(session.run(variable), value)


def test_attrs_of_newer_ops_are_dropped_if_they_have_their_default():
    """The MetaGraph's op list tells what a newer program's attrs mean."""
    tf.identity(tf.constant(1.0), name="i")
    message = tf.train.export_meta_graph()
    node = next(n for n in message.graph_def.node if n.name == "i")
    node.attr["newer"].b = True
    with pytest.raises(ValueError, match="newer"):
        _import_in_new_graph(message)
    declared = next(op for op in message.meta_info_def.stripped_op_list.op if op.name == "Identity")
    declared.attr.add(name="newer", type="bool").default_value.b = True
    graph, _ = _import_in_new_graph(message)
    assert "newer" not in graph.get_operation_by_name("i").node_def.attr


def test_damaged_collection():
    tf.Variable(1.0, name="v")
    message = tf.train.export_meta_graph()
    message.collection_def["variables"].bytes_list.value[0] = b"\xff\xff\xff"
    with pytest.raises(ValueError, match="Collection 'variables' cannot be read"):
        _import_in_new_graph(message)
