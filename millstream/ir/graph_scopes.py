"""The scopes that a graph applies to new nodes: control dependencies, devices, colocation,
containers, overrides.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from millstream.ir import attrs as attr_values
from millstream.ir.composite import CompositeTensor
from millstream.ir.device import merge_device
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor

type _DeviceFunction = Callable[[Operation], str]


class _Controller:
    """One level of `control_dependencies`: the nodes to wait for, and those made inside."""

    def __init__(self, nodes: list[Operation], clears: bool) -> None:
        self.nodes, self.clears = nodes, clears
        self.seen: set[Operation] = set()


class GraphScopes:
    """The part of a `Graph` that keeps the scopes and applies them to a new node."""

    def __init__(self) -> None:
        super().__init__()
        self._device_stack: list[_DeviceFunction] = []
        self._colocation_stack: list[Operation] = []
        self._controllers: list[_Controller] = []
        self._attr_scopes: dict[str, Any] = {}
        self._gradient_overrides: dict[str, str] = {}
        self._container = ""

    def as_graph_element(
        self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True
    ) -> Any:
        """Returns the tensor or node that `obj` stands for; the graph knows."""
        raise TypeError(f"No graph to look {obj!r} up in")

    def apply_scopes(self, node: Operation) -> None:
        """Gives a new node what the current scopes say."""
        if self._attr_scopes or self._gradient_overrides or self._container:
            self._apply_attrs(node)
        for controller in self._controllers:
            controller.seen.add(node)
        if self._device_stack or self._colocation_stack:
            self._place(node)

    def _apply_attrs(self, node: Operation) -> None:
        attrs = node.attrs
        for key, value in self._attr_scopes.items():
            value = value(node.node_def) if callable(value) else value
            if key not in attrs and value is not None:
                attrs[key] = attr_values.from_public(value)
        override = self._gradient_overrides.get(node.type)
        if override is not None:
            attrs["_gradient_op_type"] = override
        if self._container and node.opdef.stateful and attrs.get("container") == "":
            attrs["container"] = self._container

    def _place(self, node: Operation) -> None:
        for function in reversed(self._device_stack):
            node.set_device(function(node))
        if not self._colocation_stack:
            return
        groups: set[str] = set()
        for anchor in self._colocation_stack:
            groups.update(g.decode() for g in anchor.colocation_groups())
            if anchor.device:
                node.set_device(anchor.device)
        node.attrs["_class"] = tuple(sorted(groups))

    def controls_for(self, inputs: Sequence[Tensor]) -> tuple[Operation, ...]:
        """Returns the control inputs of a new node: of each scope, unless an input was made inside
        it.
        """
        if not self._controllers:
            return ()
        producers = [t.op for t in inputs]
        direct = set(producers)
        wanted: list[Operation] = []
        for controller in self._controllers:
            if not any(p in controller.seen for p in producers):
                wanted += [n for n in controller.nodes if n not in direct]
        return tuple(dict.fromkeys(wanted))

    @contextmanager
    def control_dependencies(self, control_inputs: Any) -> Generator[None]:
        """Makes new nodes wait for `control_inputs` (nodes or tensors).

        `None` forgets the outer ones.
        """
        old = self._controllers
        nodes: list[Operation] = []
        for item in control_inputs or ():
            # An assigned resource variable stands for the node that assigns.
            by_op = isinstance(item, CompositeTensor) or hasattr(item, "handle")
            element = self.as_graph_element(item.op if by_op else item)
            nodes.append(element.op if isinstance(element, Tensor) else element)
        controller = _Controller(list(dict.fromkeys(nodes)), control_inputs is None)
        self._controllers = [controller] if controller.clears else [*old, controller]
        try:
            yield
        finally:
            self._controllers = old

    @contextmanager
    def device(self, device_name_or_function: Any) -> Generator[None]:
        """Places new nodes on a device, given by name, `DeviceSpec` or function of the node.

        `None` forgets.
        """
        old = self._device_stack
        if device_name_or_function is None:
            self._device_stack = []
        elif callable(device_name_or_function):
            self._device_stack = [*old, cast("_DeviceFunction", device_name_or_function)]
        else:
            self._device_stack = [*old, merge_device(device_name_or_function)]
        try:
            yield
        finally:
            self._device_stack = old

    @contextmanager
    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Generator[None]:
        """Places new nodes where `op` is; `None` with `ignore_existing` forgets."""
        if op is None and not ignore_existing:
            raise ValueError(
                "Trying to reset colocation (op is None) but ignore_existing is not True"
            )
        node = None if op is None else self._node_of(op)
        old, old_devices = self._colocation_stack, self._device_stack
        self._colocation_stack = [] if ignore_existing else old
        if node is not None:
            self._colocation_stack = [*self._colocation_stack, node]
        self._device_stack = []
        try:
            yield
        finally:
            self._colocation_stack, self._device_stack = old, old_devices

    def _node_of(self, value: Any) -> Operation:
        element = self.as_graph_element(getattr(value, "op", value))
        return element.op if isinstance(element, Tensor) else element

    @contextmanager
    def container(self, container_name: str) -> Generator[str]:
        """Keeps the state of new stateful nodes in the resource container of that name."""
        old, self._container = self._container, container_name
        try:
            yield container_name
        finally:
            self._container = old

    @contextmanager
    def gradient_override_map(self, op_type_map: dict[str, str]) -> Generator[None]:
        """Gives new nodes of an op type the gradient that was registered under another name."""
        given: Any = op_type_map
        if not isinstance(given, dict) or not all(
            isinstance(text, str) for pair in cast("Any", given).items() for text in pair
        ):
            raise TypeError("op_type_map must be a dictionary mapping strings to strings")
        old = self._gradient_overrides
        self._gradient_overrides = {**old, **op_type_map}
        try:
            yield
        finally:
            self._gradient_overrides = old

    @contextmanager
    def _attr_scope(self, attr_map: dict[str, Any]) -> Generator[None]:
        old = self._attr_scopes
        self._attr_scopes = {**old, **attr_map}
        try:
            yield
        finally:
            self._attr_scopes = old
