"""Show what is in a model, graph, checkpoint, event file or TFRecord file."""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from typing import Any

import numpy as np

from millstream.base.dtypes import as_dtype
from millstream.formats import protos
from millstream.tools import report
from millstream.tools.artifacts import Artifact, open_artifact

_FED = ("Placeholder", "PlaceholderV2")


def main(arguments: list[str]) -> int:
    """Prints what a path holds."""
    parser = report.command("inspect", __doc__, ("path", "what to look at, of any kind"))
    parser.add_argument("--tensor", metavar="NAME", help="print this tensor of a checkpoint")
    parser.add_argument(
        "--limit", type=int, default=200, metavar="N", help="rows to print at most (200)"
    )
    options = parser.parse_args(arguments)
    return report.guarded("inspect", lambda: _inspect(options))


def _inspect(options: argparse.Namespace) -> None:
    artifact = open_artifact(options.path)
    if options.tensor is not None:
        _show_tensor(artifact, options)
        return
    described = DESCRIBERS[artifact.kind](artifact, options.limit)
    described = {"kind": artifact.kind, "path": artifact.path, **described}
    if options.json:
        report.print_json(described)
    else:
        _show(described)


def _show_tensor(artifact: Artifact, options: argparse.Namespace) -> None:
    if artifact.kind != "checkpoint":
        raise ValueError(f"--tensor is for checkpoints; {artifact.path} is a {artifact.kind}")
    array = artifact.content.get(options.tensor)
    if options.json:
        report.print_json({"name": options.tensor, "dtype": str(array.dtype), "values": array})
        return
    print(f"{options.tensor}  {array.dtype}{list(array.shape)}")
    print(np.array2string(array, threshold=options.limit))


def _show(described: dict[str, Any]) -> None:
    """Prints the facts line by line, then each list of rows as a table."""
    for key, value in described.items():
        if not isinstance(value, list):
            print(f"{key.replace('_', ' ')}: {value}")
    for key, rows in described.items():
        if isinstance(rows, list) and rows:
            print()
            numbers = {k for k in rows[0] if isinstance(rows[0][k], int)}
            columns = [f"{k}#" if k in numbers else k for k in rows[0]]
            report.print_table(key, columns, [list(row.values()) for row in rows])


def describe_checkpoint(artifact: Artifact, limit: int) -> dict[str, Any]:
    """Lists the tensors of a checkpoint."""
    reader = artifact.content
    rows, total, count = [], 0, 0
    for name in reader.names():
        dtype, shape = reader.dtype_and_shape(name)
        elements = int(np.prod(shape, dtype=np.int64))
        total += elements
        count += 1
        if len(rows) < limit:
            rows.append(
                {"name": name, "dtype": dtype.name, "shape": str(list(shape)), "elements": elements}
            )
    return {"tensor_count": count, "elements": f"{total:,}", "tensors": rows}


def describe_graph(artifact: Artifact, limit: int) -> dict[str, Any]:
    """Counts the nodes of a graph and lists its placeholders and functions."""
    return _graph_facts(artifact.content, limit)


def _graph_facts(graph: Any, limit: int) -> dict[str, Any]:
    ops = Counter(node.op for node in graph.node)
    used = {edge.removeprefix("^").partition(":")[0] for node in graph.node for edge in node.input}
    ends = [node for node in graph.node if node.name not in used and node.op != "NoOp"]
    return {
        "nodes": len(graph.node),
        "functions": len(graph.library.function),
        "producer": graph.versions.producer,
        "min_consumer": graph.versions.min_consumer,
        "inputs": [_placeholder(n) for n in graph.node if n.op in _FED][:limit],
        "outputs": [{"name": node.name, "op": node.op} for node in ends][:limit],
        "ops": [{"op": op, "count": n} for op, n in ops.most_common(limit)],
    }


def _placeholder(node: Any) -> dict[str, Any]:
    return {
        "name": node.name,
        "dtype": as_dtype(node.attr["dtype"].type).name,
        "shape": _shape_text(node.attr["shape"].shape),
    }


def _shape_text(shape: Any) -> str:
    if shape.unknown_rank:
        return "unknown"
    return str([None if dim.size < 0 else dim.size for dim in shape.dim]).replace("None", "?")


