"""What all random ops share: their hidden state and the checks of their `shape` input."""

import math
import secrets

import numpy as np

from millstream.base import errors
from millstream.ir.opdef import Owns
from millstream.ops.random.philox import initial_state

MAX_ELEMENTS = 2**63 - 1


def initial(node):
    """Returns the state of a node's generator; from the system's entropy if it has no seeds."""
    seed, seed2 = node.attrs["seed"], node.attrs["seed2"]
    if seed == 0 and seed2 == 0:
        seed, seed2 = secrets.randbits(64), secrets.randbits(64)
    return initial_state(seed, seed2)


RNG = Owns("rng", initial=initial)


def sizes(shape):
    """Returns a concrete shape as a tuple of ints.

    Raises:
      InvalidArgumentError: If it is no vector, or negative or too large.
    """
    shape = np.asarray(shape)
    if shape.ndim != 1:
        message = f"shape must be a vector of {{int32,int64}}, got shape {list(shape.shape)}"
        raise errors.InvalidArgumentError(None, None, message)
    found = tuple(int(size) for size in shape)
    for size in found:
        if size < 0:
            raise errors.InvalidArgumentError(None, None, f"Dimension {size} must be >= 0")
    if math.prod(found) > MAX_ELEMENTS:
        raise errors.InvalidArgumentError(None, None, f"Shape {list(found)} has too many elements")
    return found


def spelled_shape(shape, shape_as_shape):
    """Is the body of shape rules whose output has the shape that input `shape` spells."""
    shape.assert_has_rank(1)
    return shape_as_shape
