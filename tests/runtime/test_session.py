"""`Session`: structures of fetches, feeds, errors, life."""

import collections
import logging
import threading

import numpy as np
import pytest

from millstream.base import dtypes, errors
from millstream.formats import protos
from millstream.ir.composite import (
    IndexedSlices,
    IndexedSlicesValue,
    SparseTensor,
    SparseTensorValue,
)
from millstream.ir.constant import constant
from millstream.ir.default import get_default_graph
from millstream.ir.graph import Graph
from millstream.runtime import fetches as fetch_structures
from millstream.runtime.session import InteractiveSession, Session, get_default_session
from tests.compiler import sample_ops as ops

Pair = collections.namedtuple("Pair", "first second")
Couple = collections.namedtuple("Couple", "left right")


@pytest.fixture
def graph():
    with Graph().as_default() as g:
        yield g


@pytest.fixture
def session(graph):
    with Session() as s:
        yield s


def feed(shape=None, dtype=dtypes.float32, name=None):
    return ops.SampleInput(dtype=dtype, shape=shape, name=name)


def placeholder(dtype, shape, name):
    from millstream.ops.array.placeholders import placeholder as make

    return make(dtype, shape, name)


# -- fetches


def test_structures_come_back_as_they_went_in(session):
    c, v = constant(3.0), constant([1.0, 2.0])
    node = ops.SampleNoOp()
    result = session.run({"a": c, "b": [v, (c, Pair(c, node))], "c": []})
    assert list(result) == ["a", "b", "c"]
    assert result["a"] == 3.0
    np.testing.assert_array_equal(result["b"][0], [1.0, 2.0])
    assert result["b"][1] == (3.0, Pair(3.0, None))
    assert type(result["b"][1][1]) is Pair
    assert result["c"] == []
    ordered = session.run(collections.OrderedDict([("z", c), ("a", c)]))
    assert type(ordered) is collections.OrderedDict
    assert list(ordered) == ["z", "a"]


def test_equal_structures_of_different_classes_are_told_apart(session):
    a, b = constant(1.0), constant(2.0)
    for _ in range(2):
        assert type(session.run((a, b))) is tuple
        assert type(session.run([a, b])) is list
        assert type(session.run(Pair(a, b))) is Pair
        assert type(session.run(Couple(a, b))) is Couple


def test_names_and_duplicates(session):
    c = constant(3.0, name="c")
    assert session.run("c:0") == 3.0
    assert session.run(b"c:0") == 3.0
    assert session.run("c") is None
    assert session.run([c, c, c.op]) == [3.0, 3.0, None]


def test_values_of_several_tensors(session):
    sparse = SparseTensor([[0, 1]], [2.0], [3, 3])
    result = session.run(sparse)
    assert type(result) is SparseTensorValue
    np.testing.assert_array_equal(result.indices, [[0, 1]])
    slices = session.run(IndexedSlices(constant([[1.0]]), constant([2])))
    assert type(slices) is IndexedSlicesValue
    assert slices.dense_shape is None


@pytest.mark.parametrize(
    ("fetch", "error", "message"),
    [
        (None, TypeError, "Fetch argument None has invalid type <class 'NoneType'>"),
        (3, TypeError, "Fetch argument 3 has invalid type <class 'int'>, must be a string or"),
        ([None], TypeError, "Fetch argument None has invalid type"),
        ({1}, TypeError, "Can not convert a set into a Tensor or Operation"),
        ("nope", ValueError, "The name 'nope' refers to an Operation not in the graph"),
        ("nope:0", ValueError, "The operation, 'nope', does not exist in the graph"),
        ("c:5", ValueError, "exists but only has 1 outputs"),
    ],
)
def test_what_cannot_be_fetched(session, fetch, error, message):
    constant(1.0, name="c")
    with pytest.raises(error, match=message):
        session.run(fetch)


def test_fetches_of_another_graph(session):
    with Graph().as_default():
        foreign = constant(1.0)
    constant(1.0)
    with pytest.raises(ValueError, match="is not an element of this graph"):
        session.run(foreign)
    with pytest.raises(ValueError, match="is not an element of this graph"):
        session.run(foreign.op)


