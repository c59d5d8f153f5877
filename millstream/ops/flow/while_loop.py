"""`tf.while_loop`: repeats a body as long as a test says so."""

from millstream.base import nest
from millstream.base.export import export
from millstream.base.shapes import TensorShape, as_shape
from millstream.ir.composite import IndexedSlices, SparseTensor
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.copying import copy_nodes
from millstream.ir.default import get_default_graph
from millstream.ir.func_graph import FuncGraph
from millstream.ir.scopes import name_scope
from millstream.ops.array.identities import identity
from millstream.ops.by_name import ops
from millstream.ops.flow import bodies
from millstream.ops.flow.calling import StatelessWhile, While

__all__ = ["while_loop"]


@export("while_loop")
def while_loop(
    cond,
    body,
    loop_vars,
    shape_invariants=None,
    parallel_iterations=10,
    back_prop=True,
    swap_memory=False,
    name=None,
    maximum_iterations=None,
    return_same_structure=False,
):
    """Returns `loop_vars` after `body` was applied to them as long as `cond` was true of them.

    Both functions are called once, to make nodes; what they make runs in every iteration. Tensors
    from outside are computed before the loop.

    Args:
      cond: of the loop variables; returns a bool scalar.
      body: of the loop variables; returns new ones, of the same structure and types.
      loop_vars: list, tuple or nested structure of what to start with: tensors, composites,
        `TensorArray`s.
      shape_invariants: structure of shapes that the variables keep in all iterations; by default
        those that they start with.
      parallel_iterations: accepted; iterations run one after the other.
      back_prop: whether gradients flow through the loop.
      swap_memory: accepted; there is no other memory to swap to.
      name: scope of the nodes.
      maximum_iterations: an int32 scalar that limits the iterations. Where it or a counter says
        how many there are at most, gradients are compiled.
      return_same_structure: whether a list of one variable stays one.

    Raises:
      TypeError: if a function cannot be called, `cond` gives no bool, or a type changes.
      ValueError: if there are no variables, a shape changes that must not, or the structures
        differ.

    Example:
      >>> total = while_loop(lambda i, s: i < 10, lambda i, s: (i + 1, s + i), (0, 0))[1]
    """
    del swap_memory
    with name_scope(name, "while", loop_vars):
        if not loop_vars:
            raise ValueError("No loop variables provided")
        for function, argument in ((cond, "cond"), (body, "body")):
            if not callable(function):
                raise TypeError(f"{argument} must be callable.")
        if not isinstance(parallel_iterations, int) or parallel_iterations < 1:
            raise TypeError("parallel_iterations must be a positive integer.")
        if maximum_iterations is not None:
            alone = len(loop_vars) == 1 and not return_same_structure
            limited = _limited(cond, body, loop_vars, shape_invariants, maximum_iterations, alone)
            cond, body, loop_vars, shape_invariants = limited
        options = parallel_iterations, back_prop
        result = _Loop(loop_vars, shape_invariants).build(cond, body, options)
        if maximum_iterations is not None:
            return result[1]
        if len(nest.flatten(result, expand_composites=True)) == 1 and not return_same_structure:
            return result[0]
        return result


def _limited(cond, body, loop_vars, invariants, maximum, alone):
    """Adds a counter to a loop's variables; returns what describes the new loop."""
    maximum = convert_to_tensor(maximum, name="maximum_iterations")
    if maximum.shape.ndims != 0:
        raise ValueError(f"maximum_iterations must be a scalar, saw shape: {maximum.shape}")
    counter = constant(0, dtype=maximum.dtype, name="iteration_counter")

    def call(fn, values):
        return fn(values) if alone else fn(*values)

    def limited_cond(i, values):
        return convert_to_tensor(i < maximum) & call(cond, values)

    def limited_body(i, values):
        return i + 1, call(body, values)

    if invariants is not None:
        invariants = (TensorShape([]), invariants[0] if alone else invariants)
    loop_vars = (counter, loop_vars[0] if alone else loop_vars)
    return limited_cond, limited_body, loop_vars, invariants


