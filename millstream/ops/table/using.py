"""Ops that use look-up tables: fill, find, insert, remove, export, size."""

import numpy as np

from millstream.base import errors
from millstream.base.shapes import UNKNOWN, TensorShape
from millstream.ir.spec import (
    AtLeast,
    Host,
    Int64,
    Ref,
    Resource,
    Returns,
    String,
    Tensor,
    Type,
    op,
)
from millstream.ops.queue.sharing import thing_behind
from millstream.ops.table.tables import FixedTable, Table
from millstream.ops.table.text import Column, read_pairs

_Handle = Tensor[Resource]
_RefHandle = Ref[String]


@op(effect=Host())
def InitializeTable[Tkey, Tval](
    table_handle: _RefHandle, keys: Tensor[Tkey], values: Tensor[Tval]
) -> None:
    """Fills a table that is filled once."""


@op(effect=Host())
def InitializeTableFromTextFile(
    table_handle: _RefHandle,
    filename: Tensor[String],
    *,
    key_index: AtLeast(-2),
    value_index: AtLeast(-2),
    vocab_size: AtLeast(-1) = -1,
    delimiter: str = "\t",
) -> None:
    """Fills a table with the lines of a text file."""


@op(effect=Host())
def LookupTableFind[Tin, Tout](
    table_handle: _RefHandle, keys: Tensor[Tin], default_value: Tensor[Tout]
) -> Returns(values=Tensor[Tout]):
    """Gives the values of keys."""


@op(effect=Host())
def LookupTableInsert[Tin, Tout](
    table_handle: _RefHandle, keys: Tensor[Tin], values: Tensor[Tout]
) -> None:
    """Sets the values of keys."""


@op(effect=Host())
def LookupTableImport[Tin, Tout](
    table_handle: _RefHandle, keys: Tensor[Tin], values: Tensor[Tout]
) -> None:
    """Replaces all that a table holds."""


@op(effect=Host())
def LookupTableExport(table_handle: _RefHandle, *, Tkeys: Type, Tvalues: Type) -> Returns(
    keys=Tensor["Tkeys"], values=Tensor["Tvalues"]
):
    """Gives all that a table holds."""


@op(effect=Host())
def LookupTableSize(table_handle: _RefHandle) -> Returns(size=Tensor[Int64]):
    """Counts the keys of a table."""


@op(effect=Host())
def InitializeTableV2[Tkey, Tval](
    table_handle: _Handle, keys: Tensor[Tkey], values: Tensor[Tval]
) -> None:
    """Fills a table that is filled once."""


@op(effect=Host())
def InitializeTableFromTextFileV2(
    table_handle: _Handle,
    filename: Tensor[String],
    *,
    key_index: AtLeast(-2),
    value_index: AtLeast(-2),
    vocab_size: AtLeast(-1) = -1,
    delimiter: str = "\t",
) -> None:
    """Fills a table with the lines of a text file."""


@op(effect=Host())
def LookupTableFindV2[Tin, Tout](
    table_handle: _Handle, keys: Tensor[Tin], default_value: Tensor[Tout]
) -> Returns(values=Tensor[Tout]):
    """Gives the values of keys."""


@op(effect=Host())
def LookupTableInsertV2[Tin, Tout](
    table_handle: _Handle, keys: Tensor[Tin], values: Tensor[Tout]
) -> None:
    """Sets the values of keys."""


@op(effect=Host())
def LookupTableImportV2[Tin, Tout](
    table_handle: _Handle, keys: Tensor[Tin], values: Tensor[Tout]
) -> None:
    """Replaces all that a table holds."""


@op(effect=Host())
def LookupTableExportV2(table_handle: _Handle, *, Tkeys: Type, Tvalues: Type) -> Returns(
    keys=Tensor["Tkeys"], values=Tensor["Tvalues"]
):
    """Gives all that a table holds."""


@op(effect=Host())
def LookupTableSizeV2(table_handle: _Handle) -> Returns(size=Tensor[Int64]):
    """Counts the keys of a table."""


@op(effect=Host())
def LookupTableRemoveV2[Tin](table_handle: _Handle, keys: Tensor[Tin]) -> None:
    """Takes keys out of a table."""


