"""Tables that can be changed, and saved: `tf.contrib.lookup.MutableHashTable` and kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.by_name import ops
from millstream.ops.table.static import LookupInterface, checked_keys
from millstream.train.saveable import SaveableObject, SaveSpec


class _SaveableTable(SaveableObject):
    """Saves a table as two tensors, its keys and its values."""

    def __init__(self, table: MutableTable, name: str) -> None:
        keys, values = table.export()
        specs = [SaveSpec(keys, "", f"{name}-keys"), SaveSpec(values, "", f"{name}-values")]
        super().__init__(table, specs, name)

    def restore(self, restored_tensors: Sequence[Tensor], restored_shapes: Any) -> Any:
        """Gives the operation that fills the table from a checkpoint."""
        del restored_shapes
        return ops.LookupTableImportV2(self.op.resource_handle, *restored_tensors)


class MutableTable(LookupInterface):
    """A table that can be changed in every step.

    Args:
      key_dtype: type of the keys.
      value_dtype: type of the values.
      default_value: the value of keys that are not in it.
      checkpoint: whether savers save it.
      name: name of the node, and in checkpoints.
    """

    def __init__(
        self, key_dtype: Any, value_dtype: Any, default_value: Any, checkpoint: bool, name: str
    ) -> None:
        super().__init__(key_dtype, value_dtype)
        self._default_value: Tensor = default_value
        self._value_shape = default_value.shape
        self._checkpoint = checkpoint
        self._handle = self._make(name)
        self._name = self._handle.op.name.rpartition("/")[2]
        if checkpoint:
            saveable = _SaveableTable(self, name)
            get_default_graph().add_to_collection(GraphKeys.SAVEABLE_OBJECTS, saveable)

    def _make(self, name: str) -> Tensor:
        raise TypeError(f"{type(self).__name__} does not say how to make node {name}")

    def _scope(self, name: str | None, what: str, values: Any) -> Any:
        return name_scope(name, f"{self.name}_lookup_table_{what}", values)

    def lookup(self, keys: Any, name: str | None = None) -> Tensor:
        """Gives the values of keys, the default value for those that are not there.

        Raises:
          TypeError: if the keys have another type.
        """
        keys = checked_keys(keys, self._key_dtype)
        with self._scope(name, "find", [self.resource_handle, keys, self._default_value]):
            return ops.LookupTableFindV2(self.resource_handle, keys, self._default_value)

    def insert(self, keys: Any, values: Any, name: str | None = None) -> Any:
        """Gives the operation that sets the values of keys."""
        with self._scope(name, "insert", [self.resource_handle, keys, values]):
            keys = convert_to_tensor(keys, self._key_dtype, name="keys")
            values = convert_to_tensor(values, self._value_dtype, name="values")
            return ops.LookupTableInsertV2(self.resource_handle, keys, values)

    def remove(self, keys: Any, name: str | None = None) -> Any:
        """Gives the operation that takes keys out.

        Raises:
          TypeError: if the keys have another type.
        """
        keys = checked_keys(keys, self._key_dtype)
        with self._scope(name, "remove", [self.resource_handle, keys]):
            return ops.LookupTableRemoveV2(self.resource_handle, keys)

    def export(self, name: str | None = None) -> Any:
        """Gives all keys and all values."""
        with self._scope(name, "export_values", [self.resource_handle]):
            return ops.LookupTableExportV2(
                self.resource_handle, Tkeys=self._key_dtype, Tvalues=self._value_dtype
            )


@export("contrib.lookup.MutableHashTable")
class MutableHashTable(MutableTable):
    """Is a table that can be changed in every step; savers save it.

    Args:
      key_dtype: type of the keys.
      value_dtype: type of the values.
      default_value: the value of keys that are not in it: a scalar, or a vector.
      name: name of the node, and in checkpoints.
      checkpoint: whether savers save it.

    Raises:
      ValueError: if the default value is no scalar or vector.

    Example:
      >>> table = MutableHashTable(tf.string, tf.int64, -1)
      >>> session.run(table.insert(tf.constant(["a"]), tf.constant([1], tf.int64)))
      >>> session.run(table.lookup(tf.constant(["a", "b"])))
      array([ 1, -1])
    """

    def __init__(
        self, key_dtype, value_dtype, default_value, name="MutableHashTable", checkpoint=True
    ):
        default = convert_to_tensor(default_value, dtype=value_dtype)
        default.shape.assert_is_fully_defined()
        default.shape.with_rank_at_most(1)
        super().__init__(key_dtype, value_dtype, default, checkpoint, name)

    def _make(self, name: str) -> Tensor:
        common = {
            "use_node_name_sharing": self._checkpoint,
            "key_dtype": self._key_dtype,
            "value_dtype": self._value_dtype,
            "name": name,
        }
        if self._value_shape.ndims:
            return ops.MutableHashTableOfTensorsV2(value_shape=self._value_shape, **common)
        return ops.MutableHashTableV2(**common)


@export("contrib.lookup.MutableDenseHashTable", "lookup.experimental.DenseHashTable")
class DenseHashTable(MutableTable):
    """Is a table that can be changed in every step and in which two keys are reserved.

    Args:
      key_dtype: type of the keys.
      value_dtype: type of the values.
      default_value: the value of keys that are not in it, of any shape.
      empty_key: a key that is never used.
      deleted_key: another one.
      initial_num_buckets: kept in the graph; the table grows by itself.
      name: name of the node, and in checkpoints.
      checkpoint: whether savers save it.
    """

    def __init__(
        self,
        key_dtype,
        value_dtype,
        default_value,
        empty_key,
        deleted_key,
        initial_num_buckets=None,
        name="MutableDenseHashTable",
        checkpoint=True,
    ):
        default = convert_to_tensor(default_value, dtype=value_dtype, name="default_value")
        self._reserved = [
            convert_to_tensor(empty_key, dtype=key_dtype, name="empty_key"),
            convert_to_tensor(deleted_key, dtype=key_dtype, name="deleted_key"),
        ]
        self._given_buckets = initial_num_buckets
        super().__init__(key_dtype, value_dtype, default, checkpoint, name)

    def _make(self, name: str) -> Tensor:
        buckets = {"initial_num_buckets": self._given_buckets} if self._given_buckets else {}
        return ops.MutableDenseHashTableV2(
            *self._reserved,
            use_node_name_sharing=self._checkpoint,
            value_dtype=self._value_dtype,
            value_shape=self._value_shape,
            name=name,
            **buckets,
        )

    def insert_or_assign(self, keys: Any, values: Any, name: str | None = None) -> Any:
        """Is `insert`."""
        return self.insert(keys, values, name)

    def erase(self, keys: Any, name: str | None = None) -> Any:
        """Is `remove`."""
        return self.remove(keys, name)
