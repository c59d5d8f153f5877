"""Session handles: tensors that stay in the session from one step to the next."""

import itertools
import threading
from typing import Any

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import as_dtype, string
from millstream.base.export import export
from millstream.ir.spec import Host, Resource, Returns, String, Type, op
from millstream.ir.spec import Tensor as TensorOf
from millstream.ir.tensor import Tensor
from millstream.ops.array.placeholders import placeholder


@op(effect=Host())
def GetSessionHandle[T](value: TensorOf[T]) -> Returns(handle=TensorOf[String]):
    """Keeps a tensor in the session and gives its handle."""


@op(effect=Host())
def GetSessionHandleV2[T](value: TensorOf[T]) -> Returns(handle=TensorOf[Resource]):
    """Keeps a tensor in the session and gives its handle."""


@op(effect=Host())
def GetSessionTensor(handle: TensorOf[String], *, dtype: Type) -> Returns(value=TensorOf["dtype"]):
    """Gives a tensor that is kept in the session."""


@op(effect=Host())
def DeleteSessionTensor(handle: TensorOf[String]) -> None:
    """Forgets a tensor that is kept in the session."""


class _Store:
    """The tensors that a session keeps, by handle."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._kept: dict[str, Any] = {}

    def add(self, node_name: str, device: str, value: Any) -> str:
        """Keeps a value; gives its handle."""
        value = np.array(value) if isinstance(value, np.ndarray) else value
        with self._lock:
            handle = f"{node_name};{next(self._numbers)};{device}"
            self._kept[handle] = value
            return handle

    def get(self, handle: str) -> Any:
        """Gives what is kept under a handle."""
        with self._lock:
            if handle not in self._kept:
                raise _missing(handle)
            return self._kept[handle]

    def delete(self, handle: str) -> None:
        """Forgets what is kept under a handle."""
        with self._lock:
            if self._kept.pop(handle, None) is None:
                raise _missing(handle)


def _missing(handle: str) -> errors.InvalidArgumentError:
    message = f"The tensor with handle '{handle}' is not in the session store."
    return errors.InvalidArgumentError(None, None, message)


def _store(ctx: Any) -> _Store:
    return ctx.resources.get_or_create("", "/session_tensors", _Store)


class TensorHandle:
    """Stands for a tensor that a session keeps; it can be fed in place of its value.

    Example:
      >>> handle = session.run(tf.get_session_handle(a * b))
      >>> session.run(c, {x: handle})
    """

    def __init__(self, store: _Store, handle: str) -> None:
        self._store = store
        self._handle = handle
        self._alive = True

    def __str__(self) -> str:
        return self._handle

    @property
    def handle(self) -> str:
        """The handle as a string."""
        return self._handle

    def get_raw_handle(self) -> str:
        """Gives the handle as a string; the tensor then stays until the session is closed."""
        return self._handle

    def eval(self) -> Any:
        """Gives the tensor's value.

        Raises:
          TypeError: if it was deleted.
        """
        if not self._alive:
            raise TypeError(f"Persistent tensor {self._handle} may have already been deleted.")
        value = self._store.get(self._handle)
        return value.copy() if isinstance(value, np.ndarray) else value

    def delete(self) -> None:
        """Forgets the tensor.

        Raises:
          TypeError: if it was deleted before.
        """
        if not self._alive:
            raise TypeError(f"Persistent tensor {self._handle} may have already been deleted.")
        self._alive = False
        self._store.delete(self._handle)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.eval(), dtype)


def _keep(value: Any, ctx: Any) -> TensorHandle:
    store = _store(ctx)
    return TensorHandle(store, store.add(ctx.node.name, ctx.device, value))


def _text(handle: Any) -> str:
    value = handle.item() if isinstance(handle, np.ndarray) else handle
    return value.decode() if isinstance(value, bytes) else str(value)


for _opdef in (GetSessionHandle, GetSessionHandleV2):
    _opdef.run(_keep)
    _opdef.shape_scalar()
    _opdef.no_gradient("a handle is no number")


@GetSessionTensor.run
def _(handle, dtype, ctx):
    value = _store(ctx).get(_text(handle))
    found = as_dtype(value.dtype)
    if found != dtype:
        raise errors.InvalidArgumentError(
            None, None, f"the tensor in the session is of type {found.name}, not {dtype.name}"
        )
    return value


@DeleteSessionTensor.run
def _(handle, ctx):
    _store(ctx).delete(_text(handle))
    return ()


GetSessionTensor.no_gradient("the session's tensors are cut off from what they came from")
DeleteSessionTensor.no_gradient("it has no outputs")


@export("get_session_handle")
def get_session_handle(data, name=None):
    """Returns a tensor whose value, when it is fetched, is a handle of `data` in the session.

    Args:
      data: a tensor.
      name: name of the node.

    Raises:
      TypeError: if `data` is no tensor.
    """
    if not isinstance(data, Tensor):
        raise TypeError("`data` must be of type Tensor.")
    return GetSessionHandle(data, name=name)


@export("get_session_tensor")
def get_session_tensor(handle, dtype, name=None):
    """Returns a placeholder for a handle, and the tensor that is kept under it.

    Args:
      handle: string of a handle; it must still be fed.
      dtype: type of the tensor.
      name: name of the node.
    """
    del handle
    holder = placeholder(string)
    return holder, GetSessionTensor(holder, dtype=dtype, name=name)


@export("delete_session_tensor")
def delete_session_tensor(handle, name=None):
    """Returns a placeholder for a handle, and an operation that forgets the tensor under it.

    Args:
      handle: string of a handle; it must still be fed.
      name: name of the operation.
    """
    del handle
    holder = placeholder(string)
    return holder, DeleteSessionTensor(holder, name=name)
