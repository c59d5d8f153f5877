"""Ops of staging areas. A node has no handle: all with the same `shared_name` share one area."""

import numpy as np

from millstream.base import errors
from millstream.ir.spec import (
    AtLeast,
    Host,
    Int32,
    Int64,
    ListOf,
    Returns,
    Tensor,
    Tensors,
    Type,
    op,
)
from millstream.ops.queue.core import owned
from millstream.ops.queue.staging import MapStagingArea, StagingArea

_WAITS = Host(blocking=True)
_AnyTypes = ListOf(Type)


@op(effect=_WAITS)
def Stage(
    values: Tensors["dtypes"],
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    container: str = "",
    shared_name: str = "",
) -> None:
    """Puts an entry into a staging area, waiting for room."""


@op(effect=_WAITS)
def Unstage(
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    container: str = "",
    shared_name: str = "",
) -> Returns(values=Tensors["dtypes"]):
    """Takes the oldest entry of a staging area, waiting for it."""


@op(effect=_WAITS)
def StagePeek(
    index: Tensor[Int32],
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    container: str = "",
    shared_name: str = "",
) -> Returns(values=Tensors["dtypes"]):
    """Gives an entry of a staging area that stays in it."""


@op(effect=Host())
def StageSize(
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    dtypes: _AnyTypes,
    container: str = "",
    shared_name: str = "",
) -> Returns(size=Tensor[Int32]):
    """Counts the entries of a staging area."""


@op(effect=Host())
def StageClear(
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    dtypes: _AnyTypes,
    container: str = "",
    shared_name: str = "",
) -> None:
    """Drops all entries of a staging area."""


@op(effect=_WAITS)
def MapStage(
    key: Tensor[Int64],
    indices: Tensor[Int32],
    values: Tensors["fake_dtypes"],
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    dtypes: _AnyTypes,
    container: str = "",
    shared_name: str = "",
) -> None:
    """Puts parts of an entry into a map staging area."""


@op(effect=_WAITS)
def MapPeek(
    key: Tensor[Int64],
    indices: Tensor[Int32],
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    container: str = "",
    shared_name: str = "",
) -> Returns(values=Tensors["dtypes"]):
    """Gives parts of an entry that stays in a map staging area."""


@op(effect=_WAITS)
def MapUnstage(
    key: Tensor[Int64],
    indices: Tensor[Int32],
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    container: str = "",
    shared_name: str = "",
) -> Returns(values=Tensors["dtypes"]):
    """Takes parts of the entry of a key from a map staging area."""


@op(effect=_WAITS)
def MapUnstageNoKey(
    indices: Tensor[Int32],
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    container: str = "",
    shared_name: str = "",
) -> Returns(key=Tensor[Int64], values=Tensors["dtypes"]):
    """Takes parts of some entry from a map staging area."""


@op(effect=Host())
def MapSize(
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    dtypes: _AnyTypes,
    container: str = "",
    shared_name: str = "",
) -> Returns(size=Tensor[Int32]):
    """Counts the complete entries of a map staging area."""


@op(effect=Host())
def MapIncompleteSize(
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    dtypes: _AnyTypes,
    container: str = "",
    shared_name: str = "",
) -> Returns(size=Tensor[Int32]):
    """Counts the incomplete entries of a map staging area."""


@op(effect=Host())
def MapClear(
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    dtypes: _AnyTypes,
    container: str = "",
    shared_name: str = "",
) -> None:
    """Drops all entries of a map staging area."""


@op(effect=_WAITS)
def OrderedMapStage(
    key: Tensor[Int64],
    indices: Tensor[Int32],
    values: Tensors["fake_dtypes"],
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    dtypes: _AnyTypes,
    container: str = "",
    shared_name: str = "",
) -> None:
    """Puts parts of an entry into a map staging area with ordered keys."""


@op(effect=_WAITS)
def OrderedMapPeek(
    key: Tensor[Int64],
    indices: Tensor[Int32],
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    container: str = "",
    shared_name: str = "",
) -> Returns(values=Tensors["dtypes"]):
    """Gives parts of an entry that stays in a map staging area with ordered keys."""


@op(effect=_WAITS)
def OrderedMapUnstage(
    key: Tensor[Int64],
    indices: Tensor[Int32],
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    container: str = "",
    shared_name: str = "",
) -> Returns(values=Tensors["dtypes"]):
    """Takes parts of the entry of a key from a map staging area with ordered keys."""


