"""Knows the zeros that stand for "nobody asked" among the cotangents of a node's outputs."""

import numpy as np

from millstream.ir.static_value import constant_array


def is_zero(dy):
    """Tells whether a cotangent is certainly zero, so that its part can be left out."""
    if dy is None or dy.op.type == "ZerosLike":
        return True
    if dy.op.type == "Fill":
        dy = dy.op.inputs[1]
    value = constant_array(dy) if dy.op.type == "Const" else None
    return value is not None and not np.any(value)
