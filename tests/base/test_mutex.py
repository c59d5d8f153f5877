"""A lock that no sleeping thread owns: exclusion, and nobody is left asleep."""

import sys
import threading

import pytest

from millstream.base.mutex import Mutex


@pytest.fixture(autouse=True)
def _frequent_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_one_thread_at_a_time():
    lock, inside, seen = Mutex(), [], []

    def work():
        for _ in range(300):
            with lock:
                inside.append(1)
                seen.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert set(seen) == {1}
    assert len(seen) == 8 * 300


def test_an_exception_gives_the_lock_back():
    lock = Mutex()
    with pytest.raises(ValueError, match="inside"), lock:
        raise ValueError("inside")
    with lock:
        pass
