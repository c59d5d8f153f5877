"""Cancellation managers."""

from millstream.runtime.cancel import CancellationManager


def test_everyone_registered_is_called_once():
    manager, calls = CancellationManager(), []
    manager.register(lambda: calls.append("a"))
    token = manager.register(lambda: calls.append("b"))
    manager.deregister(token)
    manager.cancel()
    manager.cancel()
    assert calls == ["a"]
    assert manager.is_cancelled


def test_who_comes_too_late_is_called_at_once():
    manager, calls = CancellationManager(), []
    manager.cancel()
    manager.register(lambda: calls.append("late"))
    assert calls == ["late"]


def test_a_child_is_cancelled_with_its_parent_until_it_is_closed():
    parent = CancellationManager()
    child, closed = CancellationManager(parent), CancellationManager(parent)
    closed.close()
    parent.cancel()
    assert child.is_cancelled
    assert not closed.is_cancelled
