"""`MetaGraphDef`s: a graph with its collections and saver, written beside every checkpoint."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from millstream.base import logging, version
from millstream.base.export import export
from millstream.formats import files, protos
from millstream.ir.default import get_default_graph
from millstream.ir.graph import Graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.importer import import_graph_def
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor
from millstream.state.variables import from_proto

_UNBOUND = "unbound_inputs"
_UNBOUND_MARK = "$unbound_inputs_"
_SAVING = frozenset(
    ("Save", "SaveSlices", "SaveV2", "Restore", "RestoreSlice", "RestoreV2", "MergeV2Checkpoints")
)

_converters: dict[str, tuple[Any, Any, Any]] = {}


def register_collection(name: str, proto_type: Any, to_proto: Any, from_proto: Any) -> None:
    """Registers how the items of a collection become messages, and back.

    Args:
      name: the collection.
      proto_type: function that gives the message class.
      to_proto: `(item, export_scope) -> message`, or `None` for what lies outside the scope.
      from_proto: `(message, import_scope) -> item`.
    """
    _converters[name] = (proto_type, to_proto, from_proto)


def _variable_to_proto(item: Any, scope: str | None) -> Any:
    if not hasattr(item, "to_proto"):
        raise TypeError(f"'{item}' is no variable")
    return item.to_proto(scope)


for _key in (
    GraphKeys.GLOBAL_VARIABLES,
    GraphKeys.LOCAL_VARIABLES,
    GraphKeys.METRIC_VARIABLES,
    GraphKeys.MODEL_VARIABLES,
    GraphKeys.TRAINABLE_VARIABLES,
    GraphKeys.MOVING_AVERAGE_VARIABLES,
    GraphKeys.GLOBAL_STEP,
):
    register_collection(_key, lambda: protos.VariableDef, _variable_to_proto, from_proto)


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
      export_scope: only nodes below this scope, with names relative to it; what they take from
        outside is listed in the collection `unbound_inputs`.
      clear_devices: whether device strings are dropped.
      clear_extraneous_savers: whether nodes of other savers, and the collection of savers, are
        dropped.
      strip_default_attrs: whether attrs with default values are left out.
      save_debug_info: accepted; origins are not written.
      **kwargs: none are known.

    Returns:
      The `MetaGraphDef`.

    Raises:
      TypeError: if `saver_def` is no `SaverDef`, or for an unknown keyword.
    """
    del save_debug_info
    if kwargs:
        raise TypeError(f"export_meta_graph() got unexpected keyword arguments {sorted(kwargs)}")
    if saver_def is not None and not hasattr(saver_def, "save_tensor_name"):
        raise TypeError(f"saver_def must be of type SaverDef, not {type(saver_def).__name__}")
    graph = graph or get_default_graph()
    message = protos.MetaGraphDef()
    message.graph_def.CopyFrom(
        graph.as_graph_def(add_shapes=True) if graph_def is None else graph_def
    )
    if saver_def is not None:
        message.saver_def.CopyFrom(saver_def)
    if clear_extraneous_savers:
        _drop_other_savers(message)
    if export_scope:
        _cut_scope(message, export_scope)
    _edit_nodes(message.graph_def, graph, clear_devices, strip_default_attrs)
    _fill_info(message, graph, meta_info_def, strip_default_attrs)
    for name in graph.get_all_collection_keys() if collection_list is None else collection_list:
        if not (clear_extraneous_savers and name == GraphKeys.SAVERS):
            _add_collection(message, name, graph.get_collection(name), export_scope)
    if filename is not None:
        _write(message, os.fspath(filename), as_text)
    return message


def _fill_info(message: Any, graph: Graph, given: Any, stripped: bool) -> None:
    info = message.meta_info_def
    if given is not None:
        info.CopyFrom(given)
    info.tensorflow_version = version.VERSION
    info.tensorflow_git_version = version.GIT_VERSION
    info.stripped_default_attrs = stripped
    used = {node.op for node in message.graph_def.node}
    declared = {node.type: node.opdef for node in graph.nodes if node.type in used}
    del info.stripped_op_list.op[:]
    info.stripped_op_list.op.extend(graph.op_def_of(declared[name]) for name in sorted(declared))


