"""Ops of look-up tables: those that make one, with a ref or a resource handle."""

from millstream.base import errors
from millstream.base.shapes import TensorShape
from millstream.ir.spec import (
    Host,
    Ref,
    Resource,
    Returns,
    Shape,
    String,
    Tensor,
    Type,
    op,
)
from millstream.ops.queue.core import private_name
from millstream.ops.table.tables import DenseTable, FixedTable, MutableTable

_Handle = Tensor[Resource]
_RefHandle = Ref[String]
_SCALAR = TensorShape([])


@op(effect=Host())
def HashTable(
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    key_dtype: Type,
    value_dtype: Type,
) -> Returns(table_handle=_RefHandle):
    """Makes a table that is filled once."""


@op(effect=Host())
def MutableHashTable(
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    key_dtype: Type,
    value_dtype: Type,
) -> Returns(table_handle=_RefHandle):
    """Makes a table that can be changed."""


@op(effect=Host())
def MutableHashTableOfTensors(
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    key_dtype: Type,
    value_dtype: Type,
    value_shape: Shape = _SCALAR,
) -> Returns(table_handle=_RefHandle):
    """Makes a table of vectors that can be changed."""


@op(effect=Host())
def HashTableV2(
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    key_dtype: Type,
    value_dtype: Type,
) -> Returns(table_handle=_Handle):
    """Makes a table that is filled once."""


@op(effect=Host())
def MutableHashTableV2(
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    key_dtype: Type,
    value_dtype: Type,
) -> Returns(table_handle=_Handle):
    """Makes a table that can be changed."""


@op(effect=Host())
def MutableHashTableOfTensorsV2(
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    key_dtype: Type,
    value_dtype: Type,
    value_shape: Shape = _SCALAR,
) -> Returns(table_handle=_Handle):
    """Makes a table of vectors that can be changed."""


@op(effect=Host())
def MutableDenseHashTable[key_dtype](
    empty_key: Tensor[key_dtype],
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    value_dtype: Type,
    value_shape: Shape = _SCALAR,
    initial_num_buckets: int = 131072,
    max_load_factor: float = 0.8,
) -> Returns(table_handle=_RefHandle):
    """Makes a table that can be changed and in which one key is reserved."""


@op(effect=Host())
def MutableDenseHashTableV2[key_dtype](
    empty_key: Tensor[key_dtype],
    deleted_key: Tensor[key_dtype],
    *,
    container: str = "",
    shared_name: str = "",
    use_node_name_sharing: bool = False,
    value_dtype: Type,
    value_shape: Shape = _SCALAR,
    initial_num_buckets: int = 131072,
    max_load_factor: float = 0.8,
) -> Returns(table_handle=_Handle):
    """Makes a table that can be changed and in which two keys are reserved."""


def _shared(ctx, kind, make):
    """Gives the table that the node makes, or that a node of the same name made."""
    attrs = ctx.node.attrs
    name = attrs["shared_name"] or (ctx.node.name if attrs["use_node_name_sharing"] else "")
    key = name or f"/{ctx.node.name}"
    table = ctx.resources.get_or_create(
        ctx.container, key, lambda: make(name or private_name(ctx.node.name))
    )
    if type(table) is not kind:
        raise errors.InvalidArgumentError(
            None, None, f"'{name}' is shared as a {table.kind}, but a {kind.kind} is wanted"
        )
    wanted = attrs["key_dtype"], attrs["value_dtype"]
    if (table.key_dtype, table.value_dtype) != wanted:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Conflicting key/value dtypes {wanted[0].name}->{wanted[1].name} with "
            f"{table.key_dtype.name}->{table.value_dtype.name} for table {name}",
        )
    return table


def _make_fixed(ctx, key_dtype, value_dtype):
    return _shared(ctx, FixedTable, lambda name: FixedTable(name, key_dtype, value_dtype))


def _make_mutable(ctx, key_dtype, value_dtype):
    shape = ctx.node.attrs.get("value_shape")
    return _shared(
        ctx, MutableTable, lambda name: MutableTable(name, key_dtype, value_dtype, (), shape)
    )


def _make_dense(ctx, reserved):
    attrs = ctx.node.attrs
    return _shared(
        ctx,
        DenseTable,
        lambda name: DenseTable(
            name, attrs["key_dtype"], attrs["value_dtype"], attrs["value_shape"], reserved
        ),
    )


@MutableDenseHashTable.run
def _(empty_key, ctx):
    return _make_dense(ctx, {"empty_key": empty_key})


@MutableDenseHashTableV2.run
def _(empty_key, deleted_key, ctx):
    return _make_dense(ctx, {"empty_key": empty_key, "deleted_key": deleted_key})


for _opdef in (HashTable, HashTableV2):
    _opdef.run(_make_fixed)
for _opdef in (
    MutableHashTable,
    MutableHashTableV2,
    MutableHashTableOfTensors,
    MutableHashTableOfTensorsV2,
):
    _opdef.run(_make_mutable)
for _opdef in (
    HashTable,
    HashTableV2,
    MutableHashTable,
    MutableHashTableV2,
    MutableHashTableOfTensors,
    MutableHashTableOfTensorsV2,
    MutableDenseHashTable,
    MutableDenseHashTableV2,
):
    _opdef.shape_scalar()
    _opdef.no_gradient("a table is no number")

for _opdef in (HashTable, MutableHashTable, MutableHashTableOfTensors, MutableDenseHashTable):
    _opdef.shape(lambda: [2])
