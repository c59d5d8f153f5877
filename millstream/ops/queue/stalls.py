"""Tells of a step that waits for long: which node, what it waits for, and what may be missing.

The environment variable `MILLSTREAM_STALL_SECONDS` says how long a node waits before a warning is
logged, once per wait; by default 60 seconds, 0 for never.
"""

from __future__ import annotations

import os
from typing import Any

from millstream.base import logging
from millstream.ir.graph_collections import GraphKeys

_DEFAULT_S = 60.0


def limit_s() -> float:
    """Gives the time after which a wait is reported, in seconds; -1 for never."""
    text = os.environ.get("MILLSTREAM_STALL_SECONDS", "")
    try:
        seconds = float(text) if text else _DEFAULT_S
    except ValueError:
        seconds = _DEFAULT_S
    return seconds if seconds > 0 else -1


def report(ctx: Any, thing: Any, seconds: float) -> None:
    """Logs that a node has been waiting for `seconds`."""
    node = ctx.node
    made = str(getattr(node, "origin", "") or "")
    logging.warning(
        "%s '%s'%s has been waiting for %g s: %s. %s",
        node.type,
        node.name,
        f" (made at {made})" if made else "",
        seconds,
        thing.describe(),
        _about_runners(ctx, thing),
    )


def _about_runners(ctx: Any, thing: Any) -> str:
    """Says what is known of the threads that should fill a queue."""
    graph = getattr(ctx.session, "graph", None)
    runners = graph.get_collection(GraphKeys.QUEUE_RUNNERS) if graph is not None else []
    own = [r for r in runners if getattr(r, "name", None) == getattr(thing, "node_name", None)]
    if not own:
        return "No queue runner is registered for it; another thread must run what it waits for."
    counts = [runner.threads_running(ctx.session) for runner in own]
    if all(count is None for count in counts):
        return (
            "Its queue runner was not started: call tf.train.start_queue_runners, or use a "
            "tf.train.MonitoredSession."
        )
    alive = sum(count or 0 for count in counts)
    if not alive:
        return "The threads of its queue runner have ended."
    return f"{alive} threads of its queue runner are alive: look at what they wait for."