class _Loop:
    """A loop while it is built."""

    def __init__(self, loop_vars, invariants):
        self._structure = loop_vars
        self._invariants = invariants
        self._sequence = None  # what the body returns, a list or a tuple, the loop returns too
        if invariants is not None:
            nest.assert_same_structure(loop_vars, invariants, expand_composites=False)

    def build(self, cond, body, options):
        """Makes the nodes; returns the structure of results."""
        graph = get_default_graph()
        flat = [_as_tensor(v) for v in nest.flatten(self._structure, expand_composites=True)]
        structure = nest.pack_sequence_as(self._structure, flat, expand_composites=True)
        shapes = self._shapes(structure, flat)
        count = len(flat)
        bodies.count(graph, count)  # Enter
        test = self._function("cond", "Merge", cond, structure, shapes)
        self._check_test(test)
        _spell_out_limits(test)
        bodies.count(graph, count + 1)  # LoopCond, Switch
        step = self._function("body", "Identity", body, structure, shapes)
        _check_results(flat, shapes, step.outputs)
        bodies.count(graph, count)  # NextIteration
        node = self._node(flat, shapes, test, step, options)
        exits = [identity(t, name="Exit") for t in node.values()[:count]]
        packed = nest.pack_sequence_as(structure, exits, expand_composites=True)
        return self._sequence(packed) if self._sequence in (list, tuple) else packed

    def _shapes(self, structure, flat):
        if self._invariants is None:
            return [t.shape for t in flat]
        values = nest.flatten(structure)
        invariants = _flat_shapes(values, nest.flatten(self._invariants))
        for tensor, shape in zip(flat, invariants):
            if not _is_within(tensor.shape, shape):
                raise ValueError(
                    f"The shape invariant specified for {tensor.name} is not compatible with the "
                    f"initial shape of the loop variable. It enters the loop with shape "
                    f"{tensor.shape}, but the specified shape invariant is {shape}."
                )
        return invariants

    def _function(self, kind, label, fn, structure, shapes):
        """Calls a Python function of the loop variables inside of a new body."""
        body = bodies.new_body(kind)
        flat = nest.flatten(structure, expand_composites=True)
        with body.as_default():
            inputs = [
                body.add_input(t.dtype.base_dtype, s, label, named=True)
                for t, s in zip(flat, shapes)
            ]
            for tensor, outer in zip(inputs, flat):
                tensor._handle_data = outer._handle_data
            packed = nest.pack_sequence_as(structure, inputs, expand_composites=True)
            result = fn(*packed)
            if kind == "cond":
                body.outputs = [body.capture(convert_to_tensor(result))]
            else:
                self._sequence = type(result)
                body.outputs = _results(body, packed, result)
        return body

    @staticmethod
    def _check_test(test):
        (result,) = test.outputs
        if result.dtype.base_dtype.name != "bool":
            raise TypeError(
                f"Input 'input' of 'LoopCond' Op has type {result.dtype.base_dtype.name} that does "
                "not match expected type of bool."
            )
        if result.shape.ndims:
            raise ValueError(
                f"Shape must be rank 0 but is rank {result.shape.ndims} for the condition "
                f"{result.name} of a while loop."
            )

    def _node(self, flat, shapes, test, step, options):
        parallel_iterations, back_prop = options
        both = [test, step]
        captured = bodies.join_inputs(both, len(flat))
        step.outputs = [*step.outputs, *step.inputs[len(flat) :]]
        cond_ref, body_ref = bodies.registered(both)
        inputs = [*flat, *captured]
        attrs = {
            "T": bodies.base_types(inputs),
            "cond": cond_ref,
            "body": body_ref,
            "output_shapes": (*shapes, *[t.shape for t in captured]),
            "parallel_iterations": parallel_iterations,
        }
        opdef = While if bodies.is_stateful(both) else StatelessWhile
        with bodies.after_captured(both), bodies.uncounted(flat[0].graph):
            node = bodies.make_call(opdef, inputs, attrs, attrs["T"], "While")
        node.back_prop = back_prop
        node.shapes_vary = self._invariants is not None and _changes_shapes(step, flat)
        for body in both:
            body.caller = node
        return node