def test_classes_can_be_taught_to_be_fetched_and_fed(session, monkeypatch):
    monkeypatch.setattr(fetch_structures, "conversions", list(fetch_structures.conversions))

    class Both:
        def __init__(self, a, b):
            self.a, self.b = a, b

    fetch_structures.register_session_run_conversion_functions(
        Both,
        lambda x: ([x.a, x.b], lambda arrays: Both(*arrays)),
        lambda x, value: [(x.a, value), (x.b, value)],
    )
    x, y = feed([]), feed([])
    result = session.run(Both(ops.SampleAdd(x, y), y), {Both(x, y): 4.0})
    assert (result.a, result.b) == (8.0, 4.0)
    with pytest.raises(ValueError, match="already been registered"):
        fetch_structures.register_session_run_conversion_functions(Both)


# -- feeds


def test_any_tensor_can_be_fed(session):
    c = constant(3.0)
    y = ops.SampleMul(c, c)
    z = ops.SampleAdd(y, c)
    assert session.run([y, z]) == [9.0, 12.0]
    assert session.run([y, z], {c: 2.0}) == [4.0, 6.0]
    assert session.run([y, z], {y: 1.0}) == [1.0, 4.0]
    assert session.run(z, {"Const:0": 2.0}) == 6.0


def test_feeding_a_variable_takes_its_place(session):
    v = ops.SampleVariable(dtype=dtypes.float32, shape=[], name="v")
    y = ops.SampleMul(v, constant(2.0))
    assert session.run(y, {v: 4.0}) == 8.0
    assert session.run([v, y], {v: 4.0}) == [4.0, 8.0]


@pytest.mark.parametrize(
    ("dtype", "value", "expected"),
    [
        (dtypes.int32, 1.5, 1),
        (dtypes.float32, np.float64(2.5), 2.5),
        (dtypes.bool_, 1, True),
        (dtypes.uint8, np.int32(300), 44),
        (dtypes.string, "hé", "hé".encode()),
        (dtypes.string, b"x", b"x"),
        (dtypes.bfloat16, 1.5, 1.5),
    ],
)
def test_fed_values_become_the_tensors_dtype(session, dtype, value, expected):
    x = feed([], dtype)
    assert session.run(x, {x: value}) == expected


def test_fed_strings_are_bytes_however_they_are_given(session):
    x = feed(None, dtypes.string)
    for value in (["a", "bb"], np.array(["a", "bb"]), np.array([b"a", b"bb"])):
        assert list(session.run(x, {x: value})) == [b"a", b"bb"]


@pytest.mark.parametrize(
    ("dtype", "value", "error", "message"),
    [
        (dtypes.float32, [1, 2], ValueError, r"Cannot feed value of shape \(2,\) for Tensor 'x:0'"),
        (dtypes.float32, None, ValueError, r"which has shape '\(\?, 3\)'"),
        (dtypes.int32, 1 << 40, TypeError, "Type of feed value 1099511627776 .*int32"),
        (dtypes.uint8, -1, TypeError, "not compatible with Tensor type <class 'numpy.uint8'>"),
        (dtypes.string, 5, TypeError, "not compatible with Tensor type <class 'numpy.object_'>"),
        (dtypes.float32, ["a"], ValueError, "could not convert string to float"),
    ],
)
def test_what_cannot_be_fed(session, dtype, value, error, message):
    x = feed([None, 3], dtype, name="x")
    with pytest.raises(error, match=message):
        session.run(x, {x: value})


def test_feed_keys_that_stand_for_nothing(session):
    x = feed([], name="x")
    with Graph().as_default():
        foreign = constant(1.0)
    for key in (foreign, x.op, "x", "zz:0", 3):
        with pytest.raises(TypeError, match="Cannot interpret feed_dict key as Tensor"):
            session.run(x, {key: 1.0})
    with pytest.raises(TypeError, match=r"The value of a feed cannot be a tf\.Tensor object"):
        session.run(x, {x: x})
    with pytest.raises(TypeError, match="must be a dictionary"):
        session.run(x, [1])
    get_default_graph().prevent_feeding(x)
    with pytest.raises(ValueError, match="may not be fed"):
        session.run(x, {x: 1.0})


