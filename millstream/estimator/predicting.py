"""How an `Estimator` predicts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from millstream.base import logging
from millstream.estimator.foreign_checkpoint import explained
from millstream.estimator.input_data import features_and_labels, is_dataset
from millstream.estimator.inputs.numpy_io import NumpyInput
from millstream.estimator.mode_keys import ModeKeys
from millstream.estimator.warm import WarmPredictor, key_of
from millstream.formats.checkpoint_state import latest_checkpoint
from millstream.ir.default import get_default_graph
from millstream.ir.graph_collections import GraphKeys
from millstream.train.monitored_session import MonitoredSession
from millstream.train.session_creators import ChiefSessionCreator
from millstream.train.session_run_hook import SessionRunHook
from millstream.train.warm_starting import warm_start


def run(
    estimator: Any,
    input_fn: Any,
    predict_keys: Any,
    hooks: list[SessionRunHook],
    checkpoint_path: Any,
    yield_single_examples: bool,
) -> Iterator[Any]:
    """Builds the graph and gives predictions until the input ends."""
    if not checkpoint_path:
        checkpoint_path = latest_checkpoint(estimator.model_dir)
        if not checkpoint_path:
            logging.info(
                "Could not find trained model in model_dir: %s, running initialization to "
                "predict.", estimator.model_dir,
            )  # fmt: skip
    call = _Call(estimator, predict_keys, hooks, checkpoint_path)
    batches = call.warm_from_arrays(input_fn)
    for batch in call.from_graph(input_fn) if batches is None else batches:
        if yield_single_examples:
            yield from examples(batch)
        else:
            yield batch


class _Call:
    """One call of `predict`: gives batches of predictions by a new graph, or by a kept one."""

    def __init__(
        self, estimator: Any, predict_keys: Any, hooks: list[SessionRunHook], checkpoint_path: Any
    ) -> None:
        self._estimator, self._keys, self._hooks = estimator, predict_keys, hooks
        self._checkpoint_path = checkpoint_path
        self._may_be_warm = bool(checkpoint_path) and not hooks

    def warm_from_arrays(self, input_fn: Any) -> Iterator[Any] | None:
        """Returns predictions for arrays in memory, if a graph for such features is kept."""
        if not (self._may_be_warm and isinstance(input_fn, NumpyInput)):
            return None
        batches = input_fn.feature_batches()
        first = None if batches is None else next(batches, None)
        if first is None:
            return None
        predictor = self._predictor(first)
        if predictor is None:
            self._may_be_warm = False
            return None
        return predictor.run(
            self._estimator, self._checkpoint_path, itertools.chain([first], batches)
        )

    def _predictor(self, features: Any) -> WarmPredictor | None:
        """Returns a kept graph for such features; None the first time that they come."""
        estimator = self._estimator
        try:
            key = key_of(features, self._keys)
        except TypeError:
            return None
        if estimator._warm_key != key:
            estimator._warm_key, estimator._warm_predictor = key, None
            return None
        if estimator._warm_predictor is None:
            estimator._warm_predictor = WarmPredictor(estimator, features, self._keys, extract_keys)
        found = estimator._warm_predictor
        return found if found.is_repeatable else None

    def from_graph(self, input_fn: Any) -> Iterator[Any]:
        """Gives predictions for what the input function adds to a new graph."""
        estimator = self._estimator
        with estimator._new_graph():
            data = estimator._call_input_fn(input_fn, ModeKeys.PREDICT)
            features, input_hooks = _features(estimator, data)
            predictor = self._predictor(features) if self._may_be_warm else None
            if predictor is None:
                yield from self._cold(features, input_hooks)
                return
            creator = ChiefSessionCreator(config=estimator._session_config)
            session = MonitoredSession(creator, input_hooks)
            with session:
                arrays = _until_stop(session, features)
                yield from predictor.run(estimator, self._checkpoint_path, arrays)

    def _cold(self, features: Any, input_hooks: list[SessionRunHook]) -> Iterator[Any]:
        estimator = self._estimator
        spec = estimator._call_model_fn(features, None, ModeKeys.PREDICT, estimator.config)
        if not self._checkpoint_path and estimator._warm_start_settings:
            warm_start(*estimator._warm_start_settings)
        predictions = extract_keys(spec.predictions, self._keys)
        creator = ChiefSessionCreator(
            checkpoint_filename_with_path=self._checkpoint_path, master=estimator._config.master,
            scaffold=spec.scaffold, config=estimator._session_config,
        )  # fmt: skip
        with explained(estimator.model_dir, self._checkpoint_path):
            session = MonitoredSession(
                creator, [*input_hooks, *self._hooks, *spec.prediction_hooks]
            )
        with session:
            yield from _until_stop(session, predictions)


def _until_stop(session: Any, fetches: Any) -> Iterator[Any]:
    while not session.should_stop():
        yield session.run(fetches)


def _features(estimator: Any, data: Any) -> tuple[Any, list[SessionRunHook]]:
    """Returns the features; labels, if there are some, are dropped."""
    if is_dataset(data):
        features, _, hooks = features_and_labels(data)
        return features, hooks
    if isinstance(data, (list, tuple)):
        data = data[0]
    estimator._validate_features_in_predict_input(data)
    return data, []


def has_end() -> bool:
    """Returns whether the input of the default graph can come to an end."""
    graph = get_default_graph()
    return bool(graph.get_collection(GraphKeys.QUEUE_RUNNERS)) or any(
        node.type.startswith("IteratorGetNext") for node in graph.get_operations()
    )


def extract_keys(predictions: Any, predict_keys: Any) -> Any:
    """Returns those of the predictions that are wanted.

    Raises:
      ValueError: if there are none, or predictions have no keys.
    """
    if not predict_keys:
        return predictions
    if not isinstance(predictions, dict):
        raise ValueError("predict_keys argument is not valid in case of non-dict predictions.")
    found = {key: value for key, value in predictions.items() if key in predict_keys}
    if not found:
        raise ValueError(
            f"Expected to run at least one output from {predictions.keys()}, provided "
            f"{predict_keys}."
        )
    return found


def examples(batch: Any) -> Iterator[Any]:
    """Gives the examples of a batch.

    Raises:
      ValueError: if the arrays have different numbers of them.
    """
    if not isinstance(batch, dict):
        yield from batch
        return
    sizes = {key: len(value) for key, value in batch.items()}
    size = next(iter(sizes.values()), 0)
    for key, other in sizes.items():
        if other != size:
            raise ValueError(
                f"Batch length of predictions should be same. {key} has different batch length "
                "than others."
            )
    for index in range(size):
        yield {key: value[index] for key, value in batch.items()}
