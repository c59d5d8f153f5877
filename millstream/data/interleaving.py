"""Transformations that take elements of several datasets in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.base import dtypes
from millstream.base.export import export
from millstream.data.dataset import Dataset, inner_spec
from millstream.data.tracing import TracedFunction
from millstream.ir.convert import convert_to_tensor


@export("data.experimental.parallel_interleave", "contrib.data.parallel_interleave")
def parallel_interleave(
    map_func: Callable[..., Any],
    cycle_length: Any,
    block_length: Any = 1,
    sloppy: Any = False,
    buffer_output_elements: Any = None,
    prefetch_input_elements: Any = None,
) -> Callable[[Dataset], Dataset]:
    """Returns a transformation: elements of several datasets in turn, the next ones opened ahead.

    Args:
      map_func: takes an element, returns a dataset.
      cycle_length: how many datasets are open at a time.
      block_length: how many elements are taken of one before the next.
      sloppy: accepted; the order is always kept.
      buffer_output_elements: accepted.
      prefetch_input_elements: how many datasets are opened ahead.
    """

    def transform(dataset: Dataset) -> Dataset:
        name = "tf.data.experimental.parallel_interleave()"
        function = TracedFunction(map_func, name, dataset.element_spec)
        output = 2 * block_length if buffer_output_elements is None else buffer_output_elements
        ahead = 2 * cycle_length if prefetch_input_elements is None else prefetch_input_elements
        lengths = [
            convert_to_tensor(cycle_length, dtypes.int64, name="cycle_length"),
            convert_to_tensor(block_length, dtypes.int64, name="block_length"),
            convert_to_tensor(sloppy, dtypes.bool_, name="sloppy"),
            convert_to_tensor(output, dtypes.int64, name="buffer_output_elements"),
            convert_to_tensor(ahead, dtypes.int64, name="prefetch_input_elements"),
        ]
        spec = inner_spec(function)
        return dataset._then(
            "ParallelInterleaveDataset", function.captured, *lengths, f=function.ref, spec=spec
        )

    return transform


@export("contrib.data.sloppy_interleave")
def sloppy_interleave(
    map_func: Callable[..., Any], cycle_length: Any, block_length: Any = 1
) -> Callable[[Dataset], Dataset]:
    """Returns the transformation `parallel_interleave`."""
    return parallel_interleave(map_func, cycle_length, block_length, sloppy=True)
