"""Inception networks of versions 1 to 3.

Sources: Szegedy et al., 2014 (GoogLeNet); Ioffe and Szegedy, 2015; Szegedy et al., 2015.
"""

from millstream.contrib.layers.conv_layers import avg_pool2d, max_pool2d
from millstream.contrib.layers.conv_layers import convolution2d as conv2d
from millstream.contrib.slim.nets.common import normal
from millstream.ops import array
from millstream.state.scoping import variable_scope


def step(net, depth, scope, width, window, options=None):
    """Makes one convolution or pool; see `inception_tables`."""
    options = dict(options or {})
    spread = options.pop("normal", None)
    if spread is not None:
        options["weights_initializer"] = normal(spread)
    pools = {"max": max_pool2d, "avg": avg_pool2d}
    if width in pools:
        return pools[width](net, window, scope=scope, **options)
    return conv2d(net, depth(width), window, scope=scope, **options)


def branch(net, depth, steps):
    """Makes one branch: steps one after the other."""
    for item in steps:
        if isinstance(item, list):
            net = array.concat([step(net, depth, *part) for part in item], 3)
        else:
            net = step(net, depth, *item)
    return net


def mixed(net, depth, branches, scope):
    """Makes branches side by side and puts their channels together."""
    with variable_scope(scope):
        made = []
        for i, steps in enumerate(branches):
            with variable_scope(f"Branch_{i}"):
                made.append(branch(net, depth, steps))
        return array.concat(made, 3)


class Base:
    """Makes layers up to a named one, and notes each as an end point.

    Args:
      net: what comes in.
      final_endpoint: name of the last layer.
      min_depth: the smallest number of channels.
      depth_multiplier: factor of the numbers of channels.

    Raises:
      ValueError: if the factor is not positive.
    """

    def __init__(self, net, final_endpoint, min_depth=1, depth_multiplier=1.0) -> None:
        if depth_multiplier <= 0:
            raise ValueError("depth_multiplier is not greater than zero.")
        self.net, self.final, self.end_points = net, final_endpoint, {}
        self._least, self._factor = min_depth, depth_multiplier

    def depth(self, width):
        """Scales a number of channels."""
        return max(int(width * self._factor), self._least)

    @property
    def done(self):
        """Whether the last layer is made."""
        return self.final in self.end_points

    def add(self, name, net):
        """Notes a layer."""
        self.net = self.end_points[name] = net

    def make(self, table):
        """Adds layers: steps, or `(name, branches)`."""
        for item in table:
            if self.done:
                return
            if len(item) == 2:
                self.add(item[0], mixed(self.net, self.depth, item[1], item[0]))
            else:
                self.add(item[0], step(self.net, self.depth, *item))

    def finished(self):
        """Returns the last layer, and all by name.

        Raises:
          ValueError: if the last layer never came.
        """
        if not self.done:
            raise ValueError(f"Unknown final endpoint {self.final}")
        return self.net, self.end_points
