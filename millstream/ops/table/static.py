"""Tables that are filled once: `tf.lookup.StaticHashTable`, `StaticVocabularyTable` and kin."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from millstream.base.dtypes import as_dtype, int32, int64, string
from millstream.base.export import export, export_constant
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor, convert_to_tensor_or_sparse_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.by_name import ops
from millstream.ops.flow.groups import group, no_op
from millstream.ops.math.cast import cast
from millstream.ops.table.initializers import check_dtypes


@export("tables_initializer", "initialize_all_tables", "initializers.tables_initializer")
def tables_initializer(name="init_all_tables"):
    """Returns an operation that fills all tables of the graph that are filled once."""
    initializers = get_default_graph().get_collection(GraphKeys.TABLE_INITIALIZERS)
    return group(*initializers, name=name) if initializers else no_op(name=name)


@export("contrib.lookup.LookupInterface")
class LookupInterface:
    """Is the base of all tables.

    Args:
      key_dtype: type of the keys.
      value_dtype: type of the values.
    """

    def __init__(self, key_dtype: Any, value_dtype: Any) -> None:
        self._key_dtype = as_dtype(key_dtype)
        self._value_dtype = as_dtype(value_dtype)
        self._handle: Tensor | None = None
        self._name = "table"

    @property
    def key_dtype(self) -> Any:
        """The type of the keys."""
        return self._key_dtype

    @property
    def value_dtype(self) -> Any:
        """The type of the values."""
        return self._value_dtype

    @property
    def name(self) -> str:
        """The name of the table's node, without scope."""
        return self._name

    @property
    def resource_handle(self) -> Any:
        """The tensor of the table's handle."""
        return self._handle

    def size(self, name: str | None = None) -> Tensor:
        """Gives the number of keys, an int64 scalar."""
        with name_scope(name, f"{self.name}_Size", [self.resource_handle]):
            return ops.LookupTableSizeV2(self.resource_handle)

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """Gives the values of keys."""
        raise TypeError(f"{type(self).__name__} does not say how to look up {keys} ({name})")


def checked_keys(keys: Any, key_dtype: Any) -> Any:
    """Gives keys as a (sparse) tensor.

    Raises:
      TypeError: if they have another type.
    """
    keys = convert_to_tensor_or_sparse_tensor(keys)
    if keys.dtype.base_dtype != key_dtype:
        raise TypeError(
            f"Signature mismatch. Keys must be dtype {key_dtype}, got {keys.dtype.base_dtype}."
        )
    return keys


@export("contrib.lookup.InitializableLookupTableBase")
class InitializableLookupTableBase(LookupInterface):
    """Is the base of tables that are filled once, by `tf.tables_initializer`.

    Args:
      default_value: the value of keys that are not in the table, a scalar.
      initializer: what fills it.
    """

    def __init__(self, default_value: Any, initializer: Any) -> None:
        super().__init__(initializer.key_dtype, initializer.value_dtype)
        self._default_value = convert_to_tensor(default_value, dtype=self._value_dtype)
        self._default_value.shape.assert_has_rank(0)
        self._initializer = initializer
        self._handle = self._make()
        self._name = self._handle.op.name.rpartition("/")[2]
        check_dtypes(self, initializer.key_dtype, initializer.value_dtype)
        self._init_op = initializer.initialize(self)

    def _make(self) -> Tensor:
        raise TypeError(f"{type(self).__name__} does not say how to make its node")

    @property
    def default_value(self) -> Tensor:
        """The value of keys that are not in the table."""
        return self._default_value

    @property
    def initializer(self) -> Any:
        """The operation that fills the table."""
        return self._init_op

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """Gives the values of keys, the default value for those that are not there.

        Args:
          keys: a tensor or `SparseTensor`.
          name: name of the scope of the operation.

        Returns:
          Values in the form of `keys`.

        Raises:
          TypeError: if the keys have another type.
          tf.errors.FailedPreconditionError: when it runs, if the table is not filled.
        """
        keys = checked_keys(keys, self._key_dtype)
        plain = keys.values if isinstance(keys, SparseTensor) else keys
        with name_scope(
            name, f"{self.name}_Lookup", [self.resource_handle, plain, self._default_value]
        ):
            values = ops.LookupTableFindV2(self.resource_handle, plain, self._default_value)
        values.set_shape(plain.shape)
        return _like(keys, values)

    def export(self, name: str | None = None) -> Any:
        """Gives all keys and all values."""
        with name_scope(name, f"{self.name}_Export", [self.resource_handle]):
            return ops.LookupTableExportV2(
                self.resource_handle, Tkeys=self._key_dtype, Tvalues=self._value_dtype
            )


