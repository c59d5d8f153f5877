"""`tf.case` and `tf.switch_case`: one of several functions is computed."""

from functools import partial

from millstream.base import nest
from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array import stack
from millstream.ops.array.identities import identity
from millstream.ops.flow.assertions import assert_true
from millstream.ops.flow.calling import Case
from millstream.ops.flow.conditionals import branch, check_same, choose, cond, unpacked
from millstream.ops.math.arithmetic import less_equal
from millstream.ops.math.cast import cast
from millstream.ops.math.reductions import reduce_sum

__all__ = ["case", "switch_case"]


@export("case")
def case(pred_fn_pairs, default=None, exclusive=False, strict=False, name="case"):
    """Returns the result of the first function whose predicate is true.

    Args:
      pred_fn_pairs: list or dictionary of (bool scalar, function) pairs; in a dictionary, no
        order is guaranteed.
      default: function for when no predicate is true; without it, that is an error at run time.
      exclusive: whether it is an error at run time if several predicates are true.
      strict: whether a list or tuple of one stays one.
      name: scope of the nodes.

    Raises:
      TypeError: if a pair is none, a predicate no tensor, or a function cannot be called.
      ValueError: if there are no pairs, or results differ in structure or type.
      InvalidArgumentError: at run time, as said above.
    """
    pairs = _checked_pairs(pred_fn_pairs)
    if not pairs:
        raise ValueError("not enough values to unpack: case() needs at least one (pred, fn) pair")
    preds, actions = [p for p, _ in pairs], [fn for _, fn in pairs]
    with name_scope(name, "case", [preds]):
        if default is None:
            default, preds, actions = _last_as_default(preds, actions)
        fn = default
        # The first pair is the outermost cond.
        for pred, action in zip(reversed(preds), reversed(actions)):
            fn = partial(cond, pred, action, fn, strict)
        if exclusive:
            with control_dependencies([_assert_at_most_one(preds)]):
                return fn()
        return fn()


def _checked_pairs(pairs):
    if not isinstance(pairs, (list, tuple, dict)):
        raise TypeError("fns must be a list, tuple, or dict")
    if isinstance(pairs, dict):
        pairs = list(pairs.items())
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise TypeError("Each entry in pred_fn_pairs must be a 2-tuple")
        pred, fn = pair
        if not isinstance(pred, Tensor):
            raise TypeError(f"pred must be a Tensor, got: {pred}")
        if not callable(fn):
            raise TypeError(f"fn for pred {pred.name} must be callable.")
    return pairs


def _last_as_default(preds, actions):
    """Makes the last action the default, with a check that its predicate is true."""
    names = ", ".join(p.name for p in preds)
    last = actions[-1]

    def default():
        check = assert_true(
            preds[-1],
            [f"None of conditions evaluated as True. Conditions: ({names}), Values:", *preds],
        )
        with control_dependencies([check]):
            return last()

    return default, preds[:-1], actions[:-1]


def _assert_at_most_one(preds):
    names = ", ".join(p.name for p in preds)
    together = stack(preds, name="preds_c")
    number = reduce_sum(cast(together, "int32"), name="num_true_conds")
    message = f"Input error: exclusive=True: more than 1 conditions ({names}) evaluated as True:"
    return assert_true(
        less_equal(number, constant(1, name="n_true_conds")), [message, together], len(preds)
    )


@export("switch_case")
def switch_case(branch_index, branch_fns, default=None, name="switch_case"):
    """Returns the result of the function with number `branch_index`.

    Args:
      branch_index: an int32 scalar.
      branch_fns: a list of functions, or a dictionary or list of pairs by number, from 0 on.
      default: function for all other numbers; without it, the last one serves.
      name: scope of the nodes.

    Raises:
      TypeError: if the index is no integer tensor, or a function cannot be called.
      ValueError: if numbers are missing, or results differ in structure or type.
    """
    with name_scope(name, "switch_case", [branch_index]):
        functions = _numbered(branch_index, branch_fns)
        if default is not None:
            functions.append(default)
        with name_scope(None, "indexed_case"):
            if branch_index.dtype.base_dtype.name != "int32":
                branch_index = cast(branch_index, "int32")
            branches = [branch(fn, f"branch{i}_fn", True) for i, fn in enumerate(functions)]
            results = [b.structured_outputs for b in branches]
            check_same(results)
            outputs = choose(Case, branch_index, branches, "Case")
            merged = [identity(t, name="Identity") for t in outputs]
    return unpacked(nest.pack_sequence_as(results[0], merged, expand_composites=True))


def _numbered(branch_index, branch_fns):
    if not isinstance(branch_index, Tensor):
        raise TypeError(f"branch_index must a Tensor, got {type(branch_index)}")
    if not branch_index.dtype.is_integer:
        raise TypeError(f"branch_index must an integer Tensor, got {branch_index.dtype!r}")
    if not branch_fns:
        raise ValueError("Must provide at least one item in branch_fns")
    if not isinstance(branch_fns, (list, tuple, dict)):
        raise TypeError("branch_fns must be a list, tuple, or dict")
    if isinstance(branch_fns, dict):
        branch_fns = list(branch_fns.items())
    elif all(callable(fn) for fn in branch_fns):
        branch_fns = list(enumerate(branch_fns))
    for pair in branch_fns:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise TypeError("Each entry in branch_fns must be a 2-tuple")
        if not isinstance(pair[0], int):
            raise TypeError(f"key must be a Python `int`, got {type(pair[0])}")
        if not callable(pair[1]):
            raise TypeError(f"fn for key {pair[0]} must be callable.")
    keys = sorted(key for key, _ in branch_fns)
    if keys != list(range(len(keys))):
        raise ValueError(
            f"branch indices (keys) must form contiguous range of [0 to {len(keys)}) but found "
            f"{{{','.join(map(str, keys))}}}"
        )
    return [fn for _, fn in sorted(branch_fns, key=lambda pair: pair[0])]
