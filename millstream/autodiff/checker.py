"""Compares gradients with finite differences: `tf.test.compute_gradient(_error)`."""

from typing import Any

import numpy as np

from millstream.autodiff.gradients import gradients
from millstream.base.export import export
from millstream.ir.context import default_sessions
from millstream.ir.tensor import Tensor
from millstream.ops.array import placeholder


@export("test.compute_gradient")
def compute_gradient(
    x, x_shape, y, y_shape, x_init_value=None, delta=1e-3, init_targets=None, extra_feed_dict=None
):
    """Computes the Jacobian of `y` by `x` twice: from `tf.gradients` and from central differences.

    Runs in the default session.

    Args:
      x: a tensor or list of tensors; fed during the check.
      x_shape: the shape of `x`, or a list of shapes.
      y: a tensor that depends on `x`.
      y_shape: its shape.
      x_init_value: where to differentiate; random in [0, 1) by default.
      delta: the step of the differences, in units of `x`.
      init_targets: nodes to run first, such as initializers.
      extra_feed_dict: other feeds for every run.

    Returns:
      `(theoretical, numeric)`, each `[size of x, size of y]` (twice as many rows and columns for
      complex), or a list
      of such pairs for a list `x`.

    Raises:
      ValueError: if there is no gradient, or shapes do not fit.
    """
    session = default_sessions.top()
    if session is None:
        raise ValueError("compute_gradient needs a default session: use `with tf.Session():`")
    if init_targets is not None:
        for target in init_targets if isinstance(init_targets, (list, tuple)) else [init_targets]:
            session.run(target)
    feeds = dict(extra_feed_dict or {})
    many = isinstance(x, list)
    xs, shapes = (x, x_shape) if many else ([x], [x_shape])
    values = x_init_value if many and x_init_value is not None else [x_init_value] * len(xs)
    starts = [_start(t, s, v) for t, s, v in zip(xs, shapes, values, strict=True)]
    feeds.update(dict(zip(xs, starts, strict=True)))
    pairs = [
        _pair(session, t, start, y, y_shape, delta, feeds)
        for t, start in zip(xs, starts, strict=True)
    ]
    return pairs if many else pairs[0]


@export("test.compute_gradient_error")
def compute_gradient_error(
    x, x_shape, y, y_shape, x_init_value=None, delta=1e-3, init_targets=None, extra_feed_dict=None
):
    """Returns the largest absolute difference between the two Jacobians of
    `tf.test.compute_gradient`.
    """
    pairs = compute_gradient(
        x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict
    )
    errors = [
        np.abs(theory - numeric).max(initial=0.0)
        for theory, numeric in (pairs if isinstance(pairs, list) else [pairs])
    ]
    return max(errors)


def _start(x: Tensor, shape: Any, value: Any) -> Any:
    dtype = x.dtype.base_dtype
    if value is None:
        data = np.random.random_sample(shape)
        return (data + 1j * np.random.random_sample(shape) if dtype.is_complex else data).astype(
            dtype.np
        )
    value = np.asarray(value).astype(dtype.np)
    if list(value.shape) != list(shape):
        raise ValueError(f"x_init_value has shape {value.shape}, not {tuple(shape)}")
    return value


def _pair(
    session: Any, x: Tensor, start: Any, y: Tensor, y_shape: Any, delta: float, feeds: Any
) -> Any:
    theory = _theoretical(session, x, start, y, tuple(y_shape), feeds)
    return theory, _numeric(session, x, start, y, delta, feeds)


def _theoretical(
    session: Any, x: Tensor, start: Any, y: Tensor, y_shape: tuple[int, ...], feeds: Any
) -> Any:
    """Returns the transposed map's Jacobian, by one backward run per element of `y`."""
    with y.graph.as_default():
        dy = placeholder(y.dtype.base_dtype, y_shape)
        (dx,) = gradients(y, x, dy)
    if dx is None:
        raise ValueError(f"Gradient of {y.name} by {x.name} is None")
    columns: list[Any] = []
    for seed in _units(y_shape, y.dtype.base_dtype):
        found = session.run(dx, {**feeds, dy: seed})
        columns.append(_real_view(_dense(found, start)))
    return np.stack(columns, axis=1) if columns else np.zeros((_real_view(start).size, 0))


def _dense(found: Any, like: Any) -> Any:
    if not hasattr(found, "indices"):
        return np.asarray(found)
    dense = np.zeros_like(like)
    np.add.at(dense, found.indices, found.values)
    return dense


def _units(shape: tuple[int, ...], dtype: Any) -> Any:
    """Yields the unit arrays of a shape; for complex types real and imaginary ones in turn."""
    size = int(np.prod(shape))
    for index in range(size):
        for unit in (1, 1j) if dtype.is_complex else (1,):
            flat = np.zeros(size, dtype.np)
            flat[index] = unit
            yield flat.reshape(shape)


def _real_view(array: Any) -> Any:
    array = np.ascontiguousarray(array)
    flat = array.reshape(-1)
    if not np.iscomplexobj(flat):
        return flat.astype(np.float64 if flat.dtype.itemsize < 4 else flat.dtype)
    return flat.view(flat.real.dtype)


def _numeric(session: Any, x: Tensor, start: Any, y: Tensor, delta: float, feeds: Any) -> Any:
    rows: list[Any] = []
    base = start.astype(np.complex128 if np.iscomplexobj(start) else np.float64)
    for unit in _units(start.shape, x.dtype.base_dtype):
        step = unit.astype(base.dtype) * delta
        high = session.run(y, {**feeds, x: (base + step).astype(start.dtype)})
        low = session.run(y, {**feeds, x: (base - step).astype(start.dtype)})
        rows.append((_real_view(np.asarray(high)) - _real_view(np.asarray(low))) / (2 * delta))
    return np.stack(rows) if rows else np.zeros((0, 0))
