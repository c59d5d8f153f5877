"""What a `Saver` saves: variables, slices of variables, and other objects with tensors of their
own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from millstream.base.dtypes import DType
from millstream.base.export import export
from millstream.ir.convert import to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import device
from millstream.ir.tensor import Tensor
from millstream.ops import array
from millstream.ops.state.assign import Assign, AssignVariableOp


class SaveSpec:
    """One tensor of a checkpoint.

    Args:
      tensor: what to save; a variable gives its value.
      slice_spec: which slice of the full tensor this is, `""` for all of it.
      name: name in the checkpoint.
      dtype: element type, by default that of `tensor`.
      device: where it lives.
    """

    def __init__(
        self,
        tensor: Any,
        slice_spec: str,
        name: str,
        dtype: DType | None = None,
        device: str | None = None,
    ) -> None:
        self.tensor, self.slice_spec, self.name = tensor, slice_spec, name
        self.dtype: DType = dtype or tensor.dtype.base_dtype
        self.device: str = getattr(tensor, "device", "") if device is None else device


@export("train.SaveableObject", "contrib.training.SaveableObject")
class SaveableObject:
    """Base of what can be saved: some tensors, and how to set them from a checkpoint.

    Args:
      op: the object or node that this saves.
      specs: `SaveSpec`s.
      name: name in the checkpoint.
    """

    def __init__(self, op: Any, specs: Sequence[SaveSpec], name: str) -> None:
        self.op, self.specs, self.name = op, list(specs), name

    @property
    def device(self) -> str:
        """The device of its tensors."""
        return self.specs[0].device

    def restore(self, restored_tensors: Sequence[Tensor], restored_shapes: Any) -> Any:
        """Returns a node that sets the object from `restored_tensors`."""
        raise TypeError(f"{type(self).__name__} does not say how to restore {restored_tensors}")


class _RefVariable(SaveableObject):
    def __init__(self, variable: Any, slice_spec: str, name: str) -> None:
        super().__init__(variable, [SaveSpec(variable, slice_spec, name)], name)

    def restore(self, restored_tensors: Sequence[Tensor], restored_shapes: Any) -> Any:
        value = restored_tensors[0]
        if restored_shapes is not None:
            value = array.reshape(value, restored_shapes[0])
        ref = self.op if isinstance(self.op, Tensor) else to_tensor(self.op, as_ref=True)
        known = restored_shapes is None and ref.shape.is_fully_defined()
        return Assign(ref, value, validate_shape=known)


class _ResourceVariable(SaveableObject):
    def __init__(self, variable: Any, slice_spec: str, name: str) -> None:
        value = variable.op.graph.as_graph_element(variable)
        spec = SaveSpec(value, slice_spec, name, variable.dtype.base_dtype, variable.device)
        super().__init__(variable, [spec], name)

    def restore(self, restored_tensors: Sequence[Tensor], restored_shapes: Any) -> Any:
        value = restored_tensors[0]
        if restored_shapes is not None:
            value = array.reshape(value, restored_shapes[0])
        with device(self.op.device):
            value = array.identity(value)
        if not self.op.shape.is_compatible_with(value.shape):
            raise ValueError(
                f"Variable {self.name} has shape {self.op.shape}, the restored tensor {value.shape}"
            )
        with device(self.op.device):
            return AssignVariableOp(self.op.handle, value)


def is_resource(variable: Any) -> bool:
    """Returns whether a variable keeps its value behind a resource handle."""
    return isinstance(getattr(variable, "handle", None), Tensor)


def of_variable(
    variable: Any, name: str, slice_spec: str = "", as_ref: bool = True
) -> SaveableObject:
    """Returns what saves and restores a variable, or one slice of a partitioned one."""
    if is_resource(variable):
        return _ResourceVariable(variable, slice_spec, name)
    saved = to_tensor(variable, as_ref=True) if as_ref else variable
    return _RefVariable(saved, slice_spec, name)


def names_to_save(var_list: Any) -> dict[str, Any]:
    """Returns what to save by name in the checkpoint.

    A partitioned variable's parts share one name and stand in a list.

    Args:
      var_list: variables and `SaveableObject`s, in a list, or by name in a dict; parts of
        partitioned
        variables may stand there one by one.

    Raises:
      ValueError: if two things have one name.
      TypeError: if something cannot be saved.
    """
    if isinstance(var_list, dict):
        return {str(name): _whole(item) for name, item in var_list.items()}
    named: dict[str, Any] = {}
    for item in var_list:
        if isinstance(item, SaveableObject):
            name, value = item.name, item
        elif _parts(item) is not None:
            name, value = item.name, _parts(item)
        elif getattr(item, "_save_slice_info", None) is not None:
            name = item._save_slice_info.full_name
            named.setdefault(name, [])
            if not isinstance(named[name], list):
                raise ValueError(f"Mixing slices and non-slices with the same name: {name}")
            named[name].append(item)
            continue
        else:
            name, value = _variable_name(item), item
        if name in named:
            raise ValueError(f"At least two variables have the same name: {name}")
        named[name] = value
    return named


def _whole(item: Any) -> Any:
    parts = _parts(item)
    return item if parts is None else parts


def _parts(item: Any) -> list[Any] | None:
    if isinstance(item, (list, tuple)):
        return list(item)
    return list(item) if hasattr(item, "_get_variable_list") else None


def _variable_name(item: Any) -> str:
    if is_resource(item):
        return item.handle.op.name
    tensor = to_tensor(item, as_ref=True) if not isinstance(item, Tensor) else item
    if not tensor.dtype.is_ref:
        raise TypeError(f"Variable to save is not a Variable: {item}")
    return tensor.op.name


def saveables_of(var_list: Any) -> list[SaveableObject]:
    """Returns the `SaveableObject`s of `var_list`, sorted by name.

    Raises:
      ValueError: if two entries share a name or a tensor.
      TypeError: if something cannot be saved.
    """
    found: list[SaveableObject] = []
    for name, item in sorted(names_to_save(var_list).items()):
        if isinstance(item, SaveableObject):
            found.append(item)
        elif isinstance(item, list):
            found += [_slice(part, name) for part in item]
        else:
            _variable_name(item)
            found.append(of_variable(item, name))
    _check_once(found)
    return found


def _slice(part: Any, name: str) -> SaveableObject:
    info = getattr(part, "_save_slice_info", None)
    if info is None:
        raise ValueError(f"Slices must all be slices of partitioned variables: {part}")
    if info.full_name != name:
        raise ValueError(f"Slices must all be from the same tensor: {name} != {info.full_name}")
    return of_variable(part, name, info.spec, as_ref=False)


def _check_once(saveables: Iterable[SaveableObject]) -> None:
    seen: set[Any] = set()
    for item in saveables:
        if id(item.op) in seen:
            raise ValueError(f"The same saveable will be restored with two names: {item.name}")
        seen.add(id(item.op))


def all_saveables(graph: Any = None) -> list[Any]:
    """Returns what a `Saver` without `var_list` saves: global variables and registered objects."""
    graph = graph or get_default_graph()
    keys = (GraphKeys.GLOBAL_VARIABLES, GraphKeys.SAVEABLE_OBJECTS)
    return [item for key in keys for item in graph.get_collection(key)]
