"""The nodes of a `Saver`: one saves, one restores, and both are fed the name of the file."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from millstream.formats import protos
from millstream.ir.constant import constant
from millstream.ir.device import DeviceSpec, canonical_name
from millstream.ir.scopes import control_dependencies, device, name_scope
from millstream.ir.tensor import Tensor
from millstream.ops import array
from millstream.ops.flow import group, with_dependencies
from millstream.ops.io.checkpoints import (
    MergeV2Checkpoints,
    RestoreV2,
    SaveSlices,
    SaveV2,
    ShardedFilename,
    ShardedFilespec,
)
from millstream.ops.string import string_join
from millstream.train.saveable import SaveableObject, saveables_of

V1 = 1
V2 = 2


def build(
    var_list: Any,
    *,
    reshape: bool,
    sharded: bool,
    max_to_keep: int,
    keep_checkpoint_every_n_hours: float,
    name: str | None,
    filename: str | None,
    version: int,
) -> Any:
    """Adds the nodes that save and restore `var_list`, and returns their `SaverDef`."""
    saveables = saveables_of(var_list)
    with name_scope(name, "save", [_node(s) for s in saveables]):
        given = array.placeholder_with_default(filename or "model", (), name="filename")
        path = array.placeholder_with_default(given, (), name="Const")
        if sharded:
            shards = _by_device(saveables)
            saved = (_save_shards_v2 if version == V2 else _save_shards_v1)(path, shards)
            restored = _restore_shards(path, shards, reshape)
        else:
            saved = _save(path, saveables, version)
            restored = _restore(path, saveables, reshape, "restore_all")
    return protos.SaverDef(
        filename_tensor_name=path.name,
        save_tensor_name=saved.name,
        restore_op_name=restored.name,
        max_to_keep=max_to_keep,
        sharded=sharded,
        keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours,
        version=version,
    )


def _node(saveable: SaveableObject) -> Any:
    return saveable.op if isinstance(saveable.op, Tensor) else None


def _by_device(saveables: Sequence[SaveableObject]) -> list[tuple[str, list[SaveableObject]]]:
    shards: dict[str, list[SaveableObject]] = {}
    for item in saveables:
        shards.setdefault(canonical_name(item.device), []).append(item)
    return sorted(shards.items())


def _on_host(place: str) -> Any:
    """Is a context on the CPU of a device's task: strings and files live there."""
    spec = DeviceSpec.from_string(place)
    spec.device_type, spec.device_index = "CPU", 0
    return device(spec.to_string())


def _save_node(path: Tensor, saveables: Sequence[SaveableObject], version: int) -> Any:
    specs = [spec for item in saveables for spec in item.specs]
    names = [spec.name for spec in specs]
    slices = [spec.slice_spec for spec in specs]
    tensors = [spec.tensor for spec in specs]
    if version == V2:
        return SaveV2(path, names, slices, tensors)
    return SaveSlices(path, names, slices, tensors, name="save")


def _save(path: Tensor, saveables: Sequence[SaveableObject], version: int) -> Tensor:
    return with_dependencies([_save_node(path, saveables, version)], path)


def _save_shards_v2(path: Tensor, shards: Any) -> Tensor:
    """Every device writes a shard of its own beside the target; then they become one checkpoint."""
    parts = string_join([path, f"_temp_{uuid.uuid4().hex}/part"])
    count = constant(len(shards), name="num_shards")
    names: list[Tensor] = []
    for index, (place, saveables) in enumerate(shards):
        with _on_host(place):
            shard_name = ShardedFilename(parts, index, count)
            names.append(_save(shard_name, saveables, V2))
    with control_dependencies([n.op for n in names]), _on_host(shards[-1][0]):
        prefixes = [n.op.inputs[0] for n in names]
        merged = MergeV2Checkpoints(
            array.stack(prefixes, name="MergeV2Checkpoints/checkpoint_prefixes"),
            path,
            delete_old_dirs=True,
        )
        with control_dependencies([merged]):
            return array.identity(path)


def _save_shards_v1(path: Tensor, shards: Any) -> Tensor:
    count = constant(len(shards), name="num_shards")
    names: list[Tensor] = []
    for index, (place, saveables) in enumerate(shards):
        with device(place):
            names.append(_save(ShardedFilename(path, index, count), saveables, V1))
    with control_dependencies([n.op for n in names]):
        return ShardedFilespec(path, count)


def _restore(path: Tensor, saveables: Sequence[SaveableObject], reshape: bool, name: str) -> Any:
    """Reads all tensors in one node; so nothing is read later, whatever is assigned first."""
    specs = [spec for item in saveables for spec in item.specs]
    with device("/device:CPU:0"):
        tensors = RestoreV2(
            path,
            [spec.name for spec in specs],
            [spec.slice_spec for spec in specs],
            dtypes=[spec.dtype for spec in specs],
        )
    assigned: list[Any] = []
    start = 0
    for item in saveables:
        own = tensors[start : start + len(item.specs)]
        start += len(item.specs)
        shapes = [_shape_of(spec) for spec in item.specs] if reshape else None
        assigned.append(item.restore(own, shapes))
    return group(*assigned, name=name)


def _shape_of(spec: Any) -> Any:
    shape = spec.tensor.shape
    return shape.as_list() if shape.is_fully_defined() else array.shape(spec.tensor)


def _restore_shards(path: Tensor, shards: Any, reshape: bool) -> Any:
    restored = []
    for place, saveables in shards:
        with device(place):
            restored.append(_restore(path, saveables, reshape, "restore_shard"))
    return group(*restored, name="restore_all")
