"""`tf.train.Optimizer`: gradients of a loss, slots, and the nodes that apply gradients."""

from __future__ import annotations

from millstream.autodiff.gradients import gradients
from millstream.base import dtypes
from millstream.base.export import export
from millstream.ir.composite import IndexedSlices
from millstream.ir.convert import convert_to_tensor, convert_to_tensor_or_indexed_slices
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import colocate_with, control_dependencies, name_scope
from millstream.ir.tensor import Tensor
from millstream.ops import array
from millstream.ops.array.uniques import unique as unique_of
from millstream.ops.flow import group, tuple_
from millstream.ops.math.segment_functions import unsorted_segment_sum
from millstream.ops.state.assign import AssignAdd, AssignAddVariableOp
from millstream.state.listing import trainable_variables
from millstream.state.variables import create
from millstream.train.optimizers import slots
from millstream.train.saveable import is_resource

_TRAINED = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64)


@export("train.Optimizer")
class Optimizer:
    """Base of the optimizers.

    Subclasses say what slots they keep and which node updates a variable.

    Args:
      use_locking: whether updates of one variable exclude each other.
      name: scope of the nodes, and name of the slots.

    Raises:
      ValueError: without a name.

    Example:
      >>> train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)    # doctest: +SKIP
    """

    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    def __init__(self, use_locking, name):
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._use_locking = use_locking
        self._name = name
        self._slots = {}
        self._non_slot_dict = {}

    def get_name(self):
        """Returns the optimizer's name."""
        return self._name

    # -- the three public steps

    def minimize(
        self,
        loss,
        global_step=None,
        var_list=None,
        gate_gradients=GATE_OP,
        aggregation_method=None,
        colocate_gradients_with_ops=False,
        name=None,
        grad_loss=None,
    ):
        """Adds a node that takes one step down the gradient of `loss`.

        Args:
          loss: the tensor to make small.
          global_step: a variable to count steps in.
          var_list: the variables to change; all trainable ones by default.
          gate_gradients: `GATE_NONE`, `GATE_OP` or `GATE_GRAPH`: what must be computed before any
            gradient is used.
          aggregation_method: see `tf.gradients`.
          colocate_gradients_with_ops: see `tf.gradients`.
          name: name of the node.
          grad_loss: the gradient of `loss` to start from.

        Returns:
          The node to run.

        Raises:
          ValueError: if no variable has a gradient, or there is none.
        """
        pairs = self.compute_gradients(
            loss,
            var_list,
            gate_gradients,
            aggregation_method,
            colocate_gradients_with_ops,
            grad_loss,
        )
        if all(gradient is None for gradient, _ in pairs):
            names = [str(variable) for _, variable in pairs]
            raise ValueError(
                "No gradients provided for any variable, check your graph for ops that do "
                "not support gradients, "
                f"between variables {names} and loss {loss}."
            )
        return self.apply_gradients(pairs, global_step=global_step, name=name)

    def compute_gradients(
        self,
        loss,
        var_list=None,
        gate_gradients=GATE_OP,
        aggregation_method=None,
        colocate_gradients_with_ops=False,
        grad_loss=None,
    ):
        """Adds the nodes of the gradients of `loss`; arguments as for `minimize`.

        Returns:
          A list of `(gradient or None, variable)`.

        Raises:
          TypeError: if `var_list` holds something else than variables, or a dtype cannot be
            trained.
          ValueError: if there are no variables.
        """
        if gate_gradients not in (self.GATE_NONE, self.GATE_OP, self.GATE_GRAPH):
            raise ValueError(
                "gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, "
                f"Optimizer.GATE_GRAPH.  Not {gate_gradients}"
            )
        self._assert_valid_dtypes([loss])
        if grad_loss is not None:
            self._assert_valid_dtypes([grad_loss])
        graph = get_default_graph()
        if var_list is None:
            extra = graph.get_collection(GraphKeys.TRAINABLE_RESOURCE_VARIABLES)
            var_list = [*trainable_variables(), *extra]
        variables = _flat(var_list)
        if not variables:
            raise ValueError("No variables to optimize.")
        found = gradients(
            loss,
            [_target(v) for v in variables],
            grad_ys=grad_loss,
            gate_gradients=gate_gradients == self.GATE_OP,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )
        if gate_gradients == self.GATE_GRAPH:
            found = tuple_(found)
        pairs = list(zip(found, variables, strict=True))
        self._assert_valid_dtypes([v for g, v in pairs if g is not None])
        return pairs

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """Adds the node that applies gradients to variables.

        Args:
          grads_and_vars: pairs as `compute_gradients` returns them; `None` gradients are left out.
          global_step: a variable to count steps in.
          name: name of the node.

        Returns:
          The node to run.

        Raises:
          TypeError: if a gradient is no tensor.
          ValueError: if there is no gradient.
        """
        pairs = tuple(grads_and_vars)
        if not pairs:
            raise ValueError("No variables provided.")
        pairs = [(_as_gradient(g, v), v) for g, v in pairs]
        used = [v for g, v in pairs if g is not None]
        if not used:
            names = [str(v) for _, v in pairs]
            raise ValueError(f"No gradients provided for any variable: {names}.")
        with control_dependencies(None):
            self._create_slots(used)
        with name_scope(name, self._name) as scope:
            self._prepare()
            updates = [self._update(g, v) for g, v in pairs if g is not None]
            applied = self._finished(updates, global_step, scope)
            train_op = applied.op if isinstance(applied, Tensor) else applied
            collection = get_default_graph().get_collection_ref(GraphKeys.TRAIN_OP)
            if train_op not in collection:
                collection.append(train_op)
            return train_op

    def _finished(self, updates, global_step, scope):
        if global_step is None:
            return self._finish(updates, scope)
        with control_dependencies([self._finish(updates, "update")]), colocate_with(global_step):
            if is_resource(global_step):
                one = convert_to_tensor(1, dtype=global_step.dtype.base_dtype)
                return AssignAddVariableOp(global_step.handle, one, name=scope)
            ref = convert_ref(global_step)
            return AssignAdd(ref, 1, use_locking=False, name=scope)

    def _update(self, gradient, variable):
        if isinstance(variable, Tensor) and not variable.dtype.is_ref:
            raise NotImplementedError(f"Trying to update a Tensor {variable}")
        with name_scope(f"update_{variable.op.name}"), colocate_with(variable):
            if isinstance(gradient, IndexedSlices):
                if getattr(variable, "constraint", None) is not None:
                    raise RuntimeError("Cannot use a constraint function on a sparse variable.")
                if is_resource(variable):
                    return self._resource_apply_sparse_duplicate_indices(
                        gradient.values, variable, gradient.indices
                    )
                return self._apply_sparse_duplicate_indices(gradient, variable)
            apply = self._resource_apply_dense if is_resource(variable) else self._apply_dense
            update = apply(gradient, variable)
            constraint = getattr(variable, "constraint", None)
            if constraint is None:
                return update
            with control_dependencies([update]):
                return variable.assign(constraint(variable))

    # -- slots

    def get_slot(self, var, name):
        """Returns the slot `name` of a variable, or `None` if there is none."""
        return self._slots.get(name, {}).get(_key(var))

    def get_slot_names(self):
        """Returns the sorted names of the slots."""
        return sorted(self._slots)

    def variables(self):
        """Returns the variables that the optimizer itself keeps, sorted by name."""
        graph = get_default_graph()
        own = [v for (_, g), v in self._non_slot_dict.items() if g is graph]
        kept = [v for slot in self._slots.values() for v in slot.values() if v.graph is graph]
        return sorted([*own, *kept], key=lambda v: v.name)

    def _slot_dict(self, slot_name):
        return self._slots.setdefault(slot_name, {})

    def _get_or_make_slot(self, var, val, slot_name, op_name):
        named = self._slot_dict(slot_name)
        if _key(var) not in named:
            named[_key(var)] = slots.create_slot(var, val, op_name)
        return named[_key(var)]

    def _get_or_make_slot_with_initializer(
        self, var, initializer, shape, dtype, slot_name, op_name
    ):
        named = self._slot_dict(slot_name)
        if _key(var) not in named:
            named[_key(var)] = slots.create_slot_with_initializer(
                var, initializer, shape, dtype, op_name
            )
        return named[_key(var)]

    def _zeros_slot(self, var, slot_name, op_name):
        named = self._slot_dict(slot_name)
        if _key(var) not in named:
            named[_key(var)] = slots.create_zeros_slot(var, op_name)
        return named[_key(var)]

    def _create_non_slot_variable(self, initial_value, name, colocate_with):
        key = (name, colocate_with.graph)
        if key not in self._non_slot_dict:
            with get_default_graph().colocate_with(colocate_with):
                self._non_slot_dict[key] = create(
                    initial_value,
                    name=name,
                    trainable=False,
                    use_resource=is_resource(colocate_with),
                )
        return self._non_slot_dict[key]

    def _get_non_slot_variable(self, name, graph=None):
        return self._non_slot_dict.get((name, graph))

    def _non_slot_variables(self):
        return self._non_slot_dict.values()

    # -- what subclasses say

    def _valid_dtypes(self):
        return set(_TRAINED)

    def _assert_valid_dtypes(self, tensors):
        valid = self._valid_dtypes()
        for tensor in tensors:
            if tensor.dtype.base_dtype not in valid:
                allowed = [t.name for t in valid]
                raise ValueError(
                    f"Invalid type {tensor.dtype.base_dtype.name!r} for {tensor.name}, "
                    f"expected: {allowed}."
                )

    def _create_slots(self, var_list):
        """Makes the slots of the variables; by default there are none."""

    def _prepare(self):
        """Makes the tensors of hyperparameters; by default there are none."""

    def _apply_dense(self, grad, var):
        """Returns the node that updates a ref variable by a dense gradient."""
        raise NotImplementedError(
            f"{type(self).__name__} cannot update ref variables such as {var}"
        )

    def _resource_apply_dense(self, grad, handle):
        """Returns the node that updates a resource variable by a dense gradient."""
        raise NotImplementedError(f"{type(self).__name__} cannot update resources such as {handle}")

    def _apply_sparse(self, grad, var):
        """Returns the node that updates rows of a ref variable; no index comes twice."""
        raise NotImplementedError(f"{type(self).__name__} cannot update rows of {var}")

    def _resource_apply_sparse(self, grad, handle, indices):
        """Returns the node that updates rows of a resource variable; no index comes twice."""
        raise NotImplementedError(f"{type(self).__name__} cannot update rows of {handle}")

    def _apply_sparse_duplicate_indices(self, grad, var):
        """Sums rows of equal index, then updates by `_apply_sparse`."""
        values, indices = deduplicate(grad.values, grad.indices)
        return self._apply_sparse(IndexedSlices(values, indices, grad.dense_shape), var)

    def _resource_apply_sparse_duplicate_indices(self, grad, handle, indices):
        """Sums rows of equal index, then updates by `_resource_apply_sparse`."""
        values, unique = deduplicate(grad, indices)
        return self._resource_apply_sparse(values, handle, unique)

    def _finish(self, update_ops, name_scope):
        """Returns the node that waits for all updates."""
        return group(*update_ops, name=name_scope)

    @staticmethod
    def _call_if_callable(param):
        return param() if callable(param) else param


