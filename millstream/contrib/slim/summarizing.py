"""`slim.summaries`: summaries of several tensors at once, printed too if asked to."""

from millstream.base.export import export
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import add_to_collection
from millstream.ops.flow.printing import Print
from millstream.ops.nn.normalization import zero_fraction
from millstream.summary.functions import histogram, image, scalar


def _published(name):
    return export(f"contrib.slim.summaries.{name}", module=__name__)


def _name(tensor, name, prefix):
    return f"{prefix}/{name or tensor.op.name}" if prefix else name or tensor.op.name


def _made(summarize, tensor, name, prefix, print_summary=False):
    full = _name(tensor, name, prefix)
    op = summarize(full, tensor, collections=[])
    if print_summary:
        op = Print(op, [tensor], full)
    add_to_collection(GraphKeys.SUMMARIES, op)
    return op


@_published("add_histogram_summary")
def add_histogram_summary(tensor, name=None, prefix=None):
    """Summarises a tensor as a histogram."""
    return _made(histogram, tensor, name, prefix)


@_published("add_image_summary")
def add_image_summary(tensor, name=None, prefix=None, print_summary=False):
    """Summarises images."""
    return _made(image, tensor, name, prefix, print_summary)


@_published("add_scalar_summary")
def add_scalar_summary(tensor, name=None, prefix=None, print_summary=False):
    """Summarises a scalar."""
    return _made(scalar, tensor, name, prefix, print_summary)


@_published("add_zero_fraction_summary")
def add_zero_fraction_summary(tensor, name=None, prefix=None, print_summary=False):
    """Summarises which part of a tensor is zero."""
    name = _name(tensor, name, prefix)
    part = zero_fraction(tensor)
    return _made(scalar, part, f"{name}/Fraction_of_Zero_Values", None, print_summary)


@_published("add_histogram_summaries")
def add_histogram_summaries(tensors, prefix=None):
    """Summarises tensors as histograms."""
    return [add_histogram_summary(tensor, prefix=prefix) for tensor in tensors]


@_published("add_image_summaries")
def add_image_summaries(tensors, prefix=None):
    """Summarises several tensors of images."""
    return [add_image_summary(tensor, prefix=prefix) for tensor in tensors]


@_published("add_scalar_summaries")
def add_scalar_summaries(tensors, prefix=None, print_summary=False):
    """Summarises scalars."""
    return [add_scalar_summary(t, prefix=prefix, print_summary=print_summary) for t in tensors]


@_published("add_zero_fraction_summaries")
def add_zero_fraction_summaries(tensors, prefix=None):
    """Summarises which part of each tensor is zero."""
    return [add_zero_fraction_summary(tensor, prefix=prefix) for tensor in tensors]
