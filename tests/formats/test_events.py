"""Event files: TensorFlow's read, ours read back by ourselves and by TensorBoard's reader."""

import socket
from pathlib import Path

import pytest

from millstream.base import errors
from millstream.formats import protos
from millstream.formats.events import EventsWriter, events_prefix, summary_iterator
from millstream.formats.tfrecord import frame

GOLDEN = Path(__file__).parents[1] / "golden" / "formats_records" / "events.out.tfevents"


def _scalar(step):
    value = protos.Summary.Value(tag="loss", simple_value=step / 4)
    return protos.Event(wall_time=1.5, step=step, summary=protos.Summary(value=[value]))


def test_reads_tensorflows_file():
    events = list(summary_iterator(GOLDEN))
    assert events[0].file_version == "brain.Event:2"
    assert events[1].step == 3
    assert events[1].summary.value[0].tag == "loss"
    assert events[1].summary.value[0].simple_value == 0.25
    assert events[2].session_log.status == protos.SessionLog.START


def test_round_trip(tmp_path):
    writer = EventsWriter(events_prefix(tmp_path), ".v2")
    name = Path(writer.path).name
    assert name.startswith("events.out.tfevents.")
    assert name.endswith(f".{socket.gethostname()}.v2")
    assert [event.file_version for event in summary_iterator(writer.path)] == ["brain.Event:2"]
    for step in range(3):
        writer.write_event(_scalar(step))
    writer.flush()
    found = list(summary_iterator(writer.path))[1:]
    assert found == [_scalar(step) for step in range(3)]
    writer.close()
    writer.close()
    writer.flush()
    with pytest.raises(errors.FailedPreconditionError):
        writer.write_event(_scalar(1))


def test_a_dropped_writer_has_written(tmp_path):
    writer = EventsWriter(events_prefix(tmp_path))
    writer.write_event(_scalar(1))
    path = writer.path
    del writer
    assert len(list(summary_iterator(path))) == 2


def test_two_writers_of_one_second_keep_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1234567890.5)
    writers = [EventsWriter(events_prefix(tmp_path)) for _ in range(3)]
    for step, writer in enumerate(writers):
        writer.write_event(_scalar(step))
        writer.close()
    assert [list(summary_iterator(w.path))[1].step for w in writers] == [0, 1, 2]
    assert ".tfevents.1234567890." in writers[0].path
    assert ".tfevents.1234567892." in writers[2].path


def test_errors(tmp_path):
    with pytest.raises(errors.NotFoundError):
        EventsWriter(tmp_path / "no" / "events")
    with pytest.raises(errors.NotFoundError):
        next(summary_iterator(tmp_path / "none"))
    (tmp_path / "e").write_bytes(frame(b"\xff\xff\xff"))
    with pytest.raises(errors.DataLossError, match="message of type Event"):
        next(summary_iterator(tmp_path / "e"))
    data = GOLDEN.read_bytes()
    (tmp_path / "e").write_bytes(data[:-3])
    with pytest.raises(errors.DataLossError, match="truncated record"):
        list(summary_iterator(tmp_path / "e"))


def test_behind_a_url():
    writer = EventsWriter("memory://logs/events")
    writer.write_event(_scalar(7))
    writer.close()
    assert list(summary_iterator(writer.path))[1].step == 7


def test_tensorboard_reads_our_file(tmp_path):
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    writer = EventsWriter(events_prefix(tmp_path))
    writer.write_event(_scalar(2))
    writer.close()
    events = list(loader.EventFileLoader(writer.path).Load())
    assert events[1].step == 2
