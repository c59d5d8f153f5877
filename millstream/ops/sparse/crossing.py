"""Crosses of sparse features: SparseCross, `tf.sparse.cross`, `tf.sparse.cross_hashed`.

A row of the result has an element for every choice of one element from that row of each input.
"""

import numpy as np

from millstream.base.export import export
from millstream.ir.composite import SparseTensor, SparseTensorValue
from millstream.ir.convert import convert_to_tensor
from millstream.ir.spec import (
    AtLeast,
    Dynamic,
    Int64,
    ListOf,
    Returns,
    String,
    Tensor,
    Tensors,
    Type,
    op,
)
from millstream.ir.tensor import Tensor as SymbolicTensor
from millstream.ops.math.cast import cast
from millstream.ops.sparse.parts import as_sparse, check_arrays, invalid
from millstream.ops.string.farmhash import fingerprint64

DEFAULT_HASH_KEY = 0xDECAFCAFFE

_WORD = (1 << 64) - 1
_SHIFT = np.uint64(47)
_MULTIPLIER = np.uint64(0xC6A4A7935BD1E995)
_GOLDEN = np.uint64(0x9E3779B97F4A7800)
_CROSSES = Returns(
    output_indices=Tensor[Int64], output_values=Tensor["out_type"], output_shape=Tensor[Int64]
)


@op(effect=Dynamic())
def SparseCross(
    indices: Tensors[Int64, "N", 0],
    values: Tensors["sparse_types", 0],
    shapes: Tensors[Int64, "N", 0],
    dense_inputs: Tensors["dense_types", 0],
    *,
    hashed_output: bool,
    num_buckets: AtLeast(0),
    hash_key: int,
    sparse_types: ListOf(Type[Int64, String], 0),
    dense_types: ListOf(Type[Int64, String], 0),
    out_type: Type[Int64, String],
    internal_type: Type[Int64, String],
) -> _CROSSES:
    """Crosses the rows of sparse and dense features, as strings or as hashed numbers."""


@SparseCross.shape
def _():
    return [None, 2], [None], [2]


def _folded(words):
    return words ^ words >> _SHIFT


def joined_fingerprints(ones, others):
    """Returns the fingerprints of pairs of fingerprints, in this order; all are uint64 arrays."""
    result = ones ^ _MULTIPLIER ^ _folded(others * _MULTIPLIER) * _MULTIPLIER
    return _folded(_folded(result * _MULTIPLIER) * _MULTIPLIER)


class _Column:
    """The elements of a feature by row: those of row `r` are `counts[r]` from `starts[r]` on."""

    def __init__(self, elements, rows, batch):
        order = np.argsort(rows, kind="stable")
        self.elements = elements[order]
        self.counts = np.bincount(rows, minlength=batch)
        self.starts = np.cumsum(self.counts) - self.counts

    def numbers(self):
        """Returns strings as their fingerprints, and integers as they are, as uint64."""
        if self.elements.dtype == object:
            return np.array([fingerprint64(v) for v in self.elements.tolist()], np.uint64)
        return self.elements.view(np.uint64)

    def texts(self):
        """Returns elements as strings."""
        if self.elements.dtype == object:
            return self.elements
        texts = np.empty(len(self.elements), object)
        texts[:] = [b"%d" % v for v in self.elements.tolist()]
        return texts


def _sparse_column(indices, values, shape, batch):
    check_arrays(indices, values, shape)
    if len(shape) != 2:
        raise invalid(f"Expected a sparse feature of rank 2, got {len(shape)}")
    return _Column(values, indices[:, 0], batch)


def _dense_column(dense, batch):
    if dense.ndim != 2:
        raise invalid(f"Expected a dense feature of rank 2, got {dense.ndim}")
    return _Column(dense.reshape(-1), np.repeat(np.arange(batch), dense.shape[1]), batch)


def _batch_size(shapes, dense_inputs):
    sizes = [int(shape[0]) for shape in shapes] + [len(dense) for dense in dense_inputs]
    if len(set(sizes)) > 1:
        raise invalid(f"Expected one batch size of all features, got {sizes}")
    return sizes[0] if sizes else 0


class _Hashed:
    """Crosses numbers by hashing them."""

    def __init__(self, num_buckets, hash_key, join=joined_fingerprints):
        self._modulus = np.uint64(num_buckets or (1 << 63) - 1)
        self.start, self.join = np.uint64(hash_key & _WORD), join

    def elements(self, column):
        """Returns what of a feature is crossed."""
        return column.numbers()

    def finish(self, codes):
        """Returns the results; TF keeps them from being negative by this modulus."""
        return codes % self._modulus


