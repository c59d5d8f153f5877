"""`tf.get_variable` and what is like it."""

from __future__ import annotations

from typing import Any

from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.ir.graph_collections import GraphKeys
from millstream.state.options import VariableAggregation, VariableSynchronization
from millstream.state.scope import get_variable_scope
from millstream.state.scoping import variable_scope
from millstream.state.store import get_variable_store


@export("get_variable")
def get_variable(
    name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=None,
    collections=None, caching_device=None, partitioner=None, validate_shape=True,
    use_resource=None, custom_getter=None, constraint=None,
    synchronization=VariableSynchronization.AUTO, aggregation=VariableAggregation.NONE,
):  # fmt: skip
    """Returns the variable of that name in the current variable scope, made if need be.

    What is not given is what the scope says.

    Args:
      name: name within the scope.
      shape: its shape; needed unless `initializer` is a value.
      dtype: its element type; float32 if neither says.
      initializer: an initializer, a tensor or a value; by default Glorot's uniform one for floats,
        zeros for integers, booleans and strings.
      regularizer: function from the variable to a loss, which joins
        `GraphKeys.REGULARIZATION_LOSSES`.
      trainable: whether optimizers see it.
      collections: collections that it joins; default `[GraphKeys.GLOBAL_VARIABLES]`.
      caching_device: device on which what is read is kept for the rest of the step.
      partitioner: function `(shape, dtype) -> pieces per axis`; gives a `PartitionedVariable`.
      validate_shape: whether it keeps the shape of its initial value.
      use_resource: whether it is a `ResourceVariable`.
      custom_getter: function `(getter, name, …) -> variable` that is called in place of the getter.
      constraint: function that projects the value after each update by an optimizer.
      synchronization: a `VariableSynchronization`.
      aggregation: a `VariableAggregation`.

    Raises:
      ValueError: if it exists though the scope does not reuse, or does not though it does; or
        exists with another shape or type; the message tells where it was made.

    Example:
      >>> with tf.variable_scope("layer"):
      ...     w = tf.get_variable("w", [4, 3])
      >>> w.name
      'layer/w:0'
    """
    return get_variable_scope().get_variable(
        get_variable_store(), name, shape=shape, dtype=dtype, initializer=initializer,
        regularizer=regularizer, trainable=trainable, collections=collections,
        caching_device=caching_device, partitioner=partitioner, validate_shape=validate_shape,
        use_resource=use_resource, custom_getter=custom_getter, constraint=constraint,
        synchronization=synchronization, aggregation=aggregation,
    )  # fmt: skip


@export("get_local_variable")
def get_local_variable(
    name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=False,
    collections=None, caching_device=None, partitioner=None, validate_shape=True,
    use_resource=None, custom_getter=None, constraint=None,
    synchronization=VariableSynchronization.AUTO, aggregation=VariableAggregation.NONE,
):  # fmt: skip
    """Is `get_variable` for a variable that is neither saved nor trained: a local one."""
    return get_variable(
        name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer,
        trainable=False, collections=[*(collections or ()), GraphKeys.LOCAL_VARIABLES],
        caching_device=caching_device, partitioner=partitioner, validate_shape=validate_shape,
        use_resource=use_resource, custom_getter=custom_getter, constraint=constraint,
        synchronization=synchronization, aggregation=aggregation,
    )  # fmt: skip


@export("create_partitioned_variables")
def create_partitioned_variables(
    shape: Any, slicing: Any, initializer: Any, dtype: Any = Float, trainable: bool = True,
    collections: Any = None, name: Any = None, reuse: Any = None,
) -> list[Any]:  # fmt: skip
    """Makes a variable in pieces; `tf.get_variable` with a partitioner is the newer way.

    Args:
      shape: shape of the whole.
      slicing: number of pieces per axis, all ones but for one axis.
      initializer: an initializer, or a tensor of shape `shape`.
      dtype: element type.
      trainable: whether optimizers see it.
      collections: collections that the pieces join.
      name: name of the whole; default `"PartitionedVariable"`.
      reuse: as in `tf.variable_scope`.

    Returns:
      The pieces.

    Raises:
      ValueError: if the arguments do not fit.
    """
    if len(shape) != len(slicing):
        raise ValueError(
            "The 'shape' and 'slicing' of a partitioned Variable must have the length: shape: "
            f"{shape}, slicing: {slicing}"
        )
    if len(shape) < 1:
        raise ValueError(f"A partitioned Variable must have rank at least 1: shape: {shape}")
    with variable_scope(name, "PartitionedVariable", reuse=reuse) as scope:
        whole = scope._get_partitioned_variable(
            get_variable_store(), None, shape=shape, dtype=dtype, initializer=initializer,
            trainable=trainable, partitioner=lambda **_: slicing, collections=collections,
        )  # fmt: skip
        return list(whole)


@export("no_regularizer")
def no_regularizer(_: Any) -> None:
    """Gives no loss: keeps the scope's regularizer from a variable."""
