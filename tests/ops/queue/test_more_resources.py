"""Accumulators, barriers, staging areas, session handles, critical sections."""

import threading

import numpy as np
import pytest

import millstream as tf

LIMIT = tf.RunOptions(timeout_in_ms=50)


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as made:
        yield made


# -- accumulators


def test_gradients_are_averaged_and_stale_ones_dropped(session):
    accumulator = tf.ConditionalAccumulator(tf.float32, shape=[2], name="acc")
    x, step = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.int64, [])
    add, mean = accumulator.apply_grad(x, step), accumulator.take_grad(2)
    count = accumulator.num_accumulated()
    session.run(add, {x: [1, 2], step: 0})
    session.run(add, {x: [3, 6], step: 0})
    assert session.run(count) == 2
    assert session.run(mean).tolist() == [2, 4]
    session.run(add, {x: [1, 2], step: 0})
    assert session.run(count) == 0
    session.run(accumulator.set_global_step(5))
    session.run(add, {x: [1, 2], step: 4})
    session.run(add, {x: [1, 3], step: 5})
    assert session.run(accumulator.take_grad(1)).tolist() == [1, 3]
    with pytest.raises(tf.errors.DeadlineExceededError):
        session.run(mean, options=LIMIT)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be positive"):
        session.run(accumulator.take_grad(0))


def test_gradients_of_other_shapes_are_refused(session):
    accumulator = tf.ConditionalAccumulator(tf.float32, reduction_type="SUM")
    x = tf.placeholder(tf.float32)
    add = accumulator.apply_grad(x)
    session.run(add, {x: [1, 2]})
    session.run(add, {x: [1, 2]})
    with pytest.raises(tf.errors.InvalidArgumentError, match="Shape mismatch"):
        session.run(add, {x: [1, 2, 3]})
    assert session.run(accumulator.take_grad(1)).tolist() == [2, 4]
    with pytest.raises(ValueError, match="reduction_type"):
        tf.ConditionalAccumulator(tf.float32, reduction_type="MAX")


def test_rows_are_averaged_over_those_who_have_them(session):
    accumulator = tf.SparseConditionalAccumulator(tf.float32, shape=[None, 2])
    session.run(accumulator.apply_grad([0, 2], [[1.0, 2.0], [3.0, 4.0]]))
    slices = tf.IndexedSlices(tf.constant([[1.0, 1.0]]), tf.constant([2], tf.int64))
    session.run(accumulator.apply_indexed_slices_grad(slices))
    taken = session.run(accumulator.take_grad(2))
    assert taken.indices.tolist() == [0, 2]
    assert taken.values.tolist() == [[1, 2], [2, 2.5]]
    assert taken.shape.tolist() == [-1, 2]


@pytest.mark.parametrize(
    ("indices", "values", "shape"),
    [([0], [[1.0, 2, 3]], None), ([0, 1], [[1.0, 2]], None), ([9], [[1.0, 2]], [3, 2])],
)
def test_bad_sparse_gradients_are_refused(session, indices, values, shape):
    accumulator = tf.SparseConditionalAccumulator(tf.float32, shape=[None, 2])
    add = accumulator.apply_grad(indices, values, shape)
    with pytest.raises(tf.errors.InvalidArgumentError):
        session.run(add)


