"""Queues under random schedules: thousands of interleavings against a plain model, and threads.

In the first part nobody sleeps: what would wait stays in its line, so that a seed fixes the whole
schedule.
"""

import contextlib
import random
import threading

import numpy as np
import pytest

from millstream.base import errors
from millstream.base.dtypes import float64, int32
from millstream.base.shapes import TensorShape
from millstream.ops.queue.accumulators import Accumulator
from millstream.ops.queue.core import Queue
from millstream.ops.queue.kinds import ShuffleQueue
from millstream.runtime.cancel import CancellationManager


class Patient(Queue):
    """A queue whose callers do not sleep."""

    def _attend(self, line, attempt, ctx, what):
        with self._lock:
            line.append(attempt)
            self.last = (line, attempt)
            self._advance()


class Model:
    """A queue as one would explain it, on plain lists."""

    def __init__(self, capacity):
        self.capacity, self.held, self.closed = capacity, [], False
        self.adders, self.takers, self.outcome = [], [], {}

    def settle(self):
        moved = True
        while moved:
            moved = False
            if self.adders:
                moved |= self._add(self.adders[0])
            if self.takers:
                moved |= self._take(self.takers[0])

    def _end(self, line, entry, outcome):
        line.remove(entry)
        self.outcome[entry["id"]] = outcome
        return True

    def _add(self, entry):
        if self.closed:
            return self._end(self.adders, entry, "cancelled")
        if entry["kind"] == "close":
            self.closed = True
            return self._end(self.adders, entry, "done")
        moved = False
        while entry["items"] and len(self.held) < self.capacity:
            self.held.append(entry["items"].pop(0))
            moved = True
        return self._end(self.adders, entry, "done") if not entry["items"] else moved

    def _take(self, entry):
        if self.closed and len(self.held) < entry["wanted"] - len(entry["got"]):
            self.held[:0], entry["got"] = entry["got"], []
            if not (entry["up_to"] and self.held):
                return self._end(self.takers, entry, "end")
            entry["wanted"] = len(self.held)
        moved = False
        while self.held and len(entry["got"]) < entry["wanted"]:
            entry["got"].append(self.held.pop(0))
            moved = True
        if len(entry["got"]) == entry["wanted"]:
            return self._end(self.takers, entry, list(entry["got"]))
        return moved

    def cancel(self, number):
        for line in (self.adders, self.takers):
            for entry in list(line):
                if entry["id"] == number:
                    self.held[:0] = entry.get("got", [])
                    self._end(line, entry, "cancelled")
        self.settle()

    def close_now(self):
        self.closed = True
        for entry in list(self.adders):
            self._end(self.adders, entry, "cancelled")
        self.settle()


_WORDS = {errors.CancelledError: "cancelled", errors.OutOfRangeError: "end"}


def _outcome(attempt, taking):
    if not attempt.done:
        return None
    if attempt.error is not None:
        return _WORDS[type(attempt.error)]
    return "done" if taking is None else [element[0] for element in taking.taken]


def _schedule(seed, steps=40):
    rng = random.Random(seed)
    capacity = rng.choice([1, 2, 3, 7])
    queue = Patient("q", "q", capacity, [int32], [TensorShape([])])
    model, attempts, counter = Model(capacity), {}, iter(range(10**6))
    for number in range(steps):
        action = rng.choices(
            ["add", "take", "up_to", "cancel", "close", "close_now"], [8, 6, 2, 3, 0.3, 0.2]
        )[0]
        if action == "add":
            items = [next(counter) for _ in range(rng.randint(1, 4))]
            queue.add([(item,) for item in items], None)
            model.adders.append({"id": number, "kind": "add", "items": items})
        elif action in ("take", "up_to"):
            wanted, up_to = rng.randint(1, 4), action == "up_to"
            queue.take(wanted, None, up_to)
            entry = {"id": number, "wanted": wanted, "got": [], "up_to": up_to}
            model.takers.append(entry)
        elif action == "cancel":
            if attempts:
                victim = rng.choice(list(attempts))
                line, attempt, _ = attempts[victim]
                queue._cancel(line, attempt, "cancelled")
                model.cancel(victim)
            continue
        elif action == "close":
            queue.request_close(None, cancel_pending=False)
            model.adders.append({"id": number, "kind": "close"})
        else:
            queue.request_close(None, cancel_pending=True)
            model.close_now()
            continue
        line, attempt = queue.last
        taking = getattr(attempt._advance, "__self__", None)
        attempts[number] = line, attempt, taking
        model.settle()
        _compare(queue, model, attempts)