@op(effect=_WAITS)
def OrderedMapUnstageNoKey(
    indices: Tensor[Int32],
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    container: str = "",
    shared_name: str = "",
) -> Returns(key=Tensor[Int64], values=Tensors["dtypes"]):
    """Takes parts of some entry from a map staging area with ordered keys."""


@op(effect=Host())
def OrderedMapSize(
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    dtypes: _AnyTypes,
    container: str = "",
    shared_name: str = "",
) -> Returns(size=Tensor[Int32]):
    """Counts the complete entries of a map staging area with ordered keys."""


@op(effect=Host())
def OrderedMapIncompleteSize(
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    dtypes: _AnyTypes,
    container: str = "",
    shared_name: str = "",
) -> Returns(size=Tensor[Int32]):
    """Counts the incomplete entries of a map staging area with ordered keys."""


@op(effect=Host())
def OrderedMapClear(
    *,
    capacity: AtLeast(0) = 0,
    memory_limit: AtLeast(0) = 0,
    dtypes: _AnyTypes,
    container: str = "",
    shared_name: str = "",
) -> None:
    """Drops all entries of a map staging area with ordered keys."""


def _area(ctx):
    attrs = ctx.node.attrs
    return ctx.resources.get_or_create(
        ctx.container,
        f"/staging/{ctx.resource_name}",
        lambda: StagingArea(ctx.resource_name, attrs["capacity"], attrs["memory_limit"]),
    )


def _map(ctx):
    attrs = ctx.node.attrs
    ordered = ctx.node.type.startswith("Ordered")
    return ctx.resources.get_or_create(
        ctx.container,
        f"/map_staging/{ctx.resource_name}",
        lambda: MapStagingArea(
            ctx.resource_name,
            attrs["capacity"],
            attrs["memory_limit"],
            len(attrs["dtypes"]),
            ordered,
        ),
    )


def _stage(values, ctx):
    _area(ctx).put([owned(value) for value in values], ctx)
    return ()


def _unstage(ctx):
    return list(_area(ctx).get(ctx))


def _peek(index, ctx):
    if index < 0:
        raise errors.InvalidArgumentError(None, None, f"index {index} must not be negative")
    return list(_area(ctx).peek(int(index), ctx))


def _size(ctx):
    return np.int32(_area(ctx).size())


def _clear(ctx):
    _area(ctx).clear()
    return ()


def _map_stage(key, indices, values, ctx):
    numbers = np.ravel(indices).tolist()
    if len(numbers) != len(values) or len(set(numbers)) != len(numbers):
        raise errors.InvalidArgumentError(
            None, None, f"{len(values)} values need as many different indices, not {numbers}"
        )
    parts = {i: owned(value) for i, value in zip(numbers, values)}
    _map(ctx).put(int(key), parts, ctx)
    return ()


def _map_peek(key, indices, ctx):
    return _map(ctx).get(int(key), np.ravel(indices).tolist(), ctx, keep=True)[1]


def _map_unstage(key, indices, ctx):
    return _map(ctx).get(int(key), np.ravel(indices).tolist(), ctx, keep=False)[1]


def _map_unstage_any(indices, ctx):
    key, parts = _map(ctx).get(None, np.ravel(indices).tolist(), ctx, keep=False)
    return np.int64(key), parts


def _map_size(ctx):
    return np.int32(_map(ctx).size())


def _map_incomplete_size(ctx):
    return np.int32(_map(ctx).incomplete_size())


def _map_clear(ctx):
    _map(ctx).clear()
    return ()


for _opdefs, _rule in (
    ((Stage,), _stage),
    ((Unstage,), _unstage),
    ((StagePeek,), _peek),
    ((StageSize,), _size),
    ((StageClear,), _clear),
    ((MapStage, OrderedMapStage), _map_stage),
    ((MapPeek, OrderedMapPeek), _map_peek),
    ((MapUnstage, OrderedMapUnstage), _map_unstage),
    ((MapUnstageNoKey, OrderedMapUnstageNoKey), _map_unstage_any),
    ((MapSize, OrderedMapSize), _map_size),
    ((MapIncompleteSize, OrderedMapIncompleteSize), _map_incomplete_size),
    ((MapClear, OrderedMapClear), _map_clear),
):
    for _opdef in _opdefs:
        _opdef.run(_rule)
        _opdef.no_gradient("what goes through a staging area is cut off from what it came from")
        if _opdef.name.endswith("Size"):
            _opdef.shape_scalar()
