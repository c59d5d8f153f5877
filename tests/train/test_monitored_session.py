"""`tf.train.MonitoredSession` and its hooks: what TF's records do not show."""

import logging
import os
import threading

import numpy as np
import pytest

import millstream as tf
from millstream.train.wrapped_sessions import merge_options


@pytest.fixture(autouse=True)
def fresh_graph():
    with tf.Graph().as_default() as graph:
        yield graph
    tf.summary.FileWriterCache.clear()


@pytest.fixture
def count():
    step = tf.train.create_global_step()
    return tf.assign_add(step, 1)


class FailOnce(tf.train.SessionRunHook):
    """Raises an error after the second run, once."""

    def __init__(self, error):
        self.error, self.runs, self.sessions = error, 0, 0

    def after_create_session(self, session, coord):
        self.sessions += 1

    def after_run(self, run_context, run_values):
        self.runs += 1
        if self.runs == 2:
            raise self.error


def test_a_lost_machine_means_a_new_session_from_the_last_checkpoint(count, tmp_path):
    hook = FailOnce(tf.errors.AbortedError(None, None, "gone"))
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=tmp_path, save_checkpoint_steps=1, hooks=[hook]
    ) as session:
        steps = [int(session.run(count)) for _ in range(3)]
    assert hook.sessions == 2
    # The second run was saved before it was lost, and is made again from there.
    assert steps == [1, 3, 4]


def test_other_errors_are_raised_and_end_is_not_called(count):
    class Ends(tf.train.SessionRunHook):
        ended = False

        def end(self, session):
            self.ended = True

    ends = Ends()
    with pytest.raises(tf.errors.InternalError, match="broken"):
        with tf.train.MonitoredSession(
            hooks=[ends, FailOnce(tf.errors.InternalError(None, None, "broken"))]
        ) as session:
            session.run(count)
            session.run(count)
    assert not ends.ended


def test_the_end_of_the_input_ends_the_block_without_error(count):
    with tf.train.MonitoredSession(
        hooks=[FailOnce(tf.errors.OutOfRangeError(None, None, "no more"))]
    ) as session:
        while True:
            session.run(count)
    assert session.should_stop()
    with pytest.raises(RuntimeError, match="closed"):
        session.run(count)


def test_an_interrupted_training_is_saved_and_resumes(count, tmp_path, caplog):
    def train(last):
        with tf.train.MonitoredTrainingSession(
            checkpoint_dir=tmp_path, save_checkpoint_steps=100
        ) as session:
            while True:
                if session.run(count) == last:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(7)
    assert tf.train.latest_checkpoint(tmp_path).endswith("model.ckpt-7")
    assert "interrupted at step 7" in caplog.text
    with pytest.raises(KeyboardInterrupt):
        train(9)
    assert tf.train.latest_checkpoint(tmp_path).endswith("model.ckpt-9")


