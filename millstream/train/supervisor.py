"""`tf.train.Supervisor`: initialises, saves and summarises a training, in threads of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from millstream.base import errors, logging
from millstream.base.export import export
from millstream.formats import protos
from millstream.formats.files import path_of
from millstream.ir.default import get_default_graph
from millstream.ir.graph import Graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ops.flow.groups import group
from millstream.state.global_step import global_step as read_global_step
from millstream.state.listing import (
    global_variables_initializer,
    local_variables_initializer,
    report_uninitialized_variables,
)
from millstream.summary.functions import merge_all
from millstream.summary.writer import FileWriter
from millstream.train.coordinator import Coordinator, LooperThread
from millstream.train.graph_files import write_graph
from millstream.train.meta_graph import export_meta_graph
from millstream.train.saveable import all_saveables
from millstream.train.saver import Saver
from millstream.train.scaffold import tables_initializer
from millstream.train.services import (
    SVStepCounterThread,
    SVSummaryThread,
    SVTimerCheckpointThread,
)
from millstream.train.session_manager import SessionManager
from millstream.train.supervisor_parts import SupervisorParts

USE_DEFAULT = 0


def _first(key: str) -> Any:
    found = get_default_graph().get_collection(key)
    return found[0] if found else None


def _first_or_made(key: str, make: Callable[[], Any]) -> Any:
    found = _first(key)
    if found is None:
        found = make()
        if found is not None:
            get_default_graph().add_to_collection(key, found)
    return found


@export("train.Supervisor")
class Supervisor(SupervisorParts):
    """Makes a session that is ready to train, and saves and summarises it while it trains.

    Where an argument is left at its default, the node of the standard collection is taken, or made;
    `None` turns the feature off. The graph is final afterwards.

    Args:
      graph: the graph; default: the default graph.
      ready_op: string vector of what is not initialised.
      ready_for_local_init_op: string vector, empty when `local_init_op` can run.
      is_chief: whether it initialises the model and saves; else it waits for the one that does.
      init_op: node that initialises the model.
      init_feed_dict: values by tensor for `init_op`.
      local_init_op: node that initialises local variables and tables.
      logdir: directory of checkpoints and summaries.
      summary_op: merged summaries.
      saver: a `Saver`.
      global_step: the global step.
      save_summaries_secs: seconds between two summaries; 0 for none.
      save_model_secs: seconds between two checkpoints; 0 for none.
      recovery_wait_secs: seconds between two looks at a model that others initialise.
      stop_grace_secs: how long threads may take to end, in seconds.
      checkpoint_basename: file name of the checkpoints.
      session_manager: a `SessionManager`.
      summary_writer: a `FileWriter`.
      init_fn: a function of the session, called after `init_op`.
      local_init_run_options: `RunOptions` for `local_init_op`.

    Example:
      >>> supervisor = tf.train.Supervisor(logdir="/tmp/model")
      >>> with supervisor.managed_session() as session:
      ...     while not supervisor.should_stop():
      ...         session.run(train_op)
    """

    USE_DEFAULT = USE_DEFAULT

    def __init__(
        self,
        graph: Graph | None = None,
        ready_op: Any = USE_DEFAULT,
        ready_for_local_init_op: Any = USE_DEFAULT,
        is_chief: bool = True,
        init_op: Any = USE_DEFAULT,
        init_feed_dict: Any = None,
        local_init_op: Any = USE_DEFAULT,
        logdir: Any = None,
        summary_op: Any = USE_DEFAULT,
        saver: Any = USE_DEFAULT,
        global_step: Any = USE_DEFAULT,
        save_summaries_secs: float = 120,
        save_model_secs: float = 600,
        recovery_wait_secs: float = 30,
        stop_grace_secs: float = 120,
        checkpoint_basename: str = "model.ckpt",
        session_manager: SessionManager | None = None,
        summary_writer: Any = USE_DEFAULT,
        init_fn: Callable[[Any], Any] | None = None,
        local_init_run_options: Any = None,
    ) -> None:
        self._graph = get_default_graph() if graph is None else graph
        self._init_feed_dict, self._init_fn = init_feed_dict, init_fn
        with self._graph.as_default():
            self._init_ready_ops(ready_op, ready_for_local_init_op)
            self._init_init_ops(init_op, local_init_op)
            self._init_rest(saver, summary_op, global_step)
        self._is_chief = is_chief
        self._coord = Coordinator()
        self._recovery_wait_secs = recovery_wait_secs
        self._stop_grace_secs = stop_grace_secs
        self._local_init_run_options = local_init_run_options
        self._logdir = self._save_path = self._summary_writer = None
        self._save_summaries_secs = self._save_model_secs = None
        self._graph_added_to_summary = False
        if is_chief:
            self._save_summaries_secs, self._save_model_secs = save_summaries_secs, save_model_secs
            self._init_directory(logdir, checkpoint_basename, summary_writer)
        self._session_manager = session_manager or SessionManager(
            local_init_op=self._local_init_op,
            ready_op=self._ready_op,
            ready_for_local_init_op=self._ready_for_local_init_op,
            graph=self._graph,
            recovery_wait_secs=recovery_wait_secs,
            local_init_run_options=local_init_run_options,
        )
        self._verify_setup()
        self._graph.finalize()

    def _init_ready_ops(self, ready_op: Any, ready_for_local_init_op: Any) -> None:
        if ready_op is USE_DEFAULT:
            ready_op = _first_or_made(GraphKeys.READY_OP, report_uninitialized_variables)
        self._ready_op = ready_op
        if ready_for_local_init_op is USE_DEFAULT:
            ready_for_local_init_op = _first(GraphKeys.READY_FOR_LOCAL_INIT_OP)
        self._ready_for_local_init_op = ready_for_local_init_op

    def _init_init_ops(self, init_op: Any, local_init_op: Any) -> None:
        if init_op is USE_DEFAULT:
            init_op = _first_or_made(GraphKeys.INIT_OP, global_variables_initializer)
        self._init_op = init_op
        if local_init_op is USE_DEFAULT:
            local_init_op = _first_or_made(
                GraphKeys.LOCAL_INIT_OP,
                lambda: group(local_variables_initializer(), tables_initializer()),
            )
        self._local_init_op = local_init_op

    def _init_rest(self, saver: Any, summary_op: Any, global_step: Any) -> None:
        if saver is USE_DEFAULT:
            saver = _first_or_made(GraphKeys.SAVERS, lambda: Saver() if all_saveables() else None)
        self._saver = saver
        if summary_op is USE_DEFAULT:
            summary_op = _first_or_made(GraphKeys.SUMMARY_OP, merge_all)
        self._summary_op = summary_op
        if global_step is USE_DEFAULT:
            global_step = _first_or_made(GraphKeys.GLOBAL_STEP, self._default_global_step_tensor)
        self._global_step = global_step

    def _init_directory(self, logdir: Any, basename: str, summary_writer: Any) -> None:
        self._logdir = path_of(logdir) if logdir else None
        if self._logdir:
            self._save_path = os.path.join(self._logdir, basename)
        if summary_writer is not USE_DEFAULT:
            self._summary_writer = summary_writer
        elif self._logdir:
            self._summary_writer = FileWriter(self._logdir)

    def _default_global_step_tensor(self) -> Any:
        try:
            found = self._graph.get_tensor_by_name("global_step:0")
        except KeyError:
            return None
        if found.dtype.base_dtype.is_integer:
            return found
        logging.warning("Found 'global_step' is not an int type: %s", found.dtype)
        return None

    def _verify_setup(self) -> None:
        if self._is_chief:
            return
        for node in self._graph.get_operations():
            if node.type in ("Variable", "VariableV2") and not node.device:
                raise ValueError(
                    f"When using replicas, all Variables must have their device set: {node}"
                )

    # -- sessions

    def prepare_or_wait_for_session(
        self,
        master: str = "",
        config: Any = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        start_standard_services: bool = True,
    ) -> Any:
        """Makes a session that is ready to train, and starts queue runners and services.

        Args:
          master: the session's target.
          config: a `ConfigProto`.
          wait_for_checkpoint: whether to wait for a checkpoint to appear.
          max_wait_secs: how long, in seconds.
          start_standard_services: whether to start what saves, summarises and fills queues.

        Returns:
          A `Session`.
        """
        self._coord.clear_stop()
        if self._summary_writer:
            self._summary_writer.reopen()
        if self._is_chief:
            sess = self._session_manager.prepare_session(
                master, init_op=self._init_op, saver=self._saver, checkpoint_dir=self._logdir,
                wait_for_checkpoint=wait_for_checkpoint, max_wait_secs=max_wait_secs,
                config=config, init_feed_dict=self._init_feed_dict, init_fn=self._init_fn,
            )  # fmt: skip
            self._write_graph()
            if start_standard_services:
                logging.info("Starting standard services.")
                self.start_standard_services(sess)
        else:
            sess = self._session_manager.wait_for_session(
                master, config=config, max_wait_secs=max_wait_secs
            )
        if start_standard_services:
            logging.info("Starting queue runners.")
            self.start_queue_runners(sess)
        return sess

    def _write_graph(self) -> None:
        if not self._logdir:
            return
        graph_def = self._graph.as_graph_def(add_shapes=True)
        write_graph(graph_def, self._logdir, "graph.pbtxt")
        if self._summary_writer and not self._graph_added_to_summary:
            saver_def = self._saver.saver_def if self._saver else None
            self._summary_writer.add_graph(self._graph)
            self._summary_writer.add_meta_graph(
                export_meta_graph(graph=self._graph, graph_def=graph_def, saver_def=saver_def)
            )
            self._graph_added_to_summary = True

    def start_standard_services(self, sess: Any) -> Any:
        """Starts the threads that save checkpoints, write summaries and count steps.

        Args:
          sess: the session.

        Returns:
          The threads; None without `logdir`.

        Raises:
          RuntimeError: if this is not the chief.
        """
        if not self._is_chief:
            raise RuntimeError(
                "Only chief supervisor can start standard services. Because only chief supervisors "
                "can write events."
            )
        if not self._logdir:
            logging.warning("Standard services need a 'logdir' passed to the SessionManager")
            return None
        if self._global_step is not None and self._summary_writer:
            step = read_global_step(sess, self._global_step)
            start = protos.SessionLog(status=protos.SessionLog.START)
            self._summary_writer.add_session_log(start, step)
        threads: list[LooperThread] = []
        if self._save_summaries_secs and self._summary_writer:
            if self._summary_op is not None:
                threads.append(SVSummaryThread(self, sess))
            if self._global_step is not None:
                threads.append(SVStepCounterThread(self, sess))
        if self._saver and self._save_model_secs:
            threads.append(SVTimerCheckpointThread(self, sess))
        for thread in threads:
            thread.start()
        return threads

    def start_queue_runners(self, sess: Any, queue_runners: Any = None) -> list[Any]:
        """Starts the threads that fill queues.

        Args:
          sess: the session.
          queue_runners: `QueueRunner`s; default: those of the graph's collection.

        Returns:
          The threads.
        """
        if queue_runners is None:
            queue_runners = self._graph.get_collection(GraphKeys.QUEUE_RUNNERS)
        return [
            thread
            for runner in queue_runners
            for thread in runner.create_threads(sess, coord=self._coord, daemon=True, start=True)
        ]

    def loop(
        self,
        timer_interval_secs: float | None,
        target: Callable[..., Any],
        args: Any = None,
        kwargs: Any = None,
    ) -> LooperThread:
        """Starts a thread that calls a function over and over until the training stops.

        Args:
          timer_interval_secs: seconds between two calls; None for no pause.
          target: the function.
          args: its arguments.
          kwargs: its keyword arguments.

        Returns:
          The thread.
        """
        looper = LooperThread(self._coord, timer_interval_secs, target, args, kwargs)
        looper.start()
        return looper

    # -- stopping

    def stop(
        self,
        threads: Any = None,
        close_summary_writer: bool = True,
        ignore_live_threads: bool = False,
    ) -> None:
        """Stops and joins the threads.

        Args:
          threads: further threads to join.
          close_summary_writer: whether to close the event file.
          ignore_live_threads: whether threads that do not end are no error.
        """
        self._coord.request_stop()
        try:
            self._coord.join(
                threads, stop_grace_period_secs=self._stop_grace_secs,
                ignore_live_threads=ignore_live_threads,
            )  # fmt: skip
        finally:
            if close_summary_writer and self._summary_writer:
                stop = protos.SessionLog(status=protos.SessionLog.STOP)
                self._summary_writer.add_session_log(stop)
                self._summary_writer.close()
                self._graph_added_to_summary = False

    def request_stop(self, ex: Any = None) -> None:
        """Asks the threads to stop; `ex`, an error, is raised by `stop`."""
        self._coord.request_stop(ex=ex)

    def should_stop(self) -> bool:
        """Returns whether a stop was asked for."""
        return self._coord.should_stop()

    def stop_on_exception(self) -> AbstractContextManager[None]:
        """Gives a context that turns an error into a request to stop."""
        return self._coord.stop_on_exception()

    def wait_for_stop(self) -> None:
        """Waits until a stop is asked for."""
        self._coord.wait_for_stop()

    def summary_computed(self, sess: Any, summary: Any, global_step: Any = None) -> None:
        """Writes a summary that the program computed.

        Args:
          sess: the session, asked for the global step.
          summary: a serialised `Summary`.
          global_step: the step that it belongs to; default: the session's.

        Raises:
          RuntimeError: without event file.
        """
        if not self._summary_writer:
            raise RuntimeError("Writing a summary requires a summary writer.")
        if global_step is None and self._global_step is not None:
            global_step = read_global_step(sess, self._global_step)
        self._summary_writer.add_summary(summary, global_step)

    @contextmanager
    def managed_session(
        self,
        master: str = "",
        config: Any = None,
        start_standard_services: bool = True,
        close_summary_writer: bool = True,
    ) -> Iterator[Any]:
        """Gives a context with a session that is ready to train; its end stops all threads.

        Args:
          master: the session's target.
          config: a `ConfigProto`.
          start_standard_services: whether to start what saves, summarises and fills queues.
          close_summary_writer: whether to close the event file at the end.

        Raises:
          Exception: what the block raised, or a thread; the end of the input is no error.
        """
        sess = None
        try:
            sess = self.prepare_or_wait_for_session(
                master=master, config=config, start_standard_services=start_standard_services
            )
            yield sess
        except Exception as error:  # noqa: BLE001 - `stop` raises it, when all threads have ended
            self.request_stop(error)
        except KeyboardInterrupt:
            self._save_interrupted(sess)
            raise
        finally:
            try:
                self.stop(close_summary_writer=close_summary_writer)
            finally:
                if sess is not None:
                    sess.close()

    def _save_interrupted(self, sess: Any) -> None:
        if sess is None or not (self._saver and self._save_path and self._save_model_secs):
            return
        try:
            # A thread that saves still would have the last word in the state file.
            self._coord.request_stop()
            self._coord.join(stop_grace_period_secs=self._stop_grace_secs, ignore_live_threads=True)
            path = self._saver.save(sess, self._save_path, global_step=self._global_step)
            logging.warning("Training was interrupted; its state is saved in %s.", path)
        except errors.OpError as error:
            logging.error("The state at the interrupt could not be saved: %s", error)

    PrepareSession = prepare_or_wait_for_session
    StartStandardServices = start_standard_services
    StartQueueRunners = start_queue_runners
    Loop = loop
    Stop = stop
    RequestStop = request_stop
    ShouldStop = should_stop
    StopOnException = stop_on_exception
    WaitForStop = wait_for_stop
    SummaryComputed = summary_computed
