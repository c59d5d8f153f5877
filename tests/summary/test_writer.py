"""`FileWriter`: what arrives in the event file, in which order, and what a broken disk does."""

import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import millstream as tf
from millstream.base import errors
from millstream.formats import events as events_module


def _files(directory):
    return sorted(str(p) for p in Path(directory).iterdir() if "tfevents" in p.name)


def _events(directory):
    return [event for path in _files(directory) for event in tf.train.summary_iterator(path)]


def _scalar(tag, value):
    return tf.Summary(value=[tf.Summary.Value(tag=tag, simple_value=value)])


def test_events_arrive_in_order(tmp_path):
    with tf.summary.FileWriter(tmp_path / "new" / "logs", filename_suffix=".end") as writer:
        for step in range(50):
            writer.add_summary(_scalar("loss", step), step)
        writer.add_summary(_scalar("last", 1).SerializeToString())
        writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), 7)
        writer.add_event(tf.Event(step=9, wall_time=3.5))
    assert writer.get_logdir() == str(tmp_path / "new" / "logs")
    (path,) = _files(tmp_path / "new" / "logs")
    assert path.endswith(".end")
    version, *events, last, log, plain = tf.train.summary_iterator(path)
    assert version.file_version == "brain.Event:2"
    assert [event.step for event in events] == list(range(50))
    assert [event.summary.value[0].simple_value for event in events] == list(range(50))
    assert last.summary.value[0].tag == "last"
    assert last.step == 0
    assert (log.session_log.status, log.step) == (tf.SessionLog.START, 7)
    assert (plain.step, plain.wall_time) == (9, 3.5)


def test_summaries_of_a_session(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [])
        tf.summary.scalar("x", x)
        tf.summary.text("note", tf.constant("words"))
        merged = tf.summary.merge_all()
        with tf.summary.FileWriter(tmp_path) as writer:
            for step in range(3):
                writer.add_summary(session.run(merged, {x: step / 2}), step)
    first, second, third = [event.summary for event in _events(tmp_path)[1:]]
    assert [s.value[0].simple_value for s in (first, second, third)] == [0, 0.5, 1]
    # What plugin shows a tag is written once.
    assert first.value[1].metadata.plugin_data.plugin_name == "text"
    assert not second.value[1].HasField("metadata")


def test_a_message_that_is_added_stays_as_it_is(tmp_path):
    message = _scalar("a", 1)
    message.value[0].metadata.display_name = "name"
    with tf.summary.FileWriter(tmp_path) as writer:
        writer.add_summary(message)
        writer.add_summary(message)
    assert message.value[0].metadata.display_name == "name"


def test_graph_and_meta_graph(tmp_path):
    with tf.Graph().as_default() as graph:
        tf.add(tf.placeholder(tf.float32, [None, 3], name="x"), 1.0, name="y")
    with tf.summary.FileWriter(tmp_path, graph) as writer:
        writer.add_graph(graph.as_graph_def(), 5)
    _, first, meta, second = _events(tmp_path)
    written = tf.GraphDef.FromString(first.graph_def)
    assert written == graph.as_graph_def(add_shapes=True)
    assert written.node[0].attr["_output_shapes"].list.shape[0].dim[1].size == 3
    message = tf.MetaGraphDef.FromString(meta.meta_graph_def)
    assert message.graph_def == written
    assert tf.GraphDef.FromString(second.graph_def) == graph.as_graph_def()
    assert second.step == 5


def test_graph_def_alone(tmp_path):
    graph_def = tf.Graph().as_graph_def()
    tf.summary.FileWriter(tmp_path, graph_def=graph_def).close()
    assert _events(tmp_path)[1].WhichOneof("what") == "graph_def"
    with tf.summary.FileWriter(tmp_path) as writer:
        with pytest.raises(TypeError, match="Graph"):
            writer.add_graph("nonsense")
        with pytest.raises(ValueError, match="not both"):
            writer.add_graph(tf.Graph(), graph_def=graph_def)
        with pytest.raises(TypeError, match="MetaGraphDef"):
            writer.add_meta_graph(graph_def)


