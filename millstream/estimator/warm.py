"""Predicts with a graph and a session that are kept between calls of `Estimator.predict`.

A call of `predict` gives what a fresh graph would give, so that a graph is kept only where nothing
can tell the difference: its placeholders take features of the same names, types and shapes, the
predictions depend on nothing but features and variables, and no hook looks on. What changes from
call to call, the features and the checkpoint, is fed or restored.

The first call builds a graph as ever; only the second one with features of the same kind makes the
graph that is kept.

State: the last graph with its key, and the session with the checkpoint that it holds. A session
that a generator may still use is never restored into: another checkpoint means another session.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from millstream.base import nest
from millstream.base.dtypes import as_dtype
from millstream.base.shapes import TensorShape
from millstream.estimator.foreign_checkpoint import explained
from millstream.estimator.mode_keys import ModeKeys
from millstream.formats.checkpoint import get_checkpoint_mtimes
from millstream.ir.composite import SparseTensor
from millstream.ir.graph_collections import GraphKeys
from millstream.ir.tensor import Tensor
from millstream.ops.array.placeholders import placeholder, sparse_placeholder
from millstream.train.session_creators import ChiefSessionCreator

# Nodes that give other values, or leave other state, the second time.
_UNREPEATABLE = ("Random", "Multinomial", "TruncatedNormal", "Assign", "PyFunc", "Iterator",
                 "Queue",
                 "Scatter", "Reader", "Stage", "Print", "Summary")  # fmt: skip


def _part(value: Any) -> tuple[str, Any, Any]:
    if isinstance(value, SparseTensor):
        return "sparse", value.dtype, value.get_shape()
    if isinstance(value, Tensor):
        return "dense", value.dtype, value.get_shape()
    if isinstance(value, np.ndarray):
        dtype = as_dtype("string") if value.dtype.kind in "OUS" else as_dtype(value.dtype)
        return "dense", dtype, TensorShape([None, *value.shape[1:]])
    raise TypeError(f"a feature must be a tensor, not {value!r}")


def _placeholders(features: Any) -> Any:
    """Makes placeholders for features of that structure, types and shapes."""
    made = [
        (sparse_placeholder if kind == "sparse" else placeholder)(dtype, shape)
        for kind, dtype, shape in map(_part, nest.flatten(features))
    ]
    return nest.pack_sequence_as(features, made)


def key_of(features: Any, predict_keys: Any) -> Any:
    """Returns what is equal for calls that one graph can serve.

    Args:
      features: nested tensors, `SparseTensor`s, or arrays whose first axis is the batch.
      predict_keys: names of the predictions that are wanted.

    Raises:
      TypeError: if a feature is of another class.
    """
    names = tuple(sorted(features)) if isinstance(features, dict) else type(features).__name__
    kinds = map(_part, nest.flatten(features))
    parts = [(kind, dtype.name, str(shape)) for kind, dtype, shape in kinds]
    return names, tuple(parts), tuple(predict_keys) if predict_keys else None


class WarmPredictor:
    """A model's prediction graph, and a session over it.

    Args:
      estimator: the estimator.
      features: features of the kind that it will be given, tensors or arrays.
      predict_keys: names of the predictions that are wanted.
      extract_keys: a function of predictions and names that picks them.
    """

    def __init__(self, estimator: Any, features: Any, predict_keys: Any, extract_keys: Any) -> None:
        with estimator._new_graph() as (graph, _):
            features = _placeholders(features)
            self._feeds = nest.flatten(features)
            # The model function may add to or replace what it is given.
            spec = estimator._call_model_fn(
                nest.map_structure(lambda x: x, features), None, ModeKeys.PREDICT, estimator.config
            )
            self.predictions = extract_keys(spec.predictions, predict_keys)
        self._graph, self._scaffold = graph, spec.scaffold
        self.is_repeatable = (
            not spec.prediction_hooks
            and not graph.get_collection(GraphKeys.QUEUE_RUNNERS)
            and _is_repeatable(self.predictions)
        )
        self._checkpoint: Any = None
        self._session: Any = None

    def run(self, estimator: Any, checkpoint_path: str, batches: Iterable[Any]) -> Iterator[Any]:
        """Gives the predictions for each batch of features."""
        session, feeds = self._session_for(estimator, checkpoint_path), self._feeds
        for features in batches:
            yield session.run(self.predictions, dict(zip(feeds, nest.flatten(features))))

    def _session_for(self, estimator: Any, checkpoint_path: str) -> Any:
        state = checkpoint_path, _age(checkpoint_path)
        if self._session is None or self._checkpoint != state:
            with self._graph.as_default(), explained(estimator.model_dir, checkpoint_path):
                self._session = ChiefSessionCreator(
                    self._scaffold, estimator._config.master, estimator._session_config,
                    checkpoint_filename_with_path=checkpoint_path,
                ).create_session()  # fmt: skip
            self._checkpoint = state
        return self._session


def _age(checkpoint_path: str) -> Any:
    """Returns what changes when a checkpoint is written anew under its old name."""
    return tuple(get_checkpoint_mtimes([checkpoint_path]))


def _is_repeatable(predictions: Any) -> bool:
    waiting = [getattr(t, "op", t) for t in nest.flatten(predictions)]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        if any(part in node.type for part in _UNREPEATABLE):
            return False
        before = [t.op for t in node.inputs] + list(node.control_inputs)
        fresh = [n for n in before if n not in seen]
        seen.update(fresh)
        waiting += fresh
    return True
