"""SavedModels: written and read here, and read from genuine TensorFlow."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import millstream as tf
from millstream.formats import protos
from millstream.saved_model.loader import SavedModelLoader

MODELS = Path(__file__).parents[1] / "golden" / "saved_models"
BATCH = np.array([[1.0, 2.0, 3.0]], np.float32)


@pytest.fixture
def sess():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def linear(use_resource=False):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    w = tf.get_variable("w", initializer=np.ones([3, 2], np.float32), use_resource=use_resource)
    y = tf.matmul(x, w, name="y")
    tf.get_default_session().run(tf.global_variables_initializer())
    return x, w, y


@pytest.mark.parametrize("kind", ["binary", "text"])
def test_loads_a_model_of_tensorflow(sess, kind):
    model = tf.saved_model.load(sess, [tf.saved_model.SERVING], MODELS / kind)
    outputs = model.signature_def["serving_default"].outputs
    found = sess.run(outputs["y"].name, {"x:0": BATCH})
    np.testing.assert_array_equal(found, BATCH @ np.arange(6).reshape(3, 2))
    np.testing.assert_array_equal(sess.run("emb/Identity:0"), [[2, 3], [4, 5]])


def test_initialises_by_the_assets_in_the_directory(sess):
    # The main op splits the vocabulary at line ends; its path in the graph exists no more.
    tf.saved_model.load(sess, ["serve"], MODELS / "binary")
    assert sess.run("length:0") == len(["alpha", "beta", ""])


def test_loads_below_a_scope(sess):
    model = tf.saved_model.load(sess, ["serve"], MODELS / "binary", import_scope="imported")
    info = model.signature_def["serving_default"].outputs["y"]
    y = tf.saved_model.get_tensor_from_tensor_info(info, import_scope="imported")
    assert y.name == "imported/y:0"
    assert sess.run(y, {"imported/x:0": BATCH}).shape == (1, 2)


def test_chooses_graphs_by_all_their_tags(sess):
    loader = SavedModelLoader(MODELS / "binary")
    assert not loader.get_meta_graph_def_from_tags(["gpu", "train"]).signature_def
    with pytest.raises(RuntimeError, match=r"\['train'\] could not be found.*\['serve'\]"):
        tf.saved_model.load(sess, ["train"], MODELS / "binary")


@pytest.mark.parametrize("use_resource", [False, True])
def test_a_simple_save_loads_again(sess, tmp_path, use_resource):
    x, w, y = linear(use_resource)
    sess.run(w.assign(np.full([3, 2], 2.0)))
    expected = sess.run(y, {x: BATCH})
    tf.saved_model.simple_save(sess, tmp_path / "model", {"x": x}, {"y": y})
    assert tf.saved_model.contains_saved_model(tmp_path / "model")
    with tf.Graph().as_default(), tf.Session() as other:
        tf.saved_model.loader.load(other, ["serve"], tmp_path / "model")
        np.testing.assert_array_equal(other.run("y:0", {"x:0": BATCH}), expected)


def test_a_model_without_variables_loads(sess, tmp_path):
    x = tf.placeholder(tf.float32, [], name="x")
    tf.saved_model.simple_save(sess, tmp_path / "model", {"x": x}, {"y": x + 1})
    with tf.Graph().as_default(), tf.Session() as other:
        model = tf.saved_model.load(other, ["serve"], tmp_path / "model")
        name = model.signature_def["serving_default"].outputs["y"].name
        assert other.run(name, {"x:0": 1.0}) == 2


def test_files_of_one_name_are_kept_apart(sess, tmp_path):
    paths = []
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "words").write_text(folder)
        paths.append(tf.constant(str(tmp_path / folder / "words")))
    linear()
    builder = tf.saved_model.Builder(tmp_path / "model")
    builder.add_meta_graph_and_variables(sess, ["serve"], assets_collection=paths)
    builder.save()
    assets = tmp_path / "model" / "assets"
    assert {p.name: p.read_text() for p in assets.iterdir()} == {"words": "a", "words_1": "b"}


def test_several_graphs_share_the_variables(sess, tmp_path):
    linear()
    builder = tf.saved_model.Builder(tmp_path / "model")
    with pytest.raises(AssertionError, match="has not been saved yet"):
        builder.add_meta_graph(["train"])
    builder.add_meta_graph_and_variables(sess, ["train"])
    with pytest.raises(AssertionError, match="has already been saved"):
        builder.add_meta_graph_and_variables(sess, ["serve"])
    with tf.Graph().as_default():
        w = tf.get_variable("w", [3, 2])
        tf.reduce_sum(w, name="total")
        builder.add_meta_graph(["serve"])
    builder.save(as_text=True)
    with tf.Graph().as_default(), tf.Session() as other:
        tf.saved_model.load(other, ["serve"], tmp_path / "model")
        assert other.run("total:0") == 6


def test_does_not_write_over_a_model(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AssertionError, match="isn't empty"):
        tf.saved_model.Builder(tmp_path)


def test_says_what_cannot_be_saved(sess, tmp_path):
    x, w, _ = linear()
    builder = tf.saved_model.Builder(tmp_path / "model")
    with pytest.raises(TypeError, match="must be a Tensor"):
        builder.add_meta_graph_and_variables(sess, ["a"], assets_collection=[w])
    with pytest.raises(TypeError, match="of type constant: 'x:0'"):
        builder.add_meta_graph_and_variables(sess, ["a"], assets_collection=[x])
    with pytest.raises(TypeError, match="main_op needs to be an Operation"):
        builder.add_meta_graph_and_variables(sess, ["a"], main_op="init")


def test_says_what_cannot_be_read(sess, tmp_path):
    with pytest.raises(OSError, match="SavedModel file does not exist"):
        tf.saved_model.load(sess, ["serve"], tmp_path)
    for name, data in (("saved_model.pb", b"\xff\xff"), ("saved_model.pbtxt", b"bad {")):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(OSError, match=f"Cannot parse file .*{name}"):
            tf.saved_model.load(sess, ["serve"], tmp_path)
        path.unlink()


def test_an_asset_cannot_lead_out_of_the_model(sess, tmp_path):
    path = shutil.copytree(MODELS / "binary", tmp_path / "model")
    file = Path(path) / "saved_model.pb"
    model = protos.SavedModel.FromString(file.read_bytes())
    noted = model.meta_graphs[0].collection_def["saved_model_assets"].any_list.value[0]
    asset = protos.AssetFileDef.FromString(noted.value)
    asset.filename = "../../secret"
    noted.value = asset.SerializeToString()
    file.write_bytes(model.SerializeToString())
    with pytest.raises(tf.errors.InvalidArgumentError, match="outside of the model"):
        tf.saved_model.load(sess, ["serve"], path)


def test_main_op_initialises_everything(sess):
    tf.get_variable("w", initializer=1.0)
    tf.get_variable("l", initializer=2.0, collections=[tf.GraphKeys.LOCAL_VARIABLES])
    sess.run(tf.saved_model.main_op.main_op())
    assert sess.run(["w:0", "l:0"]) == [1, 2]


def test_assets_of_several_graphs_are_kept_apart(sess, tmp_path):
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "words").write_text(folder)
    linear()
    builder = tf.saved_model.Builder(tmp_path / "model")
    first = [tf.constant(str(tmp_path / "a" / "words"))]
    builder.add_meta_graph_and_variables(sess, ["train"], assets_collection=first)
    second = [tf.constant(str(tmp_path / "b" / "words"))]
    builder.add_meta_graph(["serve"], assets_collection=second)
    builder.save()
    assets = tmp_path / "model" / "assets"
    assert {p.name: p.read_text() for p in assets.iterdir()} == {"words": "a", "words_1": "b"}