def _like(keys: Any, values: Tensor) -> Any:
    if isinstance(keys, SparseTensor):
        return SparseTensor(keys.indices, values, keys.dense_shape)
    return values


@export("lookup.StaticHashTable")
class StaticHashTable(InitializableLookupTableBase):
    """Is a table that is filled once and then looked up.

    Args:
      initializer: what fills it.
      default_value: the value of keys that are not in the table.
      name: name of the node.

    Example:
      >>> table = StaticHashTable(KeyValueTensorInitializer(["a", "b"], [1, 2]), -1)
      >>> out = table.lookup(tf.constant(["a", "z"]))
      >>> session.run(tf.tables_initializer())
      >>> session.run(out)
      array([ 1, -1], dtype=int32)
    """

    def __init__(self, initializer, default_value, name=None):
        self._shared_name = self._name_to_share(initializer)
        self._node_name = name or "hash_table"
        super().__init__(default_value, initializer)

    def _name_to_share(self, initializer: Any) -> str:
        return initializer.shared_name

    def _make(self) -> Tensor:
        return ops.HashTableV2(
            shared_name=self._shared_name,
            key_dtype=self._key_dtype,
            value_dtype=self._value_dtype,
            name=self._node_name,
        )


@export("contrib.lookup.HashTable")
class HashTable(StaticHashTable):
    """Is a `StaticHashTable` that is shared by a name of the program's choice.

    Args:
      initializer: what fills it.
      default_value: the value of keys that are not in the table.
      shared_name: name by which nodes share one table.
      name: name of the node.
    """

    def __init__(self, initializer, default_value, shared_name=None, name=None):
        self._given_name = shared_name or ""
        super().__init__(initializer, default_value, name)

    def _name_to_share(self, initializer: Any) -> str:
        return self._given_name

    @property
    def init(self) -> Any:
        """The operation that fills the table."""
        return self.initializer


@export("contrib.lookup.HasherSpec")
class HasherSpec(namedtuple("HasherSpec", ["hasher", "key"])):
    """Says how strings are hashed into buckets: `hasher` is a name, `key` what it needs."""

    __slots__ = ()


FAST_HASH = HasherSpec("fasthash", None)
export_constant("contrib.lookup.FastHashSpec", FAST_HASH)


@export("contrib.lookup.StrongHashSpec")
class StrongHashSpec(HasherSpec):
    """Says that strings are hashed with a key, so that nobody can make them collide.

    Args:
      key: list of two integers.

    Raises:
      ValueError: if it has another length.
      TypeError: if it holds anything else.
    """

    __slots__ = ()

    def __new__(cls, key: Any) -> StrongHashSpec:
        if len(key) != 2:
            raise ValueError(f"key must have size 2, got {len(key)}.")
        if not all(isinstance(part, int) for part in key):
            raise TypeError(f"Invalid key {key}. Must be unsigned integer values.")
        return super().__new__(cls, "stronghash", key)


class BucketTable(LookupInterface):
    """A table with buckets into which keys that are not in it are hashed.

    Args:
      table: the table, or None.
      num_oov_buckets: number of buckets.
      key_dtype: type of the keys that are looked up.
      spec: how they are hashed.
      name: name of the scopes of its nodes.
    """

    def __init__(
        self, table: Any, num_oov_buckets: int, key_dtype: Any, spec: HasherSpec, name: str | None
    ) -> None:
        if table is None and num_oov_buckets <= 0:
            raise ValueError("oov_buckets must be > 0 if no initializer is supplied.")
        super().__init__(key_dtype, int64)
        self._table = table
        self._buckets = num_oov_buckets
        self._spec = spec
        self._name = name or (table.name if table is not None else "hash_bucket")

    @property
    def initializer(self) -> Any:
        """The operation that fills the table."""
        return no_op() if self._table is None else self._table.initializer

    @property
    def init(self) -> Any:
        """The operation that fills the table."""
        return self.initializer

    @property
    def resource_handle(self) -> Any:
        """The tensor of the table's handle, or None."""
        return None if self._table is None else self._table.resource_handle

    def size(self, name: str | None = None) -> Tensor:
        """Gives the number of keys and buckets, an int64 scalar."""
        with name_scope(name, f"{self.name}_Size", None):
            if self._table is None:
                return convert_to_tensor(self._buckets, int64)
            return self._table.size() + self._buckets

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """Gives the ids of keys; those of unknown keys follow after all others.

        Args:
          keys: a tensor or `SparseTensor`.
          name: name of the scope of the operations.

        Raises:
          TypeError: if the keys have another type.
        """
        keys = checked_keys(keys, self._key_dtype)
        values = keys.values if isinstance(keys, SparseTensor) else keys
        if self._table is not None and self._table.key_dtype == int64:
            values = cast(values, int64)
        if not self._buckets:
            return _like(keys, self._table.lookup(values, name=name))
        with name_scope(name, f"{self.name}_Lookup", None):
            return _like(keys, self._with_buckets(values))

    def _with_buckets(self, values: Tensor) -> Tensor:
        text = values if values.dtype == string else ops.AsString(values)
        if self._spec.hasher == "stronghash":
            buckets = ops.StringToHashBucketStrong(
                text, num_buckets=self._buckets, key=self._spec.key, name="hash_bucket"
            )
        else:
            buckets = ops.StringToHashBucketFast(
                text, num_buckets=self._buckets, name="hash_bucket"
            )
        if self._table is None:
            return buckets
        ids = self._table.lookup(values)
        buckets = ops.Add(buckets, self._table.size())
        known = ops.NotEqual(ids, self._table.default_value)
        return ops.SelectV2(known, ids, buckets)


