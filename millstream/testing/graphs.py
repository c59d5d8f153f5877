"""Comparison of `GraphDef`s."""

from millstream.base.export import export
from millstream.formats import protos


@export("test.assert_equal_graph_def")
def assert_equal_graph_def(actual, expected, checkpoint_v2=False, hash_table_shared_name=False):
    """Asserts that two `GraphDef`s have the same nodes, in any order; versions do not count.

    Args:
      actual: one.
      expected: the other.
      checkpoint_v2: whether random suffixes of temporary checkpoint names are ignored.
      hash_table_shared_name: whether random names of tables are ignored.

    Raises:
      AssertionError: if they differ.
      TypeError: if they are no `GraphDef`s.
    """
    for one in (actual, expected):
        if not isinstance(one, protos.GraphDef):
            raise TypeError(f"Expected a GraphDef, not {type(one).__name__}")
    ignored = ("value",) * checkpoint_v2 + ("shared_name",) * hash_table_shared_name
    first, second = _by_name(actual, ignored), _by_name(expected, ignored)
    if first.keys() != second.keys():
        raise AssertionError(f"nodes differ: {sorted(first.keys() ^ second.keys())}")
    for name, node in first.items():
        if node != second[name]:
            raise AssertionError(f"Node '{name}' differs:\n{node}\n{second[name]}")


def _by_name(graph_def, ignored):
    nodes = {}
    for node in graph_def.node:
        copy = type(node)()
        copy.CopyFrom(node)
        if copy.op == "Const" or "shared_name" in ignored:
            for key in ignored:
                copy.attr.pop(key, None)
        nodes[copy.name] = copy
    return nodes
