"""Small helpers: branches on known values, checks of shapes, names of scopes."""

import re

from millstream.base.dtypes import Int32, Int64
from millstream.base.export import export
from millstream.base.shapes import TensorShape, as_shape
from millstream.ir.apply import graph_of
from millstream.ir.convert import convert_to_tensor, convert_to_tensor_or_sparse_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.scopes import name_scope
from millstream.layers.choosing import known_truth
from millstream.layers.choosing import smart_cond as choose
from millstream.losses.squeezing import squeeze_last
from millstream.ops import array, math
from millstream.ops.flow import with_dependencies
from millstream.ops.flow.cases import case
from millstream.ops.flow.checks import assert_equal
from millstream.state.global_step import assert_global_step, get_global_step


@export("contrib.framework.smart_cond")
def smart_cond(pred, true_fn=None, false_fn=None, name=None):
    """Is `tf.cond`, but makes only the branch that is taken where that is known already.

    Raises:
      TypeError: if a branch cannot be called.
    """
    if not callable(true_fn):
        raise TypeError("`true_fn` must be callable.")
    if not callable(false_fn):
        raise TypeError("`false_fn` must be callable.")
    return choose(pred, true_fn, false_fn, name=name)


@export("contrib.framework.smart_constant_value")
def smart_constant_value(pred):
    """Returns the truth of a condition, `None` if only a step can tell.

    Raises:
      TypeError: if it is neither a boolean, 0 or 1, nor a tensor.
    """
    if not hasattr(pred, "op") and pred not in (True, False):
        raise TypeError(
            f"`pred` must be a Tensor, or a Python bool, or 1 or 0. Found instead: {type(pred)}"
        )
    return known_truth(pred)


@export("contrib.framework.smart_case")
def smart_case(pred_fn_pairs, default=None, exclusive=False, name="smart_case"):
    """Is `tf.case`, without the branches that are known not to be taken."""
    pairs = list(pred_fn_pairs.items() if isinstance(pred_fn_pairs, dict) else pred_fn_pairs)
    left = []
    for pred, function in pairs:
        known = known_truth(pred)
        if known is None:
            left.append((pred, function))
        elif known:
            if not left:
                return function()
            default = function
            break
    if not left:
        return default()
    return case(left, default=default, exclusive=exclusive, name=name)


@export("contrib.framework.assert_scalar_int")
def assert_scalar_int(tensor, name=None):
    """Returns a tensor that is checked to be an integer scalar.

    Raises:
      ValueError: if it is none.
    """
    with name_scope(name, "assert_scalar_int", [tensor]):
        tensor = convert_to_tensor(tensor)
        if tensor.dtype.base_dtype not in (Int32, Int64):
            raise ValueError(
                f"Expected int32 or int64 type for Tensor {tensor.name}, got {tensor.dtype}."
            )
        if tensor.shape.ndims != 0:
            raise ValueError(f"Unexpected shape for {tensor.name}: {tensor.shape}, not a scalar.")
        return tensor


@export("contrib.framework.reduce_sum_n")
def reduce_sum_n(tensors, name=None):
    """Adds all elements of all tensors.

    Raises:
      ValueError: if there are no tensors.
    """
    if not tensors:
        raise ValueError("No tensors provided.")
    with name_scope(name, "reduce_sum_n", tensors) as scope:
        sums = [math.reduce_sum(tensor, name=f"{tensor.op.name}/sum") for tensor in tensors]
        return sums[0] if len(sums) == 1 else math.add_n(sums, name=scope)


@export("contrib.framework.remove_squeezable_dimensions")
def remove_squeezable_dimensions(predictions, labels, name=None):
    """Squeezes the last axis of predictions or labels, whichever has one more."""
    labels, predictions = squeeze_last(labels, predictions, name=name)
    return predictions, labels


@export("contrib.framework.with_shape")
def with_shape(expected_shape, tensor):
    """Returns a tensor that is checked to have a shape, now if that is possible, else in the step.

    Raises:
      ValueError: if it is known to have another one.
    """
    tensor = convert_to_tensor_or_sparse_tensor(tensor)
    if isinstance(expected_shape, (list, tuple, TensorShape)):
        expected = as_shape(expected_shape)
        tensor.shape.assert_is_compatible_with(expected)
        if tensor.shape.is_fully_defined():
            return tensor
        if not expected.is_fully_defined():
            tensor.set_shape(expected)
            return tensor
        expected_shape = expected.as_list()
    check = assert_equal(array.shape(tensor), expected_shape, message="Wrong shape for tensor.")
    return with_dependencies([check], tensor)


@export("contrib.framework.with_same_shape")
def with_same_shape(expected_tensor, tensor):
    """Returns a tensor that is checked to have the shape of another.

    Raises:
      ValueError: if it is known to have another one.
    """
    with name_scope(f"{tensor.op.name}/", values=[expected_tensor, tensor]):
        shape = expected_tensor.shape
        if not shape.is_fully_defined():
            shape = array.shape(expected_tensor)
        return with_shape(shape, tensor)


@export("contrib.framework.assert_or_get_global_step")
def assert_or_get_global_step(graph=None, global_step_tensor=None):
    """Checks a global step, or looks it up."""
    if global_step_tensor is None:
        return get_global_step(graph)
    assert_global_step(global_step_tensor)
    return global_step_tensor


@export("contrib.framework.get_graph_from_inputs")
def get_graph_from_inputs(op_input_list, graph=None):
    """Returns the graph of tensors; it must be one and the same."""
    if graph is not None:
        return graph
    return graph_of(op_input_list)


@export("contrib.framework.get_name_scope")
def get_name_scope():
    """Returns the current name scope, without a slash at its end."""
    return get_default_graph().get_name_scope()


@export("contrib.framework.strip_name_scope")
def strip_name_scope(name, export_scope):
    """Takes a scope off the beginning of a name."""
    if not export_scope:
        return name
    scope = export_scope.rstrip("/")
    return re.sub(rf"([\^]|loc:@|^){re.escape(scope)}[\/]+(.*)", r"\1\2", str(name), count=1)


@export("contrib.framework.prepend_name_scope")
def prepend_name_scope(name, import_scope):
    """Puts a scope before a name."""
    if not import_scope:
        return name
    return re.sub(r"([\^]|loc:@|^)(.*)", rf"\1{import_scope.rstrip('/')}/\2", str(name), count=1)


@export("contrib.framework.get_placeholders")
def get_placeholders(graph):
    """Lists the placeholders of a graph."""
    return [op.outputs[0] for op in graph.get_operations() if op.type == "Placeholder"]