def test_workers_in_threads_lose_no_gradient(session):
    accumulator = tf.ConditionalAccumulator(tf.float64, shape=[], reduction_type="SUM")
    add, total = accumulator.apply_grad(1.0, local_step=10**6), accumulator.take_grad(40)
    workers = [
        threading.Thread(target=lambda: [session.run(add) for _ in range(10)]) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    assert session.run(total) == 40
    for worker in workers:
        worker.join()


# -- barriers


def test_elements_leave_a_barrier_when_complete(session):
    raw = tf.raw_ops
    barrier = raw.Barrier(component_types=[tf.float32, tf.string], shapes=[[2], []])

    def insert(keys, values, index):
        session.run(
            raw.BarrierInsertMany(handle=barrier, keys=keys, values=values, component_index=index)
        )

    def take(count, **kwargs):
        kinds = [tf.float32, tf.string]
        return raw.BarrierTakeMany(
            handle=barrier, num_elements=count, component_types=kinds, **kwargs
        )

    sizes = raw.BarrierReadySize(handle=barrier), raw.BarrierIncompleteSize(handle=barrier)
    insert(["a", "b", "c"], [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], 0)
    assert session.run(sizes) == (0, 3)
    insert(["c", "a"], ["cc", "aa"], 1)
    taken = session.run(take(2))
    assert taken.keys.tolist() == [b"c", b"a"]
    assert taken.values[0].tolist() == [[5, 6], [1, 2]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="already has a value"):
        insert(["b"], [[0.0, 0.0]], 0)
    with pytest.raises(tf.errors.DeadlineExceededError):
        session.run(take(1), options=LIMIT)
    session.run(raw.BarrierClose(handle=barrier))
    with pytest.raises(tf.errors.CancelledError, match="brand new key"):
        insert(["new"], ["x"], 1)
    insert(["b"], ["bb"], 1)
    small = session.run(take(5, allow_small_batch=True))
    assert small.keys.tolist() == [b"b"]
    with pytest.raises(tf.errors.OutOfRangeError, match="insufficient elements"):
        session.run(take(1))


# -- staging areas


def test_a_staging_area_is_a_small_queue(session):
    area = tf.contrib.staging.StagingArea(
        [tf.float32, tf.int32], shapes=[[2], []], names=["a", "b"], capacity=2
    )
    put = area.put({"a": tf.constant([1.0, 2.0]), "b": tf.constant(3)})
    get, peek, size = area.get(), area.peek(0), area.size()
    session.run(put)
    session.run(put)
    assert session.run(size) == 2
    with pytest.raises(tf.errors.DeadlineExceededError):
        session.run(put, options=LIMIT)
    assert session.run(peek)["a"].tolist() == [1, 2]
    assert session.run(get)["b"] == 3
    session.run(area.clear())
    with pytest.raises(tf.errors.DeadlineExceededError):
        session.run(get, options=LIMIT)
    with pytest.raises(ValueError, match="dictionary"):
        area.put([tf.constant([1.0, 2.0]), tf.constant(1)])


@pytest.mark.parametrize("kind", ["Map", "OrderedMap"])
def test_map_staging_areas_keep_entries_by_key(session, kind):
    def op(name, **inputs):
        make = getattr(tf.raw_ops, f"{kind}{name}")
        return make(dtypes=[tf.float32, tf.float32], shared_name=kind, **inputs)

    def stage(key, indices, values):
        key = tf.constant(key, tf.int64)
        return session.run(op("Stage", key=key, indices=indices, values=values))

    def unstage(key, indices, **kwargs):
        key = tf.constant(key, tf.int64)
        return session.run(op("Unstage", key=key, indices=indices), **kwargs)

    stage(5, [0, 1], [1.0, 2.0])
    stage(3, [0, 1], [3.0, 4.0])
    stage(9, [1], [7.0])
    assert session.run((op("Size"), op("IncompleteSize"))) == (2, 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="already initialized"):
        stage(9, [1], [7.0])
    stage(9, [0], [6.0])
    assert unstage(9, [1, 0]) == [7, 6]
    if kind == "OrderedMap":
        key, values = session.run(op("UnstageNoKey", indices=[0, 1]))
        assert (key, values) == (3, [3, 4])
    with pytest.raises(tf.errors.DeadlineExceededError):
        unstage(77, [0], options=LIMIT)
    session.run(op("Clear"))
    assert session.run(op("Size")) == 0


# -- session handles


def test_tensors_stay_in_the_session(session):
    handle = session.run(tf.get_session_handle(tf.constant([10.0]) * 2))
    assert handle.eval().tolist() == [20]
    holder, value = tf.get_session_tensor(handle.handle, tf.float32)
    assert session.run(value * 3, {holder: handle.handle}).tolist() == [60]
    x = tf.placeholder(tf.float32)
    assert session.run(x + 1, {x: handle}).tolist() == [21]
    holder, delete = tf.delete_session_tensor(handle.handle)
    session.run(delete, {holder: handle.handle})
    with pytest.raises(tf.errors.InvalidArgumentError, match="not in the session store"):
        handle.eval()
    with pytest.raises(TypeError, match="must be of type Tensor"):
        tf.get_session_handle(3)


# -- critical sections


def test_steps_in_a_critical_section_do_not_mix(session):
    v = tf.get_variable("v", initializer=0.0, use_resource=True)
    section = tf.CriticalSection(name="section")

    def add_slowly():
        seen = v.read_value()
        later = tf.py_func(lambda a: a, [seen], tf.float32)
        return v.assign(later + 1.0).read_value()

    add = section.execute(add_slowly)
    session.run(tf.global_variables_initializer())
    threads = [
        threading.Thread(target=lambda: [session.run(add) for _ in range(10)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert session.run(v) == 40
    with pytest.raises(ValueError, match="within itself"):
        section.execute(lambda: section.execute(lambda: tf.constant(1.0)))


def test_a_failing_step_leaves_the_critical_section(session):
    section = tf.CriticalSection()
    x = tf.placeholder_with_default(np.zeros(2, np.float32), [None])
    fails, works = section.execute(lambda: tf.reshape(x, [])), section.execute(lambda: x)
    with pytest.raises(tf.errors.InvalidArgumentError):
        session.run(fails)
    assert session.run(works).tolist() == [0, 0]


def test_a_fact_is_a_string(session):
    assert isinstance(session.run(tf.raw_ops.Fact()), bytes)


# -- queues within steps


def test_a_step_may_fill_what_it_drains(session):
    queue = tf.FIFOQueue(1, tf.float32, shapes=[[]])
    assert session.run([queue.enqueue(3.0), queue.dequeue()])[1] == 3


def test_queues_serve_in_loops_and_conditionals(session):
    queue = tf.FIFOQueue(10, tf.int32, shapes=[[]])
    session.run(queue.enqueue_many([[1, 2, 3, 4, 5]]))
    _, total = tf.while_loop(lambda i, _: i < 3, lambda i, a: (i + 1, a + queue.dequeue()), [0, 0])
    assert session.run(total) == 6
    wanted = tf.placeholder(tf.bool, [])
    taken = tf.cond(wanted, queue.dequeue, lambda: -1)
    assert session.run(taken, {wanted: False}) == -1
    assert session.run(taken, {wanted: True}) == 4
    assert session.run(queue.size()) == 1


def test_a_list_of_queues_is_chosen_from(session):
    queues = [tf.FIFOQueue(10, tf.int32, shapes=[[]]) for _ in range(3)]
    session.run([queue.enqueue(i) for i, queue in enumerate(queues)])
    index = tf.placeholder(tf.int32, [])
    taken = tf.QueueBase.from_list(index, queues).dequeue()
    assert [session.run(taken, {index: i}) for i in (2, 0)] == [2, 0]
    with pytest.raises(TypeError, match="list of queues"):
        tf.QueueBase.from_list(index, [3])


def test_what_was_added_does_not_change_any_more(session):
    queue = tf.FIFOQueue(10, tf.float32, shapes=[[2]])
    x, array = tf.placeholder(tf.float32, [2]), np.array([1.0, 2.0], np.float32)
    session.run(queue.enqueue(x), {x: array})
    session.run(queue.enqueue_many([[x]]), {x: array})
    array[:] = 9
    v = tf.Variable([3.0, 4.0])
    session.run(v.initializer)
    session.run(queue.enqueue(v))
    session.run(v.assign([9.0, 9.0]))
    assert session.run(queue.dequeue_many(3)).tolist() == [[1, 2], [1, 2], [3, 4]]


def test_fifty_waiting_steps_block_nobody(session):
    queue = tf.FIFOQueue(100, tf.int32, shapes=[[]])
    taken, one = queue.dequeue(), tf.constant(1) + 1
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(session.run(taken))) for _ in range(50)
    ]
    for thread in threads:
        thread.start()
    assert session.run(one) == 2
    session.run(queue.enqueue_many([np.arange(50)]))
    for thread in threads:
        thread.join(60)
    assert sorted(results) == list(range(50))
