"""`tf.map_fn`, `tf.scan`, `tf.foldl`, `tf.foldr`: loops over the rows of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.base import nest
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.ir.composite import SparseTensor
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import array
from millstream.ops.flow.tensor_array import TensorArray
from millstream.ops.flow.while_loop import while_loop


class _Elements:
    """The rows of a structure of tensors, in TensorArrays.

    Attributes:
      tensors: The tensors, flat.
      count: Their number of rows: an int if it is known, else a tensor.
    """

    def __init__(self, elems: Any, flat: list[Any]) -> None:
        self.structure = elems
        self.tensors = [convert_to_tensor(elem, name="elem") for elem in flat]
        if self.tensors[0].shape.ndims == 0:
            if len(self.tensors) == 1:
                raise ValueError("elems must be a 1+ dimensional Tensor, not a scalar")
            raise ValueError("elements in elems must be 1+ dimensional Tensors, not scalars")
        sizes = self.tensors[0].shape.tuple
        static = None if sizes is None else sizes[0]
        # TensorFlow looks at the tensor also where it knows that there are no rows.
        self.count: Any = static or array.shape(self.tensors[0])[0]

    def fill(self, shaped: bool) -> None:
        """Puts the rows into arrays; `shaped` ones are told the rows' shape at once."""
        shapes = [_row_shape(t) if shaped else None for t in self.tensors]
        arrays = [
            TensorArray(t.dtype, self.count, dynamic_size=False, element_shape=shape)
            for t, shape in zip(self.tensors, shapes)
        ]
        self.arrays = [a.unstack(t) for a, t in zip(arrays, self.tensors)]

    def read(self, index: Any) -> list[Any]:
        """Gives row `index` of every tensor."""
        return [a.read(index) for a in self.arrays]

    def pack(self, values: list[Any]) -> Any:
        """Gives values, one per tensor, the structure that the user gave."""
        return _packed(self.structure, values)

    def stacked(self, arrays: list[TensorArray]) -> list[Any]:
        """Gives the results' rows, packed, with as many rows as the tensors have."""
        results = [a.stack() for a in arrays]
        rows = TensorShape([None])
        for tensor in self.tensors:
            rows = rows.merge_with(tensor.shape.with_rank_at_least(1)[:1])
        for result in results:
            result.set_shape(rows.concatenate(result.shape[1:]))
        return results


def _row_shape(tensor: Any) -> Any:
    return tensor.shape if tensor.shape.ndims is None else tensor.shape[1:]


def _packed(structure: Any, values: list[Any]) -> Any:
    return nest.pack_sequence_as(structure, values) if nest.is_nested(structure) else values[0]


def _check_callable(fn: Any) -> None:
    if not callable(fn):
        raise TypeError("fn must be callable.")


@export("map_fn")
def map_fn(
    fn,
    elems,
    dtype=None,
    parallel_iterations=None,
    back_prop=True,
    swap_memory=False,
    infer_shape=True,
    name=None,
):
    """Applies `fn` to the rows of `elems` and packs what it returns.

    Args:
      fn: of one row, in the structure of `elems`; returns a tensor or structure of them.
      elems: a tensor `[n, …]` or a structure of such tensors.
      dtype: types of what `fn` returns, in its structure; by default those of `elems`.
      parallel_iterations: accepted; rows are computed one after the other. 10 by default.
      back_prop: whether gradients flow through.
      swap_memory: accepted.
      infer_shape: whether all results have one shape.
      name: scope of the nodes.

    Returns:
      Tensors `[n, …]` in the structure of what `fn` returns.

    Raises:
      TypeError: if `fn` cannot be called, or `elems` is sparse.
      ValueError: if `elems` are scalars, or structures do not fit.

    Example:
      >>> squares = map_fn(lambda x: x * x, constant([1, 2, 3]))
    """
    _check_callable(fn)
    if isinstance(elems, SparseTensor):
        raise TypeError(
            "To perform a map over the values of a sparse tensor use either "
            "SparseTensor(input.indices, fn(input.values), input.dense_shape) or "
            "SparseTensor(input.indices, map_fn(fn, input.values), input.dense_shape)"
        )
    flat = nest.flatten(elems)
    with name_scope(name, "map", flat):
        rows = _Elements(elems, flat)
        types = nest.flatten(rows.pack([t.dtype for t in rows.tensors]) if dtype is None else dtype)
        rows.fill(shaped=False)
        start = constant(0)
        results = [
            TensorArray(t, rows.count, dynamic_size=False, infer_shape=infer_shape) for t in types
        ]

        def compute(i: Any, arrays: Any) -> Any:
            found = fn(rows.pack(rows.read(i)))
            nest.assert_same_structure(elems if dtype is None else dtype, found)
            values = nest.flatten(found)
            return i + 1, [a.write(i, v) for a, v in zip(arrays, values, strict=True)]

        _, results = while_loop(
            lambda i, _: i < rows.count, compute, (start, results),
            parallel_iterations=10 if parallel_iterations is None else parallel_iterations,
            back_prop=back_prop, swap_memory=swap_memory, maximum_iterations=rows.count,
        )  # fmt: skip
        return _packed(elems if dtype is None else dtype, rows.stacked(results))


