"""The ops that make datasets of tensors, numbers and files."""

import os

import numpy as np

from millstream.base import errors
from millstream.formats import gfile
from millstream.ir.spec import (
    Bool,
    Double,
    Float,
    Func,
    Host,
    Int32,
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
from millstream.ops.data import files
from millstream.ops.data.core import invalid
from millstream.ops.data.functions import element_function
from millstream.ops.data.generators import Generated
from millstream.ops.data.sources import (
    Elements,
    Random,
    Range,
    Slices,
    SparseSlices,
    component_elements,
)
from millstream.ops.parsing.csv import CsvParser

_TYPES = ListOf(Type, 1)
_SHAPES = ListOf(Shape, 1)
_HANDLE = Returns(handle=Tensor[Variant])


@op(effect=Host())
def TensorDataset(components: Tensors["Toutput_types"], *, output_shapes: _SHAPES) -> _HANDLE:
    """Makes a dataset of one element."""


@TensorDataset.run
def _(components):
    return component_elements(components)


@op(effect=Host())
def TensorSliceDataset(components: Tensors["Toutput_types"], *, output_shapes: _SHAPES) -> _HANDLE:
    """Makes a dataset of the slices of tensors along their first axis."""


@TensorSliceDataset.run
def _(components):
    arrays = [np.asarray(component) for component in components]
    sizes = {array.shape[:1] for array in arrays}
    if len(sizes) != 1 or () in sizes:
        raise invalid(f"All components must have the same first dimension, not {sorted(sizes)}")
    return Slices(arrays)


@op(effect=Host())
def SparseTensorSliceDataset(
    indices: Tensor[Int64], values: Tensor["Tvalues"], dense_shape: Tensor[Int64], *, Tvalues: Type
) -> _HANDLE:
    """Makes a dataset of the rows of a sparse tensor."""


@SparseTensorSliceDataset.run
def _(indices, values, dense_shape):
    if (np.diff(indices[:, 0]) < 0).any():
        raise errors.UnimplementedError(
            None, None, "The SparseTensor must be ordered in the batch dimension"
        )
    return SparseSlices(indices, values, dense_shape)


@op(effect=Host())
def RangeDataset(
    start: Tensor[Int64],
    stop: Tensor[Int64],
    step: Tensor[Int64],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of numbers."""


@RangeDataset.run
def _(start, stop, step):
    if not step:
        raise invalid("step must be a non-zero integer.")
    return Range(int(start), int(stop), int(step))


@op(effect=Host())
def RandomDataset(
    seed: Tensor[Int64], seed2: Tensor[Int64], *, output_types: _TYPES, output_shapes: _SHAPES
) -> _HANDLE:
    """Makes a dataset of random numbers."""


@RandomDataset.run
def _(seed, seed2):
    return Random(int(seed), int(seed2))


@op(effect=Host())
def GeneratorDataset(
    init_func_other_args: Tensors["Tinit_func_args", 0],
    next_func_other_args: Tensors["Tnext_func_args", 0],
    finalize_func_other_args: Tensors["Tfinalize_func_args", 0],
    *,
    init_func: Func,
    next_func: Func,
    finalize_func: Func,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of what a function gives, called again and again on a state."""


@GeneratorDataset.run
def _(
    ctx,
    init_func_other_args,
    next_func_other_args,
    finalize_func_other_args,
    init_func,
    next_func,
    finalize_func,
):
    return Generated(
        element_function(ctx, init_func, init_func_other_args),
        element_function(ctx, next_func, next_func_other_args),
        element_function(ctx, finalize_func, finalize_func_other_args),
    )


# -- files


def _texts(array):
    return [name.decode("utf-8", "surrogateescape") for name in np.ravel(array).tolist()]


def _text(array):
    return _texts(array)[0]


@op(effect=Host())
def TFRecordDataset(
    filenames: Tensor[String], compression_type: Tensor[String], buffer_size: Tensor[Int64]
) -> _HANDLE:
    """Makes a dataset of the records of files."""


@TFRecordDataset.run
def _(filenames, compression_type):
    compression = _text(compression_type)
    # TensorFlow reads records as plain ones where it does not know the compression.
    compression = compression if compression in ("ZLIB", "GZIP") else ""
    return files.Files(_texts(filenames), lambda path: files.records(path, compression))


@op(effect=Host())
def TextLineDataset(
    filenames: Tensor[String], compression_type: Tensor[String], buffer_size: Tensor[Int64]
) -> _HANDLE:
    """Makes a dataset of the lines of files."""


@TextLineDataset.run
def _(filenames, compression_type):
    compression = files.check_compression(_text(compression_type))
    return files.Files(_texts(filenames), lambda path: files.lines(path, compression))


@op(effect=Host())
def FixedLengthRecordDataset(
    filenames: Tensor[String],
    header_bytes: Tensor[Int64],
    record_bytes: Tensor[Int64],
    footer_bytes: Tensor[Int64],
    buffer_size: Tensor[Int64],
) -> _HANDLE:
    """Makes a dataset of the records of one length in files."""


@op(effect=Host())
def FixedLengthRecordDatasetV2(
    filenames: Tensor[String],
    header_bytes: Tensor[Int64],
    record_bytes: Tensor[Int64],
    footer_bytes: Tensor[Int64],
    buffer_size: Tensor[Int64],
    compression_type: Tensor[String],
) -> _HANDLE:
    """Makes a dataset of the records of one length in files, which may be compressed."""


def _fixed_length(paths, sizes, compression):
    header, record, footer = (int(size) for size in sizes)
    for name, size, least in (("header", header, 0), ("record", record, 1), ("footer", footer, 0)):
        if size < least:
            raise invalid(f"`{name}_bytes` must be >= {least}")
    return files.Files(
        paths, lambda path: files.fixed_records(path, header, record, footer, compression)
    )


@FixedLengthRecordDataset.run
def _(filenames, header_bytes, record_bytes, footer_bytes):
    return _fixed_length(_texts(filenames), (header_bytes, record_bytes, footer_bytes), "")


@FixedLengthRecordDatasetV2.run
def _(filenames, header_bytes, record_bytes, footer_bytes, compression_type):
    compression = files.check_compression(_text(compression_type))
    sizes = header_bytes, record_bytes, footer_bytes
    return _fixed_length(_texts(filenames), sizes, compression)


def _csv_dataset(
    filenames, compression_type, header, field_delim, use_quote_delim, na_value, select_cols,
    record_defaults, output_types,
):  # fmt: skip
    compression = files.check_compression(_text(compression_type))
    delimiter = np.ravel(field_delim).tolist()[0]
    if len(delimiter) != 1:
        raise invalid("field_delim should be only 1 char")
    parser = CsvParser(
        delimiter,
        bool(use_quote_delim),
        np.ravel(na_value).tolist()[0],
        [int(column) for column in select_cols],
        output_types,
        [np.ravel(default)[0] if np.size(default) else None for default in record_defaults],
    )
    with_header = bool(header)
    return files.Files(
        _texts(filenames),
        lambda path: files.csv_elements(path, compression, with_header, parser, output_types),
    )


@op(effect=Host())
def CSVDataset[output_types: (Float, Double, Int32, Int64, String)](
    filenames: Tensor[String],
    compression_type: Tensor[String],
    buffer_size: Tensor[Int64],
    header: Tensor[Bool],
    field_delim: Tensor[String],
    use_quote_delim: Tensor[Bool],
    na_value: Tensor[String],
    select_cols: Tensor[Int64],
    record_defaults: Tensors["output_types"],
    *,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of the rows of CSV files."""


@op(effect=Host())
def ExperimentalCSVDataset[output_types: (Float, Double, Int32, Int64, String)](
    filenames: Tensor[String],
    compression_type: Tensor[String],
    buffer_size: Tensor[Int64],
    header: Tensor[Bool],
    field_delim: Tensor[String],
    use_quote_delim: Tensor[Bool],
    na_value: Tensor[String],
    select_cols: Tensor[Int64],
    record_defaults: Tensors["output_types"],
    *,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of the rows of CSV files."""


CSVDataset.run(_csv_dataset)
ExperimentalCSVDataset.run(_csv_dataset)


@op(effect=Host())
def SqlDataset(
    driver_name: Tensor[String],
    data_source_name: Tensor[String],
    query: Tensor[String],
    *,
    output_types: _TYPES,
    output_shapes: _SHAPES,
) -> _HANDLE:
    """Makes a dataset of the rows that a query gives."""


@SqlDataset.run
def _(driver_name, data_source_name, query, output_types):
    driver, path = _text(driver_name), _text(data_source_name)
    if driver != "sqlite":
        raise invalid(
            f"The database type, {driver}, is not supported by SqlDataset. The set of supported "
            f"databases is: {{'sqlite'}}."
        )
    return files.Table(os.path.abspath(path), _text(query), output_types)


@op(effect=Host())
def MatchingFilesDataset(patterns: Tensor[String]) -> _HANDLE:
    """Makes a dataset of the names of files that match patterns."""


@MatchingFilesDataset.run
def _(patterns):
    names = sorted(gfile.Glob(_texts(patterns)))
    if not names:
        raise errors.NotFoundError(None, None, "No files matched pattern")
    return Elements([(name.encode("utf-8", "surrogateescape"),) for name in names])


for _opdef in (
    *(TensorDataset, TensorSliceDataset, SparseTensorSliceDataset, RangeDataset, RandomDataset),
    *(GeneratorDataset, TFRecordDataset, TextLineDataset, FixedLengthRecordDataset),
    *(FixedLengthRecordDatasetV2, CSVDataset, ExperimentalCSVDataset, SqlDataset),
    MatchingFilesDataset,
):
    _opdef.shape_scalar()
    _opdef.no_gradient("a dataset is no number")
