"""`slim.evaluation`: evaluates checkpoints, once or as they come."""

from millstream.base.export import export
from millstream.state.global_step import get_global_step
from millstream.summary.functions import merge_all
from millstream.summary.writer import FileWriter
from millstream.train.checkpoint_utils import checkpoints_iterator
from millstream.train.evaluation import StopAfterNEvalsHook
from millstream.train.evaluation import evaluate_once as evaluate_checkpoint
from millstream.train.saver import Saver
from millstream.train.scaffold import Scaffold
from millstream.train.session_run_hook import SessionRunHook

_USE_DEFAULT = 0


@export("contrib.training.SummaryAtEndHook")
class SummaryAtEndHook(SessionRunHook):
    """Writes a summary when the session ends.

    Args:
      log_dir: directory of the event file.
      summary_writer: a writer, instead.
      summary_op: the summary; by default all.
      feed_dict: what to feed it.

    Raises:
      ValueError: if there is neither directory nor writer.
    """

    def __init__(self, log_dir=None, summary_writer=None, summary_op=None, feed_dict=None) -> None:
        if log_dir is None and summary_writer is None:
            raise ValueError("Either log_dir or summary_writer should be provided.")
        self._log_dir, self._writer, self._own = log_dir, summary_writer, summary_writer is None
        self._summary_op, self._feed_dict = summary_op, feed_dict
        self._step = None

    def begin(self):
        """Looks summary and step up."""
        if self._summary_op is None:
            self._summary_op = merge_all()
        if self._own:
            self._writer = FileWriter(self._log_dir)
        self._step = get_global_step()

    def end(self, session):
        """Writes the summary."""
        step = session.run(self._step)
        if self._summary_op is not None:
            text = session.run(self._summary_op, self._feed_dict)
            self._writer.add_summary(text, step)
        self._writer.flush()
        if self._own:
            self._writer.close()


def _hooks(logdir, num_evals, summary_op, summary_op_feed_dict, hooks):
    if summary_op == _USE_DEFAULT:
        summary_op = merge_all()
    made = [StopAfterNEvalsHook(num_evals)]
    if summary_op is not None:
        made.append(
            SummaryAtEndHook(log_dir=logdir, summary_op=summary_op, feed_dict=summary_op_feed_dict)
        )
    return made + list(hooks or ())


@export("contrib.slim.evaluation.evaluate_once")
def evaluate_once(
    master, checkpoint_path, logdir, num_evals=1, initial_op=None, initial_op_feed_dict=None,
    eval_op=None, eval_op_feed_dict=None, final_op=None, final_op_feed_dict=None,
    summary_op=_USE_DEFAULT, summary_op_feed_dict=None, variables_to_restore=None,
    session_config=None, hooks=None,
):  # fmt: skip
    """Evaluates one checkpoint.

    Args:
      master: the TensorFlow master.
      checkpoint_path: the checkpoint.
      logdir: directory of the summaries.
      num_evals: how often `eval_op` is run.
      initial_op: node that initialises.
      initial_op_feed_dict: what to feed it.
      eval_op: node that takes a batch in.
      eval_op_feed_dict: what to feed it.
      final_op: tensors to fetch at the end.
      final_op_feed_dict: what to feed them.
      summary_op: the summaries; by default all.
      summary_op_feed_dict: what to feed them.
      variables_to_restore: variables to restore; by default all.
      session_config: a `ConfigProto`.
      hooks: further session hooks.

    Returns:
      The values of `final_op`.
    """
    saver = None if variables_to_restore is None else Saver(variables_to_restore)
    return evaluate_checkpoint(
        checkpoint_path, master=master,
        scaffold=Scaffold(init_op=initial_op, init_feed_dict=initial_op_feed_dict, saver=saver),
        eval_ops=eval_op, feed_dict=eval_op_feed_dict, final_ops=final_op,
        final_ops_feed_dict=final_op_feed_dict,
        hooks=_hooks(logdir, num_evals, summary_op, summary_op_feed_dict, hooks),
        config=session_config,
    )  # fmt: skip


