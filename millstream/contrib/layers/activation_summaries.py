"""Summaries of activations, collections and variables."""

import functools
import re

from millstream.base.export import export
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import get_collection
from millstream.ops import math
from millstream.ops.nn.normalization import zero_fraction
from millstream.summary.functions import histogram, scalar


def _both(name):
    return export(f"contrib.layers.{name}", f"contrib.slim.{name}", module=__name__)


def _tag(name, tensor):
    return f"{tensor.op.name}/{name}" if name else tensor.op.name


@_both("summarize_tensor")
def summarize_tensor(tensor, tag=None):
    """Summarises a scalar as such and anything else as a histogram."""
    make = scalar if tensor.shape.ndims == 0 else histogram
    return make(tag or tensor.op.name, tensor)


@_both("summarize_tensors")
def summarize_tensors(tensors, summarizer=summarize_tensor):
    """Summarises each of several tensors."""
    return [summarizer(tensor) for tensor in tensors]


@_both("summarize_activation")
def summarize_activation(op):
    """Summarises a tensor of activations: how many are zero, or out of range, and a histogram."""
    kind = op.op.type
    if kind in ("Relu", "Softplus", "Relu6"):
        scalar(_tag("zeros", op), zero_fraction(op))
        if kind == "Relu6":
            sixes = math.cast(math.equal(op, 6.0), op.dtype)
            scalar(_tag("sixes", op), math.reduce_mean(sixes))
    elif kind in ("Sigmoid", "Tanh"):
        low = 0.1 if kind == "Sigmoid" else -0.9
        high = 0.9
        for name, found in (("low", math.less(op, low)), ("high", math.greater(op, high))):
            scalar(_tag(name, op), math.reduce_mean(math.cast(found, op.dtype)))
    return histogram(_tag("activation", op), op)


@_both("summarize_collection")
def summarize_collection(collection, name_filter=None, summarizer=summarize_tensor):
    """Summarises the tensors of a collection whose names match a regular expression."""
    tensors = [
        item for item in get_collection(collection)
        if name_filter is None or re.match(name_filter, item.op.name)
    ]  # fmt: skip
    return summarize_tensors(tensors, summarizer)


summarize_variables = functools.partial(summarize_collection, GraphKeys.GLOBAL_VARIABLES)
summarize_weights = functools.partial(summarize_collection, GraphKeys.WEIGHTS)
summarize_biases = functools.partial(summarize_collection, GraphKeys.BIASES)
for _name in ("variables", "weights", "biases"):
    _both(f"summarize_{_name}")(globals()[f"summarize_{_name}"])


@_both("summarize_activations")
def summarize_activations(name_filter=None, summarizer=summarize_activation):
    """Summarises the collection of activations."""
    return summarize_collection(GraphKeys.ACTIVATIONS, name_filter, summarizer)