@export("scan")
def scan(
    fn,
    elems,
    initializer=None,
    parallel_iterations=10,
    back_prop=True,
    swap_memory=False,
    infer_shape=True,
    reverse=False,
    name=None,
):
    """Applies `fn` to the rows of `elems` one after the other; gives every accumulated value.

    Args:
      fn: of what was accumulated so far, and the next row; returns the new accumulated value.
      elems: a tensor `[n, …]` or a structure of such tensors.
      initializer: what to start with, a tensor or structure; by default the first row.
      parallel_iterations: accepted.
      back_prop: whether gradients flow through.
      swap_memory: accepted.
      infer_shape: whether all accumulated values have one shape.
      reverse: whether to begin with the last row; results keep the order of the rows.
      name: scope of the nodes.

    Returns:
      Tensors `[n, …]` in the structure of `initializer` (of `elems`, if that is not given).

    Raises:
      TypeError: if `fn` cannot be called.
      ValueError: if `elems` are scalars, or structures do not fit.

    Example:
      >>> sums = scan(lambda total, x: total + x, constant([1, 2, 3]))
    """
    _check_callable(fn)
    structure = elems if initializer is None else initializer
    flat = nest.flatten(elems)
    with name_scope(name, "scan", flat):
        rows = _Elements(elems, flat)
        n = rows.count
        rows.fill(shaped=True)
        if initializer is None:
            values, done = rows.read(n - 1 if reverse else 0), 1
        else:
            values, done = [convert_to_tensor(v) for v in nest.flatten(initializer)], 0
        options = {"dynamic_size": False, "infer_shape": infer_shape}
        results = [
            TensorArray(v.dtype, n, element_shape=v.shape if infer_shape else None, **options)
            for v in values
        ]
        if initializer is None:
            results = [a.write(n - 1 if reverse else 0, v) for a, v in zip(results, values)]

        def compute(i: Any, values: Any, arrays: Any) -> Any:
            row = rows.pack(rows.read(i))
            found = fn(_packed(structure, values), row)
            nest.assert_same_structure(structure, found)
            values = nest.flatten(found)
            arrays = [a.write(i, v) for a, v in zip(arrays, values, strict=True)]
            return (i - 1 if reverse else i + 1), values, arrays

        start = n - 1 - done if reverse else done
        goes_on = (lambda i, *_: i >= 0) if reverse else (lambda i, *_: i < n)
        _, _, results = while_loop(
            goes_on, compute, (start, values, results), parallel_iterations=parallel_iterations,
            back_prop=back_prop, swap_memory=swap_memory, maximum_iterations=n,
        )  # fmt: skip
        return _packed(structure, rows.stacked(results))


_FOLD = """Applies `fn` to the rows of `elems`, {first} to {last}; gives the end value.

    Args:
      fn: of what was accumulated so far, and the next row; returns the new accumulated value.
      elems: a tensor `[n, …]` or a structure of such tensors.
      initializer: what to start with, a tensor or structure; by default the {first} row.
      parallel_iterations: accepted.
      back_prop: whether gradients flow through.
      swap_memory: accepted.
      name: scope of the nodes.

    Raises:
      TypeError: if `fn` cannot be called.
      ValueError: if `elems` are scalars.
    """


@export("foldl")
def foldl(
    fn,
    elems,
    initializer=None,
    parallel_iterations=10,
    back_prop=True,
    swap_memory=False,
    name=None,
):
    _check_callable(fn)
    flat = nest.flatten(elems)
    with name_scope(name, "foldl", flat):
        rows = _Elements(elems, flat)
        rows.fill(shaped=False)
        value = rows.pack(rows.read(0)) if initializer is None else initializer
        start = constant(1 if initializer is None else 0)

        def compute(i: Any, value: Any) -> Any:
            row = rows.pack(rows.read(i))
            return i + 1, fn(value, row)

        options = (parallel_iterations, back_prop, swap_memory)
        return _folded(lambda i, _: i < rows.count, compute, (start, value), options, rows.count)


@export("foldr")
def foldr(
    fn,
    elems,
    initializer=None,
    parallel_iterations=10,
    back_prop=True,
    swap_memory=False,
    name=None,
):
    _check_callable(fn)
    flat = nest.flatten(elems)
    with name_scope(name, "foldr", flat):
        rows = _Elements(elems, flat)
        rows.fill(shaped=False)
        start, value = rows.count, initializer
        if initializer is None:
            start = rows.count - 1
            value = rows.pack(rows.read(start))

        def compute(i: Any, value: Any) -> Any:
            i -= 1
            row = rows.pack(rows.read(i))
            return i, fn(value, row)

        options = (parallel_iterations, back_prop, swap_memory)
        return _folded(lambda i, _: i > 0, compute, (start, value), options, rows.count)


def _folded(
    goes_on: Callable[..., Any],
    compute: Callable[..., Any],
    start: Any,
    options: tuple[int, bool, bool],
    count: Any,
) -> Any:
    parallel_iterations, back_prop, swap_memory = options
    return while_loop(
        goes_on, compute, start, parallel_iterations=parallel_iterations, back_prop=back_prop,
        swap_memory=swap_memory, maximum_iterations=count,
    )[1]  # fmt: skip


foldl.__doc__ = _FOLD.format(first="first", last="last")
foldr.__doc__ = _FOLD.format(first="last", last="first")