def test_run_metadata(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        metadata = tf.RunMetadata()
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        session.run(tf.add(tf.constant(1.0), 2.0), options=options, run_metadata=metadata)
        with tf.summary.FileWriter(tmp_path) as writer:
            writer.add_run_metadata(metadata, "step0", 4)
            with pytest.raises(ValueError, match="already used"):
                writer.add_run_metadata(metadata, "step0")
    tagged = _events(tmp_path)[1].tagged_run_metadata
    assert tagged.tag == "step0"
    assert tf.RunMetadata.FromString(tagged.run_metadata) == metadata


def test_flush(tmp_path):
    writer = tf.summary.FileWriter(tmp_path)
    writer.add_summary(_scalar("a", 1), 1)
    writer.flush()
    assert len(_events(tmp_path)) == 2
    writer.close()
    writer.close()


def test_flush_after_some_seconds(tmp_path):
    writer = tf.summary.FileWriter(tmp_path, flush_secs=0)
    writer.add_summary(_scalar("a", 1), 1)
    reached = threading.Event()
    for _ in range(500):
        if len(_events(tmp_path)) == 2:
            reached.set()
            break
        threading.Event().wait(0.01)
    writer.close()
    assert reached.is_set()


def test_closed_writer_and_reopening(tmp_path):
    writer = tf.summary.FileWriter(tmp_path)
    writer.close()
    with pytest.warns(UserWarning, match="closed FileWriter"):
        writer.add_summary(_scalar("lost", 1))
    with pytest.warns(UserWarning, match="closed FileWriter"):
        writer.flush()
    writer.reopen()
    writer.add_summary(_scalar("kept", 1))
    writer.reopen()
    writer.close()
    assert len(_files(tmp_path)) == 2
    tags = [v.tag for event in _events(tmp_path) for v in event.summary.value]
    assert tags == ["kept"]


def test_what_waits_is_written_when_the_program_ends(tmp_path):
    program = (
        "import sys, millstream as tf\n"
        "writer = tf.summary.FileWriter(sys.argv[1], flush_secs=1000)\n"
        "value = tf.Summary.Value(tag='a', simple_value=1)\n"
        "for step in range(5): writer.add_summary(tf.Summary(value=[value]), step)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    assert len(_events(tmp_path)) == 6


def test_threads_share_a_writer(tmp_path):
    with tf.summary.FileWriter(tmp_path, max_queue=2) as writer:

        def add(name):
            for step in range(100):
                writer.add_summary(_scalar(name, step), step)

        threads = [threading.Thread(target=add, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    values = [event.summary.value[0] for event in _events(tmp_path)[1:]]
    for name in "abc":
        assert [v.simple_value for v in values if v.tag == name] == list(range(100))


def test_an_error_of_the_disk_is_raised(tmp_path, monkeypatch):
    writer = tf.summary.FileWriter(tmp_path)
    full = errors.ResourceExhaustedError(None, None, "No space left on device")

    def fail(self, event):
        raise full

    with monkeypatch.context() as patch:
        patch.setattr(events_module.EventsWriter, "write_serialized", fail)
        writer.add_summary(_scalar("lost", 1))
        with pytest.raises(tf.errors.ResourceExhaustedError, match="No space left"):
            writer.flush()
    # The writer lives on, in case there is room again.
    writer.add_summary(_scalar("kept", 1))
    writer.close()
    assert _events(tmp_path)[1].summary.value[0].tag == "kept"


def test_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(tf.errors.OpError):
        tf.summary.FileWriter(tmp_path / "file" / "logs")


def test_cache(tmp_path):
    with tf.Graph().as_default():
        first = tf.summary.FileWriterCache.get(str(tmp_path))
        assert tf.summary.FileWriterCache.get(str(tmp_path)) is first
        tf.summary.FileWriterCache.clear()
        second = tf.summary.FileWriterCache.get(str(tmp_path))
        assert second is not first
        tf.summary.FileWriterCache.clear()
    assert len(_files(tmp_path)) == 2


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_reads_it(tmp_path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder(tf.float32, [4], name="x")
        with tf.name_scope("layer"):
            tf.summary.scalar("average", tf.reduce_mean(x))
            tf.summary.histogram("all", x)
            tf.summary.image("picture", tf.reshape(x, [1, 2, 2, 1]))
            tf.summary.text("note", tf.constant("words"))
            tf.summary.audio("sound", tf.reshape(x, [1, 4]), 8000)
        merged = tf.summary.merge_all()
        metadata = tf.RunMetadata()
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        with tf.summary.FileWriter(tmp_path, graph) as writer:
            for step in range(3):
                fed = {x: [0.0, 0.5, -0.5, step]}
                writer.add_summary(session.run(merged, fed, options, metadata), step)
            writer.add_run_metadata(metadata, "step2", 2)
    found = accumulators.EventAccumulator(
        str(tmp_path), accumulators.STORE_EVERYTHING_SIZE_GUIDANCE
    )
    found.Reload()
    tags = found.Tags()
    assert tags["scalars"] == ["layer/average"]
    assert tags["histograms"] == ["layer/all"]
    assert tags["images"] == ["layer/picture/image/0"]
    assert tags["audio"] == ["layer/sound/audio/0"]
    assert tags["tensors"] == ["layer/note"]
    assert tags["run_metadata"] == ["step2"]
    assert [e.value for e in found.Scalars("layer/average")] == [0, 0.25, 0.5]
    assert found.Histograms("layer/all")[2].histogram_value.max == 2
    shown = tf.GraphDef.FromString(found.Graph().SerializeToString())
    assert shown == graph.as_graph_def(add_shapes=True)
    assert found.RunMetadata("step2").step_stats.dev_stats


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_full_disk_loses_nothing_that_is_flushed_again(tmp_path):
    writer = tf.summary.FileWriter(tmp_path)
    size = os.path.getsize(_files(tmp_path)[0])
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, limit[1]))
    try:
        for step in range(3):
            writer.add_summary(_scalar("a", step), step)
        with pytest.raises(tf.errors.OpError, match="tfevents"):
            writer.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    writer.add_summary(_scalar("a", 3), 3)
    writer.close()
    assert [event.step for event in _events(tmp_path)[1:]] == [0, 1, 2, 3]


def test_an_unexpected_error_does_not_block_the_program(tmp_path, monkeypatch):
    """Whatever the writing thread meets is raised by the next call, which does not hang."""
    writer = tf.summary.FileWriter(str(tmp_path))
    monkeypatch.setattr(writer._events, "write_serialized", lambda _: 1 / 0)
    writer.add_summary(tf.Summary())
    with pytest.raises(ZeroDivisionError):
        writer.flush()
    writer.close()
