"""The ops that turn datasets into others."""

import os

from millstream.ir.spec import (
    Bool,
    Func,
    Host,
    Int32,
    Int64,
    ListOf,
    Returns,
    Shape,
    Tensor,
    Tensors,
    Type,
    Variant,
    op,
)
from millstream.ops.data import batching, nested, threads, transforms
from millstream.ops.data.core import Scope, as_array, components, invalid
from millstream.ops.data.functions import element_function

_TYPES = ListOf(Type, 1)
_SHAPES = ListOf(Shape, 1)
_HANDLE = Returns(handle=Tensor[Variant])


def _positive(value, name):
    value = int(value)
    if value <= 0:
        raise invalid(f"{name} must be greater than zero.")
    return value


# -- functions of elements


@op(effect=Host())
def MapDataset(
    input_dataset: Tensor[Variant],
    other_arguments: Tensors["Targuments", 0],
    *,
    f: Func,
    output_types: _TYPES,
    output_shapes: _SHAPES,
    use_inter_op_parallelism: bool = True,
    preserve_cardinality: bool = False,
) -> _HANDLE:
    """Makes a dataset of what a function makes of each element."""


@MapDataset.run
def _(ctx, input_dataset, other_arguments, f):
    return transforms.Map(input_dataset, element_function(ctx, f, other_arguments))


@op(effect=Host())
def ParallelMapDataset(
    input_dataset: Tensor[Variant],
    other_arguments: Tensors["Targuments", 0],
    num_parallel_calls: Tensor[Int32],
    *,
    f: Func,
    output_types: _TYPES,
    output_shapes: _SHAPES,
    use_inter_op_parallelism: bool = True,
    sloppy: bool = False,
    preserve_cardinality: bool = False,
) -> _HANDLE:
    """Makes a dataset of what a function makes of each element, in several threads."""


def _calls(count):
    count = int(count)
    if count < 1 and count != threads.AUTOTUNE:
        raise invalid("num_parallel_calls must be greater than zero.")
    return count


@ParallelMapDataset.run
def _(ctx, input_dataset, other_arguments, num_parallel_calls, f):
    function = element_function(ctx, f, other_arguments)
    return threads.ParallelMap(input_dataset, function, _calls(num_parallel_calls))


@op(effect=Host())
def MapAndBatchDataset(
    input_dataset: Tensor[Variant],
    other_arguments: Tensors["Targuments", 0],
    batch_size: Tensor[Int64],
    num_parallel_calls: Tensor[Int64],
    drop_remainder: Tensor[Bool],
    *,
    f: Func,
    output_types: _TYPES,
    output_shapes: _SHAPES,
    preserve_cardinality: bool = False,
) -> _HANDLE:
    """Makes a dataset of batches of what a function makes of each element."""


@MapAndBatchDataset.run
def _(ctx, input_dataset, other_arguments, batch_size, num_parallel_calls, drop_remainder, f):
    function = element_function(ctx, f, other_arguments)
    calls = _calls(num_parallel_calls)
    calls = calls if calls < 0 else min(calls, 2 * (os.cpu_count() or 1))
    mapped = threads.ParallelMap(input_dataset, function, calls)
    return batching.Batch(mapped, _positive(batch_size, "batch_size"), bool(drop_remainder))


