"""Which part of a partitioned variable one of its pieces is, as checkpoints record it."""

from __future__ import annotations

from typing import Any

from millstream.base.shapes import TensorShape
from millstream.formats import protos


class SaveSliceInfo:
    """Describes one piece of a partitioned variable.

    Args:
      full_name: name of the whole variable.
      full_shape: its shape, a list of ints.
      var_offset: where the piece begins, one int per axis.
      var_shape: the piece's shape.
      save_slice_info_def: a `SaveSliceInfoDef` to take all of these from.
      import_scope: scope to put before the name in a `SaveSliceInfoDef`.
    """

    def __init__(
        self,
        full_name: Any = None,
        full_shape: Any = None,
        var_offset: Any = None,
        var_shape: Any = None,
        save_slice_info_def: Any = None,
        import_scope: Any = None,
    ) -> None:
        if save_slice_info_def is not None:
            full_name = save_slice_info_def.full_name
            if import_scope:
                full_name = f"{import_scope.rstrip('/')}/{full_name}"
            full_shape = list(save_slice_info_def.full_shape)
            var_offset = list(save_slice_info_def.var_offset)
            var_shape = list(save_slice_info_def.var_shape)
        self.full_name = full_name
        self.full_shape = full_shape
        self.var_offset = var_offset
        self.var_shape = var_shape

    @property
    def spec(self) -> str:
        """The piece as checkpoints spell it: full shape, offsets and sizes: `10 5 0,4:0,5`."""
        full = " ".join(str(size) for size in self.full_shape)
        pairs = zip(self.var_offset, self.var_shape, strict=True)
        return f"{full} " + ":".join(f"{offset},{size}" for offset, size in pairs)

    def to_proto(self, export_scope: Any = None) -> Any:
        """Returns a `SaveSliceInfoDef`, or `None` if the variable lies outside `export_scope`."""
        name = self.full_name
        if export_scope is not None:
            if not name.startswith(export_scope):
                return None
            name = name.removeprefix(export_scope).lstrip("/")
        return protos.SaveSliceInfoDef(
            full_name=name,
            full_shape=TensorShape(self.full_shape).as_list(),
            var_offset=self.var_offset,
            var_shape=TensorShape(self.var_shape).as_list(),
        )
