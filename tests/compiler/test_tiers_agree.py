"""The two tiers give the same, and the plan treats state, shapes and host nodes alike in both."""

import numpy as np
import pytest

from millstream.base import dtypes, errors
from millstream.ir.constant import constant
from millstream.ir.graph import Graph
from millstream.runtime.session import Session
from tests.compiler import sample_ops as ops


@pytest.fixture(params=["numpy", "xla"])
def tier(request, monkeypatch):
    monkeypatch.setenv("MILLSTREAM_TIER", request.param)
    return request.param


@pytest.fixture
def graph(tier):
    with Graph().as_default() as g:
        yield g


def feed(shape=None, dtype=dtypes.float32, name=None):
    return ops.SampleInput(dtype=dtype, shape=shape, name=name)


def variable(value, name="v"):
    value = np.asarray(value)
    v = ops.SampleVariable(dtype=dtypes.as_dtype(value.dtype), shape=value.shape, name=name)
    return v, ops.SampleAssign(v, constant(value, name=f"{name}/initial"))


def test_arithmetic_of_a_feed(graph):
    x = feed([None])
    y = ops.SampleSum(ops.SampleMul(x, ops.SampleAdd(x, constant(1.0))))
    with Session() as session:
        assert session.run(y, {x: [1.0, 2.0]}) == np.float32(8.0)
        assert session.run(y, {x: [3.0]}) == np.float32(12.0)
        assert type(session.run(y, {x: [3.0]})) is np.float32


def test_fetched_arrays_belong_to_the_caller(graph):
    c = constant(np.arange(6.0))
    x = feed([6], dtypes.float64)
    y = ops.SampleAdd(x, constant(0.0, dtypes.float64))
    v, init = variable(np.arange(6.0))
    with Session() as session:
        given = np.arange(6.0)
        session.run(init)
        for fetch in (c, x, y, v):
            first = session.run(fetch, {x: given})
            first += 100.0
            np.testing.assert_array_equal(session.run(fetch, {x: given}), np.arange(6.0))
        np.testing.assert_array_equal(given, np.arange(6.0))


def test_a_large_fetch_is_writable_and_outlives_the_session(graph):
    x = feed([200, 300])
    y = ops.SampleAdd(x, constant(1.0))
    with Session() as session:
        result = session.run(y, {x: np.zeros((200, 300))})
    result[0, 0] += 1
    assert result.sum() == 200 * 300 + 1


def test_a_variable_fed_to_itself_is_not_aliased(graph):
    x = feed([3])
    v, _ = variable(np.zeros(3, np.float32))
    assign = ops.SampleAssign(v, x)
    with Session() as session:
        given = np.ones(3, np.float32)
        session.run(assign.op, {x: given})
        given[:] = 7
        np.testing.assert_array_equal(session.run(v), np.ones(3))


def test_two_variables_never_share_a_buffer(graph):
    a, init_a = variable(np.ones(4, np.float32), "a")
    b, _ = variable(np.zeros(4, np.float32), "b")
    copy = ops.SampleAssign(b, ops.SampleMul(a, constant(1.0)))
    same = ops.SampleAssign(b, a)
    add = ops.SampleAssignAdd(a, constant(np.ones(4, np.float32)))
    with Session() as session:
        session.run(init_a)
        for assign in (copy, same):
            session.run(assign)
            before = session.run(b)
            session.run(add.op)
            np.testing.assert_array_equal(session.run(b), before)
            np.testing.assert_array_equal(session.run(a), before + 1)


def test_unordered_reads_come_before_writes_and_fetched_refs_after(graph):
    v, init = variable(np.float32(1.0))
    read = ops.SampleMul(v, constant(10.0))
    add = ops.SampleAssignAdd(v, constant(1.0))
    with Session() as session:
        session.run(init)
        assert session.run([add, read, v]) == [2.0, 10.0, 2.0]
        assert session.run([v, read, add]) == [3.0, 20.0, 3.0]


