"""`ExportOutput`s: what an exported model gives, and the signatures made from them."""

from __future__ import annotations

import abc
from typing import Any

from millstream.base.dtypes import String
from millstream.base.export import export
from millstream.ir.tensor import Tensor
from millstream.saved_model.signatures import (
    build_signature_def,
    build_tensor_info,
    classification_signature_def,
    predict_signature_def,
    regression_signature_def,
)


def _name(key: Any, what: str) -> str:
    """Returns the name that a key, a string or a tuple of strings, stands for."""
    key = "/".join(key) if isinstance(key, tuple) else key
    if not isinstance(key, str):
        raise ValueError(f"{what} output key must be a string; got {key}.")
    return key


def _tensor(value: Any, what: str) -> Any:
    if not isinstance(value, Tensor) and not hasattr(value, "_as_graph_element"):
        raise ValueError(f"{what} output value must be a Tensor; got {value}.")
    return value


def _single_string(receiver_tensors: dict[str, Any], what: str) -> Any:
    given = list(receiver_tensors.values())
    if len(given) != 1 or given[0].dtype != String:
        raise ValueError(f"{what} input must be a single string Tensor; got {receiver_tensors}")
    return given[0]


@export("estimator.export.ExportOutput")
class ExportOutput(metaclass=abc.ABCMeta):
    """Is what an exported model gives under one signature."""

    @abc.abstractmethod
    def as_signature_def(self, receiver_tensors: dict[str, Any]) -> Any:
        """Returns the `SignatureDef` for given inputs.

        Args:
          receiver_tensors: the tensors that are fed, by name.

        Raises:
          ValueError: if this kind of output does not take such inputs.
        """


@export("estimator.export.ClassificationOutput")
class ClassificationOutput(ExportOutput):
    """Gives classes, scores or both, for `Classify` of TensorFlow Serving.

    Args:
      scores: float tensor `[batch]` or `[batch, classes]`.
      classes: string tensor `[batch]` or `[batch, classes]`.

    Raises:
      ValueError: if both are missing, or of another dtype.
    """

    def __init__(self, scores: Any = None, classes: Any = None) -> None:
        if scores is not None and not (isinstance(scores, Tensor) and scores.dtype.is_floating):
            raise ValueError(f"Classification scores must be a float32 Tensor; got {scores}")
        if classes is not None and not (isinstance(classes, Tensor) and classes.dtype == String):
            raise ValueError(f"Classification classes must be a string Tensor; got {classes}")
        if scores is None and classes is None:
            raise ValueError("At least one of scores and classes must be set.")
        self._scores, self._classes = scores, classes

    @property
    def scores(self) -> Any:
        """The scores, or None."""
        return self._scores

    @property
    def classes(self) -> Any:
        """The classes, or None."""
        return self._classes

    def as_signature_def(self, receiver_tensors: dict[str, Any]) -> Any:
        """Returns the signature of serialised `tf.Example`s to classes and scores."""
        examples = _single_string(receiver_tensors, "Classification")
        return classification_signature_def(examples, self._classes, self._scores)


@export("estimator.export.RegressionOutput")
class RegressionOutput(ExportOutput):
    """Gives numbers, for `Regress` of TensorFlow Serving.

    Args:
      value: float tensor `[batch]`.

    Raises:
      ValueError: if it is none.
    """

    def __init__(self, value: Any) -> None:
        if not (isinstance(value, Tensor) and value.dtype.is_floating):
            raise ValueError(f"Regression output value must be a float32 Tensor; got {value}")
        self._value = value

    @property
    def value(self) -> Any:
        """The numbers."""
        return self._value

    def as_signature_def(self, receiver_tensors: dict[str, Any]) -> Any:
        """Returns the signature of serialised `tf.Example`s to numbers."""
        examples = _single_string(receiver_tensors, "Regression")
        return regression_signature_def(examples, self._value)


@export("estimator.export.PredictOutput")
class PredictOutput(ExportOutput):
    """Gives any tensors, for `Predict` of TensorFlow Serving.

    Args:
      outputs: a tensor, or a dict of them.

    Raises:
      ValueError: if there are none.
    """

    def __init__(self, outputs: Any) -> None:
        if not isinstance(outputs, dict):
            outputs = {"output": outputs}
        self._outputs = {
            _name(key, "Prediction"): _tensor(value, "Prediction") for key, value in outputs.items()
        }

    @property
    def outputs(self) -> dict[str, Any]:
        """The tensors by name."""
        return self._outputs

    def as_signature_def(self, receiver_tensors: dict[str, Any]) -> Any:
        """Returns the signature of any inputs to these outputs."""
        return predict_signature_def(receiver_tensors, self._outputs)


class _SupervisedOutput(ExportOutput):
    """Gives loss, predictions and metrics of a model exported for training or evaluating."""

    method_name = ""

    def __init__(self, loss: Any = None, predictions: Any = None, metrics: Any = None) -> None:
        self._outputs: dict[str, Any] = {}
        for prefix, given in (("loss", loss), ("predictions", predictions)):
            if given is None:
                continue
            if not isinstance(given, dict):
                self._outputs[prefix] = _tensor(given, prefix)
                continue
            for key, value in given.items():
                self._outputs[f"{prefix}/{_name(key, prefix)}"] = _tensor(value, prefix)
        for key, (value, update) in (metrics or {}).items():
            name = f"metrics/{_name(key, 'metrics')}"
            self._outputs[f"{name}/value"] = value
            self._outputs[f"{name}/update_op"] = update

    @property
    def outputs(self) -> dict[str, Any]:
        """The tensors by name."""
        return self._outputs

    def as_signature_def(self, receiver_tensors: dict[str, Any]) -> Any:
        """Returns the signature of any inputs to these outputs."""
        inputs = {key: build_tensor_info(value) for key, value in receiver_tensors.items()}
        outputs = {
            key: build_tensor_info(value if hasattr(value, "dtype") else value.outputs[0])
            for key, value in self._outputs.items()
            if hasattr(value, "dtype") or value.outputs
        }
        return build_signature_def(inputs, outputs, self.method_name)


class TrainOutput(_SupervisedOutput):
    """Is the output of a model exported for training."""

    method_name = "tensorflow/supervised/training"


class EvalOutput(_SupervisedOutput):
    """Is the output of a model exported for evaluating."""

    method_name = "tensorflow/supervised/eval"
