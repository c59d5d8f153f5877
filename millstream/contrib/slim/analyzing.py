"""`slim.model_analyzer`: how large variables and outputs are; queue runners as a context."""

from contextlib import contextmanager

import numpy as np

from millstream.base.export import export
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import get_collection
from millstream.train.coordinator import Coordinator


@export("contrib.slim.model_analyzer.tensor_description")
def tensor_description(var):
    """Describes type and shape: `(float32_ref 3x4)`."""
    sizes = "x".join(str(size) for size in var.shape.as_list())
    return f"({var.dtype.name} {sizes})"


@export("contrib.slim.model_analyzer.analyze_ops")
def analyze_ops(graph, print_info=False):
    """Counts the elements of all outputs of a graph whose size is known.

    Args:
      graph: the graph.
      print_info: whether each node is printed.

    Returns:
      The sum.
    """
    if print_info:
        print("---------\nOperations: name -> (type shapes) [size]\n---------")
    total = 0
    for op in graph.get_operations():
        size, shapes = 0, []
        for output in op.outputs:
            elements = output.shape.num_elements() or 0
            shapes.append(tensor_description(output) if output.shape.ndims is not None else "")
            size += elements
        if print_info:
            print(op.name, "\t->", ", ".join(shapes), f"[{size}]")
        total += size
    return total


@export("contrib.slim.model_analyzer.analyze_vars")
def analyze_vars(variables, print_info=False):
    """Counts the elements and bytes of variables.

    Args:
      variables: a list of variables.
      print_info: whether each is printed.

    Returns:
      `(elements, bytes)`.
    """
    if print_info:
        print("---------\nVariables: name (type shape) [size]\n---------")
    elements = in_bytes = 0
    for var in variables:
        size = int(np.prod(var.shape.as_list() or [1])) if var.shape.ndims is not None else 0
        total = size * var.dtype.size
        elements, in_bytes = elements + size, in_bytes + total
        if print_info:
            print(var.name, tensor_description(var), f"[{size}, bytes: {total}]")
    if print_info:
        print(f"Total size of variables: {elements}")
        print(f"Total bytes of variables: {in_bytes}")
    return elements, in_bytes


@export("contrib.slim.queues.NestedQueueRunnerError")
class NestedQueueRunnerError(Exception):
    """Tells that queue runners are already running in this context."""


_running = [False]


@export("contrib.slim.queues.QueueRunners")
@contextmanager
def QueueRunners(session):
    """Is a context in which the queue runners of the graph run in a session.

    Raises:
      NestedQueueRunnerError: inside another such context.
    """
    if _running[0]:
        raise NestedQueueRunnerError("QueueRunners cannot be nested")
    _running[0] = True
    coordinator, threads = Coordinator(), []
    try:
        for runner in get_collection(GraphKeys.QUEUE_RUNNERS):
            threads += runner.create_threads(session, coord=coordinator, daemon=True, start=True)
        yield
    finally:
        coordinator.request_stop()
        coordinator.join(threads, stop_grace_period_secs=120)
        _running[0] = False
