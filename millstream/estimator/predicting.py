"""How an `Estimator` predicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from millstream.base import logging
from millstream.estimator.foreign_checkpoint import explained
from millstream.estimator.input_data import features_and_labels, is_dataset
from millstream.estimator.mode_keys import ModeKeys
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
    with estimator._new_graph():
        data = estimator._call_input_fn(input_fn, ModeKeys.PREDICT)
        features, input_hooks = _features(estimator, data)
        spec = estimator._call_model_fn(features, None, ModeKeys.PREDICT, estimator.config)
        if not checkpoint_path and estimator._warm_start_settings:
            warm_start(*estimator._warm_start_settings)
        predictions = extract_keys(spec.predictions, predict_keys)
        creator = ChiefSessionCreator(
            checkpoint_filename_with_path=checkpoint_path, master=estimator._config.master,
            scaffold=spec.scaffold, config=estimator._session_config,
        )  # fmt: skip
        with explained(estimator.model_dir, checkpoint_path):
            session = MonitoredSession(creator, [*input_hooks, *hooks, *spec.prediction_hooks])
        with session:
            while not session.should_stop():
                batch = session.run(predictions)
                if yield_single_examples:
                    yield from examples(batch)
                else:
                    yield batch


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
