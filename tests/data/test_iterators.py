"""Iterators: their kinds, their errors, where they are saved, and their threads."""

import gc
import threading
import time

import numpy as np
import pytest

import millstream as tf

D = tf.data.Dataset


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def drain(session, tensor, most=100):
    """Lists elements until the end."""
    found = []
    try:
        while len(found) < most:
            found.append(session.run(tensor))
    except tf.errors.OutOfRangeError:
        return found
    return found


def test_reinitializable_iterator():
    iterator = tf.data.Iterator.from_structure(tf.int64, [])
    element = iterator.get_next()
    short, long = (iterator.make_initializer(D.range(n)) for n in (2, 4))
    with tf.Session() as session:
        for start, size in ((short, 2), (long, 4), (short, 2)):
            session.run(start)
            assert drain(session, element) == list(range(size))
        session.run(long)
        assert session.run(element) == 0
        session.run(long)
        assert session.run(element) == 0


def test_feedable_iterator():
    handle = tf.placeholder(tf.string, [])
    element = tf.data.Iterator.from_string_handle(handle, tf.int64, []).get_next()
    first = D.range(3).make_one_shot_iterator()
    second = D.range(10, 13).make_initializable_iterator()
    with tf.Session() as session:
        session.run(second.initializer)
        one, two = session.run([first.string_handle(), second.string_handle()])
        found = [session.run(element, {handle: h}) for h in (one, two, one, two)]
        assert found == [0, 10, 1, 11]
        with pytest.raises(tf.errors.InvalidArgumentError, match="stands for no iterator"):
            session.run(element, {handle: b"nonsense"})


def test_placeholders_and_variables_in_a_pipeline():
    size = tf.placeholder(tf.int64, [])
    factor = tf.get_variable("factor", initializer=3.0, use_resource=True)
    dataset = D.range(size).map(lambda x: tf.cast(x, tf.float32) * factor)
    iterator = dataset.make_initializable_iterator()
    element = iterator.get_next()
    with tf.Session() as session:
        session.run(factor.initializer)
        session.run(iterator.initializer, {size: 3})
        assert session.run(element) == 0
        session.run(factor.assign(10.0))
        assert drain(session, element) == [10, 20]
    with pytest.raises(ValueError, match="make_initializable_iterator"):
        D.range(3).map(lambda x: tf.cast(x, tf.float32) * factor).make_one_shot_iterator()
    with pytest.raises(ValueError, match="Cannot capture a placeholder"):
        D.range(size).make_one_shot_iterator()


def test_tables_and_seeds_in_a_function():
    tf.set_random_seed(5)
    dataset = D.range(4).map(lambda x: tf.random_uniform([]))
    runs = []
    for _ in range(2):
        with tf.Session() as session:
            runs.append(drain(session, dataset.make_one_shot_iterator().get_next()))
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 4


def test_several_parts_of_one_step_see_one_element():
    element = D.zip((D.range(3), D.range(5, 8))).make_one_shot_iterator().get_next()
    with tf.Session() as session:
        assert session.run([element[0], element[1], element[0] + element[1]]) == [0, 5, 5]
        assert session.run(element) == (1, 6)


def test_structure_is_checked():
    iterator = tf.data.Iterator.from_structure((tf.int64, tf.float32), ([], [2]))
    with pytest.raises(ValueError, match="nested structure"):
        iterator.make_initializer(D.range(3))
    with pytest.raises(TypeError, match="Expected output types"):
        iterator.make_initializer(D.from_tensors((1, [1.0, 2.0])))
    with pytest.raises(TypeError, match="Expected output shapes compatible with"):
        iterator.make_initializer(D.from_tensors((np.int64(1), 2.0)))
    with pytest.raises(ValueError, match="does not have an initializer"):
        _ = D.range(2).make_one_shot_iterator().initializer
    with pytest.raises(RuntimeError, match="__iter__"):
        iter(D.range(3))


def test_not_initialized():
    element = D.range(3).make_initializable_iterator().get_next()
    with tf.Session() as session, pytest.raises(tf.errors.FailedPreconditionError):
        session.run(element)


def test_an_error_takes_its_element_only():
    numbers = D.from_tensor_slices([1.0, 0.0, 2.0, 4.0])
    for calls in (None, 3):
        mapped = numbers.map(lambda x: tf.check_numerics(1 / x, "bad"), calls).prefetch(2)
        element = mapped.make_one_shot_iterator().get_next()
        with tf.Session() as session:
            assert session.run(element) == 1
            with pytest.raises(tf.errors.InvalidArgumentError, match="bad"):
                session.run(element)
            assert drain(session, element) == [0.5, 0.25]


def test_exceptions_of_a_generator_are_chained():
    def broken():
        yield 1
        raise KeyError("the reason")

    element = D.from_generator(broken, tf.int32, []).make_one_shot_iterator().get_next()
    with tf.Session() as session:
        assert session.run(element) == 1
        with pytest.raises(tf.errors.UnknownError, match="the reason") as info:
            session.run(element)
    causes = []
    error = info.value
    while error is not None:
        causes.append(error)
        error = error.__cause__
    assert any(isinstance(cause, KeyError) for cause in causes)


