"""`tf.train.Coordinator`: stopping, joining and passing on errors; `LooperThread`."""

import sys
import threading

import pytest

import millstream as tf


def _start(target, *args):
    thread = threading.Thread(target=target, args=args, name="worker")
    thread.start()
    return thread


def test_a_stop_reaches_all_threads():
    coord = tf.train.Coordinator()
    threads = [_start(coord.wait_for_stop) for _ in range(3)]
    assert not coord.should_stop()
    assert not coord.wait_for_stop(0.001)
    coord.request_stop()
    coord.join(threads)
    assert coord.should_stop()
    assert coord.joined


def test_join_ends_when_all_threads_have():
    coord = tf.train.Coordinator()
    coord.register_thread(_start(lambda: None))
    coord.join()
    assert not coord.should_stop()


def test_join_raises_the_first_error():
    coord = tf.train.Coordinator()

    def fail():
        with coord.stop_on_exception():
            raise ValueError("first")

    threads = [_start(fail)]
    coord.wait_for_stop()
    coord.request_stop(TypeError("second"))
    with pytest.raises(ValueError, match="first"):
        coord.raise_requested_exception()
    with pytest.raises(ValueError, match="first"):
        coord.join(threads)


def test_the_end_of_input_is_no_error():
    coord = tf.train.Coordinator()
    coord.request_stop(tf.errors.OutOfRangeError(None, None, "end"))
    coord.join()
    own = tf.train.Coordinator(clean_stop_exception_types=(KeyError,))
    own.request_stop(KeyError("x"))
    own.join()
    with pytest.raises(tf.errors.OutOfRangeError):
        own.request_stop(tf.errors.OutOfRangeError(None, None, "after the join"))


def test_what_sys_exc_info_gives_is_taken():
    coord = tf.train.Coordinator()
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        coord.request_stop(sys.exc_info())
    with pytest.raises(RuntimeError, match="boom"):
        coord.join()


def test_threads_that_do_not_stop_are_named():
    coord, release = tf.train.Coordinator(), threading.Event()
    thread = _start(release.wait)
    coord.request_stop()
    with pytest.raises(RuntimeError, match="threads still running: worker"):
        coord.join([thread], stop_grace_period_secs=0.01)
    coord.clear_stop()
    coord.request_stop()
    coord.join([thread], stop_grace_period_secs=0.01, ignore_live_threads=True)
    release.set()
    thread.join()


def test_clear_stop_forgets_the_error():
    coord = tf.train.Coordinator()
    coord.request_stop(ValueError())
    coord.clear_stop()
    assert not coord.should_stop()
    coord.join()


def test_looper_runs_until_stopped():
    coord, seen = tf.train.Coordinator(), []

    def work(limit, word="x"):
        seen.append(word)
        if len(seen) == limit:
            coord.request_stop()

    tf.train.LooperThread.loop(coord, 0.0, work, args=(3,), kwargs={"word": "y"})
    coord.join()
    assert seen == ["y"] * 3


def test_looper_reports_errors():
    coord = tf.train.Coordinator()

    class Failing(tf.train.LooperThread):
        def run_loop(self):
            raise ValueError("in the loop")

    Failing(coord, None).start()
    with pytest.raises(ValueError, match="in the loop"):
        coord.join()
    with pytest.raises(ValueError, match="must be a Coordinator"):
        tf.train.LooperThread(None, None)
    with pytest.raises(ValueError, match="also pass 'target'"):
        tf.train.LooperThread(coord, None, args=(1,))
