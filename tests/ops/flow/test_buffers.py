"""The contents of TensorArrays and lists, on the host and traced."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from millstream.base import dtypes, errors
from millstream.ops.flow.buffer_room import NoRoom, doubled
from millstream.ops.flow.buffer_specs import Spec, spell
from millstream.ops.flow.buffers import HostBuffer, from_elements
from millstream.ops.flow.traced_buffers import (
    TracedBuffer,
    conform,
    on_host,
    settle,
    traced,
)

ARRAY = Spec(dtypes.float32, name="ta", identical=True, strict=True)
GRADIENT = ARRAY.gradient("gradients", None)


@pytest.fixture(params=[HostBuffer, TracedBuffer])
def make(request):
    return lambda spec=ARRAY, length=3: request.param(spec, length)


def test_a_write_leaves_the_old_value_readable(make):
    empty = make(length=2)
    one = empty.write(np.int32(0), np.float32(5))
    two = one.write(np.int32(1), np.float32(7))
    np.testing.assert_array_equal(two.stack(), [5, 7])
    assert float(one.read(np.int32(0))) == 5


def test_what_was_not_written_reads_as_zero(make):
    array = make().write(np.int32(1), np.ones(2, np.float32))
    np.testing.assert_array_equal(array.stack(), [[0, 0], [1, 1], [0, 0]])


def test_gradient_buffers_add_up(make):
    first = make(GRADIENT).write(np.int32(1), np.float32(2))
    second = make(GRADIENT).write(np.int32(1), np.float32(3)).write(np.int32(2), np.float32(1))
    total = np.float32(0) + first + second
    np.testing.assert_array_equal(total.stack(), [0, 5, 1])
    np.testing.assert_array_equal(np.add(first, second).stack(), [0, 5, 1])


def test_zeros_like_is_neutral(make):
    array = make().write(np.int32(0), np.float32(1))
    assert float(np.zeros_like(array)) == 0
    gradient = array.gradient_of("gradients")
    part = gradient.write(np.int32(0), np.float32(1))
    np.testing.assert_array_equal(gradient.plus(part).read(np.int32(0)), 1)
    values = make(Spec(dtypes.float32), 0).push(np.ones(2, np.float32))
    assert np.zeros_like(values).length == 1


def test_scatter_gather_and_split(make):
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    array = make().scatter(np.array([2, 0, 1], np.int32), rows)
    np.testing.assert_array_equal(array.gather(np.array([2, 0], np.int32)), rows[:2])
    joined, lengths = make(length=2).split(rows[:2], np.array([1, 1])).concat()
    np.testing.assert_array_equal(joined, rows[:2])
    assert list(lengths) == [1, 1]
    assert lengths.dtype == np.int64


def test_stacks_push_and_pop(make):
    stack = make(Spec(dtypes.float32), 0)
    for number in range(3):
        stack = stack.push(np.float32(number))
    stack, last = stack.pop()
    assert (float(last), int(stack.length)) == (2, 2)
    other = stack.push(np.float32(9))
    np.testing.assert_array_equal(other.stack(), [0, 1, 9])
    with pytest.raises(errors.InvalidArgumentError, match="empty list"):
        make(Spec(dtypes.float32), 0).pop()


def test_host_buffers_of_one_origin_do_not_mix():
    base = HostBuffer(Spec(dtypes.int32), 0).push(np.int32(1))
    left, right = base.push(np.int32(2)), base.push(np.int32(3))
    assert (left.stack().tolist(), right.stack().tolist()) == ([1, 2], [1, 3])
    changed = left.set_item(0, np.int32(8))
    assert (left.stack().tolist(), changed.stack().tolist()) == ([1, 2], [8, 2])


def test_host_buffers_say_what_is_wrong():
    array = HostBuffer(ARRAY, 2).write(0, np.float32(1))
    with pytest.raises(errors.InvalidArgumentError, match="already been written"):
        array.write(0, np.float32(1))
    with pytest.raises(errors.InvalidArgumentError, match="not resizeable and size is: 2"):
        array.write(2, np.float32(1))
    with pytest.raises(errors.InvalidArgumentError, match="inferred element shape: \\[\\]"):
        array.write(1, np.ones(2, np.float32))
    with pytest.raises(errors.InvalidArgumentError, match="array size is: 2"):
        array.read(-1)
    assert spell((None, 3)) == "[?,3]"


def test_growing_arrays_grow(make):
    spec = Spec(dtypes.float32, grows=True, strict=True)
    array = make(spec, 0).write(np.int32(2), np.float32(4))
    assert array.length == 3


def test_a_loop_settles_on_the_shape_of_what_it_writes():
    def body(carry):
        index, array = carry
        return index + 1, array.write(index, jnp.full(2, index, jnp.float32))

    start = (jnp.int32(0), TracedBuffer(ARRAY, 5))
    start = settle(start, body)
    _, array = jax.lax.while_loop(
        lambda c: c[0] < 5, lambda c: conform(body(c), c), start
    )  # fmt: skip
    np.testing.assert_array_equal(array.stack()[:, 0], np.arange(5))


def test_single_reads_in_a_loop_have_a_gradient_that_is_updated_in_place():
    source = traced(from_elements(ARRAY, np.arange(4, dtype=np.float32)))

    def body(carry):
        index, total = carry
        part = source.gradient_of("gradients").write(index, 2 * source.read(index))
        return index + 1, total + part

    start = settle((jnp.int32(0), jnp.float32(0)), body)

    def run(carry):
        return jax.lax.while_loop(lambda c: c[0] < 4, lambda c: conform(body(c), c), carry)

    text = jax.jit(run).lower(start).as_text()
    assert "stablehlo.pad" not in text
    np.testing.assert_array_equal(run(start)[1].stack(), [0, 2, 4, 6])


def test_a_growing_buffer_states_that_it_needs_room():
    spec = Spec(dtypes.float32, (), grows=True)
    failed = []

    def check(ok, message, *arrays):
        if not ok:
            failed.append((message, arrays))

    array = TracedBuffer(spec, jnp.int32(0)).write(jnp.int32(5), jnp.float32(1), check)
    assert array.capacity == 64
    assert not failed
    array.write(jnp.int32(70), jnp.float32(1), check)
    message, arrays = failed[0]
    with pytest.raises(NoRoom) as error:
        message(*arrays)
    assert error.value.needed == 71
    assert doubled(900) == 1024


def test_values_cross_between_the_tiers():
    array = HostBuffer(ARRAY, 3).write(1, np.ones(2, np.float32))
    there = traced(array)
    back = on_host(there).write(1, np.ones(2, np.float32))
    np.testing.assert_array_equal(back.stack(), [[0, 0], [1, 1], [0, 0]])
    with pytest.raises(errors.UnimplementedError):
        traced(from_elements(ARRAY, [np.zeros(1, np.float32), np.zeros(2, np.float32)]))
