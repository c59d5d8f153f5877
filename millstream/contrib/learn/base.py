"""`tf.contrib.learn.Estimator`: fits, evaluates and predicts on arrays or input functions."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from millstream.base import logging
from millstream.base.export import export
from millstream.contrib.learn import data
from millstream.contrib.learn.model_fn_ops import MetricSpec, ModeKeys, ModelFnOps
from millstream.contrib.learn.monitor_classes import as_hooks
from millstream.estimator.estimator import Estimator as CoreEstimator
from millstream.estimator.run_config import RunConfig as CoreRunConfig
from millstream.estimator.spec import EstimatorSpec
from millstream.train.hooks.final import FeedFnHook

_METRICS_BATCH = 128


@export("contrib.learn.NotFittedError")
class NotFittedError(ValueError, AttributeError):
    """Is raised when a model is used that was not fitted."""


class Parameters:
    """Names, gets and sets the arguments of a constructor, as scikit-learn's `clone` needs."""

    @classmethod
    def _parameter_names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def _remember(self, values: dict[str, Any]) -> None:
        """Keeps the arguments as they were given."""
        self._arguments = {name: values[name] for name in self._parameter_names()}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Returns the arguments of the constructor by name; with `deep` those of parts, too."""
        found = dict(self._arguments)
        if deep:
            for name, value in self._arguments.items():
                if hasattr(value, "get_params") and not isinstance(value, type):
                    found.update({f"{name}__{k}": v for k, v in value.get_params().items()})
        return found

    def set_params(self, **params: Any) -> Any:
        """Makes the object anew with some arguments changed; `part__name` is one of a part.

        Raises:
          ValueError: if there is no such argument.
        """
        arguments = dict(self._arguments)
        for name, value in params.items():
            part, _, rest = name.partition("__")
            if part not in arguments:
                raise ValueError(
                    f"Invalid parameter {name} for estimator {type(self).__name__}. "
                    f"It has {sorted(arguments)}."
                )
            if rest:
                arguments[part] = _cloned(arguments[part]).set_params(**{rest: value})
            else:
                arguments[part] = value
        self.__init__(**arguments)  # type: ignore[misc]
        return self


def _cloned(part: Any) -> Any:
    return type(part)(**part.get_params(deep=False)) if hasattr(part, "get_params") else part


@export("contrib.learn.Trainable")
class Trainable:
    """Is what an `Experiment` can train."""

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Trains; see `BaseEstimator.fit`."""
        raise TypeError(f"{type(self).__name__} does not say how it is trained")


