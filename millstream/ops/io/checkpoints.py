"""The ops that a `tf.train.Saver` is made of: save, restore, merge, and the names of shards."""

import numpy as np

from millstream.base import errors
from millstream.base.dtypes import as_dtype
from millstream.formats.bundle import BundleWriter, merge_bundles
from millstream.formats.checkpoint import open_checkpoint
from millstream.formats.checkpoint_v1 import V1Writer
from millstream.formats.nearest import nearest_names
from millstream.formats.slices import parse_spec
from millstream.ir.spec import Host, Int32, ListOf, Returns, String, Tensor, Tensors, Type, op


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def _scalar(value):
    return _text(value.item() if isinstance(value, np.ndarray) else value)


def _names(array):
    return [_text(name) for name in np.ravel(array).tolist()]


def _check_vectors(count, *vectors):
    """Checks that names (and slices) are vectors as long as there are tensors."""
    for vector in vectors:
        size = vector.with_rank(1).as_list()[0]
        if size not in (None, count):
            raise ValueError(f"Got {count} tensors but {size} names")


def write_tensors(writer, names, specs, arrays, types):
    """Adds tensors, whole ones or slices, to an open checkpoint."""
    for name, spec, array, dtype in zip(names, specs, arrays, types, strict=True):
        if spec:
            shape, slices = parse_spec(spec)
            writer.add_slice(name, shape, slices, array, dtype)
        else:
            writer.add(name, array, dtype)


def read_tensor(reader, name, spec, dtype):
    """Returns one tensor, or the slice of it that `spec` names.

    Raises:
      NotFoundError: if the checkpoint does not hold it; the message has the nearest names.
      InvalidArgumentError: if its dtype is another one, or the slice does not fit.
    """
    try:
        stored, shape = reader.dtype_and_shape(name)
    except errors.NotFoundError:
        near = nearest_names(name, reader.names())
        message = f"Key {name} not found in checkpoint {_path(reader)}{near}"
        raise errors.NotFoundError(None, None, message) from None
    if stored != dtype:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"tensor_name = {name}; expected dtype {dtype.name} does not equal restored dtype "
            f"{stored.name} of checkpoint {_path(reader)}",
        )
    if not spec:
        return reader.get(name)
    wanted, slices = parse_spec(spec)
    if tuple(wanted) != tuple(shape):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Tensor {name} has shape {list(shape)} in checkpoint {_path(reader)}, not "
            f"{list(wanted)} as the slice to restore says",
        )
    return reader.get_slice(name, shape, slices)


def _path(reader):
    return getattr(reader, "prefix", None) or getattr(reader, "path", "")


@op(effect=Host())
def SaveV2(
    prefix: Tensor[String],
    tensor_names: Tensor[String],
    shape_and_slices: Tensor[String],
    tensors: Tensors["dtypes"],
) -> None:
    """Writes tensors to a checkpoint of format 2, in one step: a crash leaves the former one."""


@SaveV2.shape
def _(prefix, tensor_names, shape_and_slices, tensors):
    prefix.with_rank(0)
    _check_vectors(len(tensors), tensor_names, shape_and_slices)
    return ()


@SaveV2.run
def _(prefix, tensor_names, shape_and_slices, tensors, dtypes):
    with BundleWriter(_scalar(prefix)) as writer:
        names, specs = _names(tensor_names), _names(shape_and_slices)
        write_tensors(writer, names, specs, tensors, dtypes)
    return ()


SaveV2.no_gradient("it writes a file")


@op(effect=Host())
def RestoreV2(
    prefix: Tensor[String],
    tensor_names: Tensor[String],
    shape_and_slices: Tensor[String],
    *,
    dtypes: ListOf(Type, 1),
) -> Returns(tensors=Tensors["dtypes"]):
    """Reads tensors from a checkpoint of either format."""


@RestoreV2.shape
def _(prefix, tensor_names, shape_and_slices, shape_and_slices_value, dtypes):
    prefix.with_rank(0)
    _check_vectors(len(dtypes), tensor_names, shape_and_slices)
    if shape_and_slices_value is None:
        return (None,) * len(dtypes)
    return tuple(_restored_shape(spec) for spec in _names(shape_and_slices_value))


def _restored_shape(spec):
    if not spec:
        return None
    try:
        shape, slices = parse_spec(spec)
    except errors.InvalidArgumentError as error:
        raise ValueError(error.message) from None
    return [size if n == -1 else n for size, (_, n) in zip(shape, slices, strict=True)]


@RestoreV2.run
def _(prefix, tensor_names, shape_and_slices, dtypes):
    names, specs = _names(tensor_names), _names(shape_and_slices)
    with open_checkpoint(_scalar(prefix)) as reader:
        return tuple(
            read_tensor(reader, name, spec, dtype)
            for name, spec, dtype in zip(names, specs, dtypes, strict=True)
        )


RestoreV2.no_gradient("it reads a file")


