"""`tf.test.Benchmark`: times nodes of a graph and reports the times."""

from __future__ import annotations

import statistics
import time
from typing import Any

from millstream.base import logging
from millstream.base.export import export
from millstream.formats import protos
from millstream.runtime.session import get_default_session
from millstream.runtime.timeline import Timeline


@export("test.Benchmark")
class Benchmark:
    """Base of classes whose methods `benchmark…` time something."""

    @classmethod
    def is_abstract(cls) -> bool:
        """Returns whether this is a base alone, without benchmarks."""
        return cls is Benchmark

    def evaluate(self, tensors: Any) -> Any:
        """Returns the arrays of a structure of tensors, run in the default session."""
        return get_default_session().run(tensors)

    def report_benchmark(
        self,
        iters: int | None = None,
        cpu_time: float | None = None,
        wall_time: float | None = None,
        throughput: float | None = None,
        extras: dict[str, Any] | None = None,
        name: str | None = None,
        metrics: Any = None,
    ) -> None:
        """Logs what a benchmark found.

        Args:
          iters: how many times it ran.
          cpu_time: seconds of the processor per time.
          wall_time: seconds per time.
          throughput: MB per second.
          extras: more values, by name.
          name: of the benchmark; by default the class's.
          metrics: dicts with `name` and `value`.
        """
        found = {
            "iters": iters,
            "cpu_time": cpu_time,
            "wall_time": wall_time,
            "throughput": throughput,
            **(extras or {}),
            **{metric["name"]: metric["value"] for metric in metrics or ()},
        }
        shown = ", ".join(f"{key}: {value}" for key, value in found.items() if value is not None)
        logging.info("Benchmark [%s] %s", name or type(self).__name__, shown)

    def run_op_benchmark(
        self,
        sess: Any,
        op_or_tensor: Any,
        feed_dict: Any = None,
        burn_iters: int = 2,
        min_iters: int = 10,
        store_trace: bool = False,
        store_memory_usage: bool = True,
        name: str | None = None,
        extras: dict[str, Any] | None = None,
        mbs: float = 0,
    ) -> dict[str, Any]:
        """Times a node in a session and reports the median.

        Args:
          sess: the session.
          op_or_tensor: what is run; its value is not fetched.
          feed_dict: as for `Session.run`.
          burn_iters: how many times it runs before the clock starts.
          min_iters: how many times it is timed.
          store_trace: whether a Chrome trace of one more run is in the result.
          store_memory_usage: accepted; traced runs tell what their outputs take.
          name: of the benchmark.
          extras: more values to report.
          mbs: MB that one run moves, for the throughput.

        Returns:
          Iterations, seconds (median), throughput and extras, by name.
        """
        del store_memory_usage
        node = getattr(op_or_tensor, "op", op_or_tensor)
        for _ in range(burn_iters):
            sess.run(node, feed_dict)
        times = [_seconds(sess, node, feed_dict) for _ in range(min_iters)]
        extras = {**_spread(times), **(extras or {})}
        if store_trace:
            extras["full_trace_chrome_format"] = _trace(sess, node, feed_dict)
        median = statistics.median(times)
        found: dict[str, Any] = {
            "iters": min_iters,
            "wall_time": median,
            "extras": extras,
            "name": name,
            "throughput": mbs / median if median else 0.0,
        }
        self.report_benchmark(**found)
        return found


def _seconds(sess: Any, node: Any, feed_dict: Any) -> float:
    start = time.perf_counter()
    sess.run(node, feed_dict)
    return time.perf_counter() - start


def _spread(times: list[float]) -> dict[str, float]:
    return {
        "wall_time_mean": statistics.fmean(times),
        "wall_time_stdev": statistics.pstdev(times),
    }


def _trace(sess: Any, node: Any, feed_dict: Any) -> str:
    options = protos.RunOptions(trace_level=protos.RunOptions.FULL_TRACE)
    metadata = protos.RunMetadata()
    sess.run(node, feed_dict, options, metadata)
    return Timeline(metadata.step_stats).generate_chrome_trace_format()


@export("test.benchmark_config")
def benchmark_config() -> Any:
    """Returns a `ConfigProto` for timing: passes that would fold what is timed are off."""
    config = protos.ConfigProto()
    rewriter = config.graph_options.rewrite_options
    rewriter.dependency_optimization = protos.RewriterConfig.OFF
    return config