def _mixed(ones, others):
    """Joins hashes as TF's first op for crosses did; the numbers are signed there."""
    signed = (ones.view(np.int64) >> 4).view(np.uint64)
    return ones ^ others + _GOLDEN + (ones << np.uint64(10)) + signed


class _Spelled:
    """Crosses strings by joining them."""

    start = None

    def elements(self, column):
        """Returns what of a feature is crossed."""
        return column.texts()

    def join(self, ones, others):
        """Joins strings; the first are taken as they are."""
        if not len(ones) or ones[0] is None:
            return others
        return ones + b"_X_" + others

    def finish(self, texts):
        """Returns the results."""
        return texts


@SparseCross.reference
def _(indices, values, shapes, dense_inputs, hashed_output, num_buckets, hash_key, out_type):
    cross = _Hashed(num_buckets, hash_key) if hashed_output else _Spelled()
    return _crossed(indices, values, shapes, dense_inputs, cross, out_type)


def _crossed(indices, values, shapes, dense_inputs, cross, out_type):
    """Applies `cross` to every choice of an element of each input, row by row."""
    batch = _batch_size(shapes, dense_inputs)
    columns = [_sparse_column(*parts, batch) for parts in zip(indices, values, shapes, strict=True)]
    columns += [_dense_column(dense, batch) for dense in dense_inputs]
    rows = np.arange(batch if columns else 0)
    found = np.full(len(rows), cross.start, object if cross.start is None else np.uint64)
    for column in columns:
        counts = column.counts[rows]
        before = np.cumsum(counts) - counts
        places = np.repeat(column.starts[rows] - before, counts) + np.arange(counts.sum())
        rows, found = np.repeat(rows, counts), np.repeat(found, counts)
        found = cross.join(found, cross.elements(column)[places])
    sizes = np.bincount(rows, minlength=batch)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    shape = np.array([batch, sizes.max(initial=0)], np.int64)
    return np.stack([rows, within], 1), cross.finish(found).astype(out_type.np), shape


SparseCross.no_gradient("ids have none")
_PLACES = np.array([[0, 0], [0, 1], [2, 0]], np.int64)
_SHAPE = np.array([3, 2], np.int64)
SparseCross.examples(
    *([_PLACES], [np.array([1, 2, 3], np.int64)], [_SHAPE], [np.array([[4], [5], [6]], np.int64)]),
    hashed_output=True, num_buckets=100, hash_key=7, sparse_types=[Int64], dense_types=[Int64],
    out_type=Int64, internal_type=Int64,
)  # fmt: skip
SparseCross.fails(
    "one batch size",
    *([_PLACES], [np.array([1, 2, 3], np.int64)], [_SHAPE], [np.array([[4], [5]], np.int64)]),
    hashed_output=True, num_buckets=100, hash_key=7, sparse_types=[Int64], dense_types=[Int64],
    out_type=Int64, internal_type=Int64,
)  # fmt: skip


@op(effect=Dynamic())
def SparseFeatureCross(
    indices: Tensors[Int64, "N", 0],
    values: Tensors["sparse_types", 0],
    shapes: Tensors[Int64, "N", 0],
    dense: Tensors["dense_types", 0],
    *,
    hashed_output: bool,
    num_buckets: AtLeast(0),
    sparse_types: ListOf(Type[Int64, String], 0),
    dense_types: ListOf(Type[Int64, String], 0),
    out_type: Type[Int64, String],
    internal_type: Type[Int64, String],
) -> _CROSSES:
    """Crosses the rows of features, as strings or hashed as TF first did."""


@op(effect=Dynamic())
def SparseFeatureCrossV2(
    indices: Tensors[Int64, "N", 0],
    values: Tensors["sparse_types", 0],
    shapes: Tensors[Int64, "N", 0],
    dense: Tensors["dense_types", 0],
    *,
    hashed_output: bool,
    num_buckets: AtLeast(0),
    hash_key: int,
    sparse_types: ListOf(Type[Int64, String], 0),
    dense_types: ListOf(Type[Int64, String], 0),
    out_type: Type[Int64, String],
    internal_type: Type[Int64, String],
) -> _CROSSES:
    """Crosses the rows of features, as strings or as hashed numbers."""


@SparseFeatureCross.reference
def _(indices, values, shapes, dense, hashed_output, num_buckets, out_type):
    cross = _Hashed(num_buckets, DEFAULT_HASH_KEY, _mixed) if hashed_output else _Spelled()
    return _crossed(indices, values, shapes, dense, cross, out_type)


