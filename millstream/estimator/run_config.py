"""`tf.estimator.RunConfig`: how and where an estimator runs."""

from __future__ import annotations

import copy
import inspect
import json
import os
from collections.abc import Callable
from typing import Any

from millstream.base import logging
from millstream.base.compat import as_text
from millstream.base.export import export
from millstream.estimator.cluster import Task, task_of
from millstream.formats import protos
from millstream.formats.files import path_of

_USE_DEFAULT = object()
_SAVE_CHECKPOINTS_SECS = 600
_REPLACEABLE = (
    "model_dir", "tf_random_seed", "save_summary_steps", "save_checkpoints_steps",
    "save_checkpoints_secs", "session_config", "keep_checkpoint_max",
    "keep_checkpoint_every_n_hours", "log_step_count_steps", "train_distribute", "device_fn",
    "protocol", "eval_distribute", "experimental_distribute", "experimental_max_worker_delay_secs",
    "session_creation_timeout_secs",
)  # fmt: skip
# What a value must fulfil, and how TensorFlow says it does not.
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "model_dir": (bool, "model_dir should be non-empty."),
    "save_summary_steps": (lambda v: v >= 0, "save_summary_steps should be >= 0"),
    "save_checkpoints_steps": (lambda v: v >= 0, "save_checkpoints_steps should be >= 0"),
    "save_checkpoints_secs": (lambda v: v >= 0, "save_checkpoints_secs should be >= 0"),
    "session_config": (
        lambda v: isinstance(v, protos.ConfigProto),
        "session_config must be instance of ConfigProto",
    ),
    "keep_checkpoint_max": (lambda v: v >= 0, "keep_checkpoint_max should be >= 0"),
    "keep_checkpoint_every_n_hours": (
        lambda v: v > 0,
        "keep_checkpoint_every_n_hours should be > 0",
    ),
    "log_step_count_steps": (lambda v: v > 0, "log_step_count_steps should be > 0"),
    "tf_random_seed": (lambda v: isinstance(v, int), "tf_random_seed must be integer."),
    "device_fn": (
        lambda v: callable(v) and tuple(inspect.signature(v).parameters) == ("op",),
        'device_fn must be callable with exactly one argument "op".',
    ),
    "protocol": (
        lambda v: v in (None, "grpc", "grpc+verbs"),
        "protocol should be grpc or grpc+verbs",
    ),
    "session_creation_timeout_secs": (
        lambda v: v > 0,
        "session_creation_timeout_secs should be > 0",
    ),
}


def default_session_config() -> Any:
    """Returns the `ConfigProto` of estimators that are given none."""
    config = protos.ConfigProto(allow_soft_placement=True)
    config.graph_options.rewrite_options.meta_optimizer_iterations = (
        protos.RewriterConfig.NumIterationsType.Value("ONE")
    )
    return config


