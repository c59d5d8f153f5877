"""Exporters: write SavedModels while `train_and_evaluate` goes on."""

from __future__ import annotations

import abc
import inspect
import os
from collections.abc import Callable
from typing import Any

from millstream.base import errors, logging
from millstream.base.compat import as_text
from millstream.base.export import export
from millstream.formats import gfile
from millstream.formats.events import summary_iterator


@export("estimator.Exporter")
class Exporter(metaclass=abc.ABCMeta):
    """Writes models; subclasses say which."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The directory below `model_dir/export`."""

    @abc.abstractmethod
    def export(
        self,
        estimator: Any,
        export_path: Any,
        checkpoint_path: Any,
        eval_result: Any,
        is_the_final_export: bool,
    ) -> Any:
        """Writes a model if it should be written.

        Args:
          estimator: the estimator.
          export_path: directory to write below.
          checkpoint_path: the checkpoint that was evaluated.
          eval_result: values of its metrics by name.
          is_the_final_export: whether the training has ended.

        Returns:
          The path of the model, or None.
        """


class _SavedModelExporter(Exporter):
    """What all exporters of SavedModels share."""

    def __init__(
        self, name: str, serving_input_receiver_fn: Any, assets_extra: Any, as_text: bool
    ) -> None:
        if not isinstance(name, str) or not name:
            raise ValueError(f"An exporter needs a name, a string that is not empty; got {name!r}")
        self._name = name
        self._serving_input_receiver_fn = serving_input_receiver_fn
        self._assets_extra, self._as_text = assets_extra, as_text

    @property
    def name(self) -> str:
        return self._name

    def export(
        self,
        estimator: Any,
        export_path: Any,
        checkpoint_path: Any,
        eval_result: Any,
        is_the_final_export: bool,
    ) -> Any:
        return estimator.export_savedmodel(
            export_path,
            self._serving_input_receiver_fn,
            assets_extra=self._assets_extra,
            as_text=self._as_text,
            checkpoint_path=checkpoint_path,
        )


@export("estimator.FinalExporter")
class FinalExporter(_SavedModelExporter):
    """Writes one model, when the training has ended.

    Args:
      name: directory below `model_dir/export`.
      serving_input_receiver_fn: a function of nothing that returns a `ServingInputReceiver`.
      assets_extra: paths of files to take along, by path below `assets.extra/`.
      as_text: whether to write the graph as text.

    Raises:
      ValueError: without name.
    """

    def __init__(
        self,
        name: str,
        serving_input_receiver_fn: Callable[[], Any],
        assets_extra: Any = None,
        as_text: bool = False,
    ) -> None:
        super().__init__(name, serving_input_receiver_fn, assets_extra, as_text)

    def export(
        self,
        estimator: Any,
        export_path: Any,
        checkpoint_path: Any,
        eval_result: Any,
        is_the_final_export: bool,
    ) -> Any:
        """Writes the model, if the training has ended."""
        if not is_the_final_export:
            return None
        logging.info("Performing the final export in the end of training.")
        return super().export(
            estimator, export_path, checkpoint_path, eval_result, is_the_final_export
        )


class _Keeping(_SavedModelExporter):
    """Keeps the last few models."""

    def __init__(
        self, name: str, receiver_fn: Any, assets_extra: Any, as_text: bool, keep: int | None
    ) -> None:
        super().__init__(name, receiver_fn, assets_extra, as_text)
        if keep is not None and keep <= 0:
            raise ValueError("`exports_to_keep`, if provided, must be a positive number.")
        self._exports_to_keep = keep

    def _export_and_clean(self, *args: Any) -> Any:
        found = super().export(*args)
        self._garbage_collect_exports(args[1])
        return found

    def _garbage_collect_exports(self, export_dir_base: Any) -> None:
        if self._exports_to_keep is None:
            return
        base = as_text(os.fspath(export_dir_base))
        names = [name.rstrip("/") for name in gfile.ListDirectory(base)]
        versions = sorted((name for name in names if name.isdigit()), key=int)
        for name in versions[: -self._exports_to_keep]:
            try:
                gfile.DeleteRecursively(os.path.join(base, name))
            except errors.OpError as error:
                logging.warning("Can not delete %s recursively: %s", name, error)


