"""The `tf.errors` tree: what a step raises, one class per error code."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from millstream.base.export import export, export_constant

OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
DATA_LOSS = 15
UNAUTHENTICATED = 16


@export("OpError", "errors.OpError")
class OpError(Exception):
    """Is raised when a node cannot be run.

    Args:
      node_def: The failing node as a `NodeDef`, or None.
      op: The failing `Operation`, or None if it is not in the caller's graph.
      message: What went wrong, in words.
      error_code: One of the codes of this module.
    """

    def __init__(self, node_def: Any, op: Any, message: str, error_code: int) -> None:
        super().__init__()
        self._node_def = node_def
        self._op = op
        self._message = message
        self._error_code = error_code

    @property
    def message(self) -> str:
        """What went wrong, without the node's origin."""
        return self._message

    @property
    def op(self) -> Any:
        """The `Operation` that failed, or None."""
        return self._op

    @property
    def error_code(self) -> int:
        """The number of the kind of error."""
        return self._error_code

    @property
    def node_def(self) -> Any:
        """The failing node as a `NodeDef`, or None."""
        if self._node_def is None and self._op is not None:
            return self._op.node_def
        return self._node_def

    def __str__(self) -> str:
        op = self._op
        if op is None:
            return self._message
        made = str(getattr(op, "origin", None) or "")
        kind = getattr(op, "type", "")
        where = f"Node {op.name!r} ({kind})" if kind else f"Node {op.name!r}"
        return f"{self._message}\n\n{where}" + (f" made at {made}" if made else "")

    def __reduce__(self) -> Any:
        # Nodes do not cross processes; their definition and the words do.
        return _rebuild, (type(self), self._node_def, str(self), self._error_code)


def _rebuild(cls: type[OpError], node_def: Any, message: str, error_code: int) -> OpError:
    error = cls.__new__(cls)
    OpError.__init__(error, node_def, None, message, error_code)
    return error


@export("errors.CancelledError")
class CancelledError(OpError):
    """Is raised when an operation or step was cancelled."""

    def __init__(self, node_def: Any, op: Any, message: str) -> None:
        super().__init__(node_def, op, message, CANCELLED)


@export("errors.UnknownError")
class UnknownError(OpError):
    """Is raised when nothing better is known of an error, such as one from a `py_func`."""

    def __init__(self, node_def: Any, op: Any, message: str, error_code: int = UNKNOWN) -> None:
        super().__init__(node_def, op, message, error_code)


@export("errors.InvalidArgumentError")
class InvalidArgumentError(OpError):
    """Is raised when an operand's value, shape or dtype is not what the op takes."""

    def __init__(self, node_def: Any, op: Any, message: str) -> None:
        super().__init__(node_def, op, message, INVALID_ARGUMENT)


@export("errors.DeadlineExceededError")
class DeadlineExceededError(OpError):
    """Is raised when a time limit ran out before the step ended."""

    def __init__(self, node_def: Any, op: Any, message: str) -> None:
        super().__init__(node_def, op, message, DEADLINE_EXCEEDED)


@export("errors.NotFoundError")
class NotFoundError(OpError):
    """Is raised when a file, a checkpoint's tensor or another named thing does not exist."""

    def __init__(self, node_def: Any, op: Any, message: str) -> None:
        super().__init__(node_def, op, message, NOT_FOUND)


@export("errors.AlreadyExistsError")
class AlreadyExistsError(OpError):
    """Is raised when a thing that was to be made exists already."""

    def __init__(self, node_def: Any, op: Any, message: str) -> None:
        super().__init__(node_def, op, message, ALREADY_EXISTS)


@export("errors.PermissionDeniedError")
class PermissionDeniedError(OpError):
    """Is raised when the caller may not do this, such as read a protected file."""

    def __init__(self, node_def: Any, op: Any, message: str) -> None:
        super().__init__(node_def, op, message, PERMISSION_DENIED)


@export("errors.UnauthenticatedError")
class UnauthenticatedError(OpError):
    """Is raised when the caller has not shown who it is."""

    def __init__(self, node_def: Any, op: Any, message: str) -> None:
        super().__init__(node_def, op, message, UNAUTHENTICATED)