def test_an_error_of_a_thread_is_raised_by_the_training(count):
    class Thread(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            def work():
                with coord.stop_on_exception():
                    raise ValueError("in the thread")

            thread = threading.Thread(target=work)
            coord.register_thread(thread)
            thread.start()
            thread.join()

    with pytest.raises(ValueError, match="in the thread"):
        with tf.train.MonitoredSession(hooks=[Thread()]) as session:
            while not session.should_stop():
                session.run(count)


def test_the_graph_can_be_extended_after_the_session_only(count, fresh_graph):
    with tf.train.MonitoredSession() as session:
        session.run(count)
        with pytest.raises(RuntimeError, match="finalized"):
            tf.constant(1)
    tf.constant(1)


def test_a_step_function_can_run_without_hooks(count):
    hook = FailOnce(RuntimeError("second"))
    with tf.train.MonitoredSession(hooks=[hook]) as session:

        def step(step_context):
            step_context.session.run(count)
            return int(step_context.run_with_hooks(count))

        assert session.run_step_fn(step) == 2
        assert hook.runs == 1


def test_nan_stops_or_fails(count, caplog):
    loss = tf.constant(np.nan)
    with pytest.raises(tf.train.NanLossDuringTrainingError, match="NaN loss during training"):
        with tf.train.MonitoredSession(hooks=[tf.train.NanTensorHook(loss)]) as session:
            session.run(count)
    quiet = tf.train.NanTensorHook(loss, fail_on_nan_loss=False)
    with tf.train.MonitoredSession(hooks=[quiet]) as session:
        session.run(count)
        assert session.should_stop()


def test_final_values_and_feeds_of_hooks(count):
    x = tf.placeholder(tf.float32)
    final = tf.train.FinalOpsHook(x * 3, {x: 2.0})
    feeds = iter([1.0, 5.0])
    feed = tf.train.FeedFnHook(lambda: {x: next(feeds)})
    with tf.train.MonitoredSession(hooks=[final, feed]) as session:
        assert [session.run(x), session.run(x)] == [1.0, 5.0]
        assert final.final_ops_values is None
    assert final.final_ops_values == 6.0


def test_profiler_writes_timelines(count, tmp_path):
    hook = tf.train.ProfilerHook(save_steps=2, output_dir=tmp_path)
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        for _ in range(5):
            session.run(count)
    found = sorted(name for name in os.listdir(tmp_path) if name.startswith("timeline"))
    assert found == ["timeline-2.json", "timeline-4.json"]


def test_a_listener_can_end_the_training(count, tmp_path):
    class Listener(tf.train.CheckpointSaverListener):
        def after_save(self, session, global_step_value):
            return global_step_value == 4

    hook = tf.train.CheckpointSaverHook(tmp_path, save_steps=2, listeners=[Listener()])
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        while not session.should_stop():
            last = session.run(count)
    assert last == 4


def test_a_step_that_does_not_grow_is_told(tmp_path, caplog):
    tf.train.create_global_step()
    x = tf.constant(1.0)
    with tf.train.MonitoredTrainingSession(checkpoint_dir=tmp_path) as session:
        for _ in range(9):
            session.run(x)
    told = [r for r in caplog.records if "global step does not grow" in r.getMessage()]
    assert len(told) == 5
    assert told[0].levelno == logging.WARNING


def test_traces_reach_the_program_and_hooks(count):
    class Traces(tf.train.SessionRunHook):
        def before_run(self, run_context):
            options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
            return tf.train.SessionRunArgs(None, options=options)

        def after_run(self, run_context, run_values):
            self.devices = len(run_values.run_metadata.step_stats.dev_stats)

    traces, metadata = Traces(), tf.RunMetadata()
    with tf.train.MonitoredSession(hooks=[traces]) as session:
        session.run(count, run_metadata=metadata)
    assert traces.devices == len(metadata.step_stats.dev_stats) > 0


def test_options_are_merged():
    merged = tf.RunOptions(trace_level=1, timeout_in_ms=5)
    merge_options(merged, tf.RunOptions(trace_level=3, timeout_in_ms=2))
    assert (merged.trace_level, merged.timeout_in_ms) == (3, 5)


def test_a_worker_waits_and_gives_up(count):
    creator = tf.train.WorkerSessionCreator(max_wait_secs=0)
    with pytest.raises(tf.errors.DeadlineExceededError, match="not ready"):
        tf.train.MonitoredSession(creator)


def test_timers_trigger_by_steps_and_seconds(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("millstream.train.hooks.timers.time.time", lambda: now[0])
    by_steps = tf.train.SecondOrStepTimer(every_steps=3)
    by_secs = tf.train.SecondOrStepTimer(every_secs=2.0)
    assert by_steps.should_trigger_for_step(5)
    assert by_steps.update_last_triggered_step(5) == (None, None)
    by_secs.update_last_triggered_step(5)
    now[0] = 101.0
    assert [by_steps.should_trigger_for_step(s) for s in (5, 7, 8)] == [False, False, True]
    assert not by_secs.should_trigger_for_step(8)
    now[0] = 102.0
    assert by_secs.should_trigger_for_step(8)
    assert not by_secs.should_trigger_for_step(5)
    assert by_steps.update_last_triggered_step(8) == (2.0, 3)