@op(effect=Host())
def MergeV2Checkpoints(
    checkpoint_prefixes: Tensor[String],
    destination_prefix: Tensor[String],
    *,
    delete_old_dirs: bool = True,
) -> None:
    """Makes one checkpoint of the parts that shards wrote."""


@MergeV2Checkpoints.shape
def _(checkpoint_prefixes, destination_prefix):
    checkpoint_prefixes.with_rank(1)
    destination_prefix.with_rank(0)
    return ()


@MergeV2Checkpoints.run
def _(checkpoint_prefixes, destination_prefix, delete_old_dirs):
    merge_bundles(_names(checkpoint_prefixes), _scalar(destination_prefix), delete_old_dirs)
    return ()


MergeV2Checkpoints.no_gradient("it moves files")


@op
def ShardedFilename(
    basename: Tensor[String], shard: Tensor[Int32], num_shards: Tensor[Int32]
) -> Returns(filename=Tensor[String]):
    """Names one shard of a file: `base-00000-of-00002`."""


ShardedFilename.shape_scalar()


@ShardedFilename.reference
def _(basename, shard, num_shards):
    name = f"{_scalar(basename)}-{int(shard):05d}-of-{int(num_shards):05d}"
    return np.array(name.encode(), object)


ShardedFilename.no_gradient("strings have none")


@op
def ShardedFilespec(basename: Tensor[String], num_shards: Tensor[Int32]) -> Returns(
    filename=Tensor[String]
):
    """Names all shards of a file: `base-?????-of-00002`."""


ShardedFilespec.shape_scalar()


@ShardedFilespec.reference
def _(basename, num_shards):
    name = f"{_scalar(basename)}-?????-of-{int(num_shards):05d}"
    return np.array(name.encode(), object)


ShardedFilespec.no_gradient("strings have none")

_BASE = np.array(b"model", object)
ShardedFilename.examples(_BASE, np.int32(0), np.int32(2))
ShardedFilespec.examples(_BASE, np.int32(2))


# -- format 1


@op(effect=Host())
def Save(filename: Tensor[String], tensor_names: Tensor[String], data: Tensors["T"]) -> None:
    """Writes tensors to a checkpoint of format 1."""


@Save.shape
def _(filename, tensor_names, data):
    filename.with_rank(0)
    _check_vectors(len(data), tensor_names)
    return ()


@Save.run
def _(filename, tensor_names, data):
    with V1Writer(_scalar(filename)) as writer:
        types = [as_dtype(array.dtype) for array in data]
        write_tensors(writer, _names(tensor_names), [""] * len(data), data, types)
    return ()


Save.no_gradient("it writes a file")


@op(effect=Host())
def SaveSlices(
    filename: Tensor[String],
    tensor_names: Tensor[String],
    shapes_and_slices: Tensor[String],
    data: Tensors["T"],
) -> None:
    """Writes tensors and slices of tensors to a checkpoint of format 1."""


@SaveSlices.shape
def _(filename, tensor_names, shapes_and_slices, data):
    filename.with_rank(0)
    _check_vectors(len(data), tensor_names, shapes_and_slices)
    return ()


@SaveSlices.run
def _(filename, tensor_names, shapes_and_slices, data):
    with V1Writer(_scalar(filename)) as writer:
        types = [as_dtype(array.dtype) for array in data]
        write_tensors(writer, _names(tensor_names), _names(shapes_and_slices), data, types)
    return ()


SaveSlices.no_gradient("it writes a file")


@op(effect=Host())
def Restore(
    file_pattern: Tensor[String],
    tensor_name: Tensor[String],
    *,
    dt: Type,
    preferred_shard: int = -1,
) -> Returns(tensor=Tensor["dt"]):
    """Reads one tensor from a checkpoint."""


Restore.shape_unknown()


@Restore.run
def _(file_pattern, tensor_name, dt):
    with open_checkpoint(_scalar(file_pattern)) as reader:
        return read_tensor(reader, _scalar(tensor_name), "", dt)


Restore.no_gradient("it reads a file")


@op(effect=Host())
def RestoreSlice(
    file_pattern: Tensor[String],
    tensor_name: Tensor[String],
    shape_and_slice: Tensor[String],
    *,
    dt: Type,
    preferred_shard: int = -1,
) -> Returns(tensor=Tensor["dt"]):
    """Reads one tensor, or a slice of it, from a checkpoint."""


@RestoreSlice.shape
def _(shape_and_slice_value):
    if shape_and_slice_value is None:
        return None
    return _restored_shape(_names(shape_and_slice_value)[0])


@RestoreSlice.run
def _(file_pattern, tensor_name, shape_and_slice, dt):
    with open_checkpoint(_scalar(file_pattern)) as reader:
        return read_tensor(reader, _scalar(tensor_name), _scalar(shape_and_slice), dt)


RestoreSlice.no_gradient("it reads a file")