def _drop_other_savers(message: Any) -> None:
    """Drops the scopes in which other savers than the message's have their nodes."""
    nodes = message.graph_def.node
    scopes = {_scope_of(node.name) for node in nodes if node.op in _SAVING}
    definition = message.saver_def
    scopes -= {_scope_of(definition.save_tensor_name), _scope_of(definition.restore_op_name), ""}
    dropped = tuple(f"{scope}/" for scope in scopes)
    kept = [node for node in nodes if not node.name.startswith(dropped)]
    del nodes[:]
    nodes.extend(kept)


def _scope_of(name: str) -> str:
    return name.rpartition("/")[0]


def _cut_scope(message: Any, scope: str) -> None:
    """Keeps the nodes below a scope, named relative to it."""
    prefix = scope.rstrip("/") + "/"
    nodes = message.graph_def.node
    kept = [node for node in nodes if node.name.startswith(prefix)]
    names = {node.name for node in kept}
    unbound: dict[str, None] = {}
    for node in kept:
        node.input[:] = [_relative(edge, prefix, names, unbound) for edge in node.input]
        node.name = node.name.removeprefix(prefix)
        for number, place in enumerate(node.attr["_class"].list.s if "_class" in node.attr else ()):
            node.attr["_class"].list.s[number] = place.replace(b"@" + prefix.encode(), b"@", 1)
    del nodes[:]
    nodes.extend(kept)
    if unbound:
        message.collection_def[_UNBOUND].bytes_list.value.extend(e.encode() for e in unbound)


def _relative(edge: str, prefix: str, names: set[str], unbound: dict[str, None]) -> str:
    mark = "^" if edge.startswith("^") else ""
    name = edge.removeprefix("^")
    if name.partition(":")[0] in names:
        return mark + name.removeprefix(prefix)
    unbound[_UNBOUND_MARK + name] = None
    return mark + _UNBOUND_MARK + name


def _edit_nodes(graph_def: Any, graph: Graph, clear_devices: bool, strip: bool) -> None:
    defaults: dict[str, dict[str, Any]] = {}
    for node in graph_def.node:
        if clear_devices:
            node.device = ""
        if not strip:
            continue
        if node.op not in defaults:
            defaults[node.op] = _defaults(graph, node.op)
        for key, value in defaults[node.op].items():
            if key in node.attr and node.attr[key] == value:
                del node.attr[key]


def _defaults(graph: Graph, kind: str) -> dict[str, Any]:
    """Returns the defaults of an op's attrs, as messages."""
    opdef = next((node.opdef for node in graph.nodes if node.type == kind), None)
    if opdef is None:
        return {}
    declared = graph.op_def_of(opdef).attr
    return {attr.name: attr.default_value for attr in declared if attr.HasField("default_value")}


def _add_collection(message: Any, name: str, items: list[Any], scope: str | None) -> None:
    """Writes one collection as messages, node names, numbers or strings; others cannot be kept."""
    out = protos.CollectionDef()
    try:
        if name in _converters:
            encoded = [_converters[name][1](item, scope) for item in items]
            out.bytes_list.value.extend(e.SerializeToString() for e in encoded if e is not None)
        else:
            _fill_collection(out, items, scope)
    except (TypeError, AttributeError, ValueError) as error:
        logging.warning(
            "Issue encountered when serializing %s. Type is unsupported, or the types of the "
            "items don't match field type in CollectionDef. Note this is a warning and probably "
            "safe to ignore. %s",
            name,
            error,
        )
        return
    message.collection_def[name].CopyFrom(out)


