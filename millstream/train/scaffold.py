"""`tf.train.Scaffold`: the nodes that a training needs beside the model's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.base import logging
from millstream.base.export import export
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.ops.array.joining import concat
from millstream.ops.flow.groups import group, no_op
from millstream.state.listing import (
    global_variables,
    global_variables_initializer,
    local_variables_initializer,
    report_uninitialized_variables,
)
from millstream.summary.functions import merge_all
from millstream.train import resources
from millstream.train.saver import Saver


@export("train.Scaffold")
class Scaffold:
    """Gathers the nodes that initialise, check and save a model; makes those that are not given.

    Args:
      init_op: node that initialises the model; default: all global variables and resources.
      init_feed_dict: values by tensor for `init_op`.
      init_fn: a function of scaffold and session, called after `init_op`.
      ready_op: string vector of what is not initialised; empty when the model is ready.
      ready_for_local_init_op: string vector; empty when `local_init_op` can run.
      local_init_op: node that initialises what is this session's own; default: local variables,
        tables and resources.
      summary_op: merged summaries; default: all of the graph's.
      saver: a `Saver`; default: one for all variables.
      copy_from_scaffold: another scaffold to take what is not given from.

    Raises:
      TypeError: if `copy_from_scaffold` is no scaffold.

    Example:
      >>> scaffold = tf.train.Scaffold(init_fn=lambda scaffold, session: load(session))
      >>> with tf.train.MonitoredTrainingSession(scaffold=scaffold) as session:
      ...     session.run(train_op)
    """

    def __init__(
        self,
        init_op: Any = None,
        init_feed_dict: Any = None,
        init_fn: Callable[..., Any] | None = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        local_init_op: Any = None,
        summary_op: Any = None,
        saver: Any = None,
        copy_from_scaffold: Scaffold | None = None,
    ) -> None:
        other = copy_from_scaffold
        if other is not None and not isinstance(other, Scaffold):
            raise TypeError("copy_from_scaffold is not a Scaffold instance.")

        def given(name: str, value: Any) -> Any:
            return getattr(other, name) if value is None and other is not None else value

        self._init_op = given("init_op", init_op)
        self._ready_op = given("ready_op", ready_op)
        self._ready_for_local_init_op = given("ready_for_local_init_op", ready_for_local_init_op)
        self._local_init_op = given("local_init_op", local_init_op)
        self._summary_op = given("summary_op", summary_op)
        self._saver = given("saver", saver)
        self._init_feed_dict = given("init_feed_dict", init_feed_dict)
        self._user_init_fn = init_fn
        if init_fn is not None:
            self._init_fn: Any = lambda session: init_fn(self, session)
        else:
            self._init_fn = given("init_fn", None)

    def finalize(self) -> Scaffold:
        """Makes what is missing, and makes the graph final."""
        if self._init_op is None:
            self._init_op = self.get_or_default("init_op", GraphKeys.INIT_OP, _default_init_op)
        if self._ready_op is None:
            self._ready_op = self.get_or_default("ready_op", GraphKeys.READY_OP, _default_ready_op)
        if self._ready_for_local_init_op is None:
            self._ready_for_local_init_op = self.get_or_default(
                "ready_for_local_init_op",
                GraphKeys.READY_FOR_LOCAL_INIT_OP,
                _default_ready_for_local,
            )  # fmt: skip
        if self._local_init_op is None:
            self._local_init_op = self.get_or_default(
                "local_init_op", GraphKeys.LOCAL_INIT_OP, self.default_local_init_op
            )
        if self._summary_op is None:
            self._summary_op = self.get_or_default("summary_op", GraphKeys.SUMMARY_OP, merge_all)
        if self._saver is None:
            self._saver = get_saver_or_default()
        self._saver.build()
        get_default_graph().finalize()
        logging.info("Graph was finalized.")
        return self

    @property
    def init_fn(self) -> Any:
        """A function of a session, called after `init_op`; or None."""
        return self._init_fn

    @property
    def init_op(self) -> Any:
        """The node that initialises the model."""
        return self._init_op

    @property
    def ready_op(self) -> Any:
        """A string vector of what is not initialised."""
        return self._ready_op

    @property
    def ready_for_local_init_op(self) -> Any:
        """A string vector, empty when `local_init_op` can run."""
        return self._ready_for_local_init_op

    @property
    def local_init_op(self) -> Any:
        """The node that initialises what is this session's own."""
        return self._local_init_op

    @property
    def summary_op(self) -> Any:
        """The merged summaries, or None."""
        return self._summary_op

    @property
    def saver(self) -> Any:
        """The `Saver`."""
        return self._saver

    @property
    def init_feed_dict(self) -> Any:
        """Values by tensor for `init_op`."""
        return self._init_feed_dict

    @staticmethod
    def get_or_default(
        arg_name: str, collection_key: str, default_constructor: Callable[[], Any]
    ) -> Any:
        """Returns the one element of a collection, or makes one.

        Args:
          arg_name: what it is, for the message.
          collection_key: the collection.
          default_constructor: makes the element if the collection is empty.

        Raises:
          RuntimeError: if the collection has several.
        """
        elements = get_default_graph().get_collection(collection_key)
        if len(elements) > 1:
            raise RuntimeError(
                f"More than one item in the collection '{collection_key}'. Please indicate which "
                f"one to use by passing it to the tf.Scaffold constructor as:  "
                f"tf.Scaffold({arg_name}=item to use)"
            )
        if elements:
            return elements[0]
        made = default_constructor()
        if made is not None:
            get_default_graph().add_to_collection(collection_key, made)
        return made

    @staticmethod
    def default_local_init_op() -> Any:
        """Returns a node that initialises local variables, tables and local resources."""
        return group(
            local_variables_initializer(),
            tables_initializer(),
            resources.initialize_resources(resources.local_resources()),
        )


def _default_init_op() -> Any:
    return group(
        global_variables_initializer(),
        resources.initialize_resources(resources.shared_resources()),
        *get_default_graph().get_collection("saved_model_initializers"),
    )


def _default_ready_op() -> Any:
    missing = [report_uninitialized_variables(), resources.report_uninitialized_resources()]
    return concat(missing, 0)


def _default_ready_for_local() -> Any:
    shared = resources.shared_resources()
    missing = [
        report_uninitialized_variables(global_variables()),
        resources.report_uninitialized_resources(shared),
    ]
    return concat(missing, 0)


def tables_initializer() -> Any:
    """Returns a node that fills the graph's lookup tables."""
    nodes = get_default_graph().get_collection(GraphKeys.TABLE_INITIALIZERS)
    return group(*nodes, name="init_all_tables") if nodes else no_op(name="init_all_tables")


def get_saver_or_default() -> Any:
    """Returns the one saver of the graph's collection, or makes one for all variables.

    Raises:
      RuntimeError: if there are several.
    """
    savers = get_default_graph().get_collection(GraphKeys.SAVERS)
    if len(savers) > 1:
        raise RuntimeError(
            f"More than one item in collection {GraphKeys.SAVERS}. Please indicate which one to "
            "use by passing it to the constructor."
        )
    if savers:
        return savers[0]
    saver = Saver(sharded=True, allow_empty=True)
    get_default_graph().add_to_collection(GraphKeys.SAVERS, saver)
    return saver
