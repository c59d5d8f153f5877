"""`tf.estimator.Estimator`: trains, evaluates, predicts and exports a model function."""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from millstream.base import logging
from millstream.base.compat import as_text
from millstream.base.export import export
from millstream.estimator import evaluating, exporting, input_data, predicting, training
from millstream.estimator.mode_keys import ModeKeys
from millstream.estimator.model_fn import call_model_fn, verify_model_fn_args
from millstream.estimator.run_config import RunConfig, default_session_config
from millstream.estimator.warm_start_settings import settings_of
from millstream.formats.checkpoint_state import latest_checkpoint
from millstream.formats.files import path_of
from millstream.ir.graph import Graph
from millstream.ir.random_seed import set_random_seed
from millstream.state.global_step import assert_global_step, create_global_step
from millstream.train.checkpoint_utils import list_variables, load_variable
from millstream.train.session_run_hook import SessionRunHook

_MAY_BE_OVERRIDDEN = frozenset(
    {
        "_call_input_fn", "_call_model_fn", "_convert_train_steps_to_hooks",
        "_convert_eval_steps_to_hooks", "_create_global_step",
        "_validate_features_in_predict_input",
        "_add_meta_graph_for_mode", "export_savedmodel", "export_saved_model", "model_fn",
        "experimental_export_all_saved_models", "_tf_api_names", "_tf_api_names_v1",
        "_estimator_api_names", "_estimator_api_names_v1", "_estimator_api_constants",
        "_estimator_api_constants_v1",
    }
)  # fmt: skip


