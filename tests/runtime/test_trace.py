"""Traced steps and their timeline."""

import json

import numpy as np
import pytest

from millstream.base import dtypes
from millstream.formats import protos
from millstream.ir.constant import constant
from millstream.ir.graph import Graph
from millstream.runtime.session import Session
from millstream.runtime.timeline import Timeline
from tests.compiler import sample_ops as ops


@pytest.fixture
def session():
    with Graph().as_default(), Session() as s:
        yield s


def trace(session, fetches, feed_dict=None, level="FULL_TRACE", **options):
    metadata = protos.RunMetadata()
    level = protos.RunOptions.TraceLevel.Value(level)
    result = session.run(
        fetches, feed_dict, protos.RunOptions(trace_level=level, **options), metadata
    )
    return result, metadata


def network():
    x = ops.SampleInput(dtype=dtypes.float32, shape=[None], name="x")
    v = ops.SampleVariable(dtype=dtypes.float32, shape=[2], name="v")
    init = ops.SampleAssign(v, constant([1.0, 2.0]), name="init")
    y = ops.SampleMul(x, v, name="y")
    total = ops.SampleAssignAdd(v, y, name="total")
    text = ops.SampleText(y, name="text")
    return x, init, total, text


def test_a_full_trace_lists_every_node_that_ran(session):
    x, init, total, text = network()
    session.run(init)
    result, metadata = trace(session, [total, text], {x: [1.0, 1.0]})
    np.testing.assert_array_equal(result[0], [2.0, 4.0])
    (device,) = metadata.step_stats.dev_stats
    assert device.device == "/job:localhost/replica:0/task:0/device:CPU:0"
    by_name = {stats.node_name: stats for stats in device.node_stats}
    assert set(by_name) == {"y", "total", "text"}
    y = by_name["y"]
    assert y.timeline_label == "y = SampleMul(x, v)"
    assert y.all_start_micros > 1e15
    assert y.output[0].tensor_description.dtype == dtypes.float32.as_datatype_enum
    assert [d.size for d in y.output[0].tensor_description.shape.dim] == [2]


def test_a_lower_level_times_regions(session):
    x, init, total, text = network()
    session.run(init)
    _, metadata = trace(session, [total, text], {x: [1.0, 1.0]}, level="SOFTWARE_TRACE")
    labels = [s.timeline_label for s in metadata.step_stats.dev_stats[0].node_stats]
    assert any(label.endswith("= Region()") for label in labels)
    assert "text = SampleText(y)" in labels


def test_nothing_is_traced_unasked(session):
    x, init, total, _ = network()
    session.run(init)
    _, metadata = trace(session, total, {x: [1.0, 1.0]}, level="NO_TRACE")
    assert not metadata.step_stats.dev_stats


def test_partition_graphs_hold_the_pruned_graph(session):
    x, init, total, _ = network()
    session.run(init)
    _, metadata = trace(
        session, total, {x: [1.0, 1.0]}, level="NO_TRACE", output_partition_graphs=True
    )
    (graph,) = metadata.partition_graphs
    assert {node.name for node in graph.node} == {"v", "y", "total"}


def test_the_timeline_is_a_chrome_trace(session):
    x, init, total, text = network()
    session.run(init)
    _, metadata = trace(session, [total, text], {x: [1.0, 1.0]})
    timeline = Timeline(metadata.step_stats)
    events = json.loads(timeline.generate_chrome_trace_format(show_memory=True))["traceEvents"]
    spans = {e["args"]["name"]: e for e in events if e["ph"] == "X"}
    assert spans["y"]["name"] == "SampleMul"
    assert spans["y"]["args"]["input1"] == "v"
    assert {e["name"] for e in events if e["ph"] == "s"} == {"y"}
    assert any(e["ph"] == "C" for e in events)
    assert timeline.analyze_step_stats().allocator_maximums["cpu"].num_bytes >= 8


def test_a_scalars_shape_is_written(session):
    """TensorBoard fails on outputs without a shape, even where that has no dimensions."""
    x = ops.SampleInput(dtype=dtypes.float32, shape=[], name="x")
    _, metadata = trace(session, ops.SampleMul(x, x), {x: 2.0})
    (stats,) = metadata.step_stats.dev_stats[0].node_stats
    assert stats.output[0].tensor_description.HasField("shape")
