"""Convert between forms of models: what to write is told by the name of the target.

A graph, SavedModel, or checkpoint with its .meta becomes a frozen graph (`.pb`, text `.pbtxt`) or,
with `--saved-model`, the directory of a SavedModel. A checkpoint becomes arrays (`.npz`,
`.safetensors`), and arrays become a checkpoint (any other name).
"""

from __future__ import annotations

import argparse
import importlib
import os
from typing import Any

import numpy as np

import millstream as tf
from millstream.formats.bundle import BundleWriter
from millstream.tools import report
from millstream.tools.artifacts import Artifact, graph_of, meta_graph_of, open_artifact
from millstream.tools.freeze import frozen_graph, load, write_graph

_ARRAYS = (".npz", ".safetensors")


def main(arguments: list[str]) -> int:
    """Converts one thing into another."""
    parser = report.command(
        "convert", __doc__, ("source", "what to convert"), ("target", "what to write")
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--outputs",
        type=lambda text: text.split(","),
        metavar="NAMES",
        help="nodes to keep in a frozen graph, and outputs of a SavedModel made from a graph",
    )
    parser.add_argument("--saved-model", action="store_true", help="write a SavedModel")
    options = parser.parse_args(arguments)
    return report.guarded("convert", lambda: _convert(options))


def _convert(options: argparse.Namespace) -> None:
    source, target = options.source, options.target
    if os.path.splitext(source)[1] in _ARRAYS:
        count = write_checkpoint(read_arrays(source), target)
        _tell(options, {"tensors": count})
        return
    artifact = open_artifact(source)
    if os.path.splitext(target)[1] in _ARRAYS:
        _tell(options, {"tensors": write_arrays(artifact, target)})
    elif options.saved_model:
        write_saved_model(artifact, target, options.outputs)
        _tell(options, {"saved_model": target})
    elif target.endswith((".pb", ".pbtxt")):
        is_graph = artifact.kind == "graph"
        graph = graph_of(artifact) if is_graph else frozen_graph(artifact, options.outputs)
        if is_graph and options.outputs:
            graph = tf.graph_util.extract_sub_graph(graph, options.outputs)
        write_graph(graph, target)
        _tell(options, {"nodes": len(graph.node)})
    else:
        raise ValueError(
            f"cannot tell what to write to '{target}': end it in .pb, .pbtxt, .npz or "
            ".safetensors, or say --saved-model"
        )


def _tell(options: argparse.Namespace, facts: dict[str, Any]) -> None:
    facts = {"target": options.target, **facts}
    if options.json:
        report.print_json(facts)
    else:
        print(", ".join(f"{key.replace('_', ' ')} {value}" for key, value in facts.items()))


def read_arrays(path: str) -> dict[str, np.ndarray]:
    """Reads the arrays of an `.npz` or `.safetensors` file.

    Raises:
      ValueError: if the file is damaged.
    """
    if path.endswith(".npz"):
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    return dict(_safetensors().load_file(path))


def write_checkpoint(arrays: dict[str, np.ndarray], prefix: str) -> int:
    """Writes arrays as a checkpoint of format 2; returns their number."""
    writer = BundleWriter(prefix)
    try:
        for name in sorted(arrays):
            writer.add(name, arrays[name])
    except BaseException:
        writer.abort()
        raise
    writer.finish()
    return len(arrays)


def write_arrays(artifact: Artifact, path: str) -> int:
    """Writes the tensors of a checkpoint to a file of arrays; returns their number.

    Raises:
      ValueError: if the source is no checkpoint.
    """
    artifact = _checkpoint_of(artifact)
    reader = artifact.content
    arrays = {name: reader.get(name) for name in reader.names()}
    temporary = f"{path}.tmp-{os.getpid()}"
    try:
        if path.endswith(".npz"):
            with open(temporary, "wb") as file:
                np.savez(file, **{name: _plain(name, a) for name, a in arrays.items()})
        else:
            save = _safetensors().save_file
            save({n: np.asarray(_plain(n, a), order="C") for n, a in arrays.items()}, temporary)
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)
    return len(arrays)


def _checkpoint_of(artifact: Artifact) -> Artifact:
    if artifact.kind == "checkpoint":
        return artifact
    if artifact.kind == "saved_model":
        return open_artifact(os.path.join(artifact.path, "variables", "variables"))
    raise ValueError(f"{artifact.path} ({artifact.kind}) has no variables to write")


def _plain(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "O":
        raise ValueError(f"'{name}' holds strings, which this form of file cannot hold")
    return array


def _safetensors() -> Any:
    try:
        return importlib.import_module("safetensors.numpy")
    except ModuleNotFoundError:
        raise ValueError("this needs the package safetensors: pip install safetensors") from None


def write_saved_model(artifact: Artifact, path: str, outputs: list[str] | None) -> None:
    """Writes a SavedModel of a graph or of a checkpoint with a MetaGraph.

    The signature `serving_default` has the placeholders as inputs; `outputs` are its outputs.

    Raises:
      ValueError: if the outputs are not known.
    """
    meta = meta_graph_of(artifact)
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        if meta is None:
            tf.import_graph_def(graph_of(artifact), name="")
        else:
            load(sess, artifact, meta)
        if not outputs:
            raise ValueError("name the model's outputs with --outputs")
        inputs = {
            node.name: node.outputs[0]
            for node in graph.get_operations()
            if node.type in ("Placeholder", "PlaceholderV2")
        }
        found = {
            name.partition(":")[0]: graph.as_graph_element(name if ":" in name else f"{name}:0")
            for name in outputs
        }
        tf.saved_model.simple_save(sess, path, inputs, found)