@SparseFeatureCrossV2.reference
def _(indices, values, shapes, dense, hashed_output, num_buckets, hash_key, out_type):
    cross = _Hashed(num_buckets, hash_key) if hashed_output else _Spelled()
    return _crossed(indices, values, shapes, dense, cross, out_type)


for _opdef, _more in ((SparseFeatureCross, {}), (SparseFeatureCrossV2, {"hash_key": 7})):
    _opdef.shape(lambda: ([None, 2], [None], [2]))
    _opdef.no_gradient("ids have none")
    _opdef.examples(
        *([_PLACES], [np.array([1, 2, 3], np.int64)], [_SHAPE], []),
        hashed_output=True, num_buckets=100, sparse_types=[Int64], dense_types=[],
        out_type=Int64, internal_type=Int64, **_more,
    )  # fmt: skip


@export("sparse.cross")
def sparse_cross(inputs, name=None):
    """Crosses sparse features row by row: `a` and `x` give `a_X_x`.

    Args:
      inputs: `SparseTensor`s `[batch, …]` of integers or strings.
      name: name of the node.

    Returns:
      A `SparseTensor` of strings, `[batch, most crosses]`.

    Raises:
      TypeError: if an input is not sparse.
    """
    _check_all_sparse(inputs)
    return cross_features(inputs, name=name)


@export("sparse.cross_hashed")
def sparse_cross_hashed(inputs, num_buckets=0, hash_key=None, name=None):
    """Crosses sparse features row by row; the crosses are hashed.

    Args:
      inputs: `SparseTensor`s `[batch, …]` of integers or strings.
      num_buckets: the number of different results; 0 for any number that is not negative.
      hash_key: the fingerprint that hashing starts from.
      name: name of the node.

    Returns:
      A `SparseTensor` of int64, `[batch, most crosses]`.

    Raises:
      TypeError: if an input is not sparse.
    """
    _check_all_sparse(inputs)
    return cross_features(inputs, True, num_buckets, hash_key, name)


def _check_all_sparse(inputs):
    if not isinstance(inputs, list):
        raise TypeError("Inputs must be a list")
    kinds = SparseTensor | SparseTensorValue | SymbolicTensor
    if not all(isinstance(each, kinds) for each in inputs):
        raise TypeError("All inputs must be SparseTensors")


def cross_features(inputs, hashed_output=False, num_buckets=0, hash_key=None, name=None):
    """Is `sparse_cross` or `sparse_cross_hashed` of features that may be dense, `[batch, n]`."""
    more = {"hash_key": DEFAULT_HASH_KEY if hash_key is None else hash_key}
    return _made(SparseCross, inputs, hashed_output, num_buckets, name, more)


@export("contrib.slim.sparse_feature_cross")
def sparse_feature_cross(inputs, hashed_output=False, num_buckets=0, name=None, hash_key=None):
    """Crosses features row by row, with the hashes of `tf.contrib.layers`.

    Args:
      inputs: tensors and `SparseTensor`s `[batch, …]` of integers or strings.
      hashed_output: whether crosses are hashed; else they are strings joined by `_X_`.
      num_buckets: the number of different hashes; 0 for any number that is not negative.
      name: name of the node.
      hash_key: what hashing starts from; `None` hashes as the first version of this did.

    Returns:
      A `SparseTensor` `[batch, most crosses]`.

    Raises:
      TypeError: if `inputs` is no list.
    """
    if not isinstance(inputs, list):
        raise TypeError("Inputs must be a list")
    if hash_key is None:
        return _made(SparseFeatureCross, inputs, hashed_output, num_buckets, name, {})
    return _made(
        SparseFeatureCrossV2, inputs, hashed_output, num_buckets, name, {"hash_key": hash_key}
    )


def _made(opdef, inputs, hashed_output, num_buckets, name, more):
    sparse = [as_sparse(x) for x in inputs if isinstance(x, SparseTensor | SparseTensorValue)]
    dense = [
        convert_to_tensor(x) for x in inputs if not isinstance(x, SparseTensor | SparseTensorValue)
    ]
    indices, shapes = [x.indices for x in sparse], [x.dense_shape for x in sparse]
    internal = String
    if hashed_output:
        internal = Int64
    values = [_as_feature(x.values) for x in sparse]
    dense = [_as_feature(x) for x in dense]
    found = opdef(
        indices,
        values,
        shapes,
        dense,
        hashed_output=hashed_output,
        num_buckets=num_buckets,
        **more,
        sparse_types=[x.dtype for x in values],
        dense_types=[x.dtype for x in dense],
        out_type=internal,
        internal_type=internal,
        name=name,
    )
    return SparseTensor(*found)


def _as_feature(tensor):
    return tensor if tensor.dtype.base_dtype is String else cast(tensor, Int64)
