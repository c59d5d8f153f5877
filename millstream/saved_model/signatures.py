"""Signatures: which tensors of a graph a caller feeds and fetches, by names of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from millstream.base import dtypes
from millstream.base.export import export
from millstream.formats import protos
from millstream.ir.composite import SparseTensor
from millstream.ir.default import get_default_graph
from millstream.ir.tensor import Tensor
from millstream.saved_model import constants


@export("saved_model.build_tensor_info", "saved_model.utils.build_tensor_info")
def build_tensor_info(tensor: Any) -> Any:
    """Describes a tensor as a `TensorInfo`: its name, dtype and shape.

    Args:
      tensor: a `Tensor`, variable or `SparseTensor`.

    Returns:
      The `TensorInfo`; of a sparse tensor, with the names of its three tensors.
    """
    info = protos.TensorInfo(dtype=tensor.dtype.as_datatype_enum)
    info.tensor_shape.CopyFrom(tensor.get_shape().as_proto())
    if isinstance(tensor, SparseTensor):
        info.coo_sparse.values_tensor_name = tensor.values.name
        info.coo_sparse.indices_tensor_name = tensor.indices.name
        info.coo_sparse.dense_shape_tensor_name = tensor.dense_shape.name
    else:
        info.name = tensor.name
    return info


@export("saved_model.get_tensor_from_tensor_info", "saved_model.utils.get_tensor_from_tensor_info")
def get_tensor_from_tensor_info(
    tensor_info: Any, graph: Any = None, import_scope: str | None = None
) -> Tensor | SparseTensor:
    """Returns the tensor that a `TensorInfo` describes.

    Args:
      tensor_info: the `TensorInfo`.
      graph: the graph that has it, by default the default one.
      import_scope: scope that the graph's nodes were imported into.

    Raises:
      KeyError: if the graph has no such tensor.
      ValueError: if the `TensorInfo` describes no tensor.
    """
    graph = graph or get_default_graph()
    prefix = f"{import_scope}/" if import_scope else ""
    kind = tensor_info.WhichOneof("encoding")
    if kind == "name":
        return graph.get_tensor_by_name(prefix + tensor_info.name)
    if kind == "coo_sparse":
        names = tensor_info.coo_sparse
        indices, values, dense_shape = (
            graph.get_tensor_by_name(prefix + name)
            for name in (
                names.indices_tensor_name,
                names.values_tensor_name,
                names.dense_shape_tensor_name,
            )
        )
        return SparseTensor(indices, values, dense_shape)
    raise ValueError(f"Invalid TensorInfo.encoding: {kind}")


@export("saved_model.build_signature_def", "saved_model.signature_def_utils.build_signature_def")
def build_signature_def(
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    method_name: str | None = None,
) -> Any:
    """Makes a `SignatureDef` of named `TensorInfo`s.

    Args:
      inputs: `TensorInfo`s to feed, by name.
      outputs: `TensorInfo`s to fetch, by name.
      method_name: what a server takes the signature for, such as `PREDICT_METHOD_NAME`.

    Raises:
      TypeError: if an input or output is no `TensorInfo`.
    """
    signature = protos.SignatureDef()
    for role, infos in (("inputs", inputs), ("outputs", outputs)):
        for name, info in (infos or {}).items():
            if not hasattr(info, "coo_sparse"):
                raise TypeError(
                    f"{role} '{name}' must be a TensorInfo, as build_tensor_info gives it, "
                    f"not {info!r}"
                )
            getattr(signature, role)[name].CopyFrom(info)
    if method_name is not None:
        signature.method_name = method_name
    return signature


@export(
    "saved_model.predict_signature_def", "saved_model.signature_def_utils.predict_signature_def"
)
def predict_signature_def(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Any:
    """Makes the `SignatureDef` of a prediction from any tensors.

    Args:
      inputs: tensors to feed, by name.
      outputs: tensors to fetch, by name.

    Raises:
      ValueError: if there are none.
    """
    if not inputs:
        raise ValueError("Prediction inputs cannot be None or empty.")
    if not outputs:
        raise ValueError("Prediction outputs cannot be None or empty.")
    return build_signature_def(_infos(inputs), _infos(outputs), constants.PREDICT_METHOD_NAME)


@export(
    "saved_model.classification_signature_def",
    "saved_model.signature_def_utils.classification_signature_def",
)
def classification_signature_def(examples: Any, classes: Any, scores: Any) -> Any:
    """Makes the `SignatureDef` of a classifier of serialised `tf.train.Example`s.

    Args:
      examples: string `[batch]`.
      classes: string `[batch, classes]`, or `None`.
      scores: float32 `[batch, classes]`, or `None`; one of the two must be given.

    Raises:
      ValueError: if a tensor is missing or has another dtype.
    """
    _check_examples(examples, "Classification")
    if classes is None and scores is None:
        raise ValueError("Classification classes and scores cannot both be None.")
    outputs: dict[str, Any] = {}
    if classes is not None:
        _check_dtype(classes, dtypes.string, "Classification classes must be a string Tensor.")
        outputs[constants.CLASSIFY_OUTPUT_CLASSES] = classes
    if scores is not None:
        _check_dtype(scores, dtypes.float32, "Classification scores must be a float Tensor.")
        outputs[constants.CLASSIFY_OUTPUT_SCORES] = scores
    inputs = {constants.CLASSIFY_INPUTS: examples}
    return build_signature_def(_infos(inputs), _infos(outputs), constants.CLASSIFY_METHOD_NAME)


@export(
    "saved_model.regression_signature_def",
    "saved_model.signature_def_utils.regression_signature_def",
)
def regression_signature_def(examples: Any, predictions: Any) -> Any:
    """Makes the `SignatureDef` of a regression on serialised `tf.train.Example`s.

    Args:
      examples: string `[batch]`.
      predictions: float32 `[batch, 1]` or `[batch]`.

    Raises:
      ValueError: if a tensor is missing or has another dtype.
    """
    _check_examples(examples, "Regression")
    if predictions is None:
        raise ValueError("Regression predictions cannot be None.")
    _check_dtype(predictions, dtypes.float32, "Regression output must be a float Tensor.")
    inputs = {constants.REGRESS_INPUTS: examples}
    outputs = {constants.REGRESS_OUTPUTS: predictions}
    return build_signature_def(_infos(inputs), _infos(outputs), constants.REGRESS_METHOD_NAME)


@export("saved_model.is_valid_signature", "saved_model.signature_def_utils.is_valid_signature")
def is_valid_signature(signature_def: Any) -> bool:
    """Tells whether a server can serve a signature as what its method name says."""
    check = _VALID.get(getattr(signature_def, "method_name", None))
    return check is not None and check(signature_def.inputs, signature_def.outputs)


def _infos(tensors: Mapping[str, Any]) -> dict[str, Any]:
    return {name: build_tensor_info(tensor) for name, tensor in tensors.items()}


def _check_examples(examples: Any, kind: str) -> None:
    if examples is None:
        raise ValueError(f"{kind} examples cannot be None.")
    if not isinstance(examples, Tensor):
        raise ValueError(f"{kind} examples must be a string Tensor.")
    _check_dtype(examples, dtypes.string, f"{kind} examples must be a string Tensor.")


def _check_dtype(tensor: Any, dtype: Any, message: str) -> None:
    if tensor.dtype.base_dtype != dtype:
        raise ValueError(message)


def _is_prediction(inputs: Any, outputs: Any) -> bool:
    return bool(inputs) and bool(outputs)


def _is_classification(inputs: Any, outputs: Any) -> bool:
    allowed = {
        constants.CLASSIFY_OUTPUT_CLASSES: dtypes.string,
        constants.CLASSIFY_OUTPUT_SCORES: dtypes.float32,
    }
    return (
        _takes_examples(inputs, constants.CLASSIFY_INPUTS)
        and 0 < len(outputs) <= len(allowed)
        and all(
            name in allowed and outputs[name].dtype == allowed[name].as_datatype_enum
            for name in outputs
        )
    )


def _is_regression(inputs: Any, outputs: Any) -> bool:
    return (
        _takes_examples(inputs, constants.REGRESS_INPUTS)
        and set(outputs) == {constants.REGRESS_OUTPUTS}
        and outputs[constants.REGRESS_OUTPUTS].dtype == dtypes.float32.as_datatype_enum
    )


def _takes_examples(inputs: Any, name: str) -> bool:
    return set(inputs) == {name} and inputs[name].dtype == dtypes.string.as_datatype_enum


_VALID = {
    constants.PREDICT_METHOD_NAME: _is_prediction,
    constants.CLASSIFY_METHOD_NAME: _is_classification,
    constants.REGRESS_METHOD_NAME: _is_regression,
}