@export("contrib.slim.evaluation.evaluation_loop")
def evaluation_loop(
    master, checkpoint_dir, logdir, num_evals=1, initial_op=None, initial_op_feed_dict=None,
    init_fn=None, eval_op=None, eval_op_feed_dict=None, final_op=None, final_op_feed_dict=None,
    summary_op=_USE_DEFAULT, summary_op_feed_dict=None, variables_to_restore=None,
    eval_interval_secs=60, max_number_of_evaluations=None, session_config=None, timeout=None,
    timeout_fn=None, hooks=None,
):  # fmt: skip
    """Evaluates each new checkpoint of a directory.

    Args:
      checkpoint_dir: the directory.
      init_fn: function `(scaffold, session)` that runs after restoring.
      eval_interval_secs: seconds between two looks.
      max_number_of_evaluations: after how many to stop; `None`: never.
      timeout: seconds to wait for a new checkpoint; `None`: for ever.
      timeout_fn: function without arguments that tells at a timeout whether to stop.

    The other arguments are those of `evaluate_once`.

    Returns:
      The last values of `final_op`.
    """
    saver = None if variables_to_restore is None else Saver(variables_to_restore)
    scaffold = Scaffold(
        init_op=initial_op, init_feed_dict=initial_op_feed_dict, init_fn=init_fn, saver=saver
    )
    return evaluate_repeatedly(
        checkpoint_dir, master=master, scaffold=scaffold, eval_ops=eval_op,
        feed_dict=eval_op_feed_dict, final_ops=final_op, final_ops_feed_dict=final_op_feed_dict,
        eval_interval_secs=eval_interval_secs,
        hooks=_hooks(logdir, num_evals, summary_op, summary_op_feed_dict, hooks),
        config=session_config, max_number_of_evaluations=max_number_of_evaluations,
        timeout=timeout, timeout_fn=timeout_fn,
    )  # fmt: skip


@export("contrib.training.evaluate_repeatedly")
def evaluate_repeatedly(
    checkpoint_dir, master="", scaffold=None, eval_ops=None, feed_dict=None, final_ops=None,
    final_ops_feed_dict=None, eval_interval_secs=60, hooks=None, config=None,
    max_number_of_evaluations=None, timeout=None, timeout_fn=None,
):  # fmt: skip
    """Evaluates each new checkpoint of a directory.

    Args:
      checkpoint_dir: the directory.
      master: the TensorFlow master.
      scaffold: a `tf.train.Scaffold`.
      eval_ops: nodes that take a batch in.
      feed_dict: what to feed them.
      final_ops: tensors to fetch at the end.
      final_ops_feed_dict: what to feed them.
      eval_interval_secs: seconds between two looks.
      hooks: session hooks.
      config: a `ConfigProto`.
      max_number_of_evaluations: after how many to stop; `None`: never.
      timeout: seconds to wait for a new checkpoint; `None`: for ever.
      timeout_fn: function without arguments that tells at a timeout whether to stop.

    Returns:
      The last values of `final_ops`.

    Raises:
      ValueError: if `max_number_of_evaluations` is not positive.
    """
    if max_number_of_evaluations is not None and max_number_of_evaluations <= 0:
        raise ValueError("`max_number_of_evaluations` must be either None or a positive number.")
    values = None
    paths = checkpoints_iterator(
        checkpoint_dir, min_interval_secs=eval_interval_secs, timeout=timeout,
        timeout_fn=timeout_fn,
    )  # fmt: skip
    for count, path in enumerate(paths, start=1):
        values = evaluate_checkpoint(
            path, master=master, scaffold=scaffold, eval_ops=eval_ops, feed_dict=feed_dict,
            final_ops=final_ops, final_ops_feed_dict=final_ops_feed_dict, hooks=hooks,
            config=config,
        )  # fmt: skip
        if max_number_of_evaluations is not None and count >= max_number_of_evaluations:
            break
    return values