@export("estimator.RunConfig")
class RunConfig:
    """Holds an estimator's directory, seed, intervals and its place in a cluster.

    The environment variable `TF_CONFIG`, JSON, tells the cluster and this task.

    Args:
      model_dir: directory of checkpoints and summaries.
      tf_random_seed: seed of the graphs.
      save_summary_steps: steps between two summaries; 0 for none.
      save_checkpoints_steps: steps between two checkpoints.
      save_checkpoints_secs: seconds between two checkpoints, by default 600.
      session_config: a `ConfigProto`.
      keep_checkpoint_max: how many checkpoints to keep; 0 for all.
      keep_checkpoint_every_n_hours: keep one for good in so many hours.
      log_step_count_steps: steps between two log lines; None for none.
      train_distribute: accepted; must be None on one machine.
      device_fn: a function of a node that gives its device.
      protocol: `grpc` or None.
      eval_distribute: as `train_distribute`.
      experimental_distribute: as `train_distribute`.
      experimental_max_worker_delay_secs: longest start delay of workers, in seconds.
      session_creation_timeout_secs: how long to wait for the chief, in seconds.

    Raises:
      ValueError: if a value makes no sense, or steps and seconds are both given.
    """

    def __init__(
        self,
        model_dir: Any = None,
        tf_random_seed: int | None = None,
        save_summary_steps: int | None = 100,
        save_checkpoints_steps: Any = _USE_DEFAULT,
        save_checkpoints_secs: Any = _USE_DEFAULT,
        session_config: Any = None,
        keep_checkpoint_max: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000,
        log_step_count_steps: int | None = 100,
        train_distribute: Any = None,
        device_fn: Any = None,
        protocol: Any = None,
        eval_distribute: Any = None,
        experimental_distribute: Any = None,
        experimental_max_worker_delay_secs: float | None = None,
        session_creation_timeout_secs: float = 7200,
    ) -> None:
        steps, secs = save_checkpoints_steps, save_checkpoints_secs
        if steps is _USE_DEFAULT and secs is _USE_DEFAULT:
            steps, secs = None, _SAVE_CHECKPOINTS_SECS
        steps = None if steps is _USE_DEFAULT else steps
        secs = None if secs is _USE_DEFAULT else secs
        if steps is not None and secs is not None:
            raise ValueError(
                "`save_checkpoints_steps` and `save_checkpoints_secs` cannot be both set."
            )
        config = json.loads(os.environ.get("TF_CONFIG", "{}"))
        if config:
            logging.info("TF_CONFIG environment variable: %s", config)
        self._task = task_of(config)
        self._set(
            model_dir=_chosen_model_dir(config, model_dir), tf_random_seed=tf_random_seed,
            save_summary_steps=save_summary_steps, save_checkpoints_steps=steps,
            save_checkpoints_secs=secs, session_config=session_config,
            keep_checkpoint_max=keep_checkpoint_max,
            keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours,
            log_step_count_steps=log_step_count_steps, train_distribute=train_distribute,
            device_fn=device_fn, protocol=protocol, eval_distribute=eval_distribute,
            experimental_distribute=experimental_distribute,
            experimental_max_worker_delay_secs=experimental_max_worker_delay_secs,
            session_creation_timeout_secs=session_creation_timeout_secs,
        )  # fmt: skip
        if self._session_config is None and self._task.cluster and self._task.master:
            self._session_config = _filtered_session_config(self._task)

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            is_legal, message = _RULES.get(name, (None, ""))
            if value is not None and is_legal is not None and not is_legal(value):
                raise ValueError(message)
            setattr(self, f"_{name}", value)

    def replace(self, **kwargs: Any) -> RunConfig:
        """Returns a copy with some values replaced.

        Args:
          **kwargs: the new values, by name.

        Raises:
          ValueError: if a name cannot be replaced, or a value makes no sense.
        """
        for name in kwargs:
            if name not in _REPLACEABLE:
                raise ValueError(
                    f"Replacing {name} is not supported. Allowed properties are "
                    f"{list(_REPLACEABLE)}."
                )
        if None not in (
            kwargs.get("save_checkpoints_steps"),
            kwargs.get("save_checkpoints_secs"),
        ):
            raise ValueError(
                "`save_checkpoints_steps` and `save_checkpoints_secs` cannot be both set."
            )
        if "save_checkpoints_steps" in kwargs:
            kwargs.setdefault("save_checkpoints_secs", None)
        if "save_checkpoints_secs" in kwargs:
            kwargs.setdefault("save_checkpoints_steps", None)
        new = copy.copy(self)
        if self._session_config is not None:
            new._session_config = copy.deepcopy(self._session_config)
        new._set(**kwargs)
        return new

    def described(self) -> dict[str, Any]:
        """Returns all values by name, for the log."""
        task = self._task
        values = {f"_{name}": getattr(self, f"_{name}") for name in _REPLACEABLE}
        return {
            **values, "_service": task.service, "_cluster_spec": task.cluster,
            "_task_type": task.type, "_task_id": task.id, "_global_id_in_cluster": task.global_id,
            "_master": task.master, "_evaluation_master": task.evaluation_master,
            "_is_chief": task.is_chief, "_num_ps_replicas": task.num_ps,
            "_num_worker_replicas": task.num_workers,
        }  # fmt: skip


