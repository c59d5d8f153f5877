"""`MetaGraphDef`s: a graph with its collections and saver, written beside every checkpoint."""

from __future__ import annotations

import os
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from millstream.base import logging, version
from millstream.base.export import export
from millstream.formats import files, protos
from millstream.ir.default import get_default_graph
from millstream.ir.graph import Graph
from millstream.ir.importer import import_graph_def
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor

_converters: dict[str, tuple[Any, Any, Any]] = {}


def register_collection(name: str, proto_type: Any, to_proto: Any, from_proto: Any) -> None:
    """Registers how the items of a collection become messages, and back."""
    _converters[name] = (proto_type, to_proto, from_proto)


@export("train.export_meta_graph")
def export_meta_graph(
    filename=None,
    meta_info_def=None,
    graph_def=None,
    saver_def=None,
    collection_list=None,
    as_text=False,
    graph=None,
    export_scope=None,
    clear_devices=False,
    clear_extraneous_savers=False,
    strip_default_attrs=False,
    save_debug_info=False,
    **kwargs,
):
    """Returns a graph with its collections as a `MetaGraphDef`, and writes it to a file if wanted.

    Args:
      filename: path to write to, or `None`.
      meta_info_def: a `MetaInfoDef` to start from.
      graph_def: the graph's message, made from `graph` by default.
      saver_def: the saver's.
      collection_list: names of the collections to write; all by default.
      as_text: whether the file is text.
      graph: the graph, by default the default one.
      export_scope: only nodes below this scope, with names relative to it.
      clear_devices: whether device strings are dropped.
      clear_extraneous_savers: whether other savers' nodes are dropped (their collection is).
      strip_default_attrs: whether attrs with default values are left out.
      save_debug_info: accepted; origins are not written.
      **kwargs: accepted.

    Returns:
      The `MetaGraphDef`.
    """
    del save_debug_info, kwargs
    graph = graph or get_default_graph()
    message = protos.MetaGraphDef()
    if meta_info_def is not None:
        message.meta_info_def.CopyFrom(meta_info_def)
    info = message.meta_info_def
    info.tensorflow_version = version.__version__
    info.tensorflow_git_version = "unknown"
    message.graph_def.CopyFrom(
        graph.as_graph_def(add_shapes=True) if graph_def is None else graph_def
    )
    info.stripped_op_list.op.extend(
        graph.op_def_of(opdef)
        for _, opdef in sorted({n.type: n.opdef for n in graph.nodes}.items())
    )
    _edit_nodes(message.graph_def, graph, export_scope, clear_devices, strip_default_attrs)
    info.stripped_default_attrs = strip_default_attrs
    if saver_def is not None:
        message.saver_def.CopyFrom(saver_def)
    for name in graph.get_all_collection_keys() if collection_list is None else collection_list:
        if not (clear_extraneous_savers and name == "savers"):
            _add_collection(message, name, graph.get_collection(name), export_scope)
    if filename is not None:
        _write(message, os.fspath(filename), as_text)
    return message


def _edit_nodes(
    graph_def: Any, graph: Graph, scope: str | None, clear_devices: bool, strip: bool
) -> None:
    if scope:
        prefix = scope.rstrip("/") + "/"
        kept = [n for n in graph_def.node if n.name.startswith(prefix)]
        del graph_def.node[:]
        for node in kept:
            node.name = node.name.removeprefix(prefix)
            node.input[:] = [_relative(edge, prefix) for edge in node.input]
        graph_def.node.extend(kept)
    for node in graph_def.node:
        if clear_devices:
            node.device = ""
        if strip:
            _strip_defaults(node, graph)


def _relative(edge: str, prefix: str) -> str:
    mark = "^" if edge.startswith("^") else ""
    return mark + edge.removeprefix("^").removeprefix(prefix)