def _compare(queue, model, attempts):
    assert [element[0] for element in queue._elements] == model.held
    assert queue.size() <= queue.capacity or model.closed or len(model.held) == queue.size()
    for number, (_, attempt, taking) in attempts.items():
        assert _outcome(attempt, taking) == model.outcome.get(number), number


@pytest.mark.parametrize("block", range(8))
def test_random_schedules_go_as_in_the_model(block):
    for seed in range(block * 400, (block + 1) * 400):
        _schedule(seed)


class _Step:
    """What a node is given as its context."""

    def __init__(self):
        self.cancel = CancellationManager()


def _in_threads(queue, producers, consumers, per_producer):
    taken, lock = [], threading.Lock()

    def produce(number):
        for index in range(0, per_producer, 5):
            queue.add([(number * 10**6 + index + i,) for i in range(5)], _Step())

    def consume(count):
        while True:
            try:
                got = queue.take(count, _Step(), up_to=True)
            except errors.OutOfRangeError:
                return
            with lock:
                taken.extend(element[0] for element in got)

    makers = [threading.Thread(target=produce, args=(i,)) for i in range(producers)]
    users = [threading.Thread(target=consume, args=(i % 3 + 1,)) for i in range(consumers)]
    for thread in makers + users:
        thread.start()
    for thread in makers:
        thread.join()
    queue.request_close(_Step(), cancel_pending=False)
    for thread in users:
        thread.join()
    return taken


@pytest.mark.parametrize("kind", ["fifo", "shuffle"])
def test_threads_lose_nothing_and_double_nothing(kind):
    if kind == "fifo":
        queue = Queue("q", "q", 7, [int32], [TensorShape([])])
    else:
        queue = ShuffleQueue("q", "q", 20, [int32], [TensorShape([])], 5, (1, 2))
    taken = _in_threads(queue, producers=5, consumers=4, per_producer=300)
    wanted = [p * 10**6 + i for p in range(5) for i in range(300)]
    assert sorted(taken) == wanted
    if kind == "fifo":
        alone = Queue("q", "q", 7, [int32], [TensorShape([])])
        assert _in_threads(alone, 1, 1, 300) == list(range(300))


def test_cancelling_gives_back_what_was_taken():
    queue = Queue("q", "q", 5, [int32], [TensorShape([])])
    queue.add([(1,), (2,)], _Step())
    step = _Step()
    failures = []

    def take():
        try:
            queue.take(3, step)
        except errors.CancelledError as error:
            failures.append(error.message)

    thread = threading.Thread(target=take)
    thread.start()
    while not queue._takers:
        threading.Event().wait(0.001)
    step.cancel.cancel()
    thread.join()
    assert failures == ["Dequeue operation was cancelled"]
    assert np.array_equal([e[0] for e in queue.take(2, _Step())], [1, 2])


class PatientAccumulator(Accumulator):
    """An accumulator whose callers do not sleep."""

    def _attend(self, line, attempt, ctx, what):
        with self._lock:
            line.append(attempt)
            ctx.append(attempt)
            self._advance()


def _accumulate(seed):
    rng = random.Random(seed)
    accumulator = PatientAccumulator("a", float64, TensorShape([]), mean=True)
    time, held, waiting, done = 0, [], [], []
    for _ in range(40):
        action = rng.choice(["apply", "apply", "take", "cancel", "step"])
        if action == "apply":
            local, value = max(0, time + rng.choice([-1, 0, 0, 1])), rng.random()
            accumulator.apply(local, np.float64(value))
            if local >= time:
                held.append(value)
        elif action == "take":
            wanted, attempts = rng.randint(1, 4), []
            with contextlib.suppress(IndexError):  # nothing was taken yet
                accumulator.take(wanted, attempts)
            waiting.append((wanted, attempts[0]))
        elif action == "cancel" and waiting:
            wanted, attempt = waiting.pop(rng.randrange(len(waiting)))
            accumulator._cancel(accumulator._line(), attempt, "cancelled")
            assert isinstance(attempt.error, errors.CancelledError)
        elif action == "step":
            new = time + rng.choice([-1, 0, 0, 1])
            accumulator.set_step(new)
            time = max(time, new)
        while waiting and len(held) >= waiting[0][0]:
            done.append(waiting.pop(0)[1])
            held, time = [], time + 1
        assert accumulator.count == len(held)
        assert all(attempt.done for attempt in done)
        assert not any(attempt.done for _, attempt in waiting)
    if held and not waiting:
        assert accumulator.take(len(held), []) == pytest.approx(np.mean(held))


@pytest.mark.parametrize("block", range(4))
def test_random_schedules_of_accumulators(block):
    for seed in range(block * 250, (block + 1) * 250):
        _accumulate(seed)
