"""`tf.Session`: runs parts of a graph and holds the state of its variables.

The path of a repeated `run` is short: one dictionary look-up by fetches and feed keys finds a
`Prepared` step; the feeds are converted; the executor runs the plan. Everything else here happens
once per combination of fetches and feeds.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from millstream.base.errors import InvalidArgumentError, NotFoundError, OpError
from millstream.base.export import export
from millstream.ir.context import default_sessions
from millstream.ir.default import get_default_graph
from millstream.ir.graph import Graph
from millstream.runtime import config as session_config
from millstream.runtime import devices, functions, growth, trace
from millstream.runtime import feeds as feeding
from millstream.runtime.cancel import CancellationManager
from millstream.runtime.fetches import Fetches, structural_key
from millstream.runtime.partial_run import PartialRun
from millstream.runtime.prepared import Prepared
from millstream.runtime.resources import ResourceManager


class BaseSession:
    """What `Session` and `InteractiveSession` share."""

    def __init__(self, target: Any = "", graph: Any = None, config: Any = None) -> None:
        self._closed = True
        self._check_arguments(target, graph, config)
        self._graph: Graph = get_default_graph() if graph is None else graph
        self.settings = session_config.Settings(config)
        self.resources = ResourceManager()
        self.cancellation = CancellationManager()
        self.functions: dict[Any, Any] = {}  # bodies of functions, bound
        self._prepared: dict[Any, Prepared] = {}
        self._partial_runs: dict[str, PartialRun] = {}
        self._step_ids = itertools.count(1)
        self._growth = growth.GrowthWatch(self._graph)
        self._nodes = self._graph.nodes
        self._node_count = len(self._nodes)
        self._timeout_ms = self.settings.timeout_ms
        self._closed = False

    @staticmethod
    def _check_arguments(target: Any, graph: Any, config: Any) -> None:
        if graph is not None and not isinstance(graph, Graph):
            raise TypeError(f"graph must be a tf.Graph, but got {type(graph)}")
        if target is not None and not isinstance(target, (str, bytes)):
            raise TypeError(f"target must be a string, but got {type(target)}")
        if target:
            raise NotFoundError(
                None, None, f"No session factory registered for the target {target!r}."
            )
        if config is not None and not session_config.is_config(config):
            raise TypeError(f"config must be a tf.ConfigProto, but got {type(config)}")

    # -- what it is

    @property
    def graph(self) -> Graph:
        """The graph that it runs."""
        return self._graph

    @property
    def graph_def(self) -> Any:
        """The graph as a `GraphDef`."""
        return self._graph.as_graph_def()

    @property
    def sess_str(self) -> bytes:
        """The target as bytes; empty for a session in this process."""
        return b""

    def next_step_id(self) -> int:
        """Counts a new step and returns its number."""
        return next(self._step_ids)

    def function_call(self, f: Any, captured: Any = ()) -> Callable[[Any], list[Any]]:
        """Prepares a call of a function of the graph's library, for host nodes."""
        return functions.function_call(self, f, captured)

    def list_devices(self) -> list[Any]:
        """Lists the devices that the session can use.

        Returns:
          Objects with `name`, `device_type`, `memory_limit_bytes` and `incarnation`.
        """
        return devices.list_devices(self.settings)

    # -- running

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Runs what `fetches` need and gives their values.

        Args:
          fetches: A tensor, node, variable or name; or a list, tuple, namedtuple, dict or attrs
            object of fetches, nested as deep as wanted.
          feed_dict: Values by tensor: scalars, lists or arrays that take the tensor's place.
          options: A `RunOptions`: time limit, trace level.
          run_metadata: A `RunMetadata` that is filled with what was traced.

        Returns:
          The same structure as `fetches`, with arrays in place of tensors (scalars for shape
          `[]`, `bytes` for strings) and None in place of nodes.

        Raises:
          RuntimeError: If the session is closed or the graph empty.
          TypeError: If a fetch or feed is of a wrong kind.
          ValueError: If a fetch or feed is not of this graph, or a fed value has a wrong shape.
          tf.errors.OpError: If a node failed; the class tells how.

        Example:
          >>> with Session() as session:
          ...     session.run(total, {x: [1.0, 2.0]})
        """
        if options is not None or run_metadata is not None:
            return self._run_with_options(fetches, feed_dict, options, run_metadata)
        if self._node_count != len(self._nodes):
            self._node_count = self._growth.note()
        try:
            key = structural_key(fetches)
            prepared = self._prepared[(key, *feed_dict) if feed_dict else key]
        except (KeyError, TypeError):
            return self._run_first(fetches, feed_dict)
        if not feed_dict:
            return prepared.build(prepared.bound.run([], self._timeout_ms))
        if prepared.expands:
            feed_dict = feeding.expand(feed_dict)
        values = [f(v) for f, v in zip(prepared.converters, feed_dict.values())]
        return prepared.build(prepared.bound.run(values, self._timeout_ms))

    def _run_first(self, fetches: Any, feed_dict: Any) -> Any:
        prepared, values = self._prepare(fetches, feed_dict)
        return prepared.build(prepared.bound.run(values, self._timeout_ms))

    def _prepare(self, fetches: Any, feed_dict: Any) -> tuple[Prepared, list[Any]]:
        self._check_open()
        flat = feeding.expand(feed_dict) if feed_dict else {}
        prepared = self._make_prepared(fetches, tuple(flat))
        values = [f(v) for f, v in zip(prepared.converters, flat.values())]
        prepared.expands = not all(map(feeding.is_plain, feed_dict or ()))
        key = structural_key(fetches)
        self._remember((key, *feed_dict) if feed_dict else key, prepared)
        return prepared, values

    def _remember(self, key: Any, prepared: Prepared) -> None:
        try:
            self._prepared[key] = prepared
        except TypeError:
            return  # what has no hash is parsed every time

    def _make_prepared(self, fetches: Any, keys: tuple[Any, ...]) -> Prepared:
        return Prepared(self, Fetches(self._graph, fetches), keys)

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if not self._graph.nodes:
            raise RuntimeError(
                "The Session graph is empty.  Add operations to the graph before calling run()."
            )

    def _run_with_options(
        self, fetches: Any, feed_dict: Any, options: Any, run_metadata: Any
    ) -> Any:
        run_options = session_config.run_options(options)
        session_config.check_metadata(run_metadata)
        if self._node_count != len(self._nodes):
            self._node_count = self._growth.note()
        prepared, values = self._prepare(fetches, feed_dict)
        timeout_ms = run_options.timeout_ms or self._timeout_ms
        if run_metadata is None or not run_options.wants_anything:
            return prepared.build(prepared.bound.run(values, timeout_ms))
        arrays = trace.run_traced(prepared.bound, values, timeout_ms, run_options, run_metadata)
        return prepared.build(arrays)

    def make_callable(
        self, fetches: Any, feed_list: Any = None, accept_options: bool = False
    ) -> Callable[..., Any]:
        """Makes a function that runs one step, for the shortest way of running it many times.

        Args:
          fetches: As for `run`.
          feed_list: Tensors that the function takes values for, in order.
          accept_options: Whether the function also takes `options` and `run_metadata`.

        Returns:
          A function of the fed values that returns what `run` would.

        Raises:
          TypeError: If `feed_list` is no list or tuple.
        """
        if feed_list is not None and not isinstance(feed_list, (list, tuple)):
            raise TypeError("`feed_list` must be a list or tuple.")
        keys: tuple[Any, ...] = tuple(feed_list or ())  # pyright: ignore[reportUnknownArgumentType]
        self._check_open()
        parsed = Fetches(self._graph, fetches)
        holder: list[Prepared] = []

        def call(*args: Any, options: Any = None, run_metadata: Any = None) -> Any:
            if len(args) > len(keys):
                raise ValueError(f"the callable takes {len(keys)} values, not {len(args)}")
            if self._closed:
                raise RuntimeError("Attempted to use a closed Session.")
            if options is not None or run_metadata is not None or len(args) < len(keys):
                return self.run(fetches, dict(zip(keys, args)), options, run_metadata)
            if not holder:
                holder.append(Prepared(self, parsed, keys))
            prepared = holder[0]
            values = [f(v) for f, v in zip(prepared.converters, args)]
            return prepared.build(prepared.bound.run(values, self._timeout_ms))

        return call if accept_options else lambda *args: call(*args)

    # -- running in parts

    def partial_run_setup(self, fetches: Any, feeds: Any = None) -> str:
        """Begins a step that will be fed and fetched in several calls of `partial_run`.

        Args:
          fetches: All that will be fetched, as for `run`.
          feeds: List of all tensors that will be fed.

        Returns:
          A handle for `partial_run`.

        Raises:
          tf.errors.InvalidArgumentError: If a placeholder that is needed is not among `feeds`.
        """
        self._check_open()
        parsed = Fetches(self._graph, fetches)
        keys = [part for key in feeds or () for part in feeding.expand_key(key)]
        tensors = [feeding.feed_tensor(self._graph, key) for key in keys]
        handle = f"partial run {self.next_step_id()}"
        self._partial_runs[handle] = PartialRun(self, parsed, tensors)
        return handle

    def partial_run(self, handle: str, fetches: Any, feed_dict: Any = None) -> Any:
        """Continues a step that `partial_run_setup` began; no node runs twice.

        Args:
          handle: What `partial_run_setup` gave.
          fetches: Some of what was declared, as for `run`.
          feed_dict: Values for some of the declared feeds.

        Returns:
          The same structure as `fetches`, with arrays in place of tensors.

        Raises:
          tf.errors.InvalidArgumentError: If a feed or fetch was not declared or came before, or
            what is fetched does not follow from what was fed so far.
        """
        self._check_open()
        partial = self._partial_runs.get(handle)
        if partial is None:
            message = "Must run 'setup' before performing partial runs!"
            raise InvalidArgumentError(None, None, message)
        parsed = Fetches(self._graph, fetches)
        given = {
            feeding.feed_tensor(self._graph, key): (key, value)
            for key, value in (feeding.expand(feed_dict) if feed_dict else {}).items()
        }
        values = {t: feeding.make_converter(t, key)(v) for t, (key, v) in given.items()}
        arrays = partial.run(parsed, values)
        if partial.is_finished:
            del self._partial_runs[handle]
        return parsed.build(arrays)

    # -- its life

    def as_default(self) -> AbstractContextManager[Any]:
        """Gives a context in which this is the default session; leaving it closes nothing."""
        return default_sessions.pushed(self)

    def close(self) -> None:
        """Frees the session's variables and other resources; it cannot be run any more."""
        if self._closed:
            return
        self._closed = True
        self._prepared = {}
        self.cancellation.cancel()
        self.resources.close()

    def __del__(self) -> None:
        # An interpreter that shuts down may have torn anything down already.
        if not getattr(self, "_closed", True):
            try:
                self.close()
            except Exception:  # noqa: BLE001
                return