@export("estimator.Estimator")
class Estimator:
    """Trains, evaluates, predicts and exports a model that a function describes.

    Each call builds a graph of its own; what stays is the latest checkpoint in `model_dir`.

    Args:
      model_fn: a function of `features`, and if it likes of `labels`, `mode`, `params` and
        `config`, that returns an `EstimatorSpec`.
      model_dir: directory of checkpoints and summaries; default: that of `config`, or a new one.
      config: a `RunConfig`.
      params: hyperparameters, passed on to `model_fn`.
      warm_start_from: path of a checkpoint or SavedModel, or `WarmStartSettings`, to begin with.

    Raises:
      ValueError: if the arguments of `model_fn` are not as said, or directories contradict.

    Example:
      >>> estimator = tf.estimator.Estimator(model_fn, "/tmp/model", params={"rate": 0.1})
      >>> estimator.train(train_input_fn, steps=1000)
      >>> estimator.evaluate(test_input_fn)["accuracy"]
      >>> list(estimator.predict(new_input_fn))
    """

    def __init__(
        self,
        model_fn: Callable[..., Any],
        model_dir: Any = None,
        config: RunConfig | None = None,
        params: Any = None,
        warm_start_from: Any = None,
    ) -> None:
        self._assert_members_are_not_overridden()
        self._config = _with_directory(config, model_dir)
        self._session_config = self._config.session_config
        self._model_dir = self._config.model_dir
        logging.info("Using config: %s", str(self._config.described()))
        self._device_fn = self._config.device_fn
        if model_fn is None:
            raise ValueError("model_fn must be provided to Estimator.")
        verify_model_fn_args(model_fn, params)
        self._model_fn = model_fn
        self._params = copy.deepcopy(params or {})
        self._warm_start_settings = settings_of(warm_start_from)
        # The kind of features that `predict` had last, and the graph kept for them; see warm.py.
        self._warm_key: Any = None
        self._warm_predictor: Any = None

    def _assert_members_are_not_overridden(self) -> None:
        kind = type(self)
        if kind is Estimator:
            return
        ours = {n for n in vars(Estimator) if not n.startswith("__")} - _MAY_BE_OVERRIDDEN
        overridden = [
            name
            for base in kind.__mro__[: kind.__mro__.index(Estimator)]
            if not base.__module__.startswith("millstream.")
            for name in vars(base)
            if name in ours
        ]
        if overridden:
            raise ValueError(
                f"Subclasses of Estimator cannot override members of Estimator. {kind} does "
                f"override {overridden}"
            )

    # -- what it consists of

    @property
    def model_dir(self) -> str:
        """The directory of checkpoints and summaries."""
        return self._model_dir

    @property
    def config(self) -> RunConfig:
        """A copy of the configuration."""
        return copy.deepcopy(self._config)

    @property
    def params(self) -> Any:
        """A copy of the hyperparameters."""
        return copy.deepcopy(self._params)

    @property
    def model_fn(self) -> Callable[..., Any]:
        """A function of `features`, `labels`, `mode` and `config` that calls the model function."""

        def public_model_fn(features: Any, labels: Any, mode: str, config: Any) -> Any:
            return self._call_model_fn(features, labels, mode, config)

        return public_model_fn

    def get_variable_value(self, name: str) -> Any:
        """Returns the array of a variable in the latest checkpoint.

        Raises:
          ValueError: if nothing was trained yet.
        """
        self._check_trained()
        return load_variable(self.model_dir, name)

    def get_variable_names(self) -> list[str]:
        """Lists the names of the variables in the latest checkpoint.

        Raises:
          ValueError: if nothing was trained yet.
        """
        self._check_trained()
        return [name for name, _ in list_variables(self.model_dir)]

    def _check_trained(self) -> None:
        if not latest_checkpoint(self.model_dir):
            raise ValueError(
                f"Couldn't find 'checkpoint' file or checkpoints in given directory "
                f"{self.model_dir}"
            )

    def latest_checkpoint(self) -> str | None:
        """Returns the path of the latest checkpoint, or None."""
        return latest_checkpoint(self.model_dir)

    def eval_dir(self, name: str | None = None) -> str:
        """Returns the directory that evaluations of a name write their summaries to."""
        return os.path.join(self._model_dir, f"eval_{name}" if name else "eval")

    # -- training

    def train(
        self,
        input_fn: Callable[..., Any],
        hooks: Sequence[SessionRunHook] | None = None,
        steps: int | None = None,
        max_steps: int | None = None,
        saving_listeners: Any = None,
    ) -> Estimator:
        """Trains from the latest checkpoint on, until the input or the number of steps ends it.

        Args:
          input_fn: a function that returns features and labels, or a `tf.data.Dataset` of them; it
            may take `mode`, `params` and `config`.
          hooks: `SessionRunHook`s.
          steps: how many steps to make.
          max_steps: the global step to stop at.
          saving_listeners: `CheckpointSaverListener`s.

        Returns:
          Itself.

        Raises:
          ValueError: if both `steps` and `max_steps` are given, or one is not positive.
        """
        _check_steps(steps, max_steps)
        if max_steps is not None:
            start = training.saved_global_step(self._model_dir)
            if max_steps <= start:
                logging.info("Skipping training since max_steps has already saved.")
                return self
        hooks = [*_checked_hooks(hooks), *self._convert_train_steps_to_hooks(steps, max_steps)]
        listeners = _checked_listeners(saving_listeners)
        loss = training.run(self, input_fn, hooks, listeners)
        logging.info("Loss for final step: %s.", loss)
        return self

    def _convert_train_steps_to_hooks(self, steps: Any, max_steps: Any) -> list[SessionRunHook]:
        return training.stop_hooks(steps, max_steps)

    # -- evaluating

    def evaluate(
        self,
        input_fn: Callable[..., Any],
        steps: int | None = None,
        hooks: Sequence[SessionRunHook] | None = None,
        checkpoint_path: Any = None,
        name: str | None = None,
    ) -> dict[str, Any]:
        """Evaluates the model of the latest checkpoint.

        Args:
          input_fn: as for `train`.
          steps: how many batches to look at; None until the input ends.
          hooks: `SessionRunHook`s.
          checkpoint_path: another checkpoint.
          name: of this evaluation, if there are several: its summaries go to `eval_<name>`.

        Returns:
          Values of the metrics by name, with `loss` and `global_step`.

        Raises:
          ValueError: if `steps` is not positive.
        """
        if steps is not None and steps <= 0:
            raise ValueError(f"Must specify steps > 0, given: {steps}")
        all_hooks = [*_checked_hooks(hooks), *self._convert_eval_steps_to_hooks(steps)]
        return evaluating.run(self, input_fn, all_hooks, checkpoint_path, name)

    def _convert_eval_steps_to_hooks(self, steps: int | None) -> list[SessionRunHook]:
        return evaluating.stop_hooks(steps)

    # -- predicting

    def predict(
        self,
        input_fn: Callable[..., Any],
        predict_keys: Any = None,
        hooks: Sequence[SessionRunHook] | None = None,
        checkpoint_path: Any = None,
        yield_single_examples: bool = True,
    ) -> Iterator[Any]:
        """Gives the predictions of the latest checkpoint's model, one example after the other.

        Args:
          input_fn: as for `train`; labels are ignored.
          predict_keys: names of the predictions that are wanted; default all.
          hooks: `SessionRunHook`s.
          checkpoint_path: another checkpoint.
          yield_single_examples: whether to give single examples; else whole batches.

        Yields:
          Dicts of arrays by name, or arrays.

        Raises:
          ValueError: if predictions have different batch sizes, or no key exists.
        """
        return predicting.run(
            self, input_fn, predict_keys, _checked_hooks(hooks), checkpoint_path,
            yield_single_examples,
        )  # fmt: skip

    # -- exporting

    def export_saved_model(
        self,
        export_dir_base: Any,
        serving_input_receiver_fn: Callable[[], Any],
        assets_extra: Any = None,
        as_text: bool = False,
        checkpoint_path: Any = None,
        experimental_mode: str = ModeKeys.PREDICT,
    ) -> bytes:
        """Writes the model of the latest checkpoint as a SavedModel.

        Args:
          export_dir_base: directory below which one named after the time is made.
          serving_input_receiver_fn: a function of nothing that returns a `ServingInputReceiver`.
          assets_extra: paths of files to take along, by path below `assets.extra/`.
          as_text: whether to write the graph as text.
          checkpoint_path: another checkpoint.
          experimental_mode: the mode of the exported graph.

        Returns:
          The path of the new directory, as bytes.

        Raises:
          ValueError: if nothing was trained yet, or no function is given.
        """
        if not serving_input_receiver_fn:
            raise ValueError("An input_receiver_fn must be defined.")
        return exporting.export_all(
            self, export_dir_base, {experimental_mode: serving_input_receiver_fn}, assets_extra,
            as_text, checkpoint_path, strip_default_attrs=True,
        )  # fmt: skip

    def export_savedmodel(
        self,
        export_dir_base: Any,
        serving_input_receiver_fn: Callable[[], Any],
        assets_extra: Any = None,
        as_text: bool = False,
        checkpoint_path: Any = None,
        strip_default_attrs: bool = False,
    ) -> bytes:
        """Is `export_saved_model` that by default writes attrs with default values, too."""
        if not serving_input_receiver_fn:
            raise ValueError("An input_receiver_fn must be defined.")
        return exporting.export_all(
            self, export_dir_base, {ModeKeys.PREDICT: serving_input_receiver_fn}, assets_extra,
            as_text, checkpoint_path, strip_default_attrs,
        )  # fmt: skip

    def experimental_export_all_saved_models(
        self,
        export_dir_base: Any,
        input_receiver_fn_map: dict[str, Callable[[], Any]],
        assets_extra: Any = None,
        as_text: bool = False,
        checkpoint_path: Any = None,
    ) -> bytes:
        """Writes one SavedModel with a graph for each of several modes.

        Args:
          export_dir_base: as for `export_saved_model`.
          input_receiver_fn_map: functions that return input receivers, by mode.
          assets_extra: as for `export_saved_model`.
          as_text: as for `export_saved_model`.
          checkpoint_path: as for `export_saved_model`.

        Returns:
          The path of the new directory, as bytes.
        """
        return exporting.export_all(
            self, export_dir_base, input_receiver_fn_map, assets_extra, as_text, checkpoint_path,
            strip_default_attrs=True,
        )  # fmt: skip

    # -- for the loops

    @contextmanager
    def _new_graph(self) -> Iterator[Any]:
        """Gives a context in a new graph with seed, device and global step."""
        with Graph().as_default() as graph, graph.device(self._device_fn):
            set_random_seed(self._config.tf_random_seed)
            step = self._create_global_step(graph)
            assert_global_step(step)
            yield graph, step

    def _create_global_step(self, graph: Graph) -> Any:
        return create_global_step(graph)

    def _call_input_fn(self, input_fn: Any, mode: str) -> Any:
        return input_data.call_input_fn(input_fn, mode, self.params, self.config)

    def _call_model_fn(self, features: Any, labels: Any, mode: str, config: Any) -> Any:
        return call_model_fn(self._model_fn, features, labels, mode, self.params, config)

    def _validate_features_in_predict_input(self, result: Any) -> None:
        if not predicting.has_end():
            logging.warning(
                "Input graph does not use tf.data.Dataset or contain a QueueRunner. That means "
                "predict yields forever. This is probably a mistake."
            )


