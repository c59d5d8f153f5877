"""`Timestamp`: the time at which a node runs."""

import time

import numpy as np

from millstream.base.export import export
from millstream.ir.spec import Double, Host, Returns, Tensor, op


@op(effect=Host())
def Timestamp() -> Returns(ts=Tensor[Double]):
    """Gives the time in seconds since 1970."""


Timestamp.shape_scalar()


@Timestamp.run
def _():
    return np.float64(time.time())


Timestamp.no_gradient("time has none")
Timestamp.examples()


@export("timestamp")
def timestamp(name=None):
    """Gives the time at which the node runs, in seconds since 1970, as float64 scalar.

    Args:
      name: name of the node.
    """
    return Timestamp(name=name)
