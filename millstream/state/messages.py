"""Variables as `VariableDef` messages, by which graphs are saved with their variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.formats import protos
from millstream.ir.default import get_default_graph
from millstream.state.options import VariableAggregation, VariableSynchronization
from millstream.state.slice_info import SaveSliceInfo


def encode(variable: Any, snapshot: Any, is_resource: bool, export_scope: str | None) -> Any:
    """Returns a variable's `VariableDef`, or `None` if it lies outside `export_scope`."""
    own = variable.handle_or_ref.name
    if export_scope is not None and not own.startswith(export_scope):
        return None

    def relative(name: str) -> str:
        return name.removeprefix(f"{export_scope.rstrip('/')}/") if export_scope else name

    found = protos.VariableDef(
        variable_name=relative(own),
        initializer_name=relative(variable.initializer.name),
        snapshot_name=relative(snapshot.name),
        is_resource=is_resource,
        trainable=variable.trainable,
        synchronization=variable.synchronization.value,
        aggregation=variable.aggregation.value,
    )
    if variable.initial_value is not None:
        found.initial_value_name = relative(variable.initial_value.name)
    info = variable._get_save_slice_info()
    if info is not None:
        found.save_slice_info_def.MergeFrom(info.to_proto(export_scope))
    return found


def decode(variable: Any, variable_def: Any, import_scope: str | None) -> Callable[[str], Any]:
    """Fills in what a message says of any kind of variable.

    Returns:
      The function that finds a tensor or node of the default graph by its name in the message.
    """
    graph = get_default_graph()

    def element(name: str) -> Any:
        return graph.as_graph_element(
            f"{import_scope.rstrip('/')}/{name}" if import_scope else name
        )

    initial = variable_def.initial_value_name
    variable._initializer_op = element(variable_def.initializer_name)
    variable._initial_value = element(initial) if initial else None
    variable._trainable = variable_def.trainable
    variable._constraint = variable._caching_device = None
    variable._synchronization = VariableSynchronization(variable_def.synchronization)
    variable._aggregation = VariableAggregation(variable_def.aggregation)
    if variable_def.HasField("save_slice_info_def"):
        variable._save_slice_info = SaveSliceInfo(
            save_slice_info_def=variable_def.save_slice_info_def, import_scope=import_scope
        )
    return element