def _fill_collection(out: Any, items: list[Any], scope: str | None) -> None:
    if all(isinstance(item, Tensor | Operation) or _is_variable(item) for item in items):
        prefix = f"{scope.rstrip('/')}/" if scope else ""
        names = [item.name for item in items]
        out.node_list.value.extend(n.removeprefix(prefix) for n in names if n.startswith(prefix))
    elif all(isinstance(item, int) for item in items):
        out.int64_list.value.extend(items)
    elif all(isinstance(item, float) for item in items):
        out.float_list.value.extend(items)
    elif all(isinstance(item, str | bytes) for item in items):
        out.bytes_list.value.extend(
            i.encode(errors="surrogateescape") if isinstance(i, str) else i for i in items
        )
    elif all(hasattr(item, "type_url") for item in items):
        for item in items:
            out.any_list.value.add().CopyFrom(item)
    else:
        raise TypeError(f"items of types {sorted({type(i).__name__ for i in items})}")


def _is_variable(item: Any) -> bool:
    return hasattr(item, "_as_graph_element") and hasattr(item, "name")


def _write(message: Any, filename: str, as_text: bool) -> None:
    data = text_format.MessageToString(message).encode() if as_text else message.SerializeToString()
    files.write_atomically(filename, data)


def read_meta_graph_file(filename: Any) -> Any:
    """Returns the `MetaGraphDef` in a file, binary or text.

    Raises:
      OSError: if there is no such file, or it holds something else.
    """
    path = files.path_of(filename)
    if not files.files_of(path).exists(path):
        raise OSError(f"File {path} does not exist.")
    data = files.read_file(path)
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
    clear_devices: bool = False,
    import_scope: str | None = None,
    input_map: Any = None,
    return_elements: Any = None,
) -> tuple[Any, Any, str]:
    """Adds a MetaGraph's nodes and collections to the default graph.

    Returns:
      The `MetaGraphDef`, the elements asked for, and the scope that the nodes are in.

    Raises:
      OSError: if `source` is a path that cannot be read.
      ValueError: if it has inputs from outside that `input_map` does not give.
    """
    message = source if hasattr(source, "graph_def") else read_meta_graph_file(source)
    _check_bound(message, input_map or {})
    graph_def = message.graph_def
    if clear_devices:
        graph_def = type(graph_def)()
        graph_def.CopyFrom(message.graph_def)
        for node in graph_def.node:
            node.device = ""
    graph = get_default_graph()
    # The scope that the import gets, which is another one if the wanted one is in use.
    scope = (
        graph.unique_name(import_scope, mark_as_used=False) if import_scope else graph.name_stack
    )
    elements = import_graph_def(
        graph_def,
        input_map,
        return_elements,
        name=import_scope or "",
        producer_op_list=message.meta_info_def.stripped_op_list,
    )
    for name, collection in sorted(message.collection_def.items()):
        for item in _decoded(graph, name, collection, scope):
            graph.add_to_collection(name, item)
    return message, elements, scope


def _check_bound(message: Any, input_map: Any) -> None:
    if _UNBOUND not in message.collection_def:
        return
    given = {key.decode() if isinstance(key, bytes) else key for key in input_map}
    wanted = [v.decode() for v in message.collection_def[_UNBOUND].bytes_list.value]
    missing = [name for name in wanted if name not in given]
    if missing:
        raise ValueError(
            f"Graph contains unbound inputs: {','.join(missing)}. "
            "Must provide these inputs through input_map."
        )


def _decoded(graph: Graph, name: str, collection: Any, scope: str) -> Iterator[Any]:
    """Gives the items of a collection."""
    kind = collection.WhichOneof("kind")
    if kind is None:
        logging.error("Cannot identify data type for collection %s. Skipping.", name)
        return
    prefix = f"{scope}/" if scope else ""
    for value in getattr(collection, kind).value:
        if kind == "node_list":
            yield graph.as_graph_element(prefix + value)
        elif kind == "bytes_list" and name in _converters:
            proto_type, _, from_message = _converters[name]
            try:
                item = proto_type().FromString(value)
            except DecodeError as error:
                raise ValueError(f"Collection '{name}' cannot be read: {error}") from None
            yield from_message(item, scope)
        elif kind == "bytes_list":
            yield prefix + value.decode(errors="surrogateescape")
        else:
            yield value
