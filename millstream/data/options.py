"""`tf.data.Options`: how a pipeline is to be run."""

from __future__ import annotations

from typing import Any

from millstream.base.export import export


class OptionsBase:
    """The base of options: attributes that may be set to values of one class only."""

    _kinds: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self) -> None:
        object.__setattr__(self, "_values", {})

    def __getattr__(self, name: str) -> Any:
        if name not in self._kinds:
            raise AttributeError(f"{type(self).__name__} has no property {name}.")
        found = self._values.get(name)
        kind = self._kinds[name]
        if found is None and isinstance(kind, type) and issubclass(kind, OptionsBase):
            found = self._values[name] = kind()
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._kinds:
            raise AttributeError(f"Cannot set the property {name} on {type(self).__name__}.")
        kind = self._kinds[name]
        if value is not None and not isinstance(value, kind):
            raise TypeError(
                f'Property "{name}" must be of type {kind}, got: {value!r} (type: {type(value)})'
            )
        self._values[name] = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._kinds)

    __hash__ = None  # type: ignore[assignment]

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *self._kinds])

    def _merged(self, other: Any) -> Any:
        """Gives options with those that are set in `other` and else those of this one."""
        result = type(self)()
        for name, kind in self._kinds.items():
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(kind, type) and issubclass(kind, OptionsBase):
                result._values[name] = mine._merged(theirs)
            else:
                result._values[name] = mine if theirs is None else theirs
        return result


@export("data.experimental.MapVectorizationOptions")
class MapVectorizationOptions(OptionsBase):
    """Says whether maps work on batches: `enabled`, `use_choose_fastest`; accepted."""

    _kinds = {"enabled": bool, "use_choose_fastest": bool}  # noqa: RUF012


@export("data.experimental.OptimizationOptions")
class OptimizationOptions(OptionsBase):
    """Says which rewrites are made; those that only change speed are accepted and not needed."""

    _kinds = {  # noqa: RUF012
        **dict.fromkeys(
            (
                *("apply_default_optimizations", "autotune", "filter_fusion", "map_fusion"),
                *("autotune_buffers", "filter_with_random_uniform_fusion", "noop_elimination"),
                *("hoist_random_uniform", "map_and_batch_fusion", "map_and_filter_fusion"),
                *("map_parallelization", "parallel_batch", "shuffle_and_repeat_fusion"),
            ),
            bool,
        ),
        "autotune_algorithm": object,
        "autotune_cpu_budget": int,
        "map_vectorization": MapVectorizationOptions,
    }

    def passes(self) -> list[str]:
        """Names the rewrites that are to be made."""
        default = self.apply_default_optimizations is not False
        names = ("map_and_batch_fusion", "noop_elimination", "shuffle_and_repeat_fusion")
        chosen = []
        for name in names:
            value = getattr(self, name)
            if value or (value is None and default):
                chosen.append(name)
        return chosen


@export("data.experimental.StatsOptions")
class StatsOptions(OptionsBase):
    """Says which statistics are kept; accepted."""

    _kinds = {  # noqa: RUF012
        "aggregator": object,
        "counter_prefix": str,
        "latency_all_edges": bool,
        "prefix": str,
    }


@export("data.experimental.ThreadingOptions")
class ThreadingOptions(OptionsBase):
    """Says how many threads are used; accepted."""

    _kinds = {  # noqa: RUF012
        "max_intra_op_parallelism": int,
        "private_threadpool_size": int,
    }


@export("data.experimental.DistributeOptions")
class DistributeOptions(OptionsBase):
    """Says how elements are spread over workers; accepted."""

    _kinds = {"auto_shard": bool, "num_devices": int}  # noqa: RUF012


@export("data.Options")
class Options(OptionsBase):
    """Says how a pipeline is to be run; what only changes speed is accepted.

    Attributes:
      experimental_deterministic: Whether parallel transformations keep the order; they always do.
      experimental_distribute: `DistributeOptions`.
      experimental_optimization: `OptimizationOptions`.
      experimental_slack: Accepted.
      experimental_stateful_whitelist: Accepted.
      experimental_stats: `StatsOptions`.
      experimental_threading: `ThreadingOptions`.
    """

    _kinds = {  # noqa: RUF012
        "experimental_deterministic": bool,
        "experimental_distribute": DistributeOptions,
        "experimental_optimization": OptimizationOptions,
        "experimental_slack": bool,
        "experimental_stateful_whitelist": object,
        "experimental_stats": StatsOptions,
        "experimental_threading": ThreadingOptions,
    }

    def merge(self, options: Options) -> Options:
        """Returns options with those that are set in `options` and else those of this one."""
        return self._merged(options)