@export("contrib.learn.Evaluable")
class Evaluable:
    """Is what an `Experiment` can evaluate."""

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluates; see `BaseEstimator.evaluate`."""
        raise TypeError(f"{type(self).__name__} does not say how it is evaluated")


@export("contrib.learn.BaseEstimator")
class BaseEstimator(Parameters, Trainable, Evaluable):
    """Is what all models of TF.Learn share; override `_call_model_fn`.

    Args:
      model_dir: directory of checkpoints and summaries.
      config: a `RunConfig`.
    """

    def __init__(self, model_dir: Any = None, config: Any = None) -> None:
        if not hasattr(self, "_arguments"):
            self._arguments = {"model_dir": model_dir, "config": config}
        self._metrics: dict[str, Any] = {}
        core = config if isinstance(config, CoreRunConfig) else None

        def model_fn(features: Any, labels: Any, mode: str) -> EstimatorSpec:
            return self._spec(features, labels, mode)

        self._estimator = CoreEstimator(model_fn, model_dir, core)

    def _call_model_fn(self, features: Any, labels: Any, mode: str) -> Any:
        """Returns a `ModelFnOps`, or `(predictions, loss, train_op)`."""
        raise TypeError(f"{type(self).__name__} has no model function")

    def _spec(self, features: Any, labels: Any, mode: str) -> EstimatorSpec:
        made = self._call_model_fn(features, labels, mode)
        if not isinstance(made, ModelFnOps):
            if not isinstance(made, tuple) or len(made) != 3:
                raise ValueError(
                    "Unrecognized value returned by model_fn, please return ModelFnOps."
                )
            predictions, loss, train_op = made
            made = ModelFnOps(mode, predictions, loss, train_op)
        if mode == ModeKeys.EVAL and self._metrics:
            made = made._replace(eval_metric_ops={
                **made.eval_metric_ops,
                **_metric_ops(self._metrics, features, labels, made.predictions),
            })  # fmt: skip
        return made.estimator_spec()

    # -- what it consists of

    @property
    def model_dir(self) -> str:
        """The directory of checkpoints and summaries."""
        return self._estimator.model_dir

    @property
    def config(self) -> Any:
        """A copy of the configuration."""
        return self._estimator.config

    @property
    def model_fn(self) -> Any:
        """The model function with features, labels and mode."""
        return self._call_model_fn

    def get_variable_names(self) -> list[str]:
        """Lists the names of the variables in the latest checkpoint."""
        return self._estimator.get_variable_names()

    def get_variable_value(self, name: str) -> Any:
        """Returns the array of a variable in the latest checkpoint."""
        return self._estimator.get_variable_value(name)

    # -- training

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        input_fn: Callable[..., Any] | None = None,
        steps: int | None = None,
        batch_size: int | None = None,
        monitors: Any = None,
        max_steps: int | None = None,
    ) -> Any:
        """Trains from the latest checkpoint on.

        Args:
          x: features: arrays, a data frame, a list or an iterator of rows.
          y: labels.
          input_fn: a function that returns features and labels, instead of `x` and `y`.
          steps: how many steps to make; None until the input ends.
          batch_size: rows per batch of `x`, by default all.
          monitors: monitors or hooks.
          max_steps: the global step to stop at.

        Returns:
          Itself.

        Raises:
          ValueError: if both `steps` and `max_steps`, or both arrays and `input_fn` are given.
        """
        if steps is not None and max_steps is not None:
            raise ValueError("Can not provide both steps and max_steps.")
        _check_input(x, y, input_fn)
        if input_fn is None:
            input_fn = data.input_fn_of(x, y, batch_size, None, shuffle=True)
        hooks = as_hooks(monitors, self)
        self._estimator.train(input_fn, hooks=hooks, steps=steps, max_steps=max_steps)
        return self

    def partial_fit(
        self,
        x: Any = None,
        y: Any = None,
        input_fn: Callable[..., Any] | None = None,
        steps: int | None = 1,
        batch_size: int | None = None,
        monitors: Any = None,
    ) -> Any:
        """Trains one step, or so many, on data that may come in pieces; as `fit`."""
        logging.vlog(1, "partial_fit trains %s steps", steps)
        return self.fit(
            x=x, y=y, input_fn=input_fn, steps=steps, batch_size=batch_size, monitors=monitors
        )

    # -- evaluating

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        input_fn: Callable[..., Any] | None = None,
        feed_fn: Any = None,
        batch_size: int | None = None,
        steps: int | None = None,
        metrics: dict[str, Any] | None = None,
        name: str | None = None,
        checkpoint_path: Any = None,
        hooks: Any = None,
        log_progress: bool = True,
    ) -> dict[str, Any]:
        """Evaluates the latest checkpoint.

        Args:
          x: features, as for `fit`.
          y: labels.
          input_fn: a function that returns both, instead.
          feed_fn: a function that returns values by placeholder name.
          batch_size: rows per batch of `x`.
          steps: how many batches to look at; None until the input ends.
          metrics: further metrics by name: `MetricSpec`s or functions of predictions and labels.
          name: of the evaluation.
          checkpoint_path: another checkpoint.
          hooks: `SessionRunHook`s.
          log_progress: accepted.

        Returns:
          Values of the metrics by name, with `loss` and `global_step`.

        Raises:
          ValueError: if both arrays and `input_fn` are given.
          NotFittedError: if the model was not fitted.
        """
        del log_progress
        _check_input(x, y, input_fn)
        self._check_fitted(checkpoint_path)
        if input_fn is None:
            size = batch_size or _METRICS_BATCH
            input_fn = data.input_fn_of(x, y, size, 1, shuffle=False)
        hooks = [*(hooks or []), *_feeding(feed_fn)]
        self._metrics = metrics or {}
        try:
            return self._estimator.evaluate(
                input_fn, steps=steps, hooks=hooks, checkpoint_path=checkpoint_path, name=name
            )
        finally:
            self._metrics = {}

    def _check_fitted(self, checkpoint_path: Any = None) -> None:
        if not checkpoint_path and not self._estimator.latest_checkpoint():
            raise NotFittedError(f"Couldn't find trained model at {self.model_dir}.")

    # -- predicting

    def predict(
        self,
        x: Any = None,
        input_fn: Callable[..., Any] | None = None,
        batch_size: int | None = None,
        outputs: Any = None,
        as_iterable: bool = True,
        iterate_batches: bool = False,
    ) -> Any:
        """Predicts with the latest checkpoint.

        Args:
          x: features, as for `fit`.
          input_fn: a function that returns features, instead.
          batch_size: rows per batch of `x`, by default all.
          outputs: names of the predictions that are wanted; default all.
          as_iterable: whether to give an iterator; else arrays.
          iterate_batches: whether the iterator gives batches; else examples.

        Returns:
          An iterator of predictions (dicts, if they have names), or arrays.

        Raises:
          ValueError: if both arrays and `input_fn` are given.
          NotFittedError: if the model was not fitted.
        """
        _check_input(x, None, input_fn)
        self._check_fitted()
        if input_fn is None:
            input_fn = data.input_fn_of(x, None, batch_size, 1, shuffle=False)
        batches = self._estimator.predict(
            input_fn, predict_keys=outputs,
            yield_single_examples=as_iterable and not iterate_batches,
        )  # fmt: skip
        return batches if as_iterable else joined(batches)

    def export_savedmodel(
        self,
        export_dir_base: Any,
        serving_input_fn: Callable[[], Any],
        default_output_alternative_key: Any = None,
        assets_extra: Any = None,
        as_text: bool = False,
        checkpoint_path: Any = None,
        graph_rewrite_specs: Any = None,
        strip_default_attrs: bool = False,
    ) -> bytes:
        """Writes a SavedModel; arguments as for `tf.estimator.Estimator.export_savedmodel`."""
        del default_output_alternative_key, graph_rewrite_specs
        return self._estimator.export_savedmodel(
            export_dir_base, serving_input_fn, assets_extra, as_text, checkpoint_path,
            strip_default_attrs,
        )  # fmt: skip


def _check_input(x: Any, y: Any, input_fn: Any) -> None:
    if input_fn is not None and (x is not None or y is not None):
        raise ValueError("Can not provide both input_fn and x or y.")
    if input_fn is None and x is None:
        raise ValueError("Either x or input_fn must be provided.")


def _feeding(feed_fn: Any) -> list[Any]:
    return [] if feed_fn is None else [FeedFnHook(feed_fn)]


def joined(batches: Iterator[Any]) -> Any:
    """Returns the batches of arrays, or of dicts of arrays, in one."""
    found = list(batches)
    if found and isinstance(found[0], dict):
        return {key: np.concatenate([b[key] for b in found]) for key in found[0]}
    return np.concatenate(found) if found else np.array([])


def _metric_ops(
    metrics: dict[Any, Any], features: Any, labels: Any, predictions: Any
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, metric in metrics.items():
        if isinstance(metric, MetricSpec):
            found[name] = metric.create_metric_ops(features, labels, predictions)
        elif isinstance(name, tuple):
            name, key = name
            found[name] = metric(predictions[key], labels)
        else:
            found[name] = metric(predictions, labels)
    return found


@export("contrib.learn.Estimator")
class Estimator(BaseEstimator):
    """Is a model that a function describes.

    Args:
      model_fn: a function of `features` and `labels`, and if it likes of `mode`, `params`,
        `config` and `model_dir`, that returns a `ModelFnOps` or `(predictions, loss, train_op)`.
      model_dir: directory of checkpoints and summaries.
      config: a `RunConfig`.
      params: hyperparameters, passed on to `model_fn`.
      feature_engineering_fn: a function of features and labels that changes both first.

    Raises:
      ValueError: if `params` are given and `model_fn` takes none.
    """

    def __init__(
        self,
        model_fn: Callable[..., Any] | None = None,
        model_dir: Any = None,
        config: Any = None,
        params: Any = None,
        feature_engineering_fn: Callable[..., Any] | None = None,
    ) -> None:
        self._remember(locals())
        names = list(inspect.signature(model_fn).parameters) if model_fn is not None else []
        if model_fn is not None and len(names) < 2:
            raise ValueError(f"Model function {model_fn} has less than 2 arguments.")
        if params is not None and "params" not in names:
            raise ValueError(
                f"Estimator's model_fn ({model_fn}) does not have a params argument, but params "
                f"({params}) were passed to the Estimator's constructor."
            )
        self._function, self._names = model_fn, names
        self.params = copy.deepcopy(params)
        self._feature_engineering_fn = feature_engineering_fn
        super().__init__(model_dir, config)

    def _call_model_fn(self, features: Any, labels: Any, mode: str) -> Any:
        if self._feature_engineering_fn is not None:
            features, labels = self._feature_engineering_fn(features, labels)
        offered = {
            "mode": mode, "params": self.params, "config": self.config,
            "model_dir": self.model_dir,
        }  # fmt: skip
        kwargs = {name: value for name, value in offered.items() if name in self._names}
        return self._function(features, labels, **kwargs)  # type: ignore[misc]