def test_sparse_tensors_and_tuples_can_be_fed(session):
    parts = feed([None, 2], dtypes.int64), feed([None]), feed([2], dtypes.int64)
    sparse = SparseTensor(*parts)
    for value in (SparseTensorValue([[0, 0]], [1.0], [2, 2]), ([[0, 0]], [1.0], [2, 2])):
        for _ in range(2):
            assert session.run(sparse, {sparse: value}).values == [1.0]
    x, y = feed([]), feed([])
    for _ in range(2):
        assert session.run([x, y], {(x, y): (1, 2)}) == [1.0, 2.0]
    with pytest.raises(ValueError, match="Key had 2 elements, but value had 1 elements"):
        session.run([x, y], {(x, y): 1})


@pytest.mark.parametrize(
    ("shape", "ending"),
    [([], "dtype float"), ([None, 2], r"dtype float and shape \[\?,2\]"), (None, "dtype float")],
)
def test_an_unfed_placeholder_is_named(session, shape, ending):
    x = placeholder(dtypes.float32, shape, "x")
    y = ops.SampleMul(x, constant(2.0))
    message = f"You must feed a value for placeholder tensor 'x' with {ending}"
    with pytest.raises(errors.InvalidArgumentError, match=message) as error:
        session.run(y)
    assert error.value.op is x.op
    assert "test_session.py" in str(error.value)


# -- make_callable


def test_callables(session):
    x = feed([2])
    y = ops.SampleMul(x, constant(2.0))
    double = session.make_callable(y, feed_list=[x])
    for _ in range(2):
        np.testing.assert_array_equal(double([1, 2]), [2, 4])
    with pytest.raises(ValueError, match="Cannot feed value of shape"):
        double([1, 2, 3])
    with pytest.raises(ValueError, match="takes 1 values"):
        double(1, 2)
    with pytest.raises(TypeError, match="`feed_list` must be a list or tuple"):
        session.make_callable(y, feed_list=x)
    with_options = session.make_callable([constant(1.0)], accept_options=True)
    assert with_options(options=protos.RunOptions(), run_metadata=protos.RunMetadata()) == [1.0]
    session.close()
    with pytest.raises(RuntimeError, match="closed Session"):
        double([1, 2])


# -- life


def test_a_closed_session_cannot_run(graph):
    c = constant(1.0)
    s = Session()
    assert s.run(c) == 1.0
    s.close()
    s.close()
    with pytest.raises(RuntimeError, match=r"Attempted to use a closed Session\."):
        s.run(c)


def test_an_empty_graph_cannot_be_run(graph):
    with Session() as s, pytest.raises(RuntimeError, match="The Session graph is empty"):
        s.run([])


def test_the_default_session(graph):
    c = constant(1.0)
    assert get_default_session() is None
    with pytest.raises(ValueError, match="No default session is registered"):
        c.eval()
    with Session() as s:
        assert get_default_session() is s
        assert c.eval() == 1.0
        ops.SampleNoOp().run()
        with pytest.raises(RuntimeError, match="not re-entrant"):
            s.__enter__()
    assert get_default_session() is None
    kept = Session()
    with kept.as_default():
        assert c.eval() == 1.0
    assert c.eval(session=kept) == 1.0
    with Graph().as_default():
        other = constant(2.0)
    with pytest.raises(ValueError, match="different"):
        other.eval(session=kept)


def test_interactive_sessions(graph):
    c = constant(1.0)
    s = InteractiveSession()
    assert get_default_session() is s
    assert c.eval() == 1.0
    s.close()
    assert get_default_session() is None


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"graph": 3}, TypeError),
        ({"config": 3}, TypeError),
        ({"target": 3}, TypeError),
        ({"target": "nope"}, errors.NotFoundError),
    ],
)
def test_arguments_of_a_wrong_class(arguments, error):
    with pytest.raises(error):
        Session(**arguments)


def test_state_belongs_to_a_session_and_plans_to_the_graph(graph):
    v = ops.SampleVariable(dtype=dtypes.float32, shape=[], name="v")
    init = ops.SampleAssign(v, constant(1.0))
    with Session() as a, Session() as b:
        a.run(init)
        assert a.run(v) == 1.0
        with pytest.raises(errors.FailedPreconditionError):
            b.run(v)
        plans = len(graph.executables)
        b.run(init)
        assert len(graph.executables) == plans


def test_containers_and_shared_names(session, graph):
    with graph.container("c"):
        a = ops.SampleVariable(dtype=dtypes.float32, shape=[], shared_name="s")
        b = ops.SampleVariable(dtype=dtypes.float32, shape=[], shared_name="s")
    other = ops.SampleVariable(dtype=dtypes.float32, shape=[], shared_name="s")
    session.run(ops.SampleAssign(a, constant(2.0)))
    assert session.run(b) == 2.0
    with pytest.raises(errors.FailedPreconditionError):
        session.run(other)
    session.resources.reset(["c"])
    with pytest.raises(errors.FailedPreconditionError):
        session.run(b)