@export("Session")
class Session(BaseSession):
    """Runs parts of a graph, and holds the values of its variables from step to step.

    Args:
      target: Must be empty: the session runs in this process.
      graph: The graph; the default graph if None.
      config: A `ConfigProto`.

    Raises:
      TypeError: If an argument is of a wrong class.

    Example:
      >>> with Session() as session:
      ...     session.run(x)
    """

    def __init__(self, target: Any = "", graph: Any = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        self._contexts: list[AbstractContextManager[Any]] = []

    def __enter__(self) -> Session:
        if self._contexts:
            raise RuntimeError(
                "Session context managers are not re-entrant. Use `Session.as_default()` if you "
                "want to enter a session multiple times."
            )
        self._contexts = [self._graph.as_default(), self.as_default()]
        for context in self._contexts:
            context.__enter__()
        return self

    def __exit__(
        self,
        exec_type: type[BaseException] | None,
        exec_value: BaseException | None,
        exec_tb: TracebackType | None,
    ) -> None:
        if isinstance(exec_value, OpError):
            session_config.log_failure(exec_value)
        contexts, self._contexts = self._contexts, []
        for context in reversed(contexts):
            context.__exit__(exec_type, exec_value, exec_tb)
        self.close()

    @staticmethod
    def reset(target: Any, containers: Any = None, config: Any = None) -> None:
        """Forgets the state that sessions of a target share; sessions of this process share none.

        Args:
          target: The target, as for `Session`.
          containers: Names of the containers to reset; all if None.
          config: A `ConfigProto`.
        """
        BaseSession._check_arguments(target, None, config)


@export("InteractiveSession")
class InteractiveSession(BaseSession):
    """Is a session that makes itself the default one, for use in a shell or notebook.

    Args:
      target: Must be empty: the session runs in this process.
      graph: The graph; the default graph if None.
      config: A `ConfigProto`.
    """

    def __init__(self, target: Any = "", graph: Any = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        default_sessions.enforce_nesting = False
        self._graph_context = None if graph is None else self._graph.as_default()
        if self._graph_context is not None:
            self._graph_context.__enter__()
        default_sessions.items.append(self)

    def close(self) -> None:
        """Frees the session's state and stops being the default session."""
        if self._closed:
            return
        super().close()
        default_sessions.remove(self)
        if self._graph_context is not None:
            self._graph_context.__exit__(None, None, None)
            self._graph_context = None


@export("get_default_session")
def get_default_session() -> Any:
    """Gives the innermost session made the default in this thread, or None."""
    return default_sessions.top()
