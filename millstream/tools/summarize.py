"""Count the parameters of a model, and the multiplications of one step, scope by scope."""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from typing import Any

import millstream as tf
from millstream.base.dtypes import as_dtype
from millstream.tools import report
from millstream.tools.artifacts import Artifact, graph_of, open_artifact

_VARIABLES = ("Variable", "VariableV2", "VarHandleOp")


def main(arguments: list[str]) -> int:
    """Prints a table of scopes."""
    parser = report.command(
        "summarize", __doc__, ("model", "a SavedModel, graph, or checkpoint with its .meta")
    )
    parser.add_argument(
        "--depth", type=int, default=1, metavar="N", help="levels of scopes to tell apart (1)"
    )
    parser.add_argument(
        "--batch", type=int, default=1, metavar="N", help="what unknown sizes count as (1)"
    )
    options = parser.parse_args(arguments)
    return report.guarded("summarize", lambda: _summarize(options))


def _summarize(options: argparse.Namespace) -> None:
    artifact = open_artifact(options.model)
    rows = summary(artifact, options.depth, options.batch)
    totals = {key: sum(row[key] for row in rows) for key in ("parameters", "bytes", "flops")}
    if options.json:
        report.print_json({"scopes": rows, "total": totals})
        return
    rows = [*rows, {"scope": "total", **totals}]
    report.print_table(
        "",
        ["scope", "parameters#", "memory#", "FLOPs#"],
        [[r["scope"], r["parameters"], report.size_text(r["bytes"]), r["flops"]] for r in rows],
    )
    if any(row["flops"] for row in rows):
        print(f"\nFLOPs of products and convolutions, batch {options.batch}.")


def summary(artifact: Artifact, depth: int = 1, batch: int = 1) -> list[dict[str, Any]]:
    """Lists scopes with the number and bytes of their parameters and their FLOPs.

    Slots of optimizers, which lie below a variable's name (`w/Adam`), are left out.

    Args:
      artifact: the model.
      depth: how many levels of names make a scope.
      batch: what unknown dimensions count as.
    """
    graph_def = graph_of(artifact)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
    sums: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(("p", "b", "f"), 0))
    names = {node.name for node in graph.get_operations() if node.type in _VARIABLES}
    for node in graph.get_operations():
        scope = "/".join(node.name.split("/")[:depth])
        if node.name in names:
            if node.name.rpartition("/")[0] in names:
                continue
            dtype = as_dtype(node.get_attr("dtype"))
            count = math.prod(d or 1 for d in (tf.TensorShape(node.get_attr("shape")).as_list()))
            sums[scope]["p"] += count
            sums[scope]["b"] += count * dtype.size
        elif not node.name.startswith("gradients"):
            sums[scope]["f"] += _flops(node, batch)
    return [
        {"scope": scope, "parameters": s["p"], "bytes": s["b"], "flops": s["f"]}
        for scope, s in sums.items()
        if any(s.values())
    ]


def _flops(node: Any, batch: int) -> int:
    """Counts two for each multiplication of a product or convolution; 0 for other nodes."""
    count = _TERMS.get(node.type)
    if count is None:
        return 0
    output, first, second = (_sizes(t, batch) for t in (node.outputs[0], *node.inputs[:2]))
    if None in (output, first, second):
        return 0
    return 2 * math.prod(output) * count(node, first, second)


def _sizes(tensor: Any, batch: int) -> list[int] | None:
    if tensor.shape.ndims is None:
        return None
    return [batch if size is None else size for size in tensor.shape.as_list()]


_TERMS = {
    "MatMul": lambda node, a, b: a[0 if node.get_attr("transpose_a") else 1],
    "BatchMatMul": lambda node, a, b: a[-2 if node.get_attr("adj_x") else -1],
    "BatchMatMulV2": lambda node, a, b: a[-2 if node.get_attr("adj_x") else -1],
    "Conv2D": lambda node, x, w: math.prod(w[:3]),
    "Conv3D": lambda node, x, w: math.prod(w[:4]),
    "DepthwiseConv2dNative": lambda node, x, w: math.prod(w[:2]),
}
"""For each op, how many products make one element of its output."""
