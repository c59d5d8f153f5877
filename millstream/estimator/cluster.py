"""What `TF_CONFIG` says of the task that a program is: its kind, number and companions."""

from __future__ import annotations

from typing import Any, NamedTuple

CHIEF, MASTER, WORKER, PS, EVALUATOR = "chief", "master", "worker", "ps", "evaluator"
_PROTOCOL = "grpc"


class Cluster:
    """Lists the tasks of each job, as `tf.train.ClusterSpec`.

    Args:
      jobs: addresses by job, in a list or by number.
    """

    def __init__(self, jobs: Any) -> None:
        self._jobs = {
            str(name): dict(tasks) if isinstance(tasks, dict) else dict(enumerate(tasks))
            for name, tasks in (jobs or {}).items()
        }

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cluster) and self._jobs == other._jobs

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ClusterSpec({self.as_dict()})"

    @property
    def jobs(self) -> list[str]:
        """The names of the jobs."""
        return list(self._jobs)

    def as_dict(self) -> dict[str, list[str]]:
        """Returns the addresses by job."""
        return {name: list(tasks.values()) for name, tasks in self._jobs.items()}

    def num_tasks(self, job_name: str) -> int:
        """Counts the tasks of a job; 0 for one that is not there."""
        return len(self._jobs.get(job_name, ()))

    def task_address(self, job_name: str, task_index: int) -> str:
        """Returns the address of a task."""
        return self._jobs[job_name][task_index]


class Task(NamedTuple):
    """What a program is in its cluster."""

    cluster: Cluster
    type: str
    id: int
    master: str
    evaluation_master: str
    is_chief: bool
    num_ps: int
    num_workers: int
    global_id: int | None
    service: Any


def task_of(config: dict[str, Any]) -> Task:
    """Reads a parsed `TF_CONFIG`.

    Raises:
      ValueError: if it contradicts itself.
    """
    cluster = Cluster(config.get("cluster", {}))
    kind, number = _type_and_id(config.get("task", {}), cluster)
    service = config.get("service")
    if not cluster:
        if kind not in (None, WORKER):
            raise ValueError('If "cluster" is not set in TF_CONFIG, task type must be WORKER.')
        if number:
            raise ValueError('If "cluster" is not set in TF_CONFIG, task index must be 0.')
        master = config.get("session_master", "")
        return Task(
            cluster,
            WORKER,
            0,
            master,
            config.get("eval_session_master", ""),
            True,
            0,
            1,
            0,
            service,
        )
    if kind == EVALUATOR:
        return Task(cluster, kind, number, "", "", False, 0, 0, None, service)
    _check_task(cluster, kind, number)
    local = config.get("environment", "cloud") == "google" or len(cluster.jobs) == 0
    chief = MASTER if MASTER in cluster.jobs else CHIEF
    workers = cluster.num_tasks(WORKER) + cluster.num_tasks(chief)
    return Task(
        cluster, kind, number,
        "" if local else f"{_PROTOCOL}://{cluster.task_address(kind, number)}", "",
        kind == chief, cluster.num_tasks(PS), workers, _global_id(cluster, kind, number), service,
    )  # fmt: skip


def _type_and_id(task: dict[str, Any], cluster: Cluster) -> tuple[Any, int]:
    kind = task.get("type")
    if cluster and not kind:
        raise ValueError('If "cluster" is set in TF_CONFIG, task type must be set.')
    if cluster and "index" not in task:
        raise ValueError('If "cluster" is set in TF_CONFIG, task index must be set.')
    number = int(task.get("index", 0))
    if number < 0:
        raise ValueError("Task index must be non-negative number.")
    return kind, number


def _check_task(cluster: Cluster, kind: str, number: int) -> None:
    if MASTER not in cluster.jobs:
        if CHIEF not in cluster.jobs:
            raise ValueError('If "cluster" is set in TF_CONFIG, it must have one "chief" node.')
        if cluster.num_tasks(CHIEF) > 1:
            raise ValueError('The "cluster" in TF_CONFIG must have only one "chief" node.')
    if not 0 <= number < cluster.num_tasks(kind):
        raise ValueError(
            f"{number} is not a valid task_id for task_type {kind} in the cluster_spec:\n"
            f"{cluster}\nNote that these values may be coming from the TF_CONFIG environment "
            "variable."
        )


def _global_id(cluster: Cluster, kind: str, number: int) -> int | None:
    """Numbers the tasks that train: the chief first, then workers, then parameter servers."""
    before = 0
    for job in (CHIEF, MASTER, WORKER, PS):
        if job == kind:
            return before + number
        before += cluster.num_tasks(job)
    return None
