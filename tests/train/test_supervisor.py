"""`tf.train.Supervisor` and `basic_train_loop`."""

import os

import pytest

import millstream as tf


@pytest.fixture(autouse=True)
def fresh_graph():
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture
def count():
    step = tf.train.create_global_step()
    tf.summary.scalar("step", step)
    return tf.assign_add(step, 1)


def test_a_training_is_saved_and_resumed(count, tmp_path):
    for first in (1, 4):
        # No thread that saves: it could have the last word about which checkpoint is the latest.
        supervisor = tf.train.Supervisor(logdir=tmp_path, save_model_secs=0)
        with supervisor.managed_session() as session:
            found = [int(session.run(count)) for _ in range(3)]
            supervisor.saver.save(session, supervisor.save_path, supervisor.global_step)
            supervisor.summary_computed(session, session.run(supervisor.summary_op))
        assert found == [first, first + 1, first + 2]
        assert supervisor.should_stop()
    names = os.listdir(tmp_path)
    assert "graph.pbtxt" in names
    assert "model.ckpt-6.index" in names


def test_an_interrupted_training_is_saved(count, tmp_path):
    supervisor = tf.train.Supervisor(logdir=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        with supervisor.managed_session() as session:
            session.run(count)
            raise KeyboardInterrupt
    assert tf.train.latest_checkpoint(tmp_path).endswith("model.ckpt-1")


def test_the_end_of_the_input_is_no_error_but_others_are(count):
    supervisor = tf.train.Supervisor()
    with supervisor.managed_session():
        raise tf.errors.OutOfRangeError(None, None, "no more")
    with pytest.raises(ValueError, match="wrong"):
        with supervisor.managed_session():
            raise ValueError("wrong")


def test_a_loop_runs_in_a_thread_until_the_stop(count):
    supervisor = tf.train.Supervisor()
    calls = []

    def work():
        calls.append(1)
        if len(calls) == 3:
            supervisor.request_stop()

    with supervisor.managed_session():
        supervisor.loop(0.001, work)
        supervisor.wait_for_stop()
    assert len(calls) == 3


def test_what_a_supervisor_cannot_do_is_told(count, fresh_graph):
    supervisor = tf.train.Supervisor()
    with supervisor.managed_session() as session:
        with pytest.raises(RuntimeError, match="requires a summary writer"):
            supervisor.summary_computed(session, b"")
    with pytest.raises(ValueError, match="must have their device set"):
        tf.train.Supervisor(is_chief=False)


def test_basic_train_loop_begins_again_when_a_machine_is_lost(count):
    supervisor = tf.train.Supervisor()
    seen = []

    def step(session, lost_at, stop_at=None):
        seen.append(int(session.run(count)))
        if len(seen) == lost_at:
            raise tf.errors.AbortedError(None, None, "lost")
        if len(seen) == stop_at:
            supervisor.request_stop()

    tf.train.basic_train_loop(supervisor, step, args=(2,), kwargs={"stop_at": 4})
    assert seen == [1, 2, 1, 2]