@export("errors.ResourceExhaustedError")
class ResourceExhaustedError(OpError):
    """Is raised when memory, disk or another resource ran out."""

    def __init__(self, node_def: Any, op: Any, message: str) -> None:
        super().__init__(node_def, op, message, RESOURCE_EXHAUSTED)


@export("errors.FailedPreconditionError")
class FailedPreconditionError(OpError):
    """Is raised when the system is not in the state needed, such as a variable not initialised."""

    def __init__(self, node_def: Any, op: Any, message: str) -> None:
        super().__init__(node_def, op, message, FAILED_PRECONDITION)


@export("errors.AbortedError")
class AbortedError(OpError):
    """Is raised when a step was given up, mostly by a conflict between threads or machines."""

    def __init__(self, node_def: Any, op: Any, message: str) -> None:
        super().__init__(node_def, op, message, ABORTED)


@export("errors.OutOfRangeError")
class OutOfRangeError(OpError):
    """Is raised at the end of an input: a closed queue, an exhausted iterator, a file's end."""

    def __init__(self, node_def: Any, op: Any, message: str) -> None:
        super().__init__(node_def, op, message, OUT_OF_RANGE)


@export("errors.UnimplementedError")
class UnimplementedError(OpError):
    """Is raised when an op does not support these operands."""

    def __init__(self, node_def: Any, op: Any, message: str) -> None:
        super().__init__(node_def, op, message, UNIMPLEMENTED)


@export("errors.InternalError")
class InternalError(OpError):
    """Is raised when the system broke an invariant of its own."""

    def __init__(self, node_def: Any, op: Any, message: str) -> None:
        super().__init__(node_def, op, message, INTERNAL)


@export("errors.UnavailableError")
class UnavailableError(OpError):
    """Is raised when a machine cannot be reached at the moment."""

    def __init__(self, node_def: Any, op: Any, message: str) -> None:
        super().__init__(node_def, op, message, UNAVAILABLE)


@export("errors.DataLossError")
class DataLossError(OpError):
    """Is raised when data is damaged beyond recovery, such as a record with a wrong checksum."""

    def __init__(self, node_def: Any, op: Any, message: str) -> None:
        super().__init__(node_def, op, message, DATA_LOSS)


_CLASSES: dict[int, type[OpError]] = {
    CANCELLED: CancelledError,
    UNKNOWN: UnknownError,
    INVALID_ARGUMENT: InvalidArgumentError,
    DEADLINE_EXCEEDED: DeadlineExceededError,
    NOT_FOUND: NotFoundError,
    ALREADY_EXISTS: AlreadyExistsError,
    PERMISSION_DENIED: PermissionDeniedError,
    UNAUTHENTICATED: UnauthenticatedError,
    RESOURCE_EXHAUSTED: ResourceExhaustedError,
    FAILED_PRECONDITION: FailedPreconditionError,
    ABORTED: AbortedError,
    OUT_OF_RANGE: OutOfRangeError,
    UNIMPLEMENTED: UnimplementedError,
    INTERNAL: InternalError,
    UNAVAILABLE: UnavailableError,
    DATA_LOSS: DataLossError,
}
_CODES: dict[type[OpError], int] = {cls: code for code, cls in _CLASSES.items()}


@export("errors.exception_type_from_error_code")
def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """Gives the class of an error code.

    Raises:
      KeyError: If there is no such code.
    """
    return _CLASSES[error_code]


@export("errors.error_code_from_exception_type")
def error_code_from_exception_type(cls: type[BaseException]) -> Any:
    """Gives the code of an error class; for any other class, an `UnknownError` that says so."""
    found = _CODES.get(cls)  # pyright: ignore[reportArgumentType]
    return UnknownError(None, None, "Unknown class exception") if found is None else found


@export("errors.raise_exception_on_not_ok_status")
class raise_exception_on_not_ok_status:
    """Is a context in which programs called TensorFlow's C interface; it does nothing here."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        return False


for _name in ("OK", *(name for name, code in tuple(globals().items()) if code in range(1, 17))):
    export_constant(f"errors.{_name}", globals()[_name])
