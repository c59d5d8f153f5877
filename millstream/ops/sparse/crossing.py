"""Crosses of sparse features: SparseCross, `tf.sparse.cross`, `tf.sparse.cross_hashed`.

A row of the result has an element for every choice of one element from that row of each input.
"""

from itertools import product

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
_MULTIPLIER = 0xC6A4A7935BD1E995
_GOLDEN = 0x9E3779B97F4A7800
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


def _folded(word):
    return word ^ word >> 47


def joined_fingerprint(one, other):
    """Returns the fingerprint of two fingerprints, in this order."""
    result = one ^ _MULTIPLIER ^ (_folded(other * _MULTIPLIER & _WORD) * _MULTIPLIER & _WORD)
    result = result * _MULTIPLIER & _WORD
    return _folded(_folded(result) * _MULTIPLIER & _WORD)


def _sparse_rows(indices, values, shape):
    """Returns the elements of each row of a sparse feature, as a dict."""
    check_arrays(indices, values, shape)
    if len(shape) != 2:
        raise invalid(f"Expected a sparse feature of rank 2, got {len(shape)}")
    rows = {}
    for row, value in zip(indices[:, 0].tolist(), values.tolist(), strict=True):
        rows.setdefault(row, []).append(value)
    return rows


def _batch_size(shapes, dense_inputs):
    sizes = [int(shape[0]) for shape in shapes] + [len(dense) for dense in dense_inputs]
    if len(set(sizes)) > 1:
        raise invalid(f"Expected one batch size of all features, got {sizes}")
    return sizes[0] if sizes else 0


def _hashed(num_buckets, hash_key):
    def cross(values):
        code = hash_key & _WORD
        for value in values:
            number = fingerprint64(value) if isinstance(value, bytes) else value & _WORD
            code = joined_fingerprint(code, number)
        # TF keeps numbers from being negative by this modulus.
        return code % (num_buckets or (1 << 63) - 1)

    return cross


def _spelled(values):
    return b"_X_".join(v if isinstance(v, bytes) else b"%d" % v for v in values)


@SparseCross.reference
def _(indices, values, shapes, dense_inputs, hashed_output, num_buckets, hash_key, out_type):
    cross = _hashed(num_buckets, hash_key) if hashed_output else _spelled
    return _crossed(indices, values, shapes, dense_inputs, cross, out_type)


def _crossed(indices, values, shapes, dense_inputs, cross, out_type):
    """Applies `cross` to every choice of an element of each input, row by row."""
    for dense in dense_inputs:
        if dense.ndim != 2:
            raise invalid(f"Expected a dense feature of rank 2, got {dense.ndim}")
    batch = _batch_size(shapes, dense_inputs)
    columns = [_sparse_rows(*each) for each in zip(indices, values, shapes, strict=True)]
    columns += [dict(enumerate(dense.tolist())) for dense in dense_inputs]
    places, found, widest = [], [], 0
    for row in range(batch):
        choices = [column.get(row, ()) for column in columns]
        crossed = [cross(each) for each in product(*choices)] if choices else []
        places += [(row, at) for at in range(len(crossed))]
        found += crossed
        widest = max(widest, len(crossed))
    elements = np.empty(len(found), out_type.np)
    elements[:] = found
    return np.array(places, np.int64).reshape(-1, 2), elements, np.array([batch, widest], np.int64)


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


def _mixed(num_buckets):
    """Hashes crosses as TF's first op for them did; numbers are signed."""

    def cross(values):
        code = DEFAULT_HASH_KEY
        for value in values:
            number = fingerprint64(value) if isinstance(value, bytes) else value
            signed = code - (1 << 64) if code >> 63 else code
            code ^= number + _GOLDEN + (code << 10) + (signed >> 4) & _WORD
        return code % (num_buckets or (1 << 63) - 1)

    return cross


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
    cross = _mixed(num_buckets) if hashed_output else _spelled
    return _crossed(indices, values, shapes, dense, cross, out_type)


@SparseFeatureCrossV2.reference
def _(indices, values, shapes, dense, hashed_output, num_buckets, hash_key, out_type):
    cross = _hashed(num_buckets, hash_key) if hashed_output else _spelled
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
