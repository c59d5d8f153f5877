"""`slim.learning.train`: a training loop on `Supervisor`."""

import time

from millstream.base import errors
from millstream.base.export import export
from millstream.base.logging import info
from millstream.ir.constant import constant
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.scopes import name_scope
from millstream.ops import math
from millstream.ops.flow import group
from millstream.state.global_step import get_or_create_global_step
from millstream.state.listing import (
    global_variables_initializer,
    local_variables_initializer,
    report_uninitialized_variables,
)
from millstream.summary.functions import merge_all
from millstream.train.saver import Saver
from millstream.train.supervisor import Supervisor

_USE_DEFAULT = 0


@export("contrib.slim.learning.train_step")
def train_step(sess, train_op, global_step, train_step_kwargs):
    """Takes one step, and logs it where that is due.

    Args:
      sess: the session.
      train_op: what trains and gives the loss.
      global_step: the step variable.
      train_step_kwargs: dictionary with `should_log` and `should_stop`, boolean tensors.

    Returns:
      `(loss, whether to stop)`.
    """
    start = time.time()
    loss, step = sess.run([train_op, global_step])
    seconds = time.time() - start
    if "should_log" in train_step_kwargs and sess.run(train_step_kwargs["should_log"]):
        info("global step %d: loss = %.4f (%.3f sec/step)", step, loss, seconds)
    if "should_stop" in train_step_kwargs:
        return loss, sess.run(train_step_kwargs["should_stop"])
    return loss, False


@export("contrib.slim.learning.train")
def train(
    train_op, logdir, train_step_fn=train_step, train_step_kwargs=_USE_DEFAULT,
    log_every_n_steps=1, graph=None, master="", is_chief=True, global_step=None,
    number_of_steps=None, init_op=_USE_DEFAULT, init_feed_dict=None, local_init_op=_USE_DEFAULT,
    init_fn=None, ready_op=_USE_DEFAULT, summary_op=_USE_DEFAULT, save_summaries_secs=600,
    summary_writer=_USE_DEFAULT, startup_delay_steps=0, saver=None, save_interval_secs=600,
    sync_optimizer=None, session_config=None, session_wrapper=None, trace_every_n_steps=None,
    ignore_live_threads=False,
):  # fmt: skip
    """Trains until `number_of_steps`, or until the input ends.

    Args:
      train_op: a tensor that trains and gives the loss, from `create_train_op`.
      logdir: directory of checkpoints and summaries; `None` for neither.
      train_step_fn: function `(session, train_op, global_step, train_step_kwargs)` that takes a
        step and returns the loss, and whether to stop.
      train_step_kwargs: its last argument.
      log_every_n_steps: how often the loss is logged.
      graph: the graph; by default the current one.
      master: the TensorFlow master.
      is_chief: whether this is the chief worker.
      global_step: the step variable; by default the graph's.
      number_of_steps: when to stop; `None`: never.
      init_op: node that initialises; by default that of all global variables.
      init_feed_dict: what to feed it.
      local_init_op: node that initialises local variables.
      init_fn: function of the session that runs after `init_op`.
      ready_op: names what is not initialised.
      summary_op: the summaries; by default all.
      save_summaries_secs: seconds between summaries.
      summary_writer: writer of summaries; `None` for none.
      startup_delay_steps: step that a worker waits for before it begins.
      saver: the saver; by default of all variables.
      save_interval_secs: seconds between checkpoints.
      sync_optimizer: a `SyncReplicasOptimizer`, or a list of them, whose chief work is to be done.
      session_config: a `ConfigProto`.
      session_wrapper: function from the session to the one to use.
      trace_every_n_steps: kept for programs that set it.
      ignore_live_threads: whether threads that do not end are let be.

    Returns:
      The last loss.

    Raises:
      ValueError: if there is no train op, or what needs a `logdir` comes without, or
        `number_of_steps` is not positive.
    """
    _check(train_op, logdir, saver, summary_writer, trace_every_n_steps, number_of_steps)
    graph = graph or get_default_graph()
    with graph.as_default():
        if global_step is None:
            global_step = get_or_create_global_step()
        with name_scope("init_ops"):
            if init_op == _USE_DEFAULT:
                init_op = global_variables_initializer()
            if ready_op == _USE_DEFAULT:
                ready_op = report_uninitialized_variables()
            if local_init_op == _USE_DEFAULT:
                tables = graph.get_collection(GraphKeys.TABLE_INITIALIZERS)
                local_init_op = group(local_variables_initializer(), *tables)
        saver = saver or Saver()
        if summary_op == _USE_DEFAULT:
            summary_op = merge_all()
        if summary_writer == _USE_DEFAULT:
            summary_writer = Supervisor.USE_DEFAULT
        if train_step_kwargs == _USE_DEFAULT:
            train_step_kwargs = _step_arguments(global_step, number_of_steps, log_every_n_steps)
    supervisor = Supervisor(
        graph=graph, is_chief=is_chief, logdir=logdir, init_op=init_op,
        init_feed_dict=init_feed_dict, local_init_op=local_init_op, ready_op=ready_op,
        summary_op=summary_op, summary_writer=summary_writer, global_step=global_step,
        saver=saver, save_summaries_secs=save_summaries_secs,
        save_model_secs=save_interval_secs, init_fn=init_fn,
    )  # fmt: skip
    if summary_writer is not None:
        train_step_kwargs["summary_writer"] = supervisor.summary_writer
    loop = _Loop(
        supervisor, train_op, train_step_fn, train_step_kwargs, global_step, logdir, master,
        session_config, session_wrapper, startup_delay_steps, ignore_live_threads, sync_optimizer,
    )  # fmt: skip
    while True:
        try:
            return loop.run()
        except errors.AbortedError as error:
            info("Retrying training: the session was aborted: %s", error)