def _of_task(field: str, doc: str) -> property:
    return property(lambda self: getattr(self._task, field), doc=doc)


def _of_config(name: str, doc: str) -> property:
    return property(lambda self: getattr(self, f"_{name}"), doc=doc)


for _name, _field, _doc in (
    ("cluster_spec", "cluster", "The tasks of the cluster."),
    ("evaluation_master", "evaluation_master", "The session target for evaluating."),
    ("is_chief", "is_chief", "Whether this task initialises and saves."),
    ("master", "master", "The session target for training."),
    ("num_ps_replicas", "num_ps", "The number of parameter servers."),
    ("num_worker_replicas", "num_workers", "The number of tasks that train."),
    ("task_id", "id", "The number of this task in its job."),
    ("global_id_in_cluster", "global_id", "The number of this task among all that train."),
    ("task_type", "type", "The job of this task."),
    ("service", "service", "What `TF_CONFIG` says under `service`."),
):
    setattr(RunConfig, _name, _of_task(_field, _doc))
for _name, _doc in (
    ("model_dir", "The directory of checkpoints and summaries."),
    ("tf_random_seed", "The seed of the graphs."),
    ("save_summary_steps", "Steps between two summaries."),
    ("save_checkpoints_secs", "Seconds between two checkpoints."),
    ("save_checkpoints_steps", "Steps between two checkpoints."),
    ("session_config", "The `ConfigProto`, or None."),
    ("keep_checkpoint_max", "How many checkpoints are kept."),
    ("keep_checkpoint_every_n_hours", "One checkpoint is kept for good in so many hours."),
    ("log_step_count_steps", "Steps between two log lines."),
    ("train_distribute", "The strategy of distributed training, or None."),
    ("eval_distribute", "The strategy of distributed evaluation, or None."),
    ("experimental_max_worker_delay_secs", "The longest start delay of workers, in seconds."),
    ("session_creation_timeout_secs", "How long to wait for the chief, in seconds."),
    ("device_fn", "A function of a node that gives its device, or None."),
    ("protocol", "The protocol of the cluster, or None."),
):
    setattr(RunConfig, _name, _of_config(_name, _doc))


def _chosen_model_dir(config: dict[str, Any], model_dir: Any) -> Any:
    """Returns the directory that the program or `TF_CONFIG` names.

    Raises:
      ValueError: if they name different ones.
    """
    if model_dir is not None:
        model_dir = as_text(path_of(model_dir)) if model_dir != "" else ""
    named = config.get("model_dir")
    if named is None:
        return model_dir
    if named == "":
        raise ValueError("model_dir in TF_CONFIG should be non-empty.")
    if model_dir:
        if model_dir != named:
            raise ValueError(
                "`model_dir` provided in RunConfig construct, if set, must have the same value as "
                f"the model_dir in TF_CONFIG. model_dir: {model_dir}\n"
                f'TF_CONFIG["model_dir"]: {named}.\n'
            )
        return model_dir
    logging.info("Using model_dir in TF_CONFIG: %s", named)
    return named


def _filtered_session_config(task: Task) -> Any:
    """Returns a `ConfigProto` by which a task talks to parameter servers and itself only."""
    config = default_session_config()
    itself = f"/job:{task.type}" + (f"/task:{task.id}" if task.type == "worker" else "")
    if task.type in ("chief", "master") or task.type == "worker":
        config.device_filters.extend(["/job:ps", itself])
    elif task.type == "ps":
        config.device_filters.extend(["/job:ps", "/job:worker", "/job:chief", "/job:master"])
    return config
