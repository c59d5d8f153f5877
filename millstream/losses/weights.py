"""Weights of elements: whether they broadcast, and broadcasting them."""

from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ir.static_value import constant_value
from millstream.ops import array, math
from millstream.ops.flow import no_op
from millstream.ops.flow.assertions import assert_true
from millstream.ops.flow.conditionals import cond

_WRONG = "weights can not be broadcast to values."


def assert_broadcastable(weights, values):
    """Returns a node that checks that weights are scalar, or have size 1 or the values' per axis.

    Args:
      weights: a tensor.
      values: the tensor that is weighted.

    Raises:
      ValueError: if they are known not to.
    """
    with name_scope(None, "assert_broadcastable", (weights, values)) as scope:
        weights, weights_shape, weights_rank = _described(weights, "weights")
        values, values_shape, values_rank = _described(values, "values")
        ranks = constant_value(weights_rank), constant_value(values_rank)
        if None not in ranks:
            if ranks[0] == 0:
                return no_op(name="static_scalar_check_success")
            if ranks[0] != ranks[1]:
                raise ValueError(
                    f"{_WRONG} values.rank={ranks[1]}. weights.rank={ranks[0]}. "
                    f"values.shape={values.shape}. weights.shape={weights.shape}."
                )
            sizes = constant_value(weights_shape), constant_value(values_shape)
            if sizes[0] is not None and sizes[1] is not None:
                _check_sizes(*sizes)
                return no_op(name="static_dims_check_success")
        return _checked_in_step(
            weights, weights_shape, weights_rank, values, values_shape, values_rank, scope
        )


def _described(tensor, name):
    """Returns a tensor, its shape and its rank."""
    with name_scope(None, name, (tensor,)) as scope:
        tensor = convert_to_tensor(tensor, name=scope)
        return tensor, array.shape(tensor, name="shape"), array.rank(tensor, name="rank")


def _check_sizes(weights_sizes, values_sizes):
    for axis, (size, wanted) in enumerate(zip(weights_sizes, values_sizes, strict=True)):
        if size not in (1, wanted):
            raise ValueError(
                f"{_WRONG} Mismatch at dim {axis}. values.shape={values_sizes} "
                f"weights.shape={weights_sizes}."
            )


def _checked_in_step(
    weights, weights_shape, weights_rank, values, values_shape, values_rank, scope
):
    is_scalar = math.equal(0, weights_rank, name="is_scalar")
    data = (
        _WRONG, "weights.shape=", weights.name, weights_shape, "values.shape=", values.name,
        values_shape, "is_scalar=", is_scalar,
    )  # fmt: skip

    def fits():
        same = math.equal(weights_shape, values_shape)
        return math.reduce_all(math.logical_or(same, math.equal(weights_shape, 1)))

    if weights.shape.ndims is not None and weights.shape.ndims == values.shape.ndims:
        return assert_true(fits(), data, name=scope)

    def fits_if_ranks_do():
        same_rank = math.equal(values_rank, weights_rank, name="is_same_rank")
        return cond(same_rank, fits, lambda: same_rank)

    valid = cond(is_scalar, lambda: is_scalar, fits_if_ranks_do, name="is_valid_shape")
    return assert_true(valid, data, name=scope)


def broadcast_weights(weights, values):
    """Returns weights broadcast to the shape of the values.

    Raises:
      ValueError: if they are known not to broadcast.
    """
    with name_scope(None, "broadcast_weights", (weights, values)) as scope:
        values = convert_to_tensor(values, name="values")
        weights = convert_to_tensor(weights, name="weights")
        shapes = weights.shape, values.shape
        if all(s.is_fully_defined() for s in shapes) and shapes[0].is_compatible_with(shapes[1]):
            return weights
        with control_dependencies((assert_broadcastable(weights, values),)):
            return math.multiply(weights, array.ones_like(values), name=scope)