def _changes_shapes(body, start):
    """Tells whether an iteration gives values of other shapes than those that the loop starts with.

    The invariants may leave open what shapes there are, though they do not change.
    """
    known, outer = {}, body.outer
    with bodies.uncounted(outer), outer.as_default():
        trial = FuncGraph(f"{body.name}_shapes", outer, inline=False)
        for index, tensor in enumerate(body.inputs):
            shape = start[index].shape if index < len(start) else tensor.shape
            known[tensor] = trial.add_input(tensor.dtype, shape)
            known[tensor]._handle_data = tensor._handle_data
        try:
            with trial.as_default():
                copies = copy_nodes(body, known, infer=True)
        except ValueError:
            return True  # an op refuses the values of the second iteration
    ends = [copies[t].shape for t in body.outputs[: len(start)]]
    return any(not a.is_compatible_with(b.shape) for a, b in zip(ends, start))


def _spell_out_limits(test):
    """Compares a counter with both parts of a minimum that limits it.

    Then a limit can be told before the loop runs if only one of the parts is known by then, as the
    longest sequence of a batch is where the lengths are not.
    """
    (result,) = test.outputs
    with bodies.uncounted(test), test.as_default():
        for node in _conjuncts(result):
            if node.type not in ("Less", "LessEqual"):
                continue
            counter, limit = node.inputs
            source = getattr(limit, "_source", limit)
            for part in source.op.inputs if source.op.type == "Minimum" else ():
                below = node.opdef(counter, test.capture(part), name="within")
                result = ops.LogicalAnd(result, below, name="within")
    test.outputs = [result]


def _conjuncts(tensor):
    node = tensor.op
    if node.type == "LogicalAnd":
        return [part for t in node.inputs for part in _conjuncts(t)]
    return [node]


def _as_tensor(value):
    tensor = convert_to_tensor(value)
    return identity(tensor) if tensor.dtype.is_ref else tensor


def _results(body, packed, result):
    """Returns what a body returned as tensors of it, checked against the loop variables."""
    if not nest.is_sequence_or_composite(result):
        result = [result]
    nest.assert_same_structure(list(packed), list(result), expand_composites=True)
    outputs = []
    for value in nest.flatten(result, expand_composites=True):
        if value is None:
            raise ValueError("None values not supported.")
        outputs.append(body.capture(convert_to_tensor(value)))
    return outputs


def _check_results(flat, shapes, outputs):
    for tensor, shape, output in zip(flat, shapes, outputs):
        if not _is_within(output.shape, shape):
            raise ValueError(
                f"Input tensor '{tensor.name}' enters the loop with shape {shape}, but has shape "
                f"{output.shape} after one iteration. To allow the shape to vary across "
                "iterations, use the `shape_invariants` argument of tf.while_loop to specify a "
                "less-specific shape."
            )
        if output.dtype.base_dtype != tensor.dtype.base_dtype:
            raise TypeError(
                f"Loop variable '{tensor.name}' enters the loop as {tensor.dtype.base_dtype.name}, "
                f"but is {output.dtype.base_dtype.name} ('{output.name}') after one iteration."
            )


def _is_within(shape, invariant):
    """Tells whether every shape that `shape` allows is allowed by `invariant`."""
    if invariant.ndims is None:
        return True
    if shape.ndims != invariant.ndims:
        return False
    return all(b is None or a == b for a, b in zip(shape.tuple, invariant.tuple))


def _flat_shapes(values, invariants):
    """Gives the invariants of the tensors that loop variables are made of."""
    return [s for value, shape in zip(values, invariants) for s in _part_shapes(value, shape)]


def _part_shapes(value, shape):
    if not isinstance(shape, TensorShape):
        shape = as_shape(shape)
    if isinstance(value, SparseTensor):
        rank = shape.ndims
        return [TensorShape([None, rank]), TensorShape([None]), TensorShape([rank])]
    if isinstance(value, IndexedSlices):
        parts = [shape, TensorShape([shape.tuple[0] if shape.tuple else None])]
        return parts if value.dense_shape is None else [*parts, TensorShape([shape.ndims])]
    if hasattr(value, "flow"):
        return [TensorShape([])]
    return [shape]