def _check(train_op, logdir, saver, summary_writer, trace_every_n_steps, number_of_steps):
    if train_op is None:
        raise ValueError("train_op cannot be None.")
    if logdir is None:
        if summary_writer not in (_USE_DEFAULT, None):
            raise ValueError("Cannot provide summary_writer because logdir=None")
        if saver is not None:
            raise ValueError("Cannot provide saver because logdir=None")
        if trace_every_n_steps is not None:
            raise ValueError("Cannot provide trace_every_n_steps because logdir=None")
    if number_of_steps is not None and number_of_steps <= 0:
        raise ValueError("`number_of_steps` must be either None or a positive number.")


def _step_arguments(global_step, number_of_steps, log_every_n_steps):
    with name_scope("train_step"):
        if number_of_steps:
            should_stop = math.greater_equal(global_step, number_of_steps)
        else:
            should_stop = constant(False)
        arguments = {"should_stop": should_stop}
        if log_every_n_steps > 0:
            arguments["should_log"] = math.equal(math.mod(global_step, log_every_n_steps), 0)
        return arguments


class _Loop:
    """One try at the whole training."""

    def __init__(
        self, supervisor, train_op, step_fn, step_kwargs, global_step, logdir, master, config,
        wrapper, delay, ignore_live_threads, sync_optimizer,
    ) -> None:  # fmt: skip
        self.supervisor, self.train_op, self.global_step = supervisor, train_op, global_step
        self.step_fn, self.step_kwargs = step_fn, step_kwargs
        self.logdir, self.master, self.config, self.wrapper = logdir, master, config, wrapper
        self.delay, self.ignore_live_threads = delay, ignore_live_threads
        self.sync = sync_optimizer if isinstance(sync_optimizer, (list, tuple)) else (
            [sync_optimizer] if sync_optimizer else []
        )  # fmt: skip

    def run(self):
        """Trains; returns the last loss."""
        supervisor, loss = self.supervisor, None
        with supervisor.managed_session(
            self.master, start_standard_services=False, config=self.config
        ) as session:
            info("Starting Session.")
            session = self.wrapper(session) if self.wrapper else session
            if supervisor.is_chief:
                if self.logdir:
                    supervisor.start_standard_services(session)
            elif self.delay > 0:
                self._wait(session)
            threads = supervisor.start_queue_runners(session)
            info("Starting Queues.")
            if supervisor.is_chief:
                for optimizer in self.sync:
                    supervisor.start_queue_runners(session, [optimizer.get_chief_queue_runner()])
            loss = self._steps(session)
            # First the services end, so that none of them saves an older step afterwards. The
            # session's context closes the writer.
            supervisor.stop(
                threads, close_summary_writer=False, ignore_live_threads=self.ignore_live_threads
            )
            if self.logdir and supervisor.is_chief:
                info("Finished training! Saving model to disk.")
                supervisor.saver.save(
                    session, supervisor.save_path, global_step=supervisor.global_step
                )
        return loss

    def _steps(self, session):
        loss = None
        try:
            while not self.supervisor.should_stop():
                loss, stop = self.step_fn(
                    session, self.train_op, self.global_step, self.step_kwargs
                )
                if stop:
                    info("Stopping Training.")
                    self.supervisor.request_stop()
        except errors.OutOfRangeError as error:
            info("Caught OutOfRangeError. Stopping Training. %s", error)
        return loss

    def _wait(self, session):
        while session.run(self.global_step) < self.delay:
            time.sleep(1)
