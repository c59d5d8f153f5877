"""`tf.train.Saver`: what is saved under which name, restored, kept and deleted."""

import os
import shutil
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import millstream as tf
from millstream.train import saver as saver_module
from millstream.train.saveable import SaveSpec

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import saver_checkpoints  # noqa: E402

CHECKPOINTS = GOLDEN / "saver_checkpoints"


@pytest.fixture(autouse=True)
def fresh_graph():
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture
def session(fresh_graph):
    with tf.Session() as session:
        yield session


def _initialized(session):
    session.run(tf.global_variables_initializer())


def _spoil(session):
    """Sets every variable to something else."""
    for variable in tf.global_variables():
        variable.load(np.zeros_like(session.run(variable)), session)


@pytest.mark.parametrize("resource", [False, True])
@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("version", [tf.train.SaverDef.V1, tf.train.SaverDef.V2])
def test_restores_what_it_saved(session, tmp_path, resource, sharded, version):
    v = tf.Variable([1.0, 2.0], name="v", use_resource=resource)
    with tf.device("/cpu:0"):
        w = tf.Variable(7, name="w", use_resource=resource)
    part = tf.fixed_size_partitioner(2)
    p = tf.get_variable("p", initializer=tf.range(10.0), partitioner=part, use_resource=resource)
    saver = tf.train.Saver(sharded=sharded, write_version=version)
    _initialized(session)
    path = saver.save(session, tmp_path / "m", global_step=3)
    _spoil(session)
    saver.restore(session, path)
    np.testing.assert_array_equal(session.run(v), [1, 2])
    assert session.run(w) == 7
    np.testing.assert_array_equal(session.run(p.as_tensor()), np.arange(10))
    assert tf.train.latest_checkpoint(tmp_path) == path
    assert os.path.exists(tmp_path / "m-3.meta")
    left = [name for name in os.listdir(tmp_path) if "temp" in name]
    assert left == []


def test_uninitialised_variables_are_restored(session, tmp_path):
    v = tf.Variable(4.0, name="v")
    saver = tf.train.Saver()
    _initialized(session)
    path = saver.save(session, tmp_path / "m")
    assert path == str(tmp_path / "m")
    with tf.Session() as other:
        saver.restore(other, path)
        assert other.run(v) == 4


def test_uninitialised_variable_cannot_be_saved(session, tmp_path):
    tf.Variable(4.0, name="left_out")
    saver = tf.train.Saver()
    with pytest.raises(tf.errors.FailedPreconditionError, match="left_out"):
        saver.save(session, tmp_path / "m")
    assert os.listdir(tmp_path) == []


def test_var_list_by_name(session, tmp_path):
    a, b = tf.Variable(1.0, name="a"), tf.Variable(2.0, name="b")
    _initialized(session)
    path = tf.train.Saver({"x": a, "y/z": b}).save(session, tmp_path / "m")
    reader = tf.train.NewCheckpointReader(path)
    assert reader.get_variable_to_shape_map() == {"x": [], "y/z": []}
    tf.train.Saver({"x": b}).restore(session, path)
    assert session.run([a, b]) == [1, 1]


def test_var_list_of_some(session, tmp_path):
    a, b = tf.Variable(1.0, name="a"), tf.Variable(2.0, name="b")
    _initialized(session)
    saver = tf.train.Saver([a])
    path = saver.save(session, tmp_path / "m")
    assert list(tf.train.NewCheckpointReader(path).get_variable_to_shape_map()) == ["a"]
    _spoil(session)
    saver.restore(session, path)
    assert session.run([a, b]) == [1, 0]


