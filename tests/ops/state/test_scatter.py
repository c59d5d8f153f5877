"""Scatter ops: repeated indices, messages, and updates that leave the table in place."""

import numpy as np
import pytest

from millstream.base.errors import InvalidArgumentError
from millstream.base.lazy import jax
from millstream.ir.graph import Graph
from millstream.ops.state import scatter, scatter_nd
from millstream.ops.state.order import waves
from millstream.ops.state.slices import StridedSliceAssign
from millstream.ops.state.variable import VariableV2

KINDS = ("Update", "Add", "Sub", "Mul", "Div", "Min", "Max")


def node_of(op, table, indices, updates):
    with Graph().as_default():
        ref = VariableV2(shape=table.shape, dtype=table.dtype)
        return op(ref, indices, updates).op


def kernel(op, table, indices, updates):
    """Runs the kernel; what a check finds is returned as text."""
    node = node_of(op, table, indices, updates)
    found = []

    def check(ok, message, *arrays):
        if not ok:
            found.append(message(*map(np.asarray, arrays)))

    result = op.kernel.bind(node, check=check)(jax.numpy.asarray(table), indices, updates)
    return found or np.asarray(result)


def copies(op, table, indices, updates):
    """Returns the lines of the compiled kernel that copy the whole table."""
    node = node_of(op, table, indices, updates)
    rule = op.kernel.bind(node, check=lambda *_: None)
    step = jax.jit(rule, donate_argnums=0).lower(table, indices, updates).compile()
    shape = "f32[" + ",".join(map(str, table.shape)) + "]"
    return [line for line in step.as_text().splitlines() if shape in line and " copy(" in line]


TABLE = np.linspace(1, 2, 6000 * 8, dtype=np.float32).reshape(6000, 8)
INDICES = np.array([7, 2, 7, 7, 2], np.int32)
UPDATES = np.linspace(0.5, 4, 5 * 8, dtype=np.float32).reshape(5, 8)


@pytest.mark.parametrize("kind", KINDS)
def test_repeated_indices_are_applied_one_after_the_other(kind):
    op = getattr(scatter, f"Scatter{kind}")
    combine = {
        "Update": lambda a, b: b, "Add": np.add, "Sub": np.subtract, "Mul": np.multiply,
        "Div": np.divide, "Min": np.minimum, "Max": np.maximum,
    }[kind]  # fmt: skip
    wanted = TABLE.copy()
    for index, row in zip(INDICES, UPDATES, strict=True):
        wanted[index] = combine(wanted[index], row)
    np.testing.assert_allclose(kernel(op, TABLE, INDICES, UPDATES), wanted, rtol=1e-6)
    reference = op.reference.bind(node_of(op, TABLE, INDICES, UPDATES))
    np.testing.assert_allclose(reference(TABLE, INDICES, UPDATES), wanted, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_is_not_copied(kind):
    assert not copies(getattr(scatter, f"Scatter{kind}"), TABLE, INDICES, UPDATES)


@pytest.mark.parametrize("kind", ["Update", "Add", "Sub"])
def test_the_table_is_not_copied_for_tuples(kind):
    op = getattr(scatter_nd, f"ScatterNd{kind}")
    assert not copies(op, TABLE, INDICES[:, None], UPDATES)


def test_the_first_bad_index_is_named():
    bad = np.array([[0, 1], [9000, -1]], np.int32)
    rows = np.zeros((2, 2, 8), np.float32)
    message = "indices[1,0] = 9000 is not in [0, 6000)"
    assert kernel(scatter.ScatterAdd, TABLE, bad, rows) == [message]
    node = node_of(scatter.ScatterAdd, TABLE, bad, rows)
    with pytest.raises(InvalidArgumentError) as caught:
        node.opdef.reference.bind(node)(TABLE, bad, rows)
    assert caught.value.message == message


def test_the_first_bad_tuple_is_named():
    bad = np.array([[0, 1], [1, 8]], np.int32)
    message = "indices[1] = [1, 8] does not index into shape [6000,8]"
    values = np.zeros(2, np.float32)
    assert kernel(scatter_nd.ScatterNdAdd, TABLE, bad, values) == [message]


def test_bad_rows_change_nothing():
    node = node_of(scatter.ScatterAdd, TABLE, np.array([-1, 6000], np.int32), UPDATES[:2])
    rule = node.opdef.kernel.bind(node, check=lambda *_: None)
    result = rule(jax.numpy.asarray(TABLE), np.array([-1, 6000], np.int32), UPDATES[:2])
    np.testing.assert_array_equal(result, TABLE)


def test_updates_of_another_shape_are_refused():
    node = node_of(scatter.ScatterAdd, TABLE, INDICES[:1], UPDATES[:1])
    with pytest.raises(
        InvalidArgumentError, match=r"got updates.shape \[1,8\], indices.shape \[2\]"
    ):
        node.opdef.reference.bind(node)(TABLE, INDICES[:2], UPDATES[:1])


def test_waves_hold_each_index_once():
    found = [positions.tolist() for positions in waves(INDICES)]
    assert found == [[0, 1], [2, 4], [3]]
    assert waves(np.array([], np.int32)) == []


@pytest.mark.parametrize(
    ("bounds", "masks", "key"),
    [
        (([1, 0], [3, 0], [1, 1]), {"end_mask": 2}, np.s_[1:3, :]),
        (([0, 2], [0, 0], [1, 1]), {"begin_mask": 1, "end_mask": 1, "shrink_axis_mask": 2},
         np.s_[:, 2]),
        (([5, 0], [0, 0], [-2, 1]), {"begin_mask": 2, "end_mask": 2}, np.s_[5:0:-2]),
        (([0, -1], [0, 0], [1, 1]), {"ellipsis_mask": 1, "shrink_axis_mask": 2}, np.s_[..., -1]),
    ],
)  # fmt: skip
def test_slices_are_replaced(bounds, masks, key):
    table = np.arange(48, dtype=np.float32).reshape(6, 8)
    value = -np.ones_like(table[key])
    with Graph().as_default():
        ref = VariableV2(shape=table.shape, dtype=table.dtype)
        node = StridedSliceAssign(ref, *bounds, value, **masks).op
    wanted = table.copy()
    wanted[key] = value
    arrays = [table, *(np.array(b, np.int32) for b in bounds), value]
    np.testing.assert_array_equal(node.opdef.reference.bind(node)(*arrays), wanted)
    found = node.opdef.kernel.bind(node)(jax.numpy.asarray(table), *arrays[1:])
    np.testing.assert_array_equal(found, wanted)
