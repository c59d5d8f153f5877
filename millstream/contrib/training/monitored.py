"""`contrib.training.train`, and what waits for checkpoints or places variables."""

import time

import numpy as np

from millstream.base.dtypes import Int32
from millstream.base.export import export
from millstream.formats.checkpoint_state import latest_checkpoint
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import array, math
from millstream.ops.array import gather
from millstream.ops.array.indicators import sequence_mask
from millstream.ops.array.selecting import where
from millstream.ops.random.functions import random_poisson
from millstream.train.checkpoint_utils import checkpoints_iterator
from millstream.train.monitored_training_session import MonitoredTrainingSession

for _place in ("contrib.training", "contrib.slim.evaluation"):
    export(f"{_place}.checkpoints_iterator", module=__name__)(checkpoints_iterator)


@export(
    "contrib.training.wait_for_new_checkpoint", "contrib.slim.evaluation.wait_for_new_checkpoint"
)
def wait_for_new_checkpoint(checkpoint_dir, last_checkpoint=None, seconds_to_sleep=1, timeout=None):
    """Waits until a directory has another last checkpoint.

    Args:
      checkpoint_dir: the directory.
      last_checkpoint: the one that is known.
      seconds_to_sleep: seconds between two looks.
      timeout: seconds to wait; `None`: for ever.

    Returns:
      The checkpoint; `None` at the timeout.
    """
    stop = None if timeout is None else time.time() + timeout
    while True:
        path = latest_checkpoint(checkpoint_dir)
        if path is not None and path != last_checkpoint:
            return path
        if stop is not None and time.time() + seconds_to_sleep > stop:
            return None
        time.sleep(seconds_to_sleep)


@export("contrib.training.train")
def train(
    train_op, logdir, master="", is_chief=True, scaffold=None, hooks=None, chief_only_hooks=None,
    save_checkpoint_secs=600, save_summaries_steps=100, config=None, max_wait_secs=7200,
    run_metadata=None,
):  # fmt: skip
    """Trains in a monitored session until a hook stops it.

    Args:
      train_op: a tensor that trains and gives the loss.
      logdir: directory of checkpoints and summaries; `None` for neither.
      master: the TensorFlow master.
      is_chief: whether this is the chief worker.
      scaffold: a `tf.train.Scaffold`.
      hooks: session hooks; one of them must stop.
      chief_only_hooks: hooks of the chief alone.
      save_checkpoint_secs: seconds between checkpoints.
      save_summaries_steps: steps between summaries.
      config: a `ConfigProto`.
      max_wait_secs: seconds that a worker waits for the chief.
      run_metadata: a `RunMetadata` to fill.

    Returns:
      The last loss; `None` if no step was taken.

    Raises:
      ValueError: if what needs a `logdir` comes without.
    """
    if logdir is None and is_chief:
        if save_summaries_steps:
            raise ValueError("logdir cannot be None when save_summaries_steps is not None")
        if save_checkpoint_secs:
            raise ValueError("logdir cannot be None when save_checkpoint_secs is not None")
    with MonitoredTrainingSession(
        master=master, is_chief=is_chief, checkpoint_dir=logdir, scaffold=scaffold, hooks=hooks,
        chief_only_hooks=chief_only_hooks, save_checkpoint_secs=save_checkpoint_secs,
        save_summaries_steps=save_summaries_steps, config=config,
        stop_grace_period_secs=max_wait_secs,
    ) as session:  # fmt: skip
        loss = None
        while not session.should_stop():
            loss = session.run(train_op, run_metadata=run_metadata)
        return loss


@export("contrib.training.resample_at_rate")
def resample_at_rate(inputs, rates, scope=None, seed=None, back_prop=False):
    """Repeats or drops rows at random, each so often as its rate says on average.

    Args:
      inputs: tensors of as many rows as there are rates.
      rates: `[rows]`, floats that are not negative.
      scope: scope of the nodes.
      seed: seed of the numbers.
      back_prop: whether gradients pass.

    Returns:
      The resampled tensors.
    """
    with name_scope(scope, "resample_at_rate", [*inputs, rates]):
        rates = convert_to_tensor(rates, name="rates")
        if not back_prop:
            rates = array.stop_gradient(rates)
        counts = math.cast(random_poisson(rates, (), rates.dtype, seed=seed), Int32)
        rows = where(sequence_mask(counts))[:, 0]
        return [gather(tensor, rows) for tensor in inputs]


# -- placing variables on parameter servers


@export("contrib.training.byte_size_load_fn")
def byte_size_load_fn(op):
    """Returns the bytes of a variable's node.

    Raises:
      ValueError: if its size is not known.
    """
    elements = op.outputs[0].shape.num_elements()
    if elements is None:
        raise ValueError(f"The size of {op.name} is not known")
    return elements * op.outputs[0].dtype.base_dtype.size


@export("contrib.training.GreedyLoadBalancingStrategy")
class GreedyLoadBalancingStrategy:
    """Places each variable where there is least so far.

    Args:
      num_tasks: number of parameter servers.
      load_fn: function from a node to its load.
    """

    def __init__(self, num_tasks, load_fn) -> None:
        self._loads, self._load_fn = np.zeros(num_tasks), load_fn

    def __call__(self, op):
        """Returns the task of a variable's node."""
        task = int(np.argmin(self._loads))
        self._loads[task] += self._load_fn(op)
        return task


@export("contrib.training.RandomStrategy")
class RandomStrategy:
    """Places each variable at random.

    Args:
      num_ps_tasks: number of parameter servers.
      seed: seed of the choices.
    """

    def __init__(self, num_ps_tasks, seed=0) -> None:
        self._tasks, self._random = num_ps_tasks, np.random.RandomState(seed)

    def __call__(self, op):
        """Returns the task of a variable's node."""
        return int(self._random.randint(self._tasks))