def _flat(var_list):
    variables = []
    for item in var_list if isinstance(var_list, (list, tuple)) else [var_list]:
        variables += list(item) if hasattr(item, "_get_variable_list") else [item]
    for item in variables:
        _target(item)
    return variables


def _target(variable):
    """Returns the tensor that gradients are taken by.

    Raises:
      TypeError: if it is neither variable nor tensor.
    """
    if is_resource(variable):
        return variable.handle
    if hasattr(variable, "_ref"):
        return variable._ref()
    if isinstance(variable, Tensor):
        return variable
    raise TypeError(f"Argument is not a tf.Variable: {variable}")


def convert_ref(variable):
    """Returns the ref tensor of a variable, or the tensor itself."""
    return variable._ref() if hasattr(variable, "_ref") else variable


def _as_gradient(gradient, variable):
    if gradient is None:
        return None
    try:
        return convert_to_tensor_or_indexed_slices(gradient)
    except TypeError:
        raise TypeError(
            f"Gradient must be convertible to a Tensor or IndexedSlices, or None: {gradient} "
            f"(of {variable})"
        ) from None


def _key(variable):
    return variable.op.graph, variable.op.name


def deduplicate(values, indices):
    """Sums the rows of equal index.

    Args:
      values: `[rows, …]`.
      indices: `[rows]`.

    Returns:
      `(summed rows, unique indices)`.
    """
    unique, positions = unique_of(indices)
    summed = unsorted_segment_sum(values, positions, array.shape(unique)[0])
    return summed, unique
