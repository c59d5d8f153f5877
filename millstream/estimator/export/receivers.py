"""Input receivers: which tensors an exported model is fed, and the features made from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from millstream.base.dtypes import String
from millstream.base.export import export
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor
from millstream.ir.tensor import Tensor
from millstream.ops.array.placeholders import placeholder
from millstream.ops.parsing.functions import parse_example

_FEATURE, _LABEL, _RECEIVER = "feature", "label", "input"


def _by_name(given: Any, what: str, default: str) -> dict[Any, Any]:
    """Returns tensors by name; a single one gets the default name."""
    if given is None:
        raise ValueError(f"{what}s must be defined.")
    found = given if isinstance(given, dict) else {default: given}
    for name, tensor in found.items():
        if not isinstance(name, (str, int, tuple)):
            raise ValueError(f"{what} keys must be strings, ints or tuples: {name}.")
        if not isinstance(tensor, (Tensor, SparseTensor)):
            raise ValueError(f"{what} {name} must be a Tensor or SparseTensor.")
    return found


def _receivers(given: Any) -> dict[str, Any]:
    if given is None:
        raise ValueError("receiver_tensors must be defined.")
    found = given if isinstance(given, dict) else {_RECEIVER: given}
    for name, tensor in found.items():
        if not isinstance(name, str):
            raise ValueError(f"receiver_tensors keys must be strings: {name}.")
        if not isinstance(tensor, Tensor):
            raise ValueError(f"receiver_tensor {name} must be a Tensor.")
    return found


def _alternatives(given: Any) -> Any:
    if given is None:
        return None
    if not isinstance(given, dict):
        raise ValueError(f"receiver_tensors_alternatives must be a dict: {given}.")
    return {key: _receivers(tensors) for key, tensors in given.items()}


class _Serving(NamedTuple):
    features: Any
    receiver_tensors: Any
    receiver_tensors_alternatives: Any


@export("estimator.export.ServingInputReceiver")
class ServingInputReceiver(_Serving):
    """Says what a served model is fed, and which features that gives.

    Args:
      features: a tensor, or a dict of them, for the model function.
      receiver_tensors: the placeholders that are fed: one or a dict.
      receiver_tensors_alternatives: dict of further sets of tensors that may be fed instead.

    Raises:
      ValueError: if something is missing or no tensor.
    """

    def __new__(
        cls, features: Any, receiver_tensors: Any, receiver_tensors_alternatives: Any = None
    ) -> ServingInputReceiver:
        return super().__new__(
            cls,
            _by_name(features, "feature", _FEATURE),
            _receivers(receiver_tensors),
            _alternatives(receiver_tensors_alternatives),
        )


@export("estimator.export.TensorServingInputReceiver")
class TensorServingInputReceiver(_Serving):
    """Is a `ServingInputReceiver` whose one feature reaches the model function as bare tensor.

    Args:
      features: the tensor.
      receiver_tensors: the placeholders that are fed: one or a dict.
      receiver_tensors_alternatives: dict of further sets of tensors that may be fed instead.

    Raises:
      ValueError: if `features` is no tensor.
    """

    def __new__(
        cls, features: Any, receiver_tensors: Any, receiver_tensors_alternatives: Any = None
    ) -> TensorServingInputReceiver:
        if features is None:
            raise ValueError("features must be defined.")
        if not isinstance(features, (Tensor, SparseTensor)):
            raise ValueError("feature must be a Tensor or SparseTensor.")
        return super().__new__(
            cls,
            features,
            _receivers(receiver_tensors),
            _alternatives(receiver_tensors_alternatives),
        )


class _Supervised(NamedTuple):
    features: Any
    labels: Any
    receiver_tensors: Any


class SupervisedInputReceiver(_Supervised):
    """Says what a model exported for training or evaluating is fed.

    Args:
      features: a tensor, or a dict of them.
      labels: a tensor, or a dict of them.
      receiver_tensors: the placeholders that are fed: one or a dict.

    Raises:
      ValueError: if something is missing or no tensor.
    """

    def __new__(cls, features: Any, labels: Any, receiver_tensors: Any) -> SupervisedInputReceiver:
        for what, given in (("feature", features), ("label", labels)):
            _by_name(given, what, what)
        return super().__new__(cls, features, labels, _receivers(receiver_tensors))


@export("estimator.export.build_parsing_serving_input_receiver_fn")
def build_parsing_serving_input_receiver_fn(
    feature_spec: Any, default_batch_size: int | None = None
) -> Callable[[], ServingInputReceiver]:
    """Makes a function that receives serialised `tf.Example`s.

    Args:
      feature_spec: dict for `tf.parse_example`.
      default_batch_size: number of examples; None for any.

    Returns:
      A function of nothing that gives a `ServingInputReceiver`.
    """

    def serving_input_receiver_fn() -> ServingInputReceiver:
        serialized = placeholder(
            dtype=String, shape=[default_batch_size], name="input_example_tensor"
        )
        features = parse_example(serialized, feature_spec)
        return ServingInputReceiver(features, {"examples": serialized})

    return serving_input_receiver_fn


def _like(tensor: Any, batch_size: int | None) -> Tensor:
    shape = tensor.get_shape()
    if shape.ndims:
        shape = [batch_size, *shape.as_list()[1:]]
    return placeholder(dtype=tensor.dtype, shape=shape, name=tensor.op.name)


@export("estimator.export.build_raw_serving_input_receiver_fn")
def build_raw_serving_input_receiver_fn(
    features: Any, default_batch_size: int | None = None
) -> Callable[[], ServingInputReceiver]:
    """Makes a function that receives the features themselves.

    Args:
      features: dict of tensors, of which names, dtypes and shapes are used.
      default_batch_size: size of the first axis; None for any.

    Returns:
      A function of nothing that gives a `ServingInputReceiver`.
    """

    def serving_input_receiver_fn() -> ServingInputReceiver:
        tensors = {
            name: _like(convert_to_tensor(tensor), default_batch_size)
            for name, tensor in features.items()
        }
        return ServingInputReceiver(dict(tensors), tensors)

    return serving_input_receiver_fn


@export("estimator.experimental.build_raw_supervised_input_receiver_fn")
def build_raw_supervised_input_receiver_fn(
    features: Any, labels: Any, default_batch_size: int | None = None
) -> Callable[[], SupervisedInputReceiver]:
    """Makes a function that receives features and labels, for export in training or eval mode.

    Args:
      features: a tensor, or a dict of them.
      labels: a tensor, or a dict of them.
      default_batch_size: size of the first axis; None for any.

    Returns:
      A function of nothing that gives a `SupervisedInputReceiver`.

    Raises:
      ValueError: if a feature and a label have one name.
    """
    shared = set(features if isinstance(features, dict) else ()) & set(
        labels if isinstance(labels, dict) else ()
    )
    if shared:
        raise ValueError(
            f"Features and labels must have distinct keys. Found overlapping keys: {sorted(shared)}"
        )

    def made(given: Any) -> Any:
        if isinstance(given, dict):
            return {name: _like(tensor, default_batch_size) for name, tensor in given.items()}
        return _like(given, default_batch_size)

    def supervised_input_receiver_fn() -> SupervisedInputReceiver:
        new_features, new_labels = made(features), made(labels)
        tensors = {
            **_by_name(new_features, "feature", _RECEIVER),
            **_by_name(new_labels, "label", _LABEL),
        }
        return SupervisedInputReceiver(new_features, new_labels, tensors)

    return supervised_input_receiver_fn
