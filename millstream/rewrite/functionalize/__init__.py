"""Functionalize: raw control flow (`Switch`, `Merge`, `Enter`, …) becomes `If`, `While` and `Loop`.

GraphDefs of TensorFlow 1.x hold branches and loops as single dataflow nodes. What `tf.cond` and
`tf.while_loop` wrote there has a structure, which this pass finds again: first where each node is
(`structure`), then, level by level, functions and the nodes that call them (`levels`, `loops`).
The stacks that carry values from a loop to the loop of its gradient become arrays that the first
`Loop` saves and the second takes apart.

The result is a program of another graph, in which nodes keep their names, so that variables and
hidden state are the same. A graph without such a structure is left to the executor of frames.
"""

from __future__ import annotations

import logging

from millstream.rewrite.functionalize.levels import Emitter
from millstream.rewrite.functionalize.structure import Irregular, Structure
from millstream.rewrite.program import Program

__all__ = ["functionalize"]

_LOG = logging.getLogger("millstream")


def functionalize(program: Program) -> Program | None:
    """Makes a program without raw control flow of one that has some.

    Args:
      program: The program, pruned.

    Returns:
      The new program, or None if its structure is not one of branches and loops.
    """
    try:
        return Emitter(Structure(program)).run()
    except Irregular as error:
        _LOG.debug("raw control flow is run node by node: %s", error)
    except (TypeError, ValueError) as error:
        # A shape rule may know more inside a function than it did around it.
        _LOG.debug("raw control flow is run node by node: %s: %s", type(error).__name__, error)
    return None
