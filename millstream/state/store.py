"""The variables of a graph by name: what `get_variable` looks them up in and adds them to."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from millstream.base.dtypes import DType, Float, String, as_dtype
from millstream.base.shapes import TensorShape, as_shape
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.slicing import slice as slice_of
from millstream.state.initializers import GlorotUniform, Zeros
from millstream.state.options import checked_options
from millstream.state.partitioned import PartitionedVariable
from millstream.state.partitioning import (
    PartitionInfo,
    call_partitioner,
    cut_axis,
    iterate_pieces,
)
from millstream.state.resource_variable import BaseResourceVariable
from millstream.state.slice_info import SaveSliceInfo
from millstream.state.variables import Variable

_STORE_KEY = ("__variable_store",)

_NOT_VALID = (
    "The initializer passed is not valid. It should be a callable with no arguments and the shape "
    "should not be provided or an instance of `tf.keras.initializers.*' and `shape` should be "
    "fully defined."
)


class VariableStore:
    """Variables and partitioned variables by name."""

    def __init__(self) -> None:
        self.variables: dict[str, Any] = {}
        self.partitioned: dict[str, PartitionedVariable] = {}

    def get_variable(
        self, name: str, shape: Any = None, dtype: Any = Float, initializer: Any = None,
        regularizer: Any = None, reuse: Any = None, trainable: Any = None, collections: Any = None,
        caching_device: Any = None, partitioner: Any = None, validate_shape: bool = True,
        use_resource: Any = None, custom_getter: Any = None, constraint: Any = None,
        synchronization: Any = None, aggregation: Any = None,
    ) -> Any:  # fmt: skip
        """Returns the variable of that name, made if need be; see `tf.get_variable`."""
        if custom_getter is not None and not callable(custom_getter):
            raise ValueError(f"Passed a custom_getter which is not callable: {custom_getter}")
        dtype = as_dtype(dtype).base_dtype
        synchronization, aggregation, trainable = checked_options(
            synchronization, aggregation, trainable, name
        )
        kwargs: dict[str, Any] = {
            "name": name, "shape": shape, "dtype": dtype, "initializer": initializer,
            "regularizer": regularizer, "reuse": reuse, "trainable": trainable,
            "collections": collections, "caching_device": caching_device,
            "partitioner": partitioner, "validate_shape": validate_shape,
            "use_resource": use_resource, "synchronization": synchronization,
            "aggregation": aggregation,
        }  # fmt: skip
        if custom_getter is None:
            return self._true_getter(**kwargs, constraint=constraint)
        if _accepts(custom_getter, "constraint"):
            kwargs["constraint"] = constraint
        return custom_getter(self._true_getter, **kwargs)

    def _true_getter(
        self, name: str, shape: Any = None, dtype: Any = Float, initializer: Any = None,
        regularizer: Any = None, reuse: Any = None, trainable: Any = None, collections: Any = None,
        caching_device: Any = None, partitioner: Any = None, validate_shape: bool = True,
        use_resource: Any = None, constraint: Any = None, synchronization: Any = None,
        aggregation: Any = None,
    ) -> Any:  # fmt: skip
        """Is the getter that custom getters end in."""
        kwargs: dict[str, Any] = {
            "shape": shape, "dtype": dtype, "initializer": initializer,
            "regularizer": regularizer, "reuse": reuse, "trainable": trainable,
            "collections": collections, "caching_device": caching_device,
            "validate_shape": validate_shape, "use_resource": use_resource,
            "constraint": constraint, "synchronization": synchronization,
            "aggregation": aggregation,
        }  # fmt: skip
        is_scalar = isinstance(shape, (list, tuple)) and not shape
        if partitioner is not None and not is_scalar:
            if not callable(partitioner):
                raise ValueError(f"Partitioner must be callable, but received: {partitioner}")
            with name_scope(None):
                return self.get_partitioned(name, partitioner=partitioner, **kwargs)
        if reuse is True and partitioner is None and name in self.partitioned:
            return self.get_partitioned(name, partitioner=None, **kwargs)
        if f"{name}/part_0" in self.variables:
            raise ValueError(
                "No partitioner was provided, but a partitioned version of the variable was found: "
                f"{name}/part_0. Perhaps a variable of the same name was already created with "
                "partitioning?"
            )
        return self._get_single(name, **kwargs)

    # -- one variable

    def _get_single(
        self, name: str, shape: Any, dtype: Any, initializer: Any, regularizer: Any, reuse: Any,
        partition_info: Any = None, **options: Any,
    ) -> Any:  # fmt: skip
        from_value = initializer is not None and not callable(initializer)
        if shape is not None and from_value:
            raise ValueError("If initializer is a constant, do not specify shape.")
        dtype, shape = as_dtype(dtype), as_shape(shape)
        if not name:
            raise ValueError("'' is not a valid node name")
        if name in self.variables:
            return self._shared(name, shape, dtype, reuse)
        if reuse is True:
            raise ValueError(
                f"Variable {name} does not exist, or was not created with tf.get_variable(). Did "
                "you mean to set reuse=tf.AUTO_REUSE in VarScope?"
            )
        if initializer is None:
            initializer = default_initializer(name, dtype)
        if from_value:
            initial_value, variable_dtype = initializer, None
        else:
            initial_value, variable_dtype = _initial_value(
                initializer, shape, dtype, partition_info
            )
        found = Variable(initial_value=initial_value, name=name, dtype=variable_dtype, **options)
        self.variables[name] = found
        if regularizer is not None:
            _regularize(regularizer, found, name)
        return found

    def _shared(self, name: str, shape: TensorShape, dtype: DType, reuse: Any) -> Any:
        found = self.variables[name]
        if reuse is False:
            raise ValueError(_exists_message(name, found))
        if not shape.is_compatible_with(found.get_shape()):
            raise ValueError(
                f"Trying to share variable {name}, but specified shape {shape} and found shape "
                f"{found.get_shape()}."
            )
        if not dtype.is_compatible_with(found.dtype):
            raise ValueError(
                f"Trying to share variable {name}, but specified dtype {dtype.name} and found "
                f"dtype {found.dtype.name}."
            )
        return found

    # -- a partitioned variable

    def get_partitioned(
        self, name: str, partitioner: Any, shape: Any = None, dtype: Any = Float,
        initializer: Any = None, reuse: Any = None, **options: Any,
    ) -> PartitionedVariable:  # fmt: skip
        """Returns the partitioned variable of that name, made if need be."""
        if name in self.variables:
            raise ValueError(
                "A partitioner was provided, but an unpartitioned version of the variable was "
                f"found: {name}.  Perhaps a variable of the same name was already created without "
                "partitioning?"
            )
        dtype, shape = as_dtype(dtype), as_shape(shape)
        if isinstance(initializer, Tensor):
            shape = shape.merge_with(initializer.shape)
        pieces = None
        if not reuse or partitioner:
            pieces = call_partitioner(partitioner, shape, dtype)
        if name in self.partitioned:
            return self._shared_partitioned(name, shape, dtype, pieces, reuse)
        if reuse is True:
            raise ValueError(
                f"PartitionedVariable {name} does not exist, or was not created with "
                "tf.get_variable(). Did you mean to set reuse=False or reuse=tf.AUTO_REUSE in "
                "VarScope?"
            )
        assert pieces is not None
        self._check_pieces(name, pieces)
        sizes = [int(size or 0) for size in shape.as_list()]
        options.setdefault("regularizer", None)
        made = self._make_pieces(name, sizes, dtype, initializer, pieces, reuse, options)
        whole = PartitionedVariable(name, shape, dtype, made, pieces)
        self.partitioned[name] = whole
        return whole

    def _shared_partitioned(
        self, name: str, shape: TensorShape, dtype: DType, pieces: Any, reuse: Any
    ) -> PartitionedVariable:
        if reuse is False:
            raise ValueError(
                f"Partitioned variable with name {name} already exists. Did you mean to set "
                "reuse=True or reuse=tf.AUTO_REUSE in VarScope?"
            )
        found = self.partitioned[name]
        wrong = f"Trying to reuse partitioned variable {name}, but specified"
        if not shape.is_compatible_with(found.get_shape()):
            raise ValueError(f"{wrong} shape {shape} and found shape {found.get_shape()}.")
        if not dtype.is_compatible_with(found.dtype):
            raise ValueError(f"{wrong} dtype {dtype.name} and found dtype {found.dtype.name}.")
        if pieces is not None and found._get_partitions() != pieces:
            raise ValueError(
                f"{wrong} partitions {pieces} and found partitions {found._get_partitions()}."
            )
        return found

    def _check_pieces(self, name: str, pieces: list[int]) -> None:
        count = cut_axis(pieces)[1]
        if f"{name}/part_0" not in self.variables:
            return
        wrong = (
            "Partitioner returned a different partitioning than what was already found.  "
            f"Partitioner returned {count} shards, and shard {name}/part_0 was found, but"
        )
        if f"{name}/part_{count - 1}" not in self.variables:
            raise ValueError(f"{wrong} {name}/part_{count - 1} was not.")
        if f"{name}/part_{count}" in self.variables:
            raise ValueError(f"{wrong} so was the extra shard {name}/part_{count}.")

    def _make_pieces(
        self, name: str, sizes: list[int], dtype: DType, initializer: Any, pieces: list[int],
        reuse: Any, options: dict[str, Any],
    ) -> list[Any]:  # fmt: skip
        axis, count = cut_axis(pieces)
        made: list[Any] = []
        for index, (offset, part) in enumerate(iterate_pieces(sizes, count, axis)):
            info = PartitionInfo(sizes, offset)
            full_name = f"{name}/part_{index}"
            initial, piece_shape = initializer, part
            with name_scope(f"{full_name}/PartitionedInitializer"):
                if initializer is not None and not callable(initializer):
                    whole = convert_to_tensor(initializer, dtype)
                    initial, piece_shape = slice_of(whole, offset, part), None
            with name_scope(None):
                piece = self._get_single(
                    full_name, shape=piece_shape, dtype=dtype, initializer=initial, reuse=reuse,
                    partition_info=info, **options,
                )  # fmt: skip
            piece._set_save_slice_info(SaveSliceInfo(name, sizes, offset, part))
            made.append(piece)
        return made


def get_variable_store() -> VariableStore:
    """Returns the store of the default graph."""
    found = get_default_graph().get_collection_ref(_STORE_KEY)
    if not found:
        found.append(VariableStore())
    return found[0]


def default_initializer(name: str, dtype: DType) -> Any:
    """Returns the initializer of a variable that was given none.

    Raises:
      ValueError: if there is no obvious one for its type.
    """
    if dtype.is_floating:
        return GlorotUniform()
    if dtype.is_integer or dtype.is_unsigned or dtype.is_bool or dtype is String:
        return Zeros()
    raise ValueError(f"An initializer for variable {name} of {dtype.base_dtype!r} is required")


def _parameters(fn: Any) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(fn).parameters)
    except (TypeError, ValueError):  # built-in functions may have none
        return {}


def _accepts(fn: Any, name: str) -> bool:
    parameters = _parameters(fn)
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _initial_value(
    initializer: Any, shape: TensorShape, dtype: DType, partition_info: Any
) -> tuple[Callable[[], Any], DType | None]:
    """Returns a function that makes the initial value, and its type if it is to be converted."""
    if inspect.isclass(initializer):
        initializer = initializer()
    parameters = _parameters(initializer)
    if shape.is_fully_defined():
        sizes = shape.as_list()
        if "partition_info" in parameters:
            return (
                lambda: initializer(sizes, dtype=dtype, partition_info=partition_info)
            ), dtype.base_dtype
        return (lambda: initializer(sizes, dtype=dtype)), dtype.base_dtype
    needed = [
        p for p in parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]  # fmt: skip
    if not needed and not isinstance(initializer, type):
        return initializer, None
    raise ValueError(_NOT_VALID)


def _exists_message(name: str, found: Any) -> str:
    message = (
        f"Variable {name} already exists, disallowed. Did you mean to set reuse=True or "
        "reuse=tf.AUTO_REUSE in VarScope?"
    )
    if isinstance(found, BaseResourceVariable) and not found.op.origin:
        return message
    return f"{message} Originally defined at:\n\n  {found.op.origin}"


def _regularize(regularizer: Any, variable: Any, name: str) -> None:
    graph = get_default_graph()
    with graph.colocate_with(variable.op), name_scope(f"{name}/Regularizer/"):
        with graph.control_dependencies(None):
            loss = regularizer(variable)
        if loss is not None:
            graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
