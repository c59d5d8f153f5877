"""`PartitionedVariable`: pieces that stand for one variable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from millstream.base.dtypes import DType, as_dtype
from millstream.base.shapes import TensorShape, as_shape
from millstream.ir.convert import register_tensor_conversion_function
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.identities import identity
from millstream.ops.array.joining import concat
from millstream.ops.array.slicing import slice as slice_of
from millstream.state.base import OPERATORS, Variable


class PartitionedVariable:
    """Pieces of one variable, cut along one axis; converts to the tensor of the whole.

    Args:
      name: name of the whole.
      shape: shape of the whole.
      dtype: element type.
      variable_list: the pieces, in order, each with its `SaveSliceInfo`.
      partitions: number of pieces per axis.

    Raises:
      TypeError: if pieces or partitions are no lists, or the pieces no variables.
      ValueError: if a partition number is not positive, or a piece does not belong to `name`.
    """

    __array_priority__ = 100

    def __init__(
        self, name: str, shape: Any, dtype: Any, variable_list: Any, partitions: Any
    ) -> None:
        if not isinstance(variable_list, (list, tuple)):
            raise TypeError(f"variable_list is not a list or tuple: {variable_list}")
        if not isinstance(partitions, (list, tuple)):
            raise TypeError(f"partitions is not a list or tuple: {partitions}")
        if not all(p >= 1 for p in partitions):
            raise ValueError(f"partition values must be positive: {partitions}")
        if not variable_list:
            raise ValueError("variable_list may not be empty")
        for piece in variable_list:
            info = piece._get_save_slice_info()
            if info is None or not name.endswith(info.full_name):
                raise ValueError(f"Variable {piece.name} is no piece of '{name}'")
        self._name, self._shape, self._dtype = name, as_shape(shape), as_dtype(dtype)
        self._variables: list[Variable] = list(variable_list)
        self._pieces: list[int] = list(partitions)
        self._whole: Tensor | None = None

    # -- what it is

    @property
    def name(self) -> str:
        """Name of the whole."""
        return self._name

    @property
    def dtype(self) -> DType:
        """The type of its elements."""
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole."""
        return self._shape

    def get_shape(self) -> TensorShape:
        """Returns the shape of the whole."""
        return self._shape

    def __iter__(self) -> Iterator[Variable]:
        return iter(self._variables)

    def __len__(self) -> int:
        axes = self._partition_axes()
        if len(axes) > 1:
            raise ValueError(f"Cannot get a length for {len(axes)} > 1 partition axes")
        return len(self._variables)

    def _partition_axes(self) -> list[int]:
        return [axis for axis, count in enumerate(self._pieces) if count > 1] or [0]

    def _get_variable_list(self) -> Sequence[Variable]:
        return self._variables

    def _get_partitions(self) -> list[int]:
        return self._pieces

    @property
    def op(self) -> Any:
        """A partitioned variable has no node of its own.

        Raises:
          AttributeError: always.
        """
        raise AttributeError("A PartitionedVariable has no op; its pieces have.")

    # -- reading

    def _concat(self) -> Tensor:
        if len(self._variables) == 1:
            with name_scope(None):
                return identity(self._variables[0], name=self._name)
        axes = self._partition_axes()
        if len(axes) > 1:
            raise NotImplementedError(
                f"Cannot concatenate along more than one dimension: {axes}.  "
                "Multi-axis partition concat is not supported"
            )
        with name_scope(f"{self._name}/ConcatPartitions/"):
            whole = concat(list(self._variables), axes[0])
        with name_scope(None):
            return identity(whole, name=self._name)

    def as_tensor(self) -> Tensor:
        """Returns the tensor of the whole."""
        with self._variables[0].graph.control_dependencies(None):
            return self._concat()

    @property
    def initial_value(self) -> list[Any]:
        """The initial values of the pieces."""
        return [piece.initial_value for piece in self._variables]

    # -- writing

    def assign(
        self, value: Any, use_locking: bool = False, name: Any = None, read_value: bool = True
    ) -> list[Any]:
        """Gives the whole a new value; returns what each piece gives."""
        return self._each(lambda p, v: p.assign(v, use_locking, name, read_value), value)

    def assign_add(
        self, value: Any, use_locking: bool = False, name: Any = None, read_value: bool = True
    ) -> list[Any]:
        """Adds to the whole; returns what each piece gives."""
        return self._each(lambda p, v: p.assign_add(v, use_locking, name, read_value), value)

    def assign_sub(
        self, value: Any, use_locking: bool = False, name: Any = None, read_value: bool = True
    ) -> list[Any]:
        """Subtracts from the whole; returns what each piece gives."""
        return self._each(lambda p, v: p.assign_sub(v, use_locking, name, read_value), value)

    def _each(self, write: Callable[[Any, Any], Any], value: Any) -> list[Any]:
        if isinstance(value, (list, PartitionedVariable)):
            parts = list(value)
        else:
            infos = [piece._get_save_slice_info() for piece in self._variables]
            parts = [slice_of(value, i.var_offset, i.var_shape) for i in infos if i is not None]
        return [write(p, v) for p, v in zip(self._variables, parts, strict=True)]


def _operator(name: str) -> Callable[..., Any]:
    def operate(self: PartitionedVariable, *args: Any, **kwargs: Any) -> Any:
        return getattr(Tensor, name)(self.as_tensor(), *args, **kwargs)

    operate.__name__ = operate.__qualname__ = name
    return operate


for _name in (*OPERATORS, "__getitem__"):
    setattr(PartitionedVariable, _name, _operator(_name))


def _as_tensor(
    value: PartitionedVariable, dtype: Any = None, name: str | None = None, as_ref: bool = False
) -> Any:
    del name
    if as_ref:
        raise NotImplementedError("PartitionedVariable doesn't support being used as a reference.")
    if dtype is not None and not dtype.is_compatible_with(value.dtype):
        raise ValueError(
            f"Incompatible type conversion requested to type '{dtype.name}' for variable of type "
            f"'{value.dtype.name}'"
        )
    return value.as_tensor()


register_tensor_conversion_function(PartitionedVariable, _as_tensor)
