"""The ops that reorder, cut, join and batch datasets."""

import numpy as np

from millstream.ir.spec import (
    Bool,
    Host,
    Int64,
    ListOf,
    Returns,
    Shape,
    String,
    Tensor,
    Tensors,
    Type,
    Variant,
    op,
)
from millstream.ops.data import batching, buffers, combining, threads, transforms
from millstream.ops.data.core import invalid
from millstream.ops.data.optimizing import optimized

_TYPES = ListOf(Type, 1)
_SHAPES = ListOf(Shape, 1)
_HANDLE = Returns(handle=Tensor[Variant])


def _positive(value, name):
    value = int(value)
    if value <= 0:
        raise invalid(f"{name} must be greater than zero.")
    return value


@op(effect=Host())
def TakeDataset(
    input_dataset: Tensor[Variant],
    count: Tensor[Int64],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of the first elements."""


@TakeDataset.run
def _(input_dataset, count):
    return transforms.Take(input_dataset, int(count))


@op(effect=Host())
def SkipDataset(
    input_dataset: Tensor[Variant],
    count: Tensor[Int64],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of the elements after the first."""


@SkipDataset.run
def _(input_dataset, count):
    return transforms.Skip(input_dataset, int(count))


@op(effect=Host())
def RepeatDataset(
    input_dataset: Tensor[Variant],
    count: Tensor[Int64],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of the elements several times."""


@RepeatDataset.run
def _(input_dataset, count):
    return transforms.Repeat(input_dataset, int(count))


@op(effect=Host())
def UniqueDataset(
    input_dataset: Tensor[Variant],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of the elements that were not there before."""


@UniqueDataset.run
def _(input_dataset):
    return transforms.Unique(input_dataset)


@op(effect=Host())
def UnbatchDataset(
    input_dataset: Tensor[Variant],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of the slices of elements."""


@UnbatchDataset.run
def _(input_dataset):
    return combining.Unbatch(input_dataset)


@op(effect=Host())
def IgnoreErrorsDataset(
    input_dataset: Tensor[Variant],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of the elements that can be computed."""


@IgnoreErrorsDataset.run
def _(input_dataset):
    return transforms.IgnoreErrors(input_dataset)


@op(effect=Host())
def ModelDataset(
    input_dataset: Tensor[Variant],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
    algorithm: int = 0,
    cpu_budget: int = 0,
) -> _HANDLE:
    """Passes a dataset on."""


@ModelDataset.run
def _(input_dataset):
    return transforms.Same(input_dataset)


@op(effect=Host())
def ShardDataset(
    input_dataset: Tensor[Variant],
    num_shards: Tensor[Int64],
    index: Tensor[Int64],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
    require_non_empty: bool = False,
) -> _HANDLE:
    """Makes a dataset of every so manieth element."""


@ShardDataset.run
def _(input_dataset, num_shards, index):
    count, place = int(num_shards), int(index)
    if count < 1:
        raise invalid(
            f"Number of shards must be greater than zero (currently num_shards = {count})."
        )
    if not 0 <= place < count:
        raise invalid(f"Index must be between 0 and {count - 1} (currently index = {place}).")
    return transforms.Shard(input_dataset, count, place)


@op(effect=Host())
def ShuffleDataset(
    input_dataset: Tensor[Variant],
    buffer_size: Tensor[Int64],
    seed: Tensor[Int64],
    seed2: Tensor[Int64],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
    reshuffle_each_iteration: bool = True,
) -> _HANDLE:
    """Makes a dataset of the elements in random order."""


@ShuffleDataset.run
def _(input_dataset, buffer_size, seed, seed2, reshuffle_each_iteration):
    size = _positive(buffer_size, "buffer_size")
    return buffers.Shuffle(input_dataset, size, (int(seed), int(seed2)), reshuffle_each_iteration)


@op(effect=Host())
def ShuffleAndRepeatDataset(
    input_dataset: Tensor[Variant],
    buffer_size: Tensor[Int64],
    seed: Tensor[Int64],
    seed2: Tensor[Int64],
    count: Tensor[Int64],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of the elements several times in random order."""


@ShuffleAndRepeatDataset.run
def _(input_dataset, buffer_size, seed, seed2, count):
    size = _positive(buffer_size, "buffer_size")
    return buffers.ShuffleAndRepeat(input_dataset, size, (int(seed), int(seed2)), int(count))


@op(effect=Host())
def CacheDataset(
    input_dataset: Tensor[Variant],
    filename: Tensor[String],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset that keeps its elements, in memory or in a file."""


@CacheDataset.run
def _(input_dataset, filename):
    path = np.ravel(filename).tolist()[0].decode("utf-8", "surrogateescape")
    return buffers.FileCache(input_dataset, path) if path else buffers.Cache(input_dataset)


@op(effect=Host())
def PrefetchDataset(
    input_dataset: Tensor[Variant],
    buffer_size: Tensor[Int64],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
    slack_period: int = 0,
    legacy_autotune: bool = True,
) -> _HANDLE:
    """Makes a dataset whose elements are computed ahead."""


@PrefetchDataset.run
def _(input_dataset, buffer_size):
    size = int(buffer_size)
    if size < 0 and size != threads.AUTOTUNE:
        raise invalid("buffer_size must be >= 0 or set buffer_size to be -1 for auto-tuning")
    return threads.Prefetch(input_dataset, size)


@op(effect=Host())
def BatchDataset(
    input_dataset: Tensor[Variant],
    batch_size: Tensor[Int64],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of batches."""


@BatchDataset.run
def _(input_dataset, batch_size):
    return batching.Batch(input_dataset, _positive(batch_size, "Batch size"), False)


@op(effect=Host())
def BatchDatasetV2(
    input_dataset: Tensor[Variant],
    batch_size: Tensor[Int64],
    drop_remainder: Tensor[Bool],
    *,
    parallel_copy: bool = False,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of batches."""


@BatchDatasetV2.run
def _(input_dataset, batch_size, drop_remainder):
    size = _positive(batch_size, "Batch size")
    return batching.Batch(input_dataset, size, bool(drop_remainder))


@op(effect=Host())
def DenseToSparseBatchDataset(
    input_dataset: Tensor[Variant],
    batch_size: Tensor[Int64],
    row_shape: Tensor[Int64],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of batches as sparse tensors."""


@DenseToSparseBatchDataset.run
def _(input_dataset, batch_size, row_shape):
    size = _positive(batch_size, "Batch size")
    return batching.SparseBatch(input_dataset, size, row_shape.tolist())


@op(effect=Host())
def WindowDataset(
    input_dataset: Tensor[Variant],
    size: Tensor[Int64],
    shift: Tensor[Int64],
    stride: Tensor[Int64],
    drop_remainder: Tensor[Bool],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of datasets of successive elements."""


@WindowDataset.run
def _(input_dataset, size, shift, stride, drop_remainder):
    sizes = (
        _positive(size, "Window size"),
        _positive(shift, "Window shift"),
        _positive(stride, "Window stride"),
    )
    return batching.Window(input_dataset, *sizes, bool(drop_remainder))


@op(effect=Host())
def OptimizeDataset(
    input_dataset: Tensor[Variant],
    optimizations: Tensor[String],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
    optimization_configs: list[str] = [],  # noqa: B006
) -> _HANDLE:
    """Passes a dataset on, rewritten."""


@OptimizeDataset.run
def _(input_dataset, optimizations):
    return optimized(input_dataset, set(np.ravel(optimizations).tolist()))


@op(effect=Host())
def PaddedBatchDataset(
    input_dataset: Tensor[Variant],
    batch_size: Tensor[Int64],
    padded_shapes: Tensors[Int64, "N"],
    padding_values: Tensors["Toutput_types"],
    *,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of batches of elements padded to one shape."""


@op(effect=Host())
def PaddedBatchDatasetV2(
    input_dataset: Tensor[Variant],
    batch_size: Tensor[Int64],
    padded_shapes: Tensors[Int64, "N"],
    padding_values: Tensors["Toutput_types"],
    drop_remainder: Tensor[Bool],
    *,
    parallel_copy: bool = False,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of batches of elements padded to one shape."""


def _padded(source, size, drop, shapes, fillers):
    return batching.PaddedBatch(
        source,
        _positive(size, "Batch size"),
        drop,
        [np.ravel(shape).tolist() for shape in shapes],
        [np.ravel(filler)[0] for filler in fillers],
    )


@PaddedBatchDataset.run
def _(input_dataset, batch_size, padded_shapes, padding_values):
    return _padded(input_dataset, batch_size, False, padded_shapes, padding_values)


@PaddedBatchDatasetV2.run
def _(input_dataset, batch_size, padded_shapes, padding_values, drop_remainder):
    return _padded(input_dataset, batch_size, bool(drop_remainder), padded_shapes, padding_values)


@op(effect=Host())
def ZipDataset(
    input_datasets: Tensors[Variant, "N"], *, output_types: _TYPES, output_shapes: _SHAPES
) -> _HANDLE:
    """Makes a dataset of the elements of several side by side."""


@ZipDataset.run
def _(input_datasets):
    return combining.Zip(list(input_datasets))


@op(effect=Host())
def ConcatenateDataset(
    input_dataset: Tensor[Variant],
    another_dataset: Tensor[Variant],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of the elements of one, then of another."""


@ConcatenateDataset.run
def _(input_dataset, another_dataset):
    return combining.Concatenate(input_dataset, another_dataset)


@op(effect=Host())
def DirectedInterleaveDataset(
    selector_input_dataset: Tensor[Variant],
    data_input_datasets: Tensors[Variant, "N"],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of elements of several in the order that a dataset of numbers gives."""


@DirectedInterleaveDataset.run
def _(selector_input_dataset, data_input_datasets):
    return combining.Directed(selector_input_dataset, list(data_input_datasets))


for _opdef in (
    *(
        TakeDataset,
        SkipDataset,
        RepeatDataset,
    ),
    *(
        UniqueDataset,
        UnbatchDataset,
        IgnoreErrorsDataset,
    ),
    *(
        ModelDataset,
        ShardDataset,
        ShuffleDataset,
    ),
    *(
        ShuffleAndRepeatDataset,
        CacheDataset,
        PrefetchDataset,
    ),
    *(
        BatchDataset,
        BatchDatasetV2,
        DenseToSparseBatchDataset,
    ),
    *(
        WindowDataset,
        OptimizeDataset,
        PaddedBatchDataset,
    ),
    *(
        PaddedBatchDatasetV2,
        ZipDataset,
        ConcatenateDataset,
    ),
    *(DirectedInterleaveDataset,),
):
    _opdef.shape_scalar()
    _opdef.no_gradient("a dataset is no number")
