"""Queue runners: filling, ending, stopping, failing; their messages; stalled steps."""

import threading

import numpy as np
import pytest

import millstream as tf
from millstream.ops.queue import stalls


@pytest.fixture
def graph():
    with tf.Graph().as_default() as made:
        yield made


def _limited(limit):
    """A queue of the numbers 0, 1, … below `limit`, and its runner."""
    count = tf.Variable(0, name="count", use_resource=True)
    queue = tf.FIFOQueue(3, tf.int32, shapes=[[]])
    runner = tf.train.QueueRunner(queue, [queue.enqueue(count.count_up_to(limit))])
    return queue, runner


def test_a_runner_fills_and_closes_its_queue(graph):
    queue, runner = _limited(5)
    one = queue.dequeue()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        threads = runner.create_threads(session, start=True)
        assert runner.create_threads(session) == []
        assert [session.run(one) for _ in range(5)] == list(range(5))
        with pytest.raises(tf.errors.OutOfRangeError, match="closed and has insufficient"):
            session.run(one)
        for thread in threads:
            thread.join()
        assert runner.exceptions_raised == []
        assert runner.threads_running(session) == 0


def test_a_stop_cancels_a_full_queue(graph):
    queue = tf.FIFOQueue(2, tf.int32, shapes=[[]])
    tf.train.add_queue_runner(tf.train.QueueRunner(queue, [queue.enqueue(1)] * 3))
    coord = tf.train.Coordinator()
    with tf.Session() as session:
        threads = tf.train.start_queue_runners(session, coord)
        assert len(threads) == 4
        session.run(queue.dequeue_many(4))
        coord.request_stop()
        coord.join(threads, stop_grace_period_secs=10)
        assert session.run(queue.is_closed())


def test_an_error_reaches_join(graph):
    queue = tf.FIFOQueue(2, tf.float32, shapes=[[]])
    bad = tf.reshape(tf.placeholder_with_default(np.zeros(2, np.float32), [None]), [])
    tf.train.add_queue_runner(tf.train.QueueRunner(queue, [queue.enqueue(bad)]))
    coord = tf.train.Coordinator()
    with tf.Session() as session:
        threads = tf.train.start_queue_runners(session, coord)
        with pytest.raises(tf.errors.InvalidArgumentError):
            coord.join(threads)


def test_own_classes_can_mean_the_end(graph):
    queue = tf.FIFOQueue(2, tf.float32, shapes=[[]])
    bad = tf.reshape(tf.placeholder_with_default(np.zeros(2, np.float32), [None]), [])
    kinds = (tf.errors.InvalidArgumentError, tf.errors.OutOfRangeError)
    runner = tf.train.QueueRunner(queue, [queue.enqueue(bad)], queue_closed_exception_types=kinds)
    with tf.Session() as session:
        for thread in runner.create_threads(session, start=True):
            thread.join()
        assert session.run(queue.is_closed())
    with pytest.raises(TypeError, match=r"tuple of tf\.errors types"):
        tf.train.QueueRunner(queue, [bad.op], queue_closed_exception_types=KeyError)


def test_arguments_are_checked(graph):
    queue = tf.FIFOQueue(2, tf.float32, shapes=[[]])
    with pytest.raises(ValueError, match="Must provide queue and enqueue_ops"):
        tf.train.QueueRunner(queue, [])
    with pytest.raises(ValueError, match="mutually exclusive"):
        tf.train.QueueRunner(queue, [queue.enqueue(1.0)], queue_runner_def=object())
    with pytest.raises(ValueError, match="No default session"):
        tf.train.start_queue_runners()
    with pytest.raises(TypeError, match=r"must be a `tf\.Session`"):
        tf.train.start_queue_runners("session")


def test_runners_survive_a_meta_graph(graph):
    queue, runner = _limited(4)
    tf.train.add_queue_runner(runner)
    batch = queue.dequeue_many(4, name="batch")
    message = tf.train.export_meta_graph()
    with tf.Graph().as_default():
        tf.train.import_meta_graph(message, import_scope="in")
        (found,) = tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS)
        assert found.name == "in/fifo_queue"
        assert [op.name for op in found.enqueue_ops] == ["in/fifo_queue_enqueue"]
        coord = tf.train.Coordinator()
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            threads = tf.train.start_queue_runners(session, coord)
            assert session.run(f"in/{batch.name}").tolist() == [0, 1, 2, 3]
            coord.request_stop()
            coord.join(threads)


def test_closing_a_session_wakes_who_waits(graph):
    queue = tf.FIFOQueue(2, tf.float32, shapes=[[]])
    one = queue.dequeue()
    session, failures = tf.Session(), []

    def wait():
        try:
            session.run(one)
        except tf.errors.OpError as error:
            failures.append(type(error))

    thread = threading.Thread(target=wait)
    thread.start()
    while not any(q.kind == "FIFOQueue" and q._takers for q in _queues(session)):
        threading.Event().wait(0.001)
    session.close()
    thread.join()
    assert failures == [tf.errors.CancelledError]


def _queues(session):
    return [r for r in list(session.resources._resources.values()) if hasattr(r, "_takers")]


def test_a_stalled_step_is_told_of(graph, monkeypatch):
    words = []
    monkeypatch.setenv("MILLSTREAM_STALL_SECONDS", "0.01")
    monkeypatch.setattr(stalls.logging, "warning", lambda text, *args: words.append(text % args))
    queue = tf.FIFOQueue(2, tf.float32, shapes=[[]], name="examples")
    one = queue.dequeue()
    limit = tf.RunOptions(timeout_in_ms=200)
    with tf.Session() as session:
        with pytest.raises(tf.errors.DeadlineExceededError):
            session.run(one, options=limit)
        tf.train.add_queue_runner(tf.train.QueueRunner(queue, [queue.enqueue(1.0)]))
        with pytest.raises(tf.errors.DeadlineExceededError):
            session.run(one, options=limit)
    assert "'examples_Dequeue'" in words[0]
    assert "holds 0 of 2 elements" in words[0]
    assert "No queue runner is registered" in words[0]
    assert "not started: call tf.train.start_queue_runners" in words[1]


def test_no_warning_without_a_limit(monkeypatch):
    monkeypatch.setenv("MILLSTREAM_STALL_SECONDS", "0")
    assert stalls.limit_s() == -1
    monkeypatch.setenv("MILLSTREAM_STALL_SECONDS", "soon")
    assert stalls.limit_s() == 60