def test_partitions_are_restored_cut_differently(session, tmp_path):
    three = tf.fixed_size_partitioner(3)
    p = tf.get_variable("p", initializer=tf.reshape(tf.range(14.0), [7, 2]), partitioner=three)
    _initialized(session)
    path = tf.train.Saver().save(session, tmp_path / "m")
    values = np.arange(14).reshape(7, 2)
    with tf.Graph().as_default(), tf.Session() as other:
        p = tf.get_variable("p", [7, 2], partitioner=tf.fixed_size_partitioner(2))
        tf.train.Saver().restore(other, path)
        np.testing.assert_array_equal(other.run(p.as_tensor()), values)
    with tf.Graph().as_default(), tf.Session() as other:
        p = tf.get_variable("p", [7, 2])
        tf.train.Saver().restore(other, path)
        np.testing.assert_array_equal(other.run(p), values)


def test_reshape(session, tmp_path):
    tf.Variable([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], name="v")
    tf.Variable([1, 2], name="w", use_resource=True)
    _initialized(session)
    path = tf.train.Saver().save(session, tmp_path / "m")
    with tf.Graph().as_default(), tf.Session() as other:
        v = tf.Variable(tf.zeros([3, 2]), name="v")
        w = tf.Variable([[0, 0]], name="w", use_resource=True)
        with pytest.raises(tf.errors.InvalidArgumentError, match="another shape"):
            tf.train.Saver().restore(other, path)
        tf.train.Saver(reshape=True).restore(other, path)
        assert other.run(v).tolist() == [[1, 2], [3, 4], [5, 6]]
        assert other.run(w).tolist() == [[1, 2]]


def test_max_to_keep(session, tmp_path):
    tf.Variable(1.0, name="v")
    saver = tf.train.Saver(max_to_keep=2)
    _initialized(session)
    paths = [saver.save(session, tmp_path / "m", global_step=step) for step in range(4)]
    assert saver.last_checkpoints == paths[2:]
    assert [tf.train.checkpoint_exists(path) for path in paths] == [False, False, True, True]
    assert not os.path.exists(paths[1] + ".meta")
    state = tf.train.get_checkpoint_state(tmp_path)
    assert list(state.all_model_checkpoint_paths) == paths[2:]
    # Saving under a kept name again makes it the youngest.
    saver.save(session, tmp_path / "m", global_step=2)
    assert saver.last_checkpoints == [paths[3], paths[2]]


@pytest.mark.parametrize("none", [None, 0])
def test_all_are_kept_without_max_to_keep(session, tmp_path, none):
    tf.Variable(1.0, name="v")
    saver = tf.train.Saver(max_to_keep=none)
    _initialized(session)
    paths = [saver.save(session, tmp_path / "m", global_step=step) for step in range(7)]
    assert saver.last_checkpoints == []
    assert all(map(tf.train.checkpoint_exists, paths))
    assert tf.train.latest_checkpoint(tmp_path) == paths[-1]


def test_one_checkpoint_is_kept_in_so_many_hours(session, tmp_path, monkeypatch):
    now = [1e9]
    monkeypatch.setattr(saver_module.time, "time", lambda: now[0])
    tf.Variable(1.0, name="v")
    saver = tf.train.Saver(max_to_keep=1, keep_checkpoint_every_n_hours=1.0)
    _initialized(session)
    paths = []
    for step in range(6):
        now[0] += 1900
        paths.append(saver.save(session, tmp_path / "m", global_step=step))
    # Saved after 1900, 3800, … seconds; the first after each full hour stays.
    found = [tf.train.checkpoint_exists(path) for path in paths]
    assert found == [False, True, False, True, False, True]


def test_recovered_checkpoints_are_deleted_in_turn(session, tmp_path):
    tf.Variable(1.0, name="v")
    _initialized(session)
    first = tf.train.Saver(max_to_keep=3)
    paths = [first.save(session, tmp_path / "m", global_step=step) for step in range(3)]
    second = tf.train.Saver(max_to_keep=3)
    second.recover_last_checkpoints([str(tmp_path / "gone"), *paths])
    assert second.last_checkpoints == paths
    second.save(session, tmp_path / "m", global_step=9)
    assert not tf.train.checkpoint_exists(paths[0])
    assert tf.train.checkpoint_exists(paths[1])
    second.set_last_checkpoints(paths[1:2])
    assert second.last_checkpoints == paths[1:2]
    second.set_last_checkpoints_with_time([(paths[2], 5.0)])
    assert second.last_checkpoints == [paths[2]]


