"""`tf.summary.scalar` and its kin: nodes that give serialised `Summary` messages."""

import re
from contextlib import contextmanager

from google.protobuf import json_format

from millstream.base import logging
from millstream.base.dtypes import Float
from millstream.base.export import export
from millstream.formats import protos
from millstream.ir.convert import to_tensor
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import name_scope
from millstream.ops.io.summaries import (
    AudioSummaryV2,
    HistogramSummary,
    ImageSummary,
    MergeSummary,
    ScalarSummary,
    TensorSummaryV2,
)

_ILLEGAL = re.compile(r"[^-/\w\.]")


def clean_tag(name):
    """Returns `name` with what a node may not be called replaced, and tells the user once."""
    if name is None:
        return None
    cleaned = _ILLEGAL.sub("_", name).lstrip("/")
    if cleaned != name:
        logging.info("Summary name %s is illegal; using %s instead.", name, cleaned)
    return cleaned


@contextmanager
def _scope(name, family=None, default_name=None, values=None):
    """Enters the summary's name scope and gives its tag and scope."""
    name, family = clean_tag(name), clean_tag(family)
    base = name if family is None else f"{family}/{name}"
    with name_scope(base, default_name, values) as scope:
        tag = scope.rstrip("/") if family is None else f"{family}/{scope.rstrip('/')}"
        yield tag, scope


def _collect(summary, collections):
    for key in [GraphKeys.SUMMARIES] if collections is None else collections:
        get_default_graph().add_to_collection(key, summary)
    return summary


@export("summary.scalar")
def scalar(name, tensor, collections=None, family=None):
    """Adds a node that gives a number to TensorBoard.

    Args:
      name: tag of the series; the node's scope is put before it.
      tensor: a real scalar.
      collections: collections to add the node to, by default `GraphKeys.SUMMARIES`.
      family: a group to show the series in.

    Returns:
      A string scalar, a serialised `Summary`.
    """
    with _scope(name, family, values=[tensor]) as (tag, scope):
        return _collect(ScalarSummary(tags=tag, values=tensor, name=scope), collections)


@export("summary.histogram")
def histogram(name, values, collections=None, family=None):
    """Adds a node that gives a histogram to TensorBoard.

    Args:
      name: tag of the series; the node's scope is put before it.
      values: a real tensor of any shape; infinities and NaNs fail at run time.
      collections: collections to add the node to, by default `GraphKeys.SUMMARIES`.
      family: a group to show the series in.

    Returns:
      A string scalar, a serialised `Summary`.
    """
    with _scope(name, family, "HistogramSummary", [values]) as (tag, scope):
        return _collect(HistogramSummary(tag=tag, values=values, name=scope), collections)


@export("summary.image")
def image(name, tensor, max_outputs=3, collections=None, family=None):
    """Adds a node that gives images to TensorBoard.

    Args:
      name: tag of the series; the node's scope is put before it.
      tensor: `[batch, height, width, channels]`, 1, 3 or 4 channels; uint8 as it is, floats scaled
        per image.
      max_outputs: how many images of the batch to keep.
      collections: collections to add the node to, by default `GraphKeys.SUMMARIES`.
      family: a group to show the series in.

    Returns:
      A string scalar, a serialised `Summary`.
    """
    with _scope(name, family, values=[tensor]) as (tag, scope):
        node = ImageSummary(tag=tag, tensor=tensor, max_images=max_outputs, name=scope)
        return _collect(node, collections)


@export("summary.audio")
def audio(name, tensor, sample_rate, max_outputs=3, collections=None, family=None):
    """Adds a node that gives sounds to TensorBoard.

    Args:
      name: tag of the series; the node's scope is put before it.
      tensor: `[batch, frames]` or `[batch, frames, channels]` float32 in [-1, 1].
      sample_rate: frames per second.
      max_outputs: how many sounds of the batch to keep.
      collections: collections to add the node to, by default `GraphKeys.SUMMARIES`.
      family: a group to show the series in.

    Returns:
      A string scalar, a serialised `Summary`.
    """
    with _scope(name, family, values=[tensor]) as (tag, scope):
        rate = to_tensor(sample_rate, Float, "sample_rate")
        node = AudioSummaryV2(
            tag=tag, tensor=tensor, sample_rate=rate, max_outputs=max_outputs, name=scope
        )
        return _collect(node, collections)


@export("summary.tensor_summary")
def tensor_summary(
    name,
    tensor,
    summary_description=None,
    collections=None,
    summary_metadata=None,
    family=None,
    display_name=None,
):
    """Adds a node that gives a whole tensor to a TensorBoard plugin.

    Args:
      name: tag of the series; the node's scope is put before it.
      tensor: any tensor.
      summary_description: text shown with it.
      collections: collections to add the node to, by default `GraphKeys.SUMMARIES`.
      summary_metadata: a `SummaryMetadata` that names the plugin.
      family: a group to show the series in.
      display_name: name to show instead of the tag.

    Returns:
      A string scalar, a serialised `Summary`.
    """
    metadata = protos.SummaryMetadata() if summary_metadata is None else summary_metadata
    if display_name is not None:
        metadata.display_name = display_name
    if summary_description is not None:
        metadata.summary_description = summary_description
    with _scope(name, family, values=[tensor]) as (tag, scope):
        node = TensorSummaryV2(
            tensor=tensor,
            tag=tag,
            serialized_summary_metadata=metadata.SerializeToString(),
            name=scope,
        )
        return _collect(node, collections)


@export("summary.text")
def text(name, tensor, collections=None):
    """Adds a node that gives text, as Markdown, to TensorBoard.

    Args:
      name: tag of the series; the node's scope is put before it.
      tensor: a string tensor; vectors and matrices are shown as tables.
      collections: collections to add the node to, by default `GraphKeys.SUMMARIES`.

    Returns:
      A string scalar, a serialised `Summary`.

    Raises:
      ValueError: if `tensor` is no string.
    """
    if tensor.dtype.base_dtype.name != "string":
        raise ValueError(f"Expected tensor {tensor.name} to have dtype string, got {tensor.dtype}")
    metadata = protos.SummaryMetadata()
    metadata.plugin_data.plugin_name = "text"
    return tensor_summary(name, tensor, collections=collections, summary_metadata=metadata)


@export("summary.merge")
def merge(inputs, collections=None, name=None):
    """Adds a node that gives the values of several summaries as one.

    Args:
      inputs: serialised `Summary`s, string scalars.
      collections: collections to add the node to; none by default.
      name: scope of the node.

    Returns:
      A string scalar, a serialised `Summary`.
    """
    with _scope(name, default_name="Merge", values=inputs):
        return _collect(MergeSummary(inputs=inputs, name=clean_tag(name)), collections or [])


@export("summary.merge_all")
def merge_all(key=GraphKeys.SUMMARIES, scope=None, name=None):
    """Merges all summaries of a collection of the default graph.

    Args:
      key: the collection.
      scope: a regular expression that the nodes' names must match.
      name: scope of the node.

    Returns:
      A string scalar, a serialised `Summary`, or `None` if there are no summaries.
    """
    found = get_default_graph().get_collection(key, scope)
    return merge(found, name=name) if found else None


@export("summary.get_summary_description")
def get_summary_description(node_def):
    """Returns the `SummaryDescription` of a `TensorSummary` node's message.

    Raises:
      ValueError: if the node is of another op.
    """
    if node_def.op != "TensorSummary":
        raise ValueError(f"Cannot get_summary_description on {node_def.op}")
    text = node_def.attr["description"].s.decode()
    return json_format.Parse(text, protos.SummaryDescription())
