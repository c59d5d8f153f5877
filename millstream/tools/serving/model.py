"""One loaded version of a model: runs its signatures."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format

import millstream as tf
from millstream.base.errors import NotFoundError
from millstream.saved_model import constants
from millstream.tools.serving import codec


class LoadedModel:
    """A SavedModel in a session of its own.

    Args:
      path: directory of the model.
      version: its number.

    Attributes:
      signatures: `SignatureDef`s by name.
    """

    def __init__(self, path: str, version: int) -> None:
        self.version = version
        graph = tf.Graph()
        self._session = tf.Session(graph=graph)
        with graph.as_default():
            meta = tf.saved_model.load(self._session, [constants.SERVING], path)
            names = sorted(name for name in meta.signature_def if not name.startswith("__"))
            self.signatures = {name: meta.signature_def[name] for name in names}
            self._tensors = {
                name: tuple(
                    {key: tf.saved_model.get_tensor_from_tensor_info(infos[key]) for key in infos}
                    for infos in (signature.inputs, signature.outputs)
                )
                for name, signature in self.signatures.items()
            }
        graph.finalize()

    def inputs_of(self, name: str) -> dict[str, Any]:
        """Returns the input tensors of a signature, by key.

        Raises:
          NotFoundError: if there is no such signature.
        """
        return self._pair(name)[0]

    def _pair(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        if name not in self._tensors:
            known = ", ".join(self._tensors) or "none"
            raise NotFoundError(None, None, f"no signature '{name}'; the model has {known}")
        return self._tensors[name]

    def run(self, name: str, arrays: dict[str, Any]) -> dict[str, Any]:
        """Runs a signature on arrays by key; returns outputs by key."""
        inputs, outputs = self._pair(name)
        feed = {inputs[key]: array for key, array in arrays.items()}
        return self._session.run(outputs, feed)

    def metadata(self) -> dict[str, Any]:
        """Describes the signatures as TensorFlow Serving does."""
        coded = {
            name: json_format.MessageToDict(
                signature,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            for name, signature in self.signatures.items()
        }
        return {"signature_def": {"signature_def": coded}}

    def close(self) -> None:
        """Frees the session."""
        self._session.close()


def predict(model: LoadedModel, request: Any, run: Any = None) -> dict[str, Any]:
    """Answers a `:predict` request.

    Args:
      model: the version.
      request: the decoded JSON.
      run: what runs a signature, by default the model itself.
    """
    name = _signature(request, constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY)
    inputs = model.inputs_of(name)
    columns, in_rows = codec.columns_of(request, list(inputs))
    arrays = {key: _decoded(columns[key], tensor, key) for key, tensor in inputs.items()}
    outputs = (run or model.run)(name, arrays)
    if in_rows:
        return {"predictions": codec.rows_of(outputs)}
    coded = {key: codec.encode(array, key) for key, array in outputs.items()}
    return {"outputs": next(iter(coded.values())) if len(coded) == 1 else coded}


def _decoded(value: Any, tensor: Any, key: str) -> Any:
    array = codec.decode(value, tensor.dtype, key)
    if not tensor.shape.is_compatible_with(array.shape):
        raise codec.refuse(f"input '{key}' must have shape {tensor.shape}, not {array.shape}")
    return array


def classify(model: LoadedModel, request: Any, run: Any = None) -> dict[str, Any]:
    """Answers a `:classify` request with `[label, score]` pairs per example."""
    outputs = _run_examples(model, request, constants.CLASSIFY_METHOD_NAME, run)
    scores = outputs.get(constants.CLASSIFY_OUTPUT_SCORES)
    classes = outputs.get(constants.CLASSIFY_OUTPUT_CLASSES)
    if classes is None:
        rows = [[[str(i), float(s)] for i, s in enumerate(row)] for row in scores]
    elif scores is None:
        rows = [[[label.decode(), 0.0] for label in row] for row in classes]
    else:
        rows = [
            [[label.decode(), float(s)] for label, s in zip(labels, row)]
            for labels, row in zip(classes, scores)
        ]
    return {"results": rows}


def regress(model: LoadedModel, request: Any, run: Any = None) -> dict[str, Any]:
    """Answers a `:regress` request with one number per example."""
    outputs = _run_examples(model, request, constants.REGRESS_METHOD_NAME, run)
    return {"results": [float(v) for v in outputs[constants.REGRESS_OUTPUTS].ravel()]}


def _run_examples(model: LoadedModel, request: Any, method: str, run: Any) -> dict[str, Any]:
    name = _signature(request, constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY)
    inputs = model.inputs_of(name)
    if model.signatures[name].method_name != method:
        kind = model.signatures[name].method_name.rpartition("/")[2] or "none"
        raise codec.refuse(f"signature '{name}' is for the method '{kind}'")
    return (run or model.run)(name, {next(iter(inputs)): codec.examples_of(request)})


def _signature(request: Any, default: str) -> str:
    name = request.get("signature_name") if isinstance(request, dict) else None
    return name or default


METHODS = {"predict": predict, "classify": classify, "regress": regress}