@op(effect=Host())
def FilterDataset(
    input_dataset: Tensor[Variant],
    other_arguments: Tensors["Targuments", 0],
    *,
    predicate: Func,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of the elements for which a function gives true."""


@FilterDataset.run
def _(ctx, input_dataset, other_arguments, predicate):
    return transforms.Filter(input_dataset, element_function(ctx, predicate, other_arguments))


@op(effect=Host())
def FilterByLastComponentDataset(
    input_dataset: Tensor[Variant], *, output_types: _TYPES, output_shapes: _SHAPES
) -> Returns(output=Tensor[Variant]):
    """Makes a dataset of the elements whose last component is true."""


@FilterByLastComponentDataset.run
def _(input_dataset):
    return transforms.LastComponent(input_dataset)


@op(effect=Host())
def TakeWhileDataset(
    input_dataset: Tensor[Variant],
    other_arguments: Tensors["Targuments", 0],
    *,
    predicate: Func,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of the elements before the first for which a function gives false."""


@TakeWhileDataset.run
def _(ctx, input_dataset, other_arguments, predicate):
    return transforms.TakeWhile(input_dataset, element_function(ctx, predicate, other_arguments))


@op(effect=Host())
def ScanDataset(
    input_dataset: Tensor[Variant],
    initial_state: Tensors["Tstate"],
    other_arguments: Tensors["Targuments", 0],
    *,
    f: Func,
    output_types: _TYPES,
    output_shapes: _SHAPES,
    preserve_cardinality: bool = False,
) -> _HANDLE:
    """Makes a dataset of what a function makes of a state and each element."""


@ScanDataset.run
def _(ctx, input_dataset, initial_state, other_arguments, f):
    function = element_function(ctx, f, other_arguments)
    return transforms.Scan(input_dataset, function, components(initial_state))


@op(effect=Host())
def FlatMapDataset(
    input_dataset: Tensor[Variant],
    other_arguments: Tensors["Targuments", 0],
    *,
    f: Func,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of the elements of the datasets that a function makes."""


@FlatMapDataset.run
def _(ctx, input_dataset, other_arguments, f):
    return nested.FlatMap(input_dataset, element_function(ctx, f, other_arguments))


@op(effect=Host())
def InterleaveDataset(
    input_dataset: Tensor[Variant],
    other_arguments: Tensors["Targuments", 0],
    cycle_length: Tensor[Int64],
    block_length: Tensor[Int64],
    *,
    f: Func,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of elements of several datasets in turn."""


@InterleaveDataset.run
def _(ctx, input_dataset, other_arguments, cycle_length, block_length, f):
    function = element_function(ctx, f, other_arguments)
    return _interleaved(input_dataset, function, cycle_length, block_length, False)


def _interleaved(source, function, cycle_length, block_length, parallel):
    cycle = int(cycle_length)
    cycle = (os.cpu_count() or 1) if cycle == threads.AUTOTUNE else _positive(cycle, "cycle_length")
    block = _positive(block_length, "block_length")
    return nested.Interleave(source, function, cycle, block, parallel)


@op(effect=Host())
def ParallelInterleaveDatasetV2(
    input_dataset: Tensor[Variant],
    other_arguments: Tensors["Targuments", 0],
    cycle_length: Tensor[Int64],
    block_length: Tensor[Int64],
    num_parallel_calls: Tensor[Int64],
    *,
    f: Func,
    output_types: _TYPES,
    output_shapes: _SHAPES,
    sloppy: bool = False,
) -> _HANDLE:
    """Makes a dataset of elements of several datasets in turn, read at the same time."""


@ParallelInterleaveDatasetV2.run
def _(ctx, input_dataset, other_arguments, cycle_length, block_length, num_parallel_calls, f):
    calls = _calls(num_parallel_calls)
    if calls > int(cycle_length) > 0:
        raise invalid(
            f"num_parallel_calls must less than or equal to cycle_length. "
            f"{calls} > {int(cycle_length)}"
        )
    function = element_function(ctx, f, other_arguments)
    return _interleaved(input_dataset, function, cycle_length, block_length, True)


@op(effect=Host())
def ParallelInterleaveDataset(
    input_dataset: Tensor[Variant],
    other_arguments: Tensors["Targuments", 0],
    cycle_length: Tensor[Int64],
    block_length: Tensor[Int64],
    sloppy: Tensor[Bool],
    buffer_output_elements: Tensor[Int64],
    prefetch_input_elements: Tensor[Int64],
    *,
    f: Func,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of elements of several datasets in turn, the next ones opened ahead."""


@ParallelInterleaveDataset.run
def _(ctx, input_dataset, other_arguments, cycle_length, block_length, prefetch_input_elements, f):
    function = element_function(ctx, f, other_arguments)
    cycle = _positive(cycle_length, "`cycle_length`")
    block = _positive(block_length, "`block_length`")
    return nested.StagedInterleave(
        input_dataset, function, cycle, block, int(prefetch_input_elements)
    )


@op(effect=Host())
def GroupByWindowDataset(
    input_dataset: Tensor[Variant],
    key_func_other_arguments: Tensors["Tkey_func_other_arguments", 0],
    reduce_func_other_arguments: Tensors["Treduce_func_other_arguments", 0],
    window_size_func_other_arguments: Tensors["Twindow_size_func_other_arguments", 0],
    *,
    key_func: Func,
    reduce_func: Func,
    window_size_func: Func,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of what a function makes of windows of elements of one key."""


@GroupByWindowDataset.run
def _(
    ctx,
    input_dataset,
    key_func_other_arguments,
    reduce_func_other_arguments,
    window_size_func_other_arguments,
    key_func,
    reduce_func,
    window_size_func,
):
    return nested.GroupByWindow(
        input_dataset,
        element_function(ctx, key_func, key_func_other_arguments),
        element_function(ctx, reduce_func, reduce_func_other_arguments),
        element_function(ctx, window_size_func, window_size_func_other_arguments),
    )


@op(effect=Host())
def GroupByReducerDataset(
    input_dataset: Tensor[Variant],
    key_func_other_arguments: Tensors["Tkey_func_other_arguments", 0],
    init_func_other_arguments: Tensors["Tinit_func_other_arguments", 0],
    reduce_func_other_arguments: Tensors["Treduce_func_other_arguments", 0],
    finalize_func_other_arguments: Tensors["Tfinalize_func_other_arguments", 0],
    *,
    key_func: Func,
    init_func: Func,
    reduce_func: Func,
    finalize_func: Func,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset with what functions make of all elements of each key."""


@op(effect=Host())
def ExperimentalGroupByReducerDataset(
    input_dataset: Tensor[Variant],
    key_func_other_arguments: Tensors["Tkey_func_other_arguments", 0],
    init_func_other_arguments: Tensors["Tinit_func_other_arguments", 0],
    reduce_func_other_arguments: Tensors["Treduce_func_other_arguments", 0],
    finalize_func_other_arguments: Tensors["Tfinalize_func_other_arguments", 0],
    *,
    key_func: Func,
    init_func: Func,
    reduce_func: Func,
    finalize_func: Func,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset with what functions make of all elements of each key."""


@GroupByReducerDataset.run
@ExperimentalGroupByReducerDataset.run
def _(
    ctx,
    input_dataset,
    key_func_other_arguments,
    init_func_other_arguments,
    reduce_func_other_arguments,
    finalize_func_other_arguments,
    key_func,
    init_func,
    reduce_func,
    finalize_func,
):
    return nested.GroupByReducer(
        input_dataset,
        element_function(ctx, key_func, key_func_other_arguments),
        element_function(ctx, init_func, init_func_other_arguments),
        element_function(ctx, reduce_func, reduce_func_other_arguments),
        element_function(ctx, finalize_func, finalize_func_other_arguments),
    )


@op(effect=Host())
def ReduceDataset(
    input_dataset: Tensor[Variant],
    initial_state: Tensors["Tstate"],
    other_arguments: Tensors["Targuments", 0],
    *,
    f: Func,
    output_types: _TYPES,
    output_shapes: _SHAPES,
    use_inter_op_parallelism: bool = True,
) -> Returns(components=Tensors["output_types"]):
    """Gives what a function makes of a state and all elements, one after the other."""


@ReduceDataset.run
def _(ctx, input_dataset, initial_state, other_arguments, f):
    function = element_function(ctx, f, other_arguments)
    state = components(initial_state)
    iterator = input_dataset.iterate(Scope())
    try:
        while (element := iterator.next()) is not None:
            state = function((*state, *element))
    finally:
        iterator.close()
    return tuple(as_array(component) for component in state)


@ReduceDataset.shape
def _(output_shapes):
    return tuple(output_shapes) if len(output_shapes) != 1 else output_shapes[0]


for _opdef in (
    *(MapDataset, ParallelMapDataset, MapAndBatchDataset, FilterDataset),
    *(FilterByLastComponentDataset, TakeWhileDataset, ScanDataset, FlatMapDataset),
    *(InterleaveDataset, ParallelInterleaveDatasetV2, ParallelInterleaveDataset),
    *(GroupByWindowDataset, GroupByReducerDataset, ExperimentalGroupByReducerDataset),
):
    _opdef.shape_scalar()
    _opdef.no_gradient("a dataset is no number")
ReduceDataset.no_gradient("elements are not differentiated")