@export("estimator.LatestExporter")
class LatestExporter(_Keeping):
    """Writes a model after every evaluation, and keeps the last few.

    Args:
      name: directory below `model_dir/export`.
      serving_input_receiver_fn: a function of nothing that returns a `ServingInputReceiver`.
      assets_extra: paths of files to take along, by path below `assets.extra/`.
      as_text: whether to write the graph as text.
      exports_to_keep: how many to keep; None for all.

    Raises:
      ValueError: without name, or if `exports_to_keep` is not positive.
    """

    def __init__(
        self,
        name: str,
        serving_input_receiver_fn: Callable[[], Any],
        assets_extra: Any = None,
        as_text: bool = False,
        exports_to_keep: int | None = 5,
    ) -> None:
        super().__init__(name, serving_input_receiver_fn, assets_extra, as_text, exports_to_keep)

    def export(
        self,
        estimator: Any,
        export_path: Any,
        checkpoint_path: Any,
        eval_result: Any,
        is_the_final_export: bool,
    ) -> Any:
        """Writes the model."""
        return self._export_and_clean(
            estimator, export_path, checkpoint_path, eval_result, is_the_final_export
        )


def _loss_smaller(best_eval_result: Any, current_eval_result: Any) -> bool:
    """Returns whether the current loss is smaller than the best."""
    for what, result in (("best", best_eval_result), ("current", current_eval_result)):
        if not result or "loss" not in result:
            raise ValueError(f"{what}_eval_result cannot be empty or no loss is found in it.")
    return best_eval_result["loss"] > current_eval_result["loss"]


@export("estimator.BestExporter")
class BestExporter(_Keeping):
    """Writes a model whenever it is better than all before, also those of earlier runs.

    Args:
      name: directory below `model_dir/export`.
      serving_input_receiver_fn: a function of nothing that returns a `ServingInputReceiver`.
      event_file_pattern: where earlier evaluations are found, below `model_dir`; None: nowhere.
      compare_fn: a function of `best_eval_result` and `current_eval_result` that returns whether
        the current one is better; default: by smaller loss.
      assets_extra: paths of files to take along, by path below `assets.extra/`.
      as_text: whether to write the graph as text.
      exports_to_keep: how many to keep; None for all.

    Raises:
      ValueError: if `compare_fn` has other parameters, or `exports_to_keep` is not positive.
    """

    def __init__(
        self,
        name: str = "best_exporter",
        serving_input_receiver_fn: Any = None,
        event_file_pattern: str | None = "eval/*.tfevents.*",
        compare_fn: Callable[..., bool] = _loss_smaller,
        assets_extra: Any = None,
        as_text: bool = False,
        exports_to_keep: int | None = 5,
    ) -> None:
        if compare_fn is None:
            raise ValueError("`compare_fn` must not be None.")
        names = set(inspect.signature(compare_fn).parameters)
        for wanted in ("best_eval_result", "current_eval_result"):
            if wanted not in names:
                raise ValueError(f"compare_fn ({compare_fn}) must include {wanted} argument.")
        unknown = names - {"best_eval_result", "current_eval_result"}
        if unknown:
            raise ValueError(
                f"compare_fn ({compare_fn}) has following not expected args: {list(unknown)}"
            )
        super().__init__(name, serving_input_receiver_fn, assets_extra, as_text, exports_to_keep)
        self._compare_fn = compare_fn
        self._event_file_pattern = event_file_pattern
        self._model_dir: Any = None
        self._best_eval_result: Any = None

    def export(
        self,
        estimator: Any,
        export_path: Any,
        checkpoint_path: Any,
        eval_result: Any,
        is_the_final_export: bool,
    ) -> Any:
        """Writes the model if it is the best so far."""
        if self._model_dir != estimator.model_dir and self._event_file_pattern:
            self._model_dir = estimator.model_dir
            pattern = os.path.join(self._model_dir, self._event_file_pattern)
            self._best_eval_result = self._get_best_eval_result(pattern)
        if self._best_eval_result is not None and not self._compare_fn(
            best_eval_result=self._best_eval_result, current_eval_result=eval_result
        ):
            return None
        logging.info("Performing best model export.")
        self._best_eval_result = eval_result
        return self._export_and_clean(
            estimator, export_path, checkpoint_path, eval_result, is_the_final_export
        )

    def _get_best_eval_result(self, pattern: str) -> Any:
        """Returns the best result in event files; the current one is among them."""
        paths = gfile.Glob(pattern)
        if paths:
            logging.info("Loading best metric from event files.")
        best = None
        for path in paths:
            for event in summary_iterator(path):
                values = {
                    value.tag: value.simple_value
                    for value in event.summary.value
                    if value.HasField("simple_value")
                }
                if values and (
                    best is None
                    or self._compare_fn(best_eval_result=best, current_eval_result=values)
                ):
                    best = values
        return best
