"""`tf.summary.FileWriter`: events go to a queue, and a thread writes them to a file.

State: the open `EventsWriter`, a queue of serialised events, and the thread that empties it.
Invariants: events reach the file in the order of the calls; `flush` returns only when every event
queued before it is on disk; an error of the disk is raised by the next call, not lost.
"""

import atexit
import queue
import threading
import time
import warnings
import weakref

from millstream.base import errors, logging
from millstream.base.export import export
from millstream.formats import files, protos
from millstream.formats.events import EventsWriter, events_prefix
from millstream.ir.default import get_default_graph
from millstream.ir.graph import Graph
from millstream.train.meta_graph import export_meta_graph

_open_writers = weakref.WeakSet()


@atexit.register
def _flush_all():
    """Writes what waits when the program ends without having closed its writers."""
    for writer in list(_open_writers):
        try:
            writer.flush()
        except errors.OpError as error:
            logging.error("Events of %s are lost: %s", writer.get_logdir(), error.message)


class _Flush:
    """Asks the thread to flush; `done` is set when it has."""

    def __init__(self):
        self.done = threading.Event()


class _Thread(threading.Thread):
    def __init__(self, writer, max_queue, flush_secs):
        super().__init__(name="event-writer", daemon=True)
        self.queue = queue.Queue(max_queue)
        self.error = None
        self._writer, self._flush_secs = writer, flush_secs

    def run(self):
        """Writes what comes until a `None` comes."""
        due = time.monotonic() + self._flush_secs
        while True:
            try:
                item = self.queue.get(timeout=max(0.0, due - time.monotonic()))
            except queue.Empty:
                item = _Flush()
            if item is None:
                return
            self._process(item)
            if time.monotonic() >= due:
                self._process(_Flush())
                due = time.monotonic() + self._flush_secs

    def _process(self, item):
        try:
            if isinstance(item, _Flush):
                self._writer.flush()
            else:
                self._writer.write_serialized(item)
        except Exception as error:  # noqa: BLE001 - raised by the next call; `flush` must end
            self.error = error
        finally:
            if isinstance(item, _Flush):
                item.done.set()


