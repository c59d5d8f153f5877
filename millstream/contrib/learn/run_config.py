"""`tf.contrib.learn.RunConfig`: as `tf.estimator.RunConfig`, with the options of TF.Learn."""

from __future__ import annotations

from typing import Any

from millstream.base.export import export
from millstream.estimator.run_config import RunConfig as CoreRunConfig
from millstream.formats import protos

_DEFAULT_SECS = 600


@export("contrib.learn.RunConfig", "contrib.learn.estimators.RunConfig")
class RunConfig(CoreRunConfig):
    """Holds a model's directory, seed, intervals and session options.

    Args:
      master: accepted; must be local.
      num_cores: how many threads run nodes; 0 for as many as there are.
      log_device_placement: whether devices are logged.
      gpu_memory_fraction: the part of a GPU's memory to use.
      tf_random_seed: seed of the graphs.
      save_summary_steps: steps between two summaries.
      save_checkpoints_secs: seconds between two checkpoints, by default 600.
      save_checkpoints_steps: steps between two checkpoints.
      keep_checkpoint_max: how many checkpoints to keep.
      keep_checkpoint_every_n_hours: keep one for good in so many hours.
      log_step_count_steps: steps between two log lines.
      protocol: of a cluster.
      evaluation_master: accepted; must be local.
      model_dir: directory of checkpoints and summaries.
      session_config: a `ConfigProto`, instead of the options above.
      session_creation_timeout_secs: how long to wait for the chief, in seconds.
    """

    def __init__(
        self,
        master: str | None = None,
        num_cores: int = 0,
        log_device_placement: bool = False,
        gpu_memory_fraction: float = 1,
        tf_random_seed: int | None = None,
        save_summary_steps: int = 100,
        save_checkpoints_secs: Any = _DEFAULT_SECS,
        save_checkpoints_steps: int | None = None,
        keep_checkpoint_max: int = 5,
        keep_checkpoint_every_n_hours: float = 10000,
        log_step_count_steps: int | None = 100,
        protocol: str | None = None,
        evaluation_master: str = "",
        model_dir: Any = None,
        session_config: Any = None,
        session_creation_timeout_secs: float = 7200,
    ) -> None:
        self._wanted_masters = master or "", evaluation_master
        options = protos.ConfigProto(
            log_device_placement=log_device_placement, inter_op_parallelism_threads=num_cores,
            intra_op_parallelism_threads=num_cores,
        )  # fmt: skip
        options.gpu_options.per_process_gpu_memory_fraction = gpu_memory_fraction
        if save_checkpoints_steps is not None:
            save_checkpoints_secs = None
        super().__init__(
            model_dir=model_dir, tf_random_seed=tf_random_seed,
            save_summary_steps=save_summary_steps, save_checkpoints_steps=save_checkpoints_steps,
            save_checkpoints_secs=save_checkpoints_secs, session_config=session_config or options,
            keep_checkpoint_max=keep_checkpoint_max,
            keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours,
            log_step_count_steps=log_step_count_steps, protocol=protocol,
            session_creation_timeout_secs=session_creation_timeout_secs,
        )  # fmt: skip

    @property
    def tf_config(self) -> Any:
        """The `ConfigProto` of sessions."""
        return self.session_config

    @staticmethod
    def get_task_id() -> int:
        """Returns the number of this task in its job."""
        return CoreRunConfig().task_id
