"""Freeze a model: write one GraphDef with the variables' values in it as constants."""

from __future__ import annotations

import argparse
import os
from typing import Any

from google.protobuf import text_format

import millstream as tf
from millstream.formats.files import write_atomically
from millstream.tools import report
from millstream.tools.artifacts import Artifact, meta_graph_of, open_artifact


def main(arguments: list[str]) -> int:
    """Writes the frozen graph of a model."""
    parser = report.command(
        "freeze",
        __doc__,
        ("model", "a SavedModel, or a checkpoint with its .meta file"),
        ("frozen", "file to write: .pb, or .pbtxt for text"),
    )
    parser.add_argument(
        "--outputs",
        type=lambda text: [name.strip() for name in text.split(",") if name.strip()],
        metavar="NAMES",
        help="nodes to keep, separated by commas; by default the outputs of the signatures",
    )
    parser.add_argument(
        "--keep-identities", action="store_true", help="leave nodes that only training needs"
    )
    options = parser.parse_args(arguments)
    return report.guarded("freeze", lambda: _freeze(options))


def _freeze(options: argparse.Namespace) -> None:
    artifact = open_artifact(options.model)
    frozen = frozen_graph(artifact, options.outputs, not options.keep_identities)
    write_graph(frozen, options.frozen)
    facts = {
        "frozen": options.frozen,
        "nodes": len(frozen.node),
        "bytes": os.path.getsize(options.frozen),
    }
    if options.json:
        report.print_json(facts)
    else:
        size = report.size_text(facts["bytes"])
        print(f"{options.frozen}: {facts['nodes']:,} nodes, {size}")


def frozen_graph(artifact: Artifact, outputs: list[str] | None, strip: bool = True) -> Any:
    """Returns the frozen `GraphDef` of a SavedModel, or of a checkpoint with a MetaGraph.

    Args:
      artifact: the model.
      outputs: names of the nodes to keep; by default the outputs of all signatures.
      strip: whether to drop nodes that only training needs.

    Raises:
      ValueError: if there is no graph, or no outputs are known.
    """
    meta = meta_graph_of(artifact)
    if meta is None:
        raise ValueError(f"{artifact.path} ({artifact.kind}) has no graph with variables to freeze")
    outputs = outputs or signature_outputs(meta)
    if not outputs:
        raise ValueError("the model has no signature: name its outputs with --outputs")
    outputs = [name.partition(":")[0] for name in outputs]
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        load(sess, artifact, meta)
        frozen = tf.graph_util.convert_variables_to_constants(sess, graph.as_graph_def(), outputs)
    return tf.graph_util.remove_training_nodes(frozen, outputs) if strip else frozen


def load(sess: Any, artifact: Artifact, meta: Any) -> None:
    """Adds a model to a session's graph and restores its variables."""
    if artifact.kind == "saved_model":
        tf.saved_model.load(sess, list(meta.meta_info_def.tags), artifact.path)
        return
    saver = tf.train.import_meta_graph(meta, clear_devices=True)
    if saver is not None and artifact.kind == "checkpoint":
        saver.restore(sess, artifact.path)


def signature_outputs(meta: Any) -> list[str]:
    """Lists the nodes that the signatures of a MetaGraph give."""
    infos = [
        signature.outputs[key]
        for name, signature in sorted(meta.signature_def.items())
        if not name.startswith("__")
        for key in sorted(signature.outputs)
    ]
    return list(dict.fromkeys(info.name.partition(":")[0] for info in infos if info.name))


def write_graph(graph: Any, path: str) -> None:
    """Writes a `GraphDef`, as text if the path ends in `.pbtxt`."""
    is_text = path.endswith(".pbtxt")
    data = text_format.MessageToString(graph).encode() if is_text else graph.SerializeToString()
    write_atomically(path, data)
