"""Compare two graphs or two checkpoints; the exit code is 1 if they differ."""

from __future__ import annotations

import argparse
from functools import cache
from typing import Any

import numpy as np

from millstream.ir import registry
from millstream.ir.graphdef import encode_op
from millstream.tools import report
from millstream.tools.artifacts import Artifact, graph_of, open_artifact


def main(arguments: list[str]) -> int:
    """Prints what differs."""
    parser = report.command(
        "diff", __doc__, ("a", "a checkpoint, graph or model"), ("b", "another of the kind")
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=0.0,
        metavar="X",
        help="largest difference of values in checkpoints that counts as none (0)",
    )
    options = parser.parse_args(arguments)
    return report.guarded("diff", lambda: _diff(options))


def _diff(options: argparse.Namespace) -> int:
    a, b = open_artifact(options.a), open_artifact(options.b)
    if a.kind == b.kind == "checkpoint":
        rows = checkpoint_differences(a, b, options.tolerance)
    else:
        rows = graph_differences(graph_of(a), graph_of(b))
    if options.json:
        report.print_json({"equal": not rows, "differences": rows})
    elif rows:
        report.print_table("", ["name", "what", "a", "b"], [list(row.values()) for row in rows])
    else:
        print("equal")
    return 1 if rows else 0


def checkpoint_differences(a: Artifact, b: Artifact, tolerance: float) -> list[dict[str, str]]:
    """Lists the tensors that only one checkpoint has, and those that differ."""
    rows = []
    names_a, names_b = set(a.content.names()), set(b.content.names())
    for name in sorted(names_a | names_b):
        if name not in names_b or name not in names_a:
            rows.append(_only(name, name in names_a))
            continue
        kinds = [_kind(artifact, name) for artifact in (a, b)]
        if kinds[0] != kinds[1]:
            rows.append(_row(name, "dtype or shape", *kinds))
            continue
        difference = _largest_difference(a.content.get(name), b.content.get(name))
        if difference > tolerance:
            rows.append(_row(name, "values", kinds[0], f"differ by up to {difference:.6g}"))
    return rows


def _kind(artifact: Artifact, name: str) -> str:
    dtype, shape = artifact.content.dtype_and_shape(name)
    return f"{dtype.name}{list(shape)}"


def _largest_difference(a: np.ndarray, b: np.ndarray) -> float:
    if a.dtype.kind in "OSUb" or a.size == 0:
        return 0.0 if np.array_equal(a, b) else float("inf")
    wide = complex if a.dtype.kind == "c" else float
    x, y = a.astype(wide), b.astype(wide)
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    distance = np.where(same, 0.0, np.abs(x - y))
    return float("inf") if np.isnan(distance).any() else float(distance.max())


def graph_differences(a: Any, b: Any) -> list[dict[str, str]]:
    """Lists the nodes that only one graph has, and those whose op, inputs or attrs differ."""
    rows = []
    nodes_a, nodes_b = ({node.name: node for node in graph.node} for graph in (a, b))
    for name in dict.fromkeys([*nodes_a, *nodes_b]):
        if name not in nodes_b or name not in nodes_a:
            rows.append(_only(name, name in nodes_a))
            continue
        rows += _node_differences(nodes_a[name], nodes_b[name])
    return rows


def _node_differences(a: Any, b: Any) -> list[dict[str, str]]:
    facts = {
        "op": (a.op, b.op),
        "inputs": (", ".join(a.input), ", ".join(b.input)),
        "device": (a.device, b.device),
    }
    rows = [_row(a.name, what, *pair) for what, pair in facts.items() if pair[0] != pair[1]]
    for key in sorted({*a.attr, *b.attr}):
        if key.startswith("_output_shapes"):
            continue
        attrs = [node.attr.get(key) or _default(node.op, key) for node in (a, b)]
        if attrs[0] != attrs[1]:
            rows.append(_row(a.name, f"attr {key}", *map(_attr_text, attrs)))
    return rows


@cache
def _default(op: str, key: str) -> Any:
    """Returns the default of an op's attr as a message, or `None`."""
    opdef = registry.lookup(op)
    if opdef is None:
        return None
    for attr in encode_op(opdef).attr:
        if attr.name == key and attr.HasField("default_value"):
            return attr.default_value
    return None


def _attr_text(attr: Any) -> str:
    if attr is None:
        return ""
    text = " ".join(str(attr).split())
    return text if len(text) <= 60 else f"{text[:57]}… ({len(attr.SerializeToString())} bytes)"


def _only(name: str, in_a: bool) -> dict[str, str]:
    return _row(name, "only in one", "there" if in_a else "", "" if in_a else "there")


def _row(name: str, what: str, a: str, b: str) -> dict[str, str]:
    return {"name": name, "what": what, "a": a, "b": b}