@pytest.mark.parametrize("form", ["int", "numpy", "tensor", "name", "variable"])
def test_global_step(session, tmp_path, form):
    step = tf.Variable(12, name="step")
    _initialized(session)
    given = {"int": 12, "numpy": np.int64(12), "tensor": step.value(), "name": "step:0"}
    saver = tf.train.Saver()
    assert saver.save(session, tmp_path / "m", given.get(form, step)) == str(tmp_path / "m-12")


def test_pad_step_number(session, tmp_path):
    tf.Variable(12, name="step")
    _initialized(session)
    saver = tf.train.Saver(pad_step_number=True)
    assert saver.save(session, tmp_path / "m", 7) == str(tmp_path / "m-00000007")


def test_relative_paths(session, tmp_path):
    v = tf.Variable(3.0, name="v")
    _initialized(session)
    saver = tf.train.Saver(save_relative_paths=True)
    os.mkdir(tmp_path / "a")
    saver.save(session, tmp_path / "a" / "m", 7)
    assert 'model_checkpoint_path: "m-7"' in (tmp_path / "a" / "checkpoint").read_text()
    shutil.move(tmp_path / "a", tmp_path / "b")
    _spoil(session)
    saver.restore(session, tf.train.latest_checkpoint(tmp_path / "b"))
    assert session.run(v) == 3