def _invalid(message):
    return errors.InvalidArgumentError(None, None, message)


def _table(handle, key_dtype=None, value_dtype=None):
    table = thing_behind(handle, Table)
    for what, wanted, found in (
        ("Key", key_dtype, table.key_dtype),
        ("Value", value_dtype, table.value_dtype),
    ):
        if wanted is not None and wanted != found:
            raise _invalid(f"{what} must be type {found.name} but got {wanted.name}")
    return table


def _initialize(table_handle, keys, values, Tkey, Tval):
    if np.shape(keys) != np.shape(values):
        raise _invalid(
            f"keys and values must have the same size {list(np.shape(keys))} vs "
            f"{list(np.shape(values))}"
        )
    _table(table_handle, Tkey, Tval).fill(keys, values)
    return ()


def _initialize_from_file(table_handle, filename, key_index, value_index, vocab_size, delimiter):
    table = thing_behind(table_handle, FixedTable)
    if len(delimiter) != 1:
        raise _invalid(f"delimiter must be only 1 char, got {delimiter!r}")
    if not vocab_size:
        raise _invalid("vocab_size must be greater than 0 or -1")
    name = filename.item() if isinstance(filename, np.ndarray) else filename
    if not isinstance(name, bytes):
        raise _invalid(f"filename should be a single string, but got {filename!r}")
    path = name.decode("utf-8", "surrogateescape")
    key, value = Column(key_index, table.key_dtype), Column(value_index, table.value_dtype)
    table.fill_with(read_pairs(path, key, value, vocab_size, delimiter))
    return ()


def _find(table_handle, keys, default_value, Tin, Tout):
    return _table(table_handle, Tin, Tout).find(keys, default_value)


def _insert(table_handle, keys, values, Tin, Tout):
    _table(table_handle, Tin, Tout).insert(keys, values)
    return ()


def _import(table_handle, keys, values, Tin, Tout):
    _table(table_handle, Tin, Tout).fill(keys, values)
    return ()


def _remove(table_handle, keys, Tin):
    _table(table_handle, Tin).remove(keys)
    return ()


def _export(table_handle, Tkeys, Tvalues):
    return _table(table_handle, Tkeys, Tvalues).export()


def _size(table_handle):
    return np.int64(_table(table_handle).size())


def _key_rank(node):
    """Tells the rank of a table's keys, as far as the graph says."""
    made = node.inputs[0].op
    return made.inputs[0].shape.ndims if made.type.startswith("MutableDense") else 0


def _found_shape(keys, default_value, node):
    rank = _key_rank(node)
    if keys.ndims is None or rank is None or keys.ndims < rank:
        return UNKNOWN
    return keys[: keys.ndims - rank].concatenate(default_value)


def _exported_shapes(node):
    made = node.inputs[0].op
    one = made.inputs[0].shape if made.type.startswith("MutableDense") else TensorShape([])
    value = made.attrs.get("value_shape", TensorShape([]) if "key_dtype" in made.attrs else UNKNOWN)
    rows = TensorShape([None])
    return rows.concatenate(one), rows.concatenate(value)


for _opdefs, _rule in (
    ((InitializeTable, InitializeTableV2), _initialize),
    ((InitializeTableFromTextFile, InitializeTableFromTextFileV2), _initialize_from_file),
    ((LookupTableFind, LookupTableFindV2), _find),
    ((LookupTableInsert, LookupTableInsertV2), _insert),
    ((LookupTableImport, LookupTableImportV2), _import),
    ((LookupTableRemoveV2,), _remove),
    ((LookupTableExport, LookupTableExportV2), _export),
    ((LookupTableSize, LookupTableSizeV2), _size),
):
    for _opdef in _opdefs:
        _opdef.run(_rule)
        _opdef.no_gradient("a look-up has none")

for _opdef in (LookupTableFind, LookupTableFindV2):
    _opdef.shape(_found_shape)
for _opdef in (LookupTableExport, LookupTableExportV2):
    _opdef.shape(_exported_shapes)
for _opdef in (LookupTableSize, LookupTableSizeV2):
    _opdef.shape_scalar()
