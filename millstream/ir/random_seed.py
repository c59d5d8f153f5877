"""Seeds of random ops: how a graph's seed and an op's own become the pair that a node carries."""

from __future__ import annotations

from typing import Any

from millstream.base.export import export
from millstream.ir.default import get_default_graph

DEFAULT_GRAPH_SEED = 87654321
_MODULUS = 2**31 - 1


@export("get_seed", "random.get_seed")
def get_seed(op_seed: Any) -> tuple[int | None, int | None]:
    """Returns the two seeds of a new random node.

    With a graph seed and no `op_seed` the second is the number of the graph's last node, so that
    every node draws a stream of its own which depends on what was built before it. With neither,
    both are `None`: the stream differs from session to session.

    Args:
      op_seed: Seed that the program gave to this node, or `None`.
    """
    graph = get_default_graph()
    if graph.seed is not None:
        last = graph._last_id  # pyright: ignore[reportPrivateUsage]
        second = last if op_seed is None else op_seed
        pair = graph.seed % _MODULUS, second % _MODULUS
    elif op_seed is not None:
        pair = DEFAULT_GRAPH_SEED, op_seed % _MODULUS
    else:
        return None, None
    # A node takes two zeros for "no seed".
    return (0, _MODULUS) if pair == (0, 0) else pair


def seed_attrs(op_seed: Any) -> dict[str, int]:
    """Returns the attrs `seed` and `seed2` of a new random node; see `get_seed`."""
    seed, seed2 = get_seed(op_seed)
    return {"seed": int(seed or 0), "seed2": int(seed2 or 0)}


@export("set_random_seed", "random.set_random_seed")
def set_random_seed(seed: int) -> None:
    """Sets the seed of the default graph, from which random nodes made later derive theirs.

    Args:
      seed: Any integer; taken modulo 2**31 - 1.
    """
    get_default_graph().seed = seed
