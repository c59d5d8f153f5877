"""`tf.contrib.learn.SKCompat`: a TF.Learn model for scikit-learn's utilities."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from millstream.base.export import export
from millstream.contrib.learn import data
from millstream.contrib.learn.base import BaseEstimator, Parameters, joined
from millstream.contrib.learn.canned import _Classifying

_DEFAULT_STEPS = 1000


class Scores(Mapping[str, Any]):
    """The metrics of an evaluation, and the number by which scikit-learn ranks models.

    It is no dict, which scikit-learn would take for the results of several scorers.
    """

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)

    def item(self) -> float:
        """Returns the accuracy; of a model without one, the loss below zero."""
        return float(self["accuracy"] if "accuracy" in self else -self["loss"])


@export("contrib.learn.SKCompat")
class SKCompat(Parameters):
    """Gives a TF.Learn model the interface of scikit-learn: works in pipelines and searches.

    Args:
      estimator: the model, a `tf.contrib.learn.Estimator` or a ready-made one.

    Example:
      >>> model = SKCompat(LinearClassifier(columns, n_classes=3))
      >>> model.fit(x, y, steps=200).score(x, y)["accuracy"]
    """

    def __init__(self, estimator: BaseEstimator) -> None:
        self._remember(locals())
        self._estimator = estimator

    @property
    def estimator(self) -> BaseEstimator:
        """The model."""
        return self._estimator

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int = 128,
        steps: int | None = None,
        max_steps: int | None = None,
        monitors: Any = None,
    ) -> SKCompat:
        """Trains on arrays, batches in random order.

        Args:
          x: features.
          y: labels.
          batch_size: rows per batch.
          steps: how many steps to make, by default 1,000.
          max_steps: the global step to stop at.
          monitors: monitors or hooks.

        Returns:
          Itself.
        """
        if steps is None and max_steps is None:
            steps = _DEFAULT_STEPS
        input_fn = data.input_fn_of(x, y, batch_size, None, shuffle=True)
        self._estimator.fit(input_fn=input_fn, steps=steps, max_steps=max_steps, monitors=monitors)
        self.n_features_in_ = _width(x)
        return self

    def predict(self, x: Any, batch_size: int = 128, outputs: Any = None) -> Any:
        """Predicts for arrays.

        Args:
          x: features.
          batch_size: rows per batch.
          outputs: names of the predictions that are wanted; default all.

        Returns:
          A dict of arrays by name, or an array if the model's predictions have no names.
        """
        batches = BaseEstimator.predict(
            self._estimator, x, batch_size=batch_size, outputs=outputs, iterate_batches=True
        )
        return joined(batches)

    def score(
        self,
        x: Any,
        y: Any,
        batch_size: int = 128,
        steps: int | None = None,
        metrics: Any = None,
        name: str | None = None,
    ) -> Scores:
        """Evaluates on arrays.

        Args:
          x: features.
          y: labels.
          batch_size: rows per batch.
          steps: how many batches to look at.
          metrics: further metrics, as for `BaseEstimator.evaluate`.
          name: of the evaluation.

        Returns:
          Values of the metrics by name; scikit-learn takes the accuracy, or the loss below zero.
        """
        return Scores(
            self._estimator.evaluate(
                x=x, y=y, batch_size=batch_size, steps=steps, metrics=metrics, name=name
            )
        )

    def __sklearn_is_fitted__(self) -> bool:
        return self._estimator._estimator.latest_checkpoint() is not None

    def __sklearn_tags__(self) -> Any:
        """Tells scikit-learn, which alone calls this, what kind of model it is."""
        utils = importlib.import_module("sklearn.utils")
        is_classifier = isinstance(self._estimator, _Classifying)
        return utils.Tags(
            estimator_type="classifier" if is_classifier else "regressor",
            target_tags=utils.TargetTags(required=True),
            transformer_tags=None,
            classifier_tags=utils.ClassifierTags() if is_classifier else None,
            regressor_tags=None if is_classifier else utils.RegressorTags(),
        )


def _width(x: Any) -> int:
    shape = getattr(x, "shape", ())
    return int(shape[1]) if len(shape) > 1 else 1