def test_relative_save_path(session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    v = tf.Variable(3.0, name="v")
    _initialized(session)
    saver = tf.train.Saver(sharded=True)
    assert saver.save(session, "m", 7) == "m-7"
    assert tf.train.latest_checkpoint(".") == "./m-7"
    _spoil(session)
    saver.restore(session, "m-7")
    assert session.run(v) == 3


def test_without_meta_graph_or_state(session, tmp_path):
    tf.Variable(3.0, name="v")
    _initialized(session)
    saver = tf.train.Saver()
    saver.save(session, tmp_path / "m", write_meta_graph=False, write_state=False)
    names = sorted(os.listdir(tmp_path))
    assert names == ["m.data-00000-of-00001", "m.index"]
    saver.save(session, tmp_path / "m", 1, latest_filename="last", meta_graph_suffix="graph")
    assert tf.train.latest_checkpoint(tmp_path, "last") == str(tmp_path / "m-1")
    assert os.path.exists(tmp_path / "m-1.graph")


def test_defer_build(session, tmp_path):
    saver = tf.train.Saver(defer_build=True)
    v = tf.Variable(3.0, name="v")
    _initialized(session)
    with pytest.raises(RuntimeError, match="build"):
        saver.save(session, tmp_path / "m")
    saver.build()
    path = saver.save(session, tmp_path / "m")
    with pytest.raises(ValueError, match="build cannot be deferred"):
        tf.train.Saver([v], defer_build=True)
    assert tf.train.checkpoint_exists(path)


def test_nothing_to_save(session, tmp_path):
    with pytest.raises(ValueError, match="No variables to save"):
        tf.train.Saver()
    with pytest.raises(ValueError, match="No variables to save"):
        tf.train.Saver([])
    saver = tf.train.Saver(allow_empty=True)
    assert saver.save(session, tmp_path / "m") is None
    assert os.listdir(tmp_path) == ["m.meta"]
    saver.restore(session, tmp_path / "m")


def test_what_cannot_be_saved():
    v = tf.Variable(1.0, name="v")
    with pytest.raises(TypeError, match="not a Variable"):
        tf.train.Saver([tf.constant(1.0)])
    with pytest.raises(TypeError, match="not a Variable"):
        tf.train.Saver({"v": tf.constant(1.0)})
    with pytest.raises(ValueError, match="same name: v"):
        tf.train.Saver([v, v])
    with pytest.raises(ValueError, match="two names"):
        tf.train.Saver({"a": v, "b": v})


def test_wrong_arguments(session, tmp_path):
    tf.Variable(1.0, name="v")
    saver = tf.train.Saver()
    _initialized(session)
    with pytest.raises(TypeError, match="must be a Session"):
        saver.save(None, tmp_path / "m")
    with pytest.raises(ValueError, match="path components"):
        saver.save(session, tmp_path / "m", latest_filename="a/b")
    with pytest.raises(ValueError, match="collides"):
        saver.save(session, tmp_path / "checkpoint")
    with pytest.raises(ValueError, match="doesn't exist"):
        saver.save(session, tmp_path / "no" / "such" / "m")
    with pytest.raises(ValueError, match="None"):
        saver.restore(session, None)
    with pytest.raises(ValueError, match="not a valid checkpoint"):
        saver.restore(session, tmp_path / "absent")
    with pytest.raises(ValueError, match="save_tensor_name"):
        tf.train.Saver(saver_def=tf.train.SaverDef())
    with pytest.raises(ValueError, match="SaverDef"):
        tf.train.Saver(saver_def="text")


def test_closed_session(tmp_path):
    tf.Variable(1.0, name="v")
    saver = tf.train.Saver()
    session = tf.Session()
    _initialized(session)
    path = saver.save(session, tmp_path / "m")
    session.close()
    with pytest.raises(RuntimeError, match="closed"):
        saver.save(session, tmp_path / "n")
    with pytest.raises(RuntimeError, match="closed"):
        saver.restore(session, path)


def test_saver_of_another_graphs_session(tmp_path):
    tf.Variable(1.0, name="v")
    saver = tf.train.Saver()
    with tf.Graph().as_default(), tf.Session() as other:
        tf.no_op()
        with pytest.raises(ValueError, match="save/control_dependency"):
            saver.save(other, tmp_path / "m")


def test_missing_variable_names_the_nearest(session, tmp_path):
    tf.Variable(1.0, name="layer1/weights")
    tf.Variable(1.0, name="bias")
    _initialized(session)
    path = tf.train.Saver().save(session, tmp_path / "m")
    tf.Variable(1.0, name="layer1/weight")
    saver = tf.train.Saver()
    with pytest.raises(tf.errors.NotFoundError, match="Key layer1/weight not found") as info:
        saver.restore(session, path)
    assert "layer1/weights" in str(info.value)


def test_other_shape_and_type_are_refused(session, tmp_path):
    tf.Variable([1.0, 2.0], name="v")
    _initialized(session)
    path = tf.train.Saver().save(session, tmp_path / "m")
    for value in ([1.0, 2.0, 3.0], [1, 2]):
        for resource in (False, True):
            with tf.Graph().as_default(), tf.Session() as other:
                tf.Variable(value, name="v", use_resource=resource)
                saver = tf.train.Saver()
                with pytest.raises(tf.errors.InvalidArgumentError, match="another shape or type"):
                    saver.restore(other, path)


def test_other_shape_of_a_partitioned_variable_is_refused(session, tmp_path):
    tf.Variable(tf.zeros([6, 2]), name="p")
    _initialized(session)
    path = tf.train.Saver().save(session, tmp_path / "m")
    with tf.Graph().as_default(), tf.Session() as other:
        tf.get_variable("p", [7, 2], partitioner=tf.fixed_size_partitioner(2))
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[6, 2\]"):
            tf.train.Saver().restore(other, path)


def test_saveable_object(session, tmp_path):
    counter = tf.Variable([5, 6], name="counter")

    class Half(tf.train.SaveableObject):
        def __init__(self):
            super().__init__(counter, [SaveSpec(counter[0], "", "first")], "first")

        def restore(self, restored_tensors, restored_shapes):
            return tf.assign(counter, tf.stack([restored_tensors[0], 0]))

    tf.add_to_collection(tf.GraphKeys.SAVEABLE_OBJECTS, Half())
    saver = tf.train.Saver()
    _initialized(session)
    path = saver.save(session, tmp_path / "m")
    shapes = tf.train.NewCheckpointReader(path).get_variable_to_shape_map()
    assert shapes == {"counter": [2], "first": []}
    tf.train.Saver([Half()]).restore(session, path)
    assert session.run(counter).tolist() == [5, 0]


def test_saving_while_others_step(session, tmp_path):
    """A save sees each variable as it was at one time, however other threads step."""
    v = tf.Variable(tf.zeros([1000]), name="v")
    bump = tf.assign_add(v, tf.ones([1000]))
    saver = tf.train.Saver(max_to_keep=0)
    _initialized(session)
    stop = threading.Event()

    def step():
        while not stop.is_set():
            session.run(bump.op)

    threads = [threading.Thread(target=step) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        paths = [saver.save(session, tmp_path / "m", i, write_meta_graph=False) for i in range(10)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    seen = [tf.train.NewCheckpointReader(path).get_tensor("v") for path in paths]
    assert all((value == value[0]).all() for value in seen)
    firsts = [value[0] for value in seen]
    assert firsts == sorted(firsts)


@pytest.mark.parametrize("resource", [False, True])
def test_saving_makes_no_second_copy(session, tmp_path, resource):
    tf.Variable(tf.zeros([4 << 20]), name="v", use_resource=resource)
    saver = tf.train.Saver()
    _initialized(session)
    saver.save(session, tmp_path / "m", 0)
    tracemalloc.start()
    try:
        saver.save(session, tmp_path / "m", 1)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert os.path.getsize(tmp_path / "m-1.data-00000-of-00001") == 16 << 20


def test_restores_tensorflows_checkpoint(session):
    saver_checkpoints.make_model(tf)
    path = tf.train.latest_checkpoint(CHECKPOINTS)
    tf.train.Saver().restore(session, path)
    assert session.run(tf.train.get_global_step()) == 3
    reader = tf.train.NewCheckpointReader(path)
    for name in reader.get_variable_to_shape_map():
        if name != "p" and not name.startswith("p/Adam"):
            found = session.run(tf.get_default_graph().as_graph_element(_tensor_of(name)))
            np.testing.assert_array_equal(found, reader.get_tensor(name))
    constants = session.run(saver_checkpoints.others(tf))
    for name, value in constants.items():
        np.testing.assert_array_equal(reader.get_tensor(f"other/{name}"), value)


def _tensor_of(name):
    return next(v for v in tf.global_variables() if v.name == f"{name}:0")


def test_writes_the_bytes_that_tensorflow_writes(session, tmp_path):
    train = saver_checkpoints.make_model(tf)
    saver = tf.train.Saver()
    _initialized(session)
    saver.restore(session, CHECKPOINTS / "trained-3")
    saver.save(session, tmp_path / "trained", 3)
    for name in ("trained-3.index", "trained-3.data-00000-of-00001"):
        assert (tmp_path / name).read_bytes() == (CHECKPOINTS / name).read_bytes()
    session.run(train)


@pytest.mark.parametrize("name", ["old", "objects"])
@pytest.mark.parametrize("resource", [False, True])
def test_restores_older_and_newer_forms(session, name, resource):
    v = tf.Variable([0.0, 0.0], name="v", use_resource=resource)
    u = tf.Variable(0, name="u", use_resource=resource)
    saver = tf.train.Saver()
    for _ in range(2):
        saver.restore(session, CHECKPOINTS / name)
        assert session.run(v).tolist() == [1, 2]
        assert session.run(u) == 7
        _spoil(session)


def test_checkpoint_by_objects_lacks_a_name(session):
    tf.Variable([0.0, 0.0], name="v")
    tf.Variable([0.0, 0.0], name="other_name")
    saver = tf.train.Saver()
    with pytest.raises(tf.errors.NotFoundError, match="lacks: other_name"):
        saver.restore(session, CHECKPOINTS / "objects")
