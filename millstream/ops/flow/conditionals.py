"""`tf.cond`: which of two functions is computed depends on a value."""

from functools import partial

from millstream.base import nest
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.node import Operation
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ops.array.identities import identity
from millstream.ops.flow import bodies
from millstream.ops.flow.calling import Case, If, StatelessIf

__all__ = ["cond"]

_SWITCHES = 4  # Switch, switch_t, switch_f and pred_id, which TF 1.15 makes for every cond


@export("cond")
def cond(pred, true_fn=None, false_fn=None, strict=False, name=None, fn1=None, fn2=None):
    """Returns `true_fn()` if `pred` is true, else `false_fn()`; only one of them is computed.

    Tensors from outside that the functions use are computed in any case; nodes made inside run
    only if the branch is taken and its result depends on them.

    Args:
      pred: a bool scalar.
      true_fn: called once, to make the nodes of the branch. Returns a tensor, node, composite or
        nested structure of these.
      false_fn: the same; its result must be of the same structure and types.
      strict: whether a list or tuple of one stays one.
      name: scope of the nodes.
      fn1: former name of `true_fn`.
      fn2: former name of `false_fn`.

    Returns:
      A structure of tensors; for a node, a bool scalar that is there when it has run.

    Raises:
      TypeError: if `pred` is a Python bool or not a bool, a function cannot be called, or the
        results' structures are of other types.
      ValueError: if the results have other structures or dtypes, or there is none.

    Example:
      >>> y = cond(x < 0, lambda: -x, lambda: sqrt(x))
    """
    true_fn = _renamed(true_fn, fn1, "true_fn", "fn1")
    false_fn = _renamed(false_fn, fn2, "false_fn", "fn2")
    for function, argument in ((true_fn, "true_fn"), (false_fn, "false_fn")):
        if not callable(function):
            raise TypeError(f"{argument} must be callable.")
    with name_scope(name, "cond", [pred]):
        if isinstance(pred, bool):
            raise TypeError("pred must not be a Python bool")
        pred = _checked_pred(convert_to_tensor(pred))
        graph = get_default_graph()
        bodies.count(graph, _SWITCHES)
        branches = [
            branch(fn, name, value)
            for fn, name, value in ((true_fn, "true_fn", True), (false_fn, "false_fn", False))
        ]
        results = [b.structured_outputs for b in branches]
        check_same(results)
        stateful = bodies.is_stateful(branches)
        outputs = choose(If if stateful else StatelessIf, pred, branches, "If")
        merged = [identity(t, name="Merge") for t in outputs]
    packed = nest.pack_sequence_as(results[0], merged, expand_composites=True)
    return packed if strict else unpacked(packed)


def _renamed(value, old, name, old_name):
    if old is not None:
        if value is not None:
            raise TypeError(f"cond(): {name} and {old_name} may not be set simultaneously.")
        return old
    if value is None:
        raise TypeError(f"cond(): {name} argument required")
    return value


def _checked_pred(pred):
    if pred.dtype.base_dtype.name != "bool":
        raise TypeError(
            f"Input 'pred' of 'Switch' Op has type {pred.dtype.base_dtype.name} that does not "
            "match expected type of bool."
        )
    if pred.shape.ndims:
        raise ValueError(
            f"Shape must be rank 0 but is rank {pred.shape.ndims} for the predicate {pred.name} "
            "of a cond."
        )
    return pred


def branch(fn, argument, value):
    """Returns the body of a branch, with its result as tensors in `structured_outputs`."""
    body = bodies.new_body(argument.partition("_")[0])
    with body.as_default():
        result = fn()
        if result is None:
            raise ValueError(f"{argument} must have a return value.")
        body.structured_outputs = nest.map_structure(
            partial(_as_result, body, value), result, expand_composites=True
        )
    body.outputs = nest.flatten(body.structured_outputs, expand_composites=True)
    return body


def _as_result(body, value, item):
    """Returns a result of a branch as a tensor of its body."""
    if isinstance(item, Operation):
        with control_dependencies([item]):
            return constant(value)
    return body.capture(convert_to_tensor(item))


def check_same(results):
    first = results[0]
    flat = nest.flatten(first, expand_composites=True)
    for other in results[1:]:
        nest.assert_same_structure(first, other, expand_composites=True)
        for a, b in zip(flat, nest.flatten(other, expand_composites=True)):
            if a.dtype.base_dtype != b.dtype.base_dtype:
                raise ValueError(
                    "Outputs of true_fn and false_fn must have the same type: "
                    f"{a.dtype.base_dtype.name}, {b.dtype.base_dtype.name}"
                )


def choose(opdef, chooser, branches, name):
    """Adds the node that runs one of some branches; gives its outputs."""
    captured = bodies.join_inputs(branches, 0)
    shapes = branches[0].outputs and [t.shape for t in branches[0].outputs]
    for branch in branches[1:]:
        shapes = [bodies.merged_shape(a, b.shape) for a, b in zip(shapes, branch.outputs)]
    refs = bodies.registered(branches)
    types = bodies.base_types(branches[0].outputs)
    attrs = {"Tin": bodies.base_types(captured), "Tout": types, "output_shapes": tuple(shapes)}
    if opdef is Case:
        attrs["branches"] = tuple(refs)
    else:
        attrs |= {"Tcond": chooser.dtype.base_dtype}
        attrs |= {"then_branch": refs[0], "else_branch": refs[1]}
    with bodies.after_captured(branches), bodies.uncounted(chooser.graph):
        node = bodies.make_call(opdef, [chooser, *captured], attrs, types, name)
    for branch in branches:
        branch.caller = node
    return node.values()


def unpacked(result):
    """Takes a list or tuple of one apart, as `strict=False` asks for."""
    if isinstance(result, (list, tuple)) and not hasattr(result, "_fields") and len(result) == 1:
        return result[0]
    return result
