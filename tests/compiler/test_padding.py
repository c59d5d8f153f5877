"""`Unique` in regions: where it may be padded, and that steps stay what they were."""

import numpy as np
import pytest

import millstream as tf
from millstream.base.lazy import jax
from millstream.compiler.padding import find_padded, padded_unique
from millstream.ops.state.order import skipped_index
from millstream.rewrite.program import Program
from millstream.rewrite.prune import prune


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def padded_in(fetches, targets=()):
    program = Program(tf.get_default_graph(), fetches, targets, ())
    prune(program)
    return find_padded(program)


def sparse_step(optimizer, rows=50):
    table = tf.get_variable("table", [rows, 3])
    ids = tf.placeholder(tf.int32, [6], name="ids")
    loss = tf.reduce_sum(tf.square(tf.nn.embedding_lookup(table, ids)))
    return table, ids, optimizer.minimize(loss)


OPTIMIZERS = {
    "adagrad": lambda: tf.train.AdagradOptimizer(0.1),
    "momentum": lambda: tf.train.MomentumOptimizer(0.1, 0.9),
    "adam": lambda: tf.train.AdamOptimizer(0.1),
    "rmsprop": lambda: tf.train.RMSPropOptimizer(0.1),
    "ftrl": lambda: tf.train.FtrlOptimizer(0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_are_compiled_in_one_piece(name):
    _, _, step = sparse_step(OPTIMIZERS[name]())
    assert [node.type for node in padded_in((), [step])] == ["Unique"]


def test_elements_that_are_fetched_are_not_padded():
    _, _, step = sparse_step(OPTIMIZERS["adagrad"]())
    unique = next(n for n in tf.get_default_graph().get_operations() if n.type == "Unique")
    assert not padded_in([unique.outputs[0]], [step])
    assert not padded_in([unique.outputs[1]], [step])


def test_elements_that_pick_rows_are_not_padded():
    elements, places = tf.unique(tf.placeholder(tf.int32, [4]))
    table = tf.get_variable("table", [9, 3])
    rows = tf.gather(tf.gather(table, elements), places)
    assert not padded_in([rows])


def test_counts_that_are_used_elsewhere_forbid_padding():
    _, _, step = sparse_step(OPTIMIZERS["adagrad"]())
    unique = next(n for n in tf.get_default_graph().get_operations() if n.type == "Unique")
    count = tf.size(unique.outputs[0]) + 1
    assert not padded_in([count], [step])


def test_markers_stand_behind_the_elements():
    x = np.array([7, 2, 7, 9, 2], np.int32)
    node = tf.unique(tf.constant(x))[0].op
    elements, places = map(np.asarray, jax.jit(lambda x: padded_unique(node, x))(x))
    assert elements[:3].tolist() == [2, 7, 9]
    assert set(elements[3:].tolist()) == {skipped_index(np.int32)}
    assert elements[places].tolist() == x.tolist()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_tiers_agree_and_compile_once(name, monkeypatch, caplog):
    batches = np.random.default_rng(3).integers(0, 12, [20, 6])
    found = {}
    for tier in ("numpy", "xla"):
        monkeypatch.setenv("MILLSTREAM_TIER", tier)
        with tf.Graph().as_default(), tf.Session() as session:
            table, ids, step = sparse_step(OPTIMIZERS[name]())
            session.run(tf.global_variables_initializer())
            table.load(np.linspace(-1, 1, 150).reshape(50, 3), session)
            for batch in batches:
                session.run(step, {ids: batch})
            found[tier] = session.run(table)
    np.testing.assert_allclose(found["xla"], found["numpy"], rtol=1e-5, atol=1e-6)
    assert not [r for r in caplog.records if "different input shapes" in r.getMessage()]


def test_a_bad_index_is_still_an_error(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", "xla")
    table = tf.get_variable("table", [5, 2])
    ids = tf.placeholder(tf.int32, [3])
    slices = tf.IndexedSlices(tf.ones([3, 2]), ids)
    step = tf.train.AdagradOptimizer(0.1).apply_gradients([(slices, table)])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="Index 5 at offset"):
            session.run(step, {ids: [1, 5, 1]})