def test_new_nodes_can_be_run_in_an_old_session(session):
    v = ops.SampleVariable(dtype=dtypes.float32, shape=[], name="v")
    session.run(ops.SampleAssign(v, constant(1.0)))
    assert session.run(ops.SampleAssignAdd(v, constant(1.0))) == 2.0


def test_a_graph_that_grows_in_a_loop_is_reported_once(session, caplog):
    x = constant(1.0)
    with caplog.at_level(logging.WARNING, "millstream"):
        for _ in range(30):
            x = ops.SampleAdd(x, x)
            session.run(x)
    warnings = [r.getMessage() for r in caplog.records]
    assert len(warnings) == 1
    assert "test_session.py" in warnings[0]


def test_a_loop_without_new_nodes_is_not_reported(session, caplog):
    x = constant(1.0)
    with caplog.at_level(logging.WARNING, "millstream"):
        for _ in range(50):
            session.run(x)
            session.run([x, x])
    assert not caplog.records


# -- configuration


def test_soft_placement_and_devices(graph):
    with graph.device("/gpu:0"):
        x = ops.SampleAdd(constant(1.0), constant(2.0))
        y = ops.SampleCounter()
    with Session() as s, pytest.raises(errors.InvalidArgumentError, match="explicitly assigned"):
        s.run([x, y])
    config = protos.ConfigProto(allow_soft_placement=True, device_count={"CPU": 2})
    with Session(config=config) as s:
        assert s.run([x, y]) == [3.0, 1]
        assert [d.name[-5:] for d in s.list_devices()] == ["CPU:0", "CPU:1"]
    with graph.device("/job:ps/task:1"):
        z = ops.SampleCounter()
    with Session(config=config) as s, pytest.raises(errors.InvalidArgumentError, match="ps"):
        s.run(z)


def test_passes_can_be_turned_off(graph):
    config = protos.ConfigProto()
    config.graph_options.optimizer_options.opt_level = -1
    y = ops.SampleAdd(constant(1.0), constant(2.0))
    with Session(config=config) as s:
        assert s.run(y) == 3.0
    plan = next(iter(graph.executables.values()))
    assert [n.type for n in plan.program.nodes] == ["Const", "Const", "SampleAdd"]


def test_wrong_options_are_refused(session):
    c = constant(1.0)
    with pytest.raises(TypeError, match=r"must be a tf\.RunOptions"):
        session.run(c, options=3)
    with pytest.raises(TypeError, match=r"must be a tf\.RunMetadata"):
        session.run(c, run_metadata=3)


# -- what waits


def test_a_step_may_feed_what_it_waits_for(session):
    taken = ops.SampleTake(slot="s")
    x = feed([])
    put = ops.SamplePut(ops.SampleMul(x, constant(2.0)), slot="s")
    y = ops.SampleAdd(taken, ops.SampleAdd(x, constant(1.0)))
    for value in (1.0, 5.0):
        assert session.run([y, put], {x: value})[0] == 3 * value + 1


def test_a_step_that_waits_too_long_is_given_up(session):
    taken = ops.SampleTake(slot="empty")
    with pytest.raises(errors.DeadlineExceededError, match="Timed out"):
        session.run(taken, options=protos.RunOptions(timeout_in_ms=50))
    with pytest.raises(errors.DeadlineExceededError):
        Session(config=protos.ConfigProto(operation_timeout_in_ms=50)).run(taken)


def test_an_error_wakes_what_waits(session):
    taken = ops.SampleTake(slot="empty")
    bad = ops.SamplePositive(constant([-1.0]))
    with pytest.raises(errors.InvalidArgumentError, match="not positive"):
        session.run([taken, bad])


def test_closing_the_session_wakes_what_waits(graph):
    taken = ops.SampleTake(slot="empty")
    s = Session(graph=graph)
    raised = []

    def wait():
        try:
            s.run(taken)
        except errors.CancelledError as error:
            raised.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while "empty" not in str(s.resources._resources):
        pass
    s.close()
    thread.join(10)
    assert raised