_KEY_TYPES = (int32, int64, string)


@export("lookup.StaticVocabularyTable")
class StaticVocabularyTable(BucketTable):
    """Is a table of ids in which unknown keys are hashed into buckets.

    Args:
      initializer: what fills it with keys and int64 ids; None for buckets alone.
      num_oov_buckets: number of buckets, whose ids follow after all others.
      lookup_key_dtype: type of the keys that are looked up, by default the initializer's.
      name: name of the scopes of its nodes.

    Raises:
      ValueError: if there is no bucket.
      TypeError: if types do not fit.
    """

    def __init__(self, initializer, num_oov_buckets, lookup_key_dtype=None, name=None):
        if num_oov_buckets <= 0:
            raise ValueError("oov_buckets must be > 0.")
        table = None
        key_dtype = as_dtype(lookup_key_dtype or getattr(initializer, "key_dtype", string))
        if key_dtype not in _KEY_TYPES:
            raise TypeError(
                f"Invalid key dtype, expected one of {_KEY_TYPES}, but got {key_dtype}."
            )
        if initializer is not None:
            _check_integer(initializer.key_dtype, key_dtype)
            _check_ids(initializer.value_dtype)
            table = StaticHashTable(initializer, default_value=-1)
        super().__init__(table, num_oov_buckets, key_dtype, FAST_HASH, name)


def _check_key_type(dtype: Any) -> None:
    if dtype not in _KEY_TYPES:
        raise TypeError(f"Invalid key dtype, expected one of {_KEY_TYPES}, but got {dtype}.")


def _check_ids(dtype: Any) -> None:
    if dtype != int64:
        raise TypeError(f"Invalid value dtype, expected {int64} but got {dtype}.")


def _check_integer(of_table: Any, of_lookup: Any) -> None:
    if of_table.is_integer != of_lookup.is_integer:
        raise TypeError(
            "Invalid key dtype, expected "
            f"{'integer' if of_table.is_integer else 'non-integer'} but got {of_lookup}."
        )


@export("contrib.lookup.IdTableWithHashBuckets")
class IdTableWithHashBuckets(BucketTable):
    """Is a table of ids in which unknown keys are hashed into buckets.

    Args:
      table: a table of int64 ids, or None for buckets alone.
      num_oov_buckets: number of buckets, whose ids follow after all others.
      hasher_spec: how unknown keys are hashed.
      name: name of the scopes of its nodes.
      key_dtype: type of the keys that are looked up, by default the table's.

    Raises:
      TypeError: if types do not fit.
      ValueError: if there is neither a table nor a bucket.
    """

    def __init__(self, table, num_oov_buckets, hasher_spec=FAST_HASH, name=None, key_dtype=None):
        key_dtype = as_dtype(key_dtype or getattr(table, "key_dtype", string))
        if key_dtype not in _KEY_TYPES:
            raise TypeError(
                f"Invalid key dtype, expected one of {_KEY_TYPES}, but got {key_dtype}."
            )
        if table is not None:
            _check_integer(table.key_dtype, key_dtype)
            if table.value_dtype != int64:
                raise TypeError(
                    f"Invalid value dtype, expected {int64} but got {table.value_dtype}."
                )
        if num_oov_buckets > 0 and not isinstance(hasher_spec, HasherSpec):
            raise TypeError(f"hasher_spec must be of type HasherSpec, got {hasher_spec}")
        super().__init__(table, num_oov_buckets, key_dtype, hasher_spec, name)