def describe_meta_graph(artifact: Artifact, limit: int) -> dict[str, Any]:
    """Adds collections and signatures to what is told of a graph."""
    return _meta_graph_facts(artifact.content, limit)


def _meta_graph_facts(meta: Any, limit: int) -> dict[str, Any]:
    return {
        "written_by": f"TensorFlow {meta.meta_info_def.tensorflow_version}",
        "tags": ", ".join(meta.meta_info_def.tags) or "none",
        **_graph_facts(meta.graph_def, limit),
        "signatures": _signatures(meta),
        "collections": [
            {"collection": name, "items": _length(meta.collection_def[name])}
            for name in sorted(meta.collection_def)
        ],
    }


def _length(collection: Any) -> int:
    kind = collection.WhichOneof("kind")
    return len(getattr(collection, kind).value) if kind else 0


def _signatures(meta: Any) -> list[dict[str, Any]]:
    rows = []
    for name in sorted(meta.signature_def):
        signature = meta.signature_def[name]
        for role, infos in (("input", signature.inputs), ("output", signature.outputs)):
            for key in sorted(infos):
                info = infos[key]
                rows.append(
                    {
                        "signature": name,
                        "role": role,
                        "key": key,
                        "tensor": info.name or info.coo_sparse.values_tensor_name,
                        "dtype": as_dtype(info.dtype).name,
                        "shape": _shape_text(info.tensor_shape),
                        "method": signature.method_name.rpartition("/")[2],
                    }
                )
    return rows


def describe_saved_model(artifact: Artifact, limit: int) -> dict[str, Any]:
    """Tells of the first graph of a SavedModel, and the tags of all."""
    model = artifact.content
    facts = _meta_graph_facts(model.meta_graphs[0], limit) if model.meta_graphs else {}
    tags = [", ".join(graph.meta_info_def.tags) for graph in model.meta_graphs]
    return {"graphs": len(tags), **facts, "tag_sets": [{"tags": each} for each in tags]}


def describe_events(artifact: Artifact, limit: int) -> dict[str, Any]:
    """Lists the tags of an event file with their number, last step and last value."""
    tags: dict[str, dict[str, Any]] = {}
    count = 0
    for record in artifact.records():
        event = protos.Event.FromString(record)
        count += 1
        for value in event.summary.value:
            row = tags.setdefault(value.tag, {"tag": value.tag, "kind": "", "events": 0})
            kind = value.WhichOneof("value") or "none"
            last = f"{value.simple_value:.6g}" if kind == "simple_value" else ""
            events = row["events"] + 1
            row.update({"kind": kind, "events": events, "last_step": event.step, "last": last})
    return {"events": count, "tags": list(itertools.islice(tags.values(), limit))}


def describe_records(artifact: Artifact, limit: int) -> dict[str, Any]:
    """Counts records; if they are `tf.train.Example`s, lists the features of the first ones."""
    count = size = 0
    features: dict[str, dict[str, Any]] = {}
    for record in artifact.records():
        count += 1
        size += len(record)
        if count <= limit:
            _note_features(record, features)
    return {
        "compression": artifact.content or "none",
        "records": count,
        "bytes": report.size_text(size),
        "features": list(features.values()),
    }


def _note_features(record: bytes, features: dict[str, dict[str, Any]]) -> None:
    try:
        example = protos.Example.FromString(record)
    except Exception:  # noqa: BLE001 - whatever it is, it is no Example
        return
    for name in sorted(example.features.feature):
        feature = example.features.feature[name]
        kind = feature.WhichOneof("kind")
        length = len(getattr(feature, kind).value) if kind else 0
        row = features.setdefault(
            name, {"feature": name, "type": "", "examples": 0, "shortest": length, "longest": 0}
        )
        row["type"] = (kind or "none").removesuffix("_list")
        row["examples"] += 1
        row["shortest"] = min(row["shortest"], length)
        row["longest"] = max(row["longest"], length)


DESCRIBERS = {
    "saved_model": describe_saved_model,
    "meta_graph": describe_meta_graph,
    "graph": describe_graph,
    "checkpoint": describe_checkpoint,
    "events": describe_events,
    "records": describe_records,
}
