"""From whatever a rule raised to an error of the `tf.errors` tree that names the node.

InvalidArgumentError: Incompatible shapes: [3] vs. [2]

Node 'tower/add' (AddV2) made at train.py:12
  input 0  float32[3]  'x'          made at train.py:9
  input 1  float32[2]  'tower/b'    made at train.py:11
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from millstream.base import errors
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor

# What Python code of ours or of the user's may raise, and what TensorFlow makes of it.
_CLASSES: tuple[tuple[type[BaseException], Any], ...] = (
    (MemoryError, errors.ResourceExhaustedError),
    (FileNotFoundError, errors.NotFoundError),
    (FileExistsError, errors.AlreadyExistsError),
    (PermissionError, errors.PermissionDeniedError),
    (StopIteration, errors.OutOfRangeError),
    (NotImplementedError, errors.UnimplementedError),
    ((ValueError, TypeError, ArithmeticError, IndexError), errors.InvalidArgumentError),  # pyright: ignore[reportAssignmentType]
)


def wrap(error: Exception, node: Operation, operands: Sequence[Any] = ()) -> errors.OpError:
    """Makes an `OpError` of the right class that names `node`, its operands and their origins.

    Args:
      error: What the node's rule raised.
      node: The node.
      operands: The arrays it was given, where known.
    """
    kind: Any
    if isinstance(error, errors.OpError):
        message, kind = error.message, type(error)
        if error.op is not None:
            return error
    else:
        kind = next((k for cls, k in _CLASSES if isinstance(error, cls)), errors.UnknownError)
        message = str(error) or type(error).__name__
        if kind is errors.UnknownError or isinstance(error, NotImplementedError):
            message = f"{type(error).__name__}: {message}"
    wrapped = kind(None, node, message)
    notes = describe_operands(node, operands)
    if notes:
        wrapped.add_note(notes)
    return wrapped


def describe_operands(node: Operation, operands: Sequence[Any] = ()) -> str:
    """Lists a node's inputs, one a line: dtype, shape at run time if known, name, origin."""
    lines: list[str] = []
    for index, tensor in enumerate(node.inputs):
        value = operands[index] if index < len(operands) else None
        lines.append(f"  input {index}  {_typed_shape(tensor, value):<18} {tensor.name!r}")
        origin = str(getattr(tensor.op, "origin", "") or "")
        if origin:
            lines[-1] += f"  made at {origin}"
    return "\n".join(lines)


def _typed_shape(tensor: Tensor, value: Any) -> str:
    shape = getattr(value, "shape", None)
    if shape is None:
        static = tensor.shape.tuple
        sizes = "?" if static is None else ", ".join("?" if s is None else str(s) for s in static)
    else:
        sizes = ", ".join(map(str, shape))
    return f"{tensor.dtype.base_dtype.name}[{sizes}]"


def uninitialized(node: Operation, kind: str, name: str) -> errors.FailedPreconditionError:
    """Makes the error of a node that reads a variable without a value."""
    if kind == "resource":
        message = (
            f"Error while reading resource variable {name} from Container: localhost. This could "
            "mean that the variable was uninitialized. Not found: Resource "
            f"localhost/{name}/N10tensorflow3VarE does not exist."
        )
    else:
        message = f"Attempting to use uninitialized value {name}"
    return errors.FailedPreconditionError(None, node, message)