def test_control_dependencies_order_reads_and_writes(graph):
    v, init = variable(np.float32(1.0))
    with graph.control_dependencies([init]):
        add = ops.SampleAssignAdd(v, constant(1.0))
    with graph.control_dependencies([add]):
        after = ops.SampleMul(v, constant(1.0))
    with graph.control_dependencies([after]):
        again = ops.SampleAssignAdd(v, constant(5.0))
    with Session() as session:
        for _ in range(3):
            assert session.run([after, again]) == [2.0, 7.0]


def test_swapping_writes_reads_first(graph):
    a, init_a = variable(np.float32(1.0), "a")
    b, init_b = variable(np.float32(2.0), "b")
    to_a = ops.SampleAssign(a, ops.SampleMul(b, constant(1.0)))
    to_b = ops.SampleAssign(b, ops.SampleMul(a, constant(1.0)))
    with Session() as session:
        session.run([init_a, init_b])
        assert session.run([to_a, to_b]) == [2.0, 1.0]
        assert session.run([to_a, to_b]) == [1.0, 2.0]


def test_resource_variables(graph):
    handle = ops.SampleHandle(dtype=dtypes.float32, shape=[2], name="r")
    write = ops.SampleAssignResource(handle, constant([1.0, 2.0]))
    read = ops.SampleRead(handle, dtype=dtypes.float32)
    with Session() as session:
        message = "Error while reading resource variable r from Container: localhost"
        with pytest.raises(errors.FailedPreconditionError, match=message):
            session.run(read)
        session.run(write)
        np.testing.assert_array_equal(session.run(read), [1.0, 2.0])


def test_uninitialized_variable_names_it_and_its_reader(graph):
    v, _ = variable(np.float32(1.0))
    read = ops.SampleMul(v, constant(2.0), name="reader")
    with Session() as session:
        with pytest.raises(errors.FailedPreconditionError, match="uninitialized value v") as error:
            session.run(read)
        assert error.value.op is read.op


def test_hidden_state_belongs_to_the_session(graph):
    n = ops.SampleCounter()
    other = ops.SampleCounter()
    with Session() as first, Session() as second:
        assert [int(first.run(n)) for _ in range(3)] == [1, 2, 3]
        assert first.run([n, other]) == [4, 1]
        assert second.run(n) == 1


def test_static_input_from_a_shape(graph):
    x = feed([None, None])
    shape = constant([-1], dtypes.int32)
    flat = ops.SampleReshape(x, shape)
    with Session() as session:
        assert session.run(flat, {x: np.zeros((2, 3))}).shape == (6,)
        assert session.run(flat, {x: np.zeros((4, 3))}).shape == (12,)


def test_static_input_from_a_feed(graph):
    x, shape = feed([6]), feed([None], dtypes.int32)
    y = ops.SampleReshape(x, ops.SampleAdd(shape, constant([0], dtypes.int32)))
    with Session() as session:
        for wanted in ([2, 3], [3, 2], [6], [2, 3]):
            assert session.run(y, {x: np.zeros(6), shape: wanted}).shape == tuple(wanted)


def test_static_input_computed_from_state_runs_on_the_host(graph):
    n = ops.SampleCounter()
    x = feed([12])
    shape = ops.SampleReshape(n, constant([1], dtypes.int32))
    y = ops.SampleReshape(x, ops.SampleAdd(shape, constant([0], dtypes.int32)))
    z = ops.SampleSum(y)
    with Session() as session, pytest.raises(errors.InvalidArgumentError):
        session.run(z, {x: np.ones(12)})
    flat = ops.SampleReshape(x, ops.SampleMul(shape, constant([12], dtypes.int32)))
    with Session() as session:
        assert session.run(ops.SampleSum(flat), {x: np.ones(12)}) == 12


def test_list_outputs(graph):
    x = feed([4])
    halves = ops.SampleSplit(x, N=2)
    whole = ops.SampleSplit(x, N=1)
    with Session() as session:
        low, high, [all_of_it] = session.run([*halves, whole], {x: [1, 2, 3, 4]})
    np.testing.assert_array_equal(low, [1, 2])
    np.testing.assert_array_equal(high, [3, 4])
    np.testing.assert_array_equal(all_of_it, [1, 2, 3, 4])


