"""Trainings by the optimizers, against TensorFlow 1.15's nodes and values."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"
_spec = importlib.util.spec_from_file_location("golden_script", GOLDEN / "train_optimizers.py")
script = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)
RECORDED = json.loads((GOLDEN / "train_optimizers.json").read_text())


@pytest.mark.parametrize("key", RECORDED)
def test_nodes(key):
    name, kind = key.split("/")
    with tf.Graph().as_default() as graph:
        script.build(tf, name, kind == "resource")
        made = script.nodes(graph)
    for ours, theirs in zip(made, RECORDED[key]["nodes"], strict=False):
        assert without_gradients(ours, theirs) == theirs
    assert len(made) == len(RECORDED[key]["nodes"])


def without_gradients(ours, theirs):
    """Returns our line with inputs that are gradients there called so: how they come is ours."""
    fields, others = ours.split("|"), theirs.split("|")
    inputs, wanted = fields[2].split(" "), others[2].split(" ")
    if len(inputs) == len(wanted):
        same = [w if w == "gradients" else i for i, w in zip(inputs, wanted, strict=True)]
        fields[2] = " ".join(same)
    return "|".join(fields)


@pytest.mark.parametrize("key", RECORDED)
def test_values_after_five_steps(key):
    name, kind = key.split("/")
    with tf.Graph().as_default():
        values = script.train(tf, name, kind == "resource")
    assert values.keys() == RECORDED[key]["values"].keys()
    for variable, wanted in RECORDED[key]["values"].items():
        np.testing.assert_allclose(values[variable], wanted, rtol=2e-5, atol=1e-6, err_msg=variable)


@pytest.fixture
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def sgd():
    return tf.train.GradientDescentOptimizer(0.5)


def unrelated():
    tf.Variable(1.0, name="w")
    return sgd().minimize(tf.constant(1.0) * 2.0)


def with_constraint_on_rows():
    w = tf.Variable([1.0, 2.0], constraint=lambda x: x)
    return sgd().minimize(tf.reduce_sum(tf.gather(w, [0])))


def update_a_tensor():
    x = tf.constant(1.0)
    return sgd().minimize(x * x, var_list=[x])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (unrelated, ValueError, "No gradients provided for any variable"),
        (lambda: sgd().minimize(tf.constant(1.0)), ValueError, "No variables to optimize"),
        (lambda: sgd().apply_gradients([]), ValueError, "No variables provided"),
        (lambda: sgd().apply_gradients([(None, tf.Variable(1.0))]), ValueError,
         "No gradients provided for any variable"),
        (lambda: sgd().apply_gradients([(object(), tf.Variable(1.0))]), TypeError,
         "Gradient must be convertible to a Tensor or IndexedSlices, or None"),
        (lambda: sgd().compute_gradients(tf.cast(tf.Variable(1.0), tf.int32)), ValueError,
         "Invalid type"),
        (lambda: sgd().compute_gradients(tf.Variable(1.0) * 2.0, gate_gradients=7), ValueError,
         "gate_gradients must be one of"),
        (lambda: tf.train.GradientDescentOptimizer(0.1, name=""), ValueError,
         "Must specify the optimizer name"),
        (lambda: tf.train.FtrlOptimizer(0.1, learning_rate_power=1.0), ValueError,
         "needs to be negative or zero"),
        (lambda: tf.train.FtrlOptimizer(0.1, l1_regularization_strength=-1.0), ValueError,
         "needs to be positive or zero"),
        (lambda: tf.train.AdagradOptimizer(0.1, initial_accumulator_value=-1.0), ValueError,
         "initial_accumulator_value must be positive"),
        (with_constraint_on_rows, RuntimeError,
         "Cannot use a constraint function on a sparse variable"),
        (update_a_tensor, NotImplementedError, "Trying to update a Tensor"),
    ],
)  # fmt: skip
def test_mistakes(graph, call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_slots(graph):
    w = tf.Variable([1.0, 2.0], name="w")
    adam = tf.train.AdamOptimizer()
    adam.minimize(tf.reduce_sum(w * w))
    assert adam.get_slot_names() == ["m", "v"]
    assert adam.get_slot(w, "m").name == "w/Adam:0"
    assert adam.get_slot(w, "v").name == "w/Adam_1:0"
    assert adam.get_slot(w, "other") is None
    names = ["beta1_power:0", "beta2_power:0", "w/Adam:0", "w/Adam_1:0"]
    assert [v.name for v in adam.variables()] == names
    assert adam.get_name() == "Adam"
    assert tf.trainable_variables() == [w]


def test_two_optimizers_have_slots_of_their_own(graph):
    w = tf.Variable([1.0, 2.0], name="w")
    loss = tf.reduce_sum(w * w)
    first = tf.train.AdamOptimizer()
    first.minimize(loss)
    tf.train.AdamOptimizer().minimize(loss)
    first.minimize(loss)
    slots = [v.name for v in tf.global_variables() if "/" in v.name]
    assert slots == ["w/Adam:0", "w/Adam_1:0", "w/Adam_2:0", "w/Adam_3:0"]
    assert len(tf.get_collection(tf.GraphKeys.TRAIN_OP)) == 3


def test_slots_of_partitioned_variables_are_parts_of_a_whole(graph):
    w = tf.get_variable("w", [4, 2], partitioner=tf.fixed_size_partitioner(2))
    tf.train.MomentumOptimizer(0.1, 0.9).minimize(tf.reduce_sum(tf.square(w)))
    slots = [v for v in tf.global_variables() if "Momentum" in v.name]
    assert [v._get_save_slice_info().full_name for v in slots] == ["w/Momentum"] * 2
    assert [v._get_save_slice_info().spec for v in slots] == ["4 2 0,2:0,2", "4 2 2,2:0,2"]


def run_once(step, *fetches):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
        return session.run(list(fetches))


def test_constraints_hold_after_a_step(graph):
    w = tf.Variable([0.9, 0.2], constraint=lambda x: tf.clip_by_value(x, 0.0, 1.0))
    (value,) = run_once(sgd().minimize(tf.reduce_sum(-w)), w)
    np.testing.assert_allclose(value, [1.0, 0.7], rtol=1e-6)


def test_hyperparameters_may_be_functions_and_tensors(graph):
    w = tf.Variable([1.0, 2.0])
    rate = tf.placeholder_with_default(0.5, [])
    both = tf.train.MomentumOptimizer(lambda: rate, lambda: 0.9)
    (value,) = run_once(both.minimize(tf.reduce_sum(w)), w)
    np.testing.assert_allclose(value, [0.5, 1.5])


@pytest.mark.parametrize("gate", [0, 1, 2])
def test_gates_keep_the_values(graph, gate):
    w, v = tf.Variable([1.0, 2.0]), tf.Variable([3.0, 4.0])
    step = sgd().minimize(tf.reduce_sum(w * v), gate_gradients=gate)
    found = run_once(step, w, v)
    np.testing.assert_allclose(found, [[-0.5, 0.0], [2.5, 3.0]])


def test_gradients_are_taken_of_tensors_and_scaled(graph):
    w = tf.Variable([1.0, 2.0])
    ((gradient, variable),) = sgd().compute_gradients(w * 2.0, grad_loss=tf.constant([1.0, 3.0]))
    assert variable is w
    np.testing.assert_allclose(run_once([], gradient)[0], [2.0, 6.0])
    x = tf.constant(3.0)
    ((gradient, _),) = sgd().compute_gradients(x * x, var_list=[x])
    np.testing.assert_allclose(run_once([], gradient)[0], 6.0)


def test_doubles_stay_doubles(graph):
    w = tf.Variable(np.array([1.0, 2.0]))
    run_once(tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(w * w)), w)
    slots = [v for v in tf.global_variables() if "power" not in v.name]
    assert {v.dtype.base_dtype for v in slots} == {tf.float64}