def _with_directory(config: Any, model_dir: Any) -> RunConfig:
    """Returns a copy of the configuration, with directory and session configuration."""
    if config is None:
        config = RunConfig()
        logging.info("Using default config.")
    if not isinstance(config, RunConfig):
        raise ValueError(f"config must be an instance of `RunConfig`, but provided {config}.")
    if config.session_config is None:
        config = config.replace(session_config=default_session_config())
    given = None if model_dir is None or model_dir == "" else as_text(path_of(model_dir))
    if given is not None:
        if config.model_dir is not None and config.model_dir != given:
            raise ValueError(
                "`model_dir` are set both in constructor and `RunConfig`, but with different "
                f"values. In constructor: '{given}', in `RunConfig`: '{config.model_dir}' "
            )
        return config.replace(model_dir=given)
    if config.model_dir is None:
        made = tempfile.mkdtemp()
        logging.warning("Using temporary folder as model directory: %s", made)
        return config.replace(model_dir=made)
    return config


def _check_steps(steps: Any, max_steps: Any) -> None:
    if steps is not None and max_steps is not None:
        raise ValueError("Can not provide both steps and max_steps.")
    if steps is not None and steps <= 0:
        raise ValueError(f"Must specify steps > 0, given: {steps}")
    if max_steps is not None and max_steps <= 0:
        raise ValueError(f"Must specify max_steps > 0, given: {max_steps}")


def _checked_hooks(hooks: Any) -> list[SessionRunHook]:
    found = list(hooks or [])
    for hook in found:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f"Hooks must be a SessionRunHook, given: {hook}")
    return found


def _checked_listeners(listeners: Any) -> list[Any]:
    found = list(listeners or [])
    for listener in found:
        if not hasattr(listener, "before_save"):
            raise TypeError(
                f"saving_listeners must be a list of CheckpointSaverListener, given: {listener}"
            )
    return found