def test_a_generator_is_closed_with_its_iterator():
    ended = []

    def numbers():
        try:
            yield from range(100)
        finally:
            ended.append(True)

    iterator = D.from_generator(numbers, tf.int32, []).make_initializable_iterator()
    element = iterator.get_next()
    with tf.Session() as session:
        session.run(iterator.initializer)
        session.run(element)
        assert not ended
        session.run(iterator.initializer)
        assert ended == [True]


# -- saving

PIPELINES = {
    "shuffle": lambda: D.range(20).shuffle(6, seed=1).repeat(2).batch(3),
    "parallel": lambda: D.range(30).map(lambda x: x * 2, num_parallel_calls=3).prefetch(2),
    "interleave": lambda: D.range(4).interleave(lambda x: D.range(x, x + 7), 3, 2),
    "parallel_interleave": lambda: D.range(4).interleave(
        lambda x: D.range(x, x + 7), 3, 2, num_parallel_calls=2
    ),
    "staged": lambda: D.range(4).apply(
        tf.data.experimental.parallel_interleave(lambda x: D.range(x, x + 6), 2)
    ),
    "flat_map": lambda: D.range(6).flat_map(lambda x: D.range(x)).shuffle(3, seed=2),
    "window": lambda: D.range(24).window(4, 2).flat_map(lambda d: d.batch(4)),
    "group": lambda: D.range(24).apply(
        tf.data.experimental.group_by_window(lambda x: x % 3, lambda k, d: d.batch(2), 2)
    ),
    "zip": lambda: D.zip((D.range(20), D.range(50).skip(3).filter(lambda x: x % 2 > 0))),
    "scan": lambda: D.range(20).apply(
        tf.data.experimental.scan(np.int64(0), lambda s, x: (s + x, s))
    ),
    "cache": lambda: D.range(9).cache().repeat(3),
    "generator": lambda: D.from_generator(lambda: iter(range(20)), tf.int32, []),
    "random": lambda: tf.data.experimental.RandomDataset(seed=3).take(20),
    "strings": lambda: D.from_tensor_slices([str(i) for i in range(20)]).shuffle(5, seed=1),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_a_restored_iterator_goes_on_where_it_was(name, tmp_path):
    iterator = PIPELINES[name]().make_initializable_iterator()
    element = iterator.get_next()
    saver = tf.train.Saver([tf.data.experimental.make_saveable_from_iterator(iterator)])
    path = str(tmp_path / "input")
    with tf.Session() as session:
        session.run(iterator.initializer)
        for _ in range(5):
            session.run(element)
        saver.save(session, path)
        wanted = drain(session, element)
    assert wanted
    with tf.Session() as session:
        session.run(iterator.initializer)
        session.run(element)
        saver.restore(session, path)
        found = drain(session, element)
        assert repr(found) == repr(wanted)
        saver.restore(session, path)
        assert repr(drain(session, element)) == repr(wanted)


def test_a_damaged_state_is_an_error():
    iterator = D.range(5).make_initializable_iterator()
    with tf.Session() as session:
        session.run(iterator.initializer)
        restore = tf.raw_ops.SetIteratorState(
            resource_handle=iterator._iterator_resource, state=b"nonsense"
        )
        with pytest.raises(tf.errors.DataLossError, match="damaged"):
            session.run(restore)


# -- threads


def _threads_end():
    for _ in range(100):
        gc.collect()
        if not _pipeline_threads():
            return True
        time.sleep(0.02)
    return False


def _pipeline_threads():
    return [t for t in threading.enumerate() if "_run" in t.name]


def _endless():
    return D.range(3).repeat().map(lambda x: x + 1, num_parallel_calls=2).prefetch(2)


def test_threads_end_with_the_session():
    element = _endless().make_one_shot_iterator().get_next()
    session = tf.Session()
    session.run(element)
    assert _pipeline_threads()
    session.close()
    assert _threads_end()


def test_threads_end_when_the_iterator_starts_again():
    iterator = _endless().make_initializable_iterator()
    element = iterator.get_next()
    finite = iterator.make_initializer(D.range(2))
    with tf.Session() as session:
        session.run(iterator.initializer)
        session.run(element)
        session.run(finite)
        assert _threads_end()
        assert drain(session, element) == [0, 1]


def test_closing_the_session_wakes_who_waits():
    started, release = threading.Event(), threading.Event()

    def slow(value):
        started.set()
        release.wait(10)
        return value

    dataset = D.range(5).map(lambda x: tf.py_func(slow, [x], tf.int64)).prefetch(1)
    element = dataset.make_one_shot_iterator().get_next()
    session, errors = tf.Session(), []

    def wait():
        try:
            session.run(element)
        except Exception as error:
            errors.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    started.wait(10)
    session.close()
    waiter.join(10)
    release.set()
    assert not waiter.is_alive()
    assert isinstance(errors[0], tf.errors.CancelledError)


def test_parallel_calls_run_at_the_same_time_and_keep_the_order():
    barrier = threading.Barrier(3, timeout=10)

    def meet(value):
        barrier.wait()
        return value

    dataset = D.range(6).map(lambda x: tf.py_func(meet, [x], tf.int64), num_parallel_calls=3)
    element = dataset.make_one_shot_iterator().get_next()
    with tf.Session() as session:
        assert drain(session, element) == list(range(6))


def test_many_threads_get_elements_of_their_own():
    dataset = D.range(400).map(lambda x: x * 2, num_parallel_calls=2).prefetch(4)
    element = dataset.make_one_shot_iterator().get_next()
    found, session = [], tf.Session()

    def work():
        found.append([int(value) for value in drain(session, element, 1000)])

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    session.close()
    assert sorted(value for part in found for value in part) == list(range(0, 800, 2))
    assert all(part == sorted(part) for part in found)


def test_a_session_closes_while_a_generator_is_running():
    started, release = threading.Event(), threading.Event()

    def slow():
        started.set()
        release.wait(10)
        yield 1

    element = D.from_generator(slow, tf.int32, []).make_one_shot_iterator().get_next()
    session, errors = tf.Session(), []

    def work():
        try:
            session.run(element)
        except (tf.errors.OpError, RuntimeError) as error:
            errors.append(error)

    waiter = threading.Thread(target=work)
    waiter.start()
    started.wait(10)
    session.close()
    release.set()
    waiter.join(10)
    assert not waiter.is_alive()


def test_optional_elements():
    iterator = D.range(1).make_one_shot_iterator()
    optional = tf.data.experimental.get_next_as_optional(iterator)
    with tf.Session() as session:
        has, value = session.run([optional.has_value(), optional.get_value()])
        assert (has, value) == (True, 0)
        assert not session.run(optional.has_value())
        with pytest.raises(tf.errors.InvalidArgumentError, match="does not have a value"):
            session.run(optional.get_value())


def test_single_elements_counts_and_reduce():
    experimental = tf.data.experimental
    with tf.Session() as session:
        assert session.run(experimental.get_single_element(D.range(4).batch(4))).tolist() == [
            *range(4)
        ]
        with pytest.raises(tf.errors.InvalidArgumentError, match="was empty"):
            session.run(experimental.get_single_element(D.range(0)))
        with pytest.raises(tf.errors.InvalidArgumentError, match="more than one"):
            session.run(experimental.get_single_element(D.range(2)))
        counts = [D.range(7).batch(3), D.range(3).repeat(), D.range(3).filter(lambda x: x > 1)]
        assert session.run([experimental.cardinality(d) for d in counts]) == [3, -1, -2]
        assert session.run(D.range(5).reduce(np.int64(0), lambda a, b: a + b)) == 10


def test_records_written_and_cached(tmp_path):
    texts = D.from_tensor_slices(["a", "b"])
    path = str(tmp_path / "records")
    cached = texts.map(lambda x: x + "!").cache(str(tmp_path / "cache"))
    with tf.Session() as session:
        session.run(tf.data.experimental.TFRecordWriter(path).write(texts))
        assert list(tf.python_io.tf_record_iterator(path)) == [b"a", b"b"]
        for _ in range(2):
            assert drain(session, cached.make_one_shot_iterator().get_next()) == [b"a!", b"b!"]


def test_resampling_reaches_the_wanted_frequencies():
    tf.set_random_seed(1)
    dataset = D.range(2000).map(lambda x: tf.cast(x % 10 > 0, tf.int32))
    resample = tf.data.experimental.rejection_resample(lambda x: x, [0.5, 0.5], [0.1, 0.9], seed=3)
    element = dataset.apply(resample).batch(2000).make_one_shot_iterator().get_next()
    with tf.Session() as session:
        numbers, values = session.run(element)
    assert numbers.tolist() == values.tolist()
    assert 0.4 < numbers.mean() < 0.6


def test_options_are_checked():
    options = tf.data.Options()
    options.experimental_deterministic = True
    options.experimental_optimization.map_fusion = True
    with pytest.raises(TypeError, match="must be of type"):
        options.experimental_deterministic = 3
    with pytest.raises(AttributeError, match="Cannot set the property"):
        options.unknown = 1
    dataset = D.range(3).with_options(options).map(lambda x: x)
    assert dataset.options() == options
    assert dataset.options() != tf.data.Options()


def test_a_one_shot_iterator_leaves_the_seeds_of_what_follows_alone():
    with tf.Graph().as_default():
        tf.set_random_seed(5)
        dataset = tf.data.Dataset.from_tensor_slices([1, 2, 3]).map(lambda x: x + 1).batch(2)
        dataset.make_one_shot_iterator().get_next()
        tf.random_uniform([])
        nodes = tf.get_default_graph().get_operations()
        seeds = [node.get_attr("seed2") for node in nodes if node.type == "RandomUniform"]
        assert seeds == [12]  # as in TF 1.15.5