@export("summary.FileWriter", "train.SummaryWriter")
class FileWriter:
    """Writes summaries and events to a file for TensorBoard.

    Args:
      logdir: directory of the event file, made if missing.
      graph: a graph to write first.
      max_queue: how many events may wait for the disk before a call blocks.
      flush_secs: how often waiting events are written out, in seconds.
      graph_def: deprecated: a `GraphDef` to write first.
      filename_suffix: ending of the file's name.
      session: accepted; the events still go to a file.

    Example:
      >>> writer = FileWriter("/tmp/logs", graph)          # doctest: +SKIP
      >>> writer.add_summary(sess.run(merged), step)       # doctest: +SKIP
    """

    def __init__(
        self,
        logdir,
        graph=None,
        max_queue=10,
        flush_secs=120,
        graph_def=None,
        filename_suffix=None,
        session=None,
    ):
        del session
        self._logdir = files.path_of(logdir)
        with files.os_errors(self._logdir):
            files.files_of(self._logdir).makedirs(self._logdir)
        self._suffix = filename_suffix or ""
        self._max_queue, self._flush_secs = max_queue, flush_secs
        self._seen_tags = set()
        self._closed = True
        self._open()
        if graph is None and graph_def is None:
            return
        if isinstance(graph, Graph):
            graph_def = graph.as_graph_def(add_shapes=True)
            self.add_graph(graph_def)
            self.add_meta_graph(export_meta_graph(graph=graph, graph_def=graph_def))
        else:
            self.add_graph(graph=graph, graph_def=graph_def)

    def _open(self):
        self._events = EventsWriter(events_prefix(self._logdir), self._suffix)
        self._thread = _Thread(self._events, self._max_queue, self._flush_secs)
        self._thread.start()
        self._closed = False
        _open_writers.add(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def get_logdir(self):
        """Returns the directory of the event file."""
        return self._logdir

    def add_event(self, event):
        """Adds an `Event` message; a closed writer drops it, with a warning.

        Raises:
          OpError: if an earlier event could not be written.
        """
        if self._is_open():
            self._check()
            self._thread.queue.put(event.SerializeToString())

    def _is_open(self):
        if self._closed:
            warnings.warn(
                "Attempting to use a closed FileWriter. The operation will be a noop unless the "
                "FileWriter is explicitly reopened.",
                stacklevel=4,
            )
        return not self._closed

    def _check(self):
        error, self._thread.error = self._thread.error, None
        if error is not None:
            raise error

    def _add(self, event, global_step):
        event.wall_time = time.time()
        if global_step is not None:
            event.step = int(global_step)
        self.add_event(event)

    def add_summary(self, summary, global_step=None):
        """Adds the values of a summary.

        Args:
          summary: a `Summary` message, or its serialised form as `Session.run` gives it.
          global_step: the step that they belong to.
        """
        if not isinstance(summary, protos.Summary):
            data = summary.item() if hasattr(summary, "item") else summary
            summary = protos.Summary.FromString(data)
        event = protos.Event(summary=summary)
        for value in event.summary.value:
            # The metadata of a tag is written with its first value only, as TensorBoard expects.
            if value.HasField("metadata"):
                if value.tag in self._seen_tags:
                    value.ClearField("metadata")
                self._seen_tags.add(value.tag)
        self._add(event, global_step)

    def add_session_log(self, session_log, global_step=None):
        """Adds a `SessionLog` message."""
        self._add(protos.Event(session_log=session_log), global_step)

    def add_graph(self, graph, global_step=None, graph_def=None):
        """Adds a graph, to be shown in TensorBoard's graph view.

        Args:
          graph: a `Graph` or `GraphDef`.
          global_step: the step that it belongs to.
          graph_def: the same, by its old name.

        Raises:
          TypeError: if it is neither.
          ValueError: if both are given, or none.
        """
        if (graph is None) == (graph_def is None):
            raise ValueError("Please pass only graph, or graph_def (deprecated), but not both.")
        given = graph_def if graph is None else graph
        if isinstance(given, Graph):
            given = given.as_graph_def(add_shapes=True)
        if not hasattr(given, "node"):
            raise TypeError("The passed graph must be an instance of `Graph` or `GraphDef`")
        self._add(protos.Event(graph_def=given.SerializeToString()), global_step)

    def add_meta_graph(self, meta_graph_def, global_step=None):
        """Adds a `MetaGraphDef`.

        Raises:
          TypeError: if it is none.
        """
        if not hasattr(meta_graph_def, "meta_info_def"):
            raise TypeError(
                f"meta_graph_def must be type MetaGraphDef, saw type: {type(meta_graph_def)}"
            )
        self._add(protos.Event(meta_graph_def=meta_graph_def.SerializeToString()), global_step)

    def add_run_metadata(self, run_metadata, tag, global_step=None):
        """Adds what a traced step measured, shown in TensorBoard's graph view under `tag`.

        Raises:
          ValueError: if the tag was used before.
        """
        key = f"run_metadata:{tag}"
        if key in self._seen_tags:
            raise ValueError("The provided tag was already used for this event type")
        self._seen_tags.add(key)
        tagged = protos.TaggedRunMetadata(tag=tag, run_metadata=run_metadata.SerializeToString())
        self._add(protos.Event(tagged_run_metadata=tagged), global_step)

    def flush(self):
        """Writes all waiting events to disk before it returns.

        Raises:
          OpError: if one could not be written.
        """
        if not self._is_open():
            return
        request = _Flush()
        self._thread.queue.put(request)
        request.done.wait()
        self._check()

    def close(self):
        """Writes all waiting events and closes the file; later events are dropped.

        Raises:
          OpError: if one could not be written.
        """
        if self._closed:
            return
        try:
            self.flush()
        finally:
            self._closed = True
            _open_writers.discard(self)
            self._thread.queue.put(None)
            self._thread.join()
            self._events.close()

    def reopen(self):
        """Opens a new file in the same directory, if this writer is closed."""
        if self._closed:
            self._open()


@export("summary.FileWriterCache")
class FileWriterCache:
    """One `FileWriter` per directory for the whole process."""

    _lock = threading.RLock()
    _writers: dict[str, FileWriter] = {}  # noqa: RUF012 - shared on purpose

    @staticmethod
    def get(logdir):
        """Returns the writer of a directory, made with the default graph by the first call."""
        with FileWriterCache._lock:
            if logdir not in FileWriterCache._writers:
                FileWriterCache._writers[logdir] = FileWriter(logdir, graph=get_default_graph())
            return FileWriterCache._writers[logdir]

    @staticmethod
    def clear():
        """Closes and forgets all writers."""
        with FileWriterCache._lock:
            for writer in FileWriterCache._writers.values():
                writer.close()
            FileWriterCache._writers = {}