def test_host_nodes_between_regions(graph):
    x = feed([None])
    text = ops.SampleText(ops.SampleAdd(x, constant(1.0)))
    back = ops.SampleMul(ops.SampleParse(text), constant(2.0))
    with Session() as session:
        assert session.run([text, back], {x: [1.0, 2.0]}) == [b"5", np.float32(10.0)]


def test_outputs_whose_shape_depends_on_data(graph):
    x = feed([None])
    kept = ops.SampleNonZero(ops.SampleMul(x, constant(2.0)))
    y = ops.SampleAdd(kept, constant(1.0))
    with Session() as session:
        np.testing.assert_array_equal(session.run(y, {x: [0.0, 1.0, 0.0, 2.0]}), [3.0, 5.0])
        np.testing.assert_array_equal(session.run(y, {x: [0.0]}), [])


def test_a_failed_check_names_node_and_keeps_what_was_written(graph):
    x = feed([None])
    v, init = variable(np.float32(1.0))
    add = ops.SampleAssignAdd(v, constant(1.0))
    with graph.control_dependencies([add]):
        checked = ops.SamplePositive(x, name="checked")
    with Session() as session:
        session.run(init)
        np.testing.assert_array_equal(session.run(checked, {x: [1.0, 2.0]}), [1.0, 2.0])
        with pytest.raises(errors.InvalidArgumentError, match="not positive: -3") as error:
            session.run(checked, {x: [1.0, -3.0]})
        assert error.value.op.name == "checked"
        assert "test_tiers_agree.py" in str(error.value)
        assert session.run(v) == 3.0


def test_a_write_behind_a_failed_check_does_not_happen(graph):
    x = feed([None])
    v, init = variable(np.float32(1.0))
    checked = ops.SamplePositive(x)
    with graph.control_dependencies([checked]):
        add = ops.SampleAssignAdd(v, constant(1.0))
    with Session() as session:
        session.run(init)
        with pytest.raises(errors.InvalidArgumentError):
            session.run(add, {x: [-1.0]})
        assert session.run(v) == 1.0
        assert session.run(add, {x: [1.0]}) == 2.0


def test_sparse_writes(graph):
    v, init = variable(np.zeros((4, 2), np.float32))
    rows = feed([None], dtypes.int32)
    before = ops.SampleGather(v, rows)
    update = ops.SampleScatterAdd(v, rows, ops.SampleAdd(before, constant(1.0)))
    with Session() as session:
        session.run(init)
        for _ in range(2):
            old, new = session.run([before, update], {rows: [1, 3]})
        np.testing.assert_array_equal(old, np.ones((2, 2)))
        np.testing.assert_array_equal(new, [[0, 0], [3, 3], [0, 0], [3, 3]])


def test_handles_given_to_host_nodes(graph):
    v, init = variable(np.float32(1.0))
    has = ops.SampleMul(ops.SampleHasValue(v), constant(1.0))
    with Session() as session:
        assert session.run(has) == 0.0
        session.run(init)
        assert session.run(has) == 1.0


def test_string_variables_live_on_the_host(graph):
    v = ops.SampleVariable(dtype=dtypes.string, shape=[], name="s")
    assign = ops.SampleAssign(v, constant("abc"))
    with Session() as session:
        with pytest.raises(errors.FailedPreconditionError, match="uninitialized value s"):
            session.run(v)
        assert session.run(assign) == b"abc"
        assert session.run(v) == b"abc"


def test_kernel_errors_carry_the_node(graph):
    a, b = feed([None]), feed([None])
    y = ops.SampleAdd(a, b, name="misfit")
    with Session() as session:
        with pytest.raises(errors.InvalidArgumentError) as error:
            session.run(y, {a: [1, 2, 3], b: [1, 2]})
        assert error.value.op.name == "misfit"
        assert session.run(y, {a: [1], b: [2]}) == [3.0]


def test_64_bit_types_work_without_the_users_flag(graph):
    x = feed([None], dtypes.int64)
    y = ops.SampleMul(x, constant(1 << 40, dtypes.int64))
    with Session() as session:
        result = session.run(y, {x: [3]})
    assert result.dtype == np.int64
    assert result[0] == 3 << 40