def _strip_defaults(node: Any, graph: Graph) -> None:
    found = graph.find_operation(node.name)
    if found is None:
        return
    for spec in found.opdef.attrs.values():
        is_default = spec.kind != "tensor" and found.attrs.get(spec.name) == spec.default
        if spec.has_default and is_default:
            node.attr.pop(spec.name, None)


def _add_collection(message: Any, name: str, items: list[Any], scope: str | None) -> None:
    """Writes one collection as messages, node names, numbers or strings; others cannot be kept."""
    out = protos.CollectionDef()
    try:
        if name in _converters:
            _, to_proto, _ = _converters[name]
            encoded = [to_proto(item, scope) for item in items]
            out.bytes_list.value.extend(e.SerializeToString() for e in encoded if e is not None)
        elif all(
            isinstance(item, (Tensor, Operation)) or hasattr(item, "_as_graph_element")
            for item in items
        ):
            out.node_list.value.extend(item.name for item in items)
        elif all(isinstance(item, int) for item in items):
            out.int64_list.value.extend(items)
        elif all(isinstance(item, float) for item in items):
            out.float_list.value.extend(items)
        elif all(isinstance(item, (str, bytes)) for item in items):
            out.bytes_list.value.extend(i.encode() if isinstance(i, str) else i for i in items)
        else:
            raise TypeError(f"items of types {sorted({type(i).__name__ for i in items})}")
    except (TypeError, AttributeError, ValueError) as error:
        logging.warning("Collection %s cannot be written to a MetaGraph: %s", name, error)
        return
    message.collection_def[name].CopyFrom(out)


def _write(message: Any, filename: str, as_text: bool) -> None:
    data = text_format.MessageToString(message).encode() if as_text else message.SerializeToString()
    files.write_atomically(filename, data)


def read_meta_graph_file(filename: Any) -> Any:
    """Returns the `MetaGraphDef` in a file, binary or text.

    Raises:
      OSError: if it cannot be read, or holds something else.
    """
    path = os.fspath(filename)
    if not files.files_of(path).exists(path):
        raise OSError(f"File {path} does not exist.")
    with files.files_of(path).open(path, "rb") as file:
        data = file.read()
    message = protos.MetaGraphDef()
    try:
        message.ParseFromString(data)
        return message
    except DecodeError:
        pass
    try:
        return text_format.Parse(data.decode(), protos.MetaGraphDef())
    except (UnicodeDecodeError, text_format.ParseError) as error:
        raise OSError(f"Cannot parse file {path}: {error}.") from None


def import_into_default_graph(
    source: Any,
    clear_devices: bool,
    import_scope: str | None,
    input_map: Any = None,
    return_elements: Any = None,
) -> tuple[Any, Any]:
    """Adds a MetaGraph's nodes and collections to the default graph.

    Returns it and the elements.
    """
    message = source if hasattr(source, "graph_def") else read_meta_graph_file(source)
    graph_def = message.graph_def
    if clear_devices:
        graph_def = type(graph_def)()
        graph_def.CopyFrom(message.graph_def)
        for node in graph_def.node:
            node.device = ""
    elements = import_graph_def(graph_def, input_map, return_elements, name=import_scope or "")
    graph = get_default_graph()
    for name, collection in sorted(message.collection_def.items()):
        for item in _decoded(graph, name, collection, import_scope):
            graph.add_to_collection(name, item)
    return message, elements


def _decoded(graph: Graph, name: str, collection: Any, scope: str | None) -> Any:
    kind = collection.WhichOneof("kind")
    if kind is None:
        logging.error("Cannot identify data type for collection %s. Skipping.", name)
        return []
    values = list(getattr(collection, kind).value)
    if kind == "node_list":
        prefix = f"{scope}/" if scope else ""
        return [graph.as_graph_element(prefix + v) for v in values]
    if kind == "bytes_list" and name in _converters:
        proto_type, _, from_proto = _converters[name]
        return [from_proto(proto_type().FromString(v), scope) for v in values]
    if kind == "bytes_list":
        return [v.decode(errors="surrogateescape") for v in values]
    return values
