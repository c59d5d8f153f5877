"""Transformations that choose: among datasets, among elements, until something is false."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from millstream.base import dtypes
from millstream.base.export import export
from millstream.data import structures
from millstream.data.checks import check_predicate, common_spec
from millstream.data.dataset import Dataset
from millstream.data.reducing import traced_with_state
from millstream.data.seeds import seed_tensors
from millstream.data.specs import TensorSpec, element_attrs, normalized, structure_of, to_tensors
from millstream.data.tracing import TracedFunction
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.gathering import gather
from millstream.ops.array.reshaping import expand_dims, squeeze
from millstream.ops.by_name import ops
from millstream.ops.random.functions import random_uniform

type Transformation = Callable[[Dataset], Dataset]


@export("data.experimental.RandomDataset", "contrib.data.RandomDataset")
class RandomDataset(Dataset):
    """Describes random int64 numbers in `[0, 2**32)`, without end.

    Args:
      seed: op seed.
    """

    def __init__(self, seed: Any = None) -> None:
        spec = TensorSpec([], dtypes.int64)
        node = ops.RandomDataset(*seed_tensors(seed), **element_attrs(spec))
        super().__init__(node, spec)


def _directed(selector: Dataset, datasets: list[Dataset]) -> Dataset:
    spec = datasets[0].element_spec
    for dataset in datasets[1:]:
        if (
            structures.flatten(dataset.output_types) != structures.flatten(datasets[0].output_types)
            or dataset.output_classes != datasets[0].output_classes
        ):
            raise ValueError("All datasets must have the same type and class.")
        spec = structures.map_structure(common_spec, spec, dataset.element_spec)
    node = ops.DirectedInterleaveDataset(
        selector._variant_tensor,
        [dataset._variant_tensor for dataset in datasets],
        **element_attrs(spec),
    )
    return Dataset(node, spec, (selector, *datasets))


@export("data.experimental.sample_from_datasets", "contrib.data.sample_from_datasets")
def sample_from_datasets(datasets: list[Dataset], weights: Any = None, seed: Any = None) -> Dataset:
    """Returns a dataset of elements of several, chosen at random.

    Args:
      datasets: list of datasets of one structure.
      weights: how likely each is: list, tensor, or dataset of such; equal by default.
      seed: op seed.

    Raises:
      TypeError, ValueError: if the weights do not fit or the structures differ.
    """
    if isinstance(weights, Dataset):

        def chosen(weight: Tensor, numbers: Tensor) -> Tensor:
            return _draw(expand_dims(ops.Log(weight), 0), numbers)

        pairs = Dataset.zip((weights, RandomDataset(seed).batch(2)))
        return _directed(pairs.map(chosen), datasets)
    if weights is None:
        logits: Any = [[1.0] * len(datasets)]
    else:
        weights = convert_to_tensor(weights, name="weights")
        if not weights.shape.is_compatible_with([len(datasets)]):
            raise ValueError("`weights` must be a vector of length `len(datasets)`.")
        if weights.dtype not in (dtypes.float32, dtypes.float64):
            raise TypeError(
                "`weights` must be convertible to a tensor of `tf.float32` or `tf.float64` "
                "elements."
            )
        logits = expand_dims(ops.Log(weights, name="logits"), 0)
    if len(datasets) == 1:
        return datasets[0]
    numbers = RandomDataset(seed).batch(2)
    return _directed(numbers.map(lambda numbers: _draw(logits, numbers)), datasets)


def _draw(logits: Any, seed: Tensor) -> Tensor:
    drawn = ops.StatelessMultinomial(logits, constant(1), seed, output_dtype=dtypes.int64)
    return squeeze(drawn, [0, 1])


@export("data.experimental.choose_from_datasets", "contrib.data.choose_from_datasets")
def choose_from_datasets(datasets: list[Dataset], choice_dataset: Dataset) -> Dataset:
    """Returns a dataset of elements of several, in the order that a dataset of numbers gives.

    Args:
      datasets: list of datasets of one structure.
      choice_dataset: dataset of int64 scalars, numbers of datasets.

    Raises:
      TypeError: if the choices are no such numbers.
    """
    if not TensorSpec([], dtypes.int64).is_compatible_with(choice_dataset.element_spec):
        raise TypeError("`choice_dataset` must be a dataset of scalar `tf.int64` tensors.")
    return _directed(choice_dataset, list(datasets))


@export("data.experimental.rejection_resample", "contrib.data.rejection_resample")
def rejection_resample(
    class_func: Callable[..., Any], target_dist: Any, initial_dist: Any = None, seed: Any = None
) -> Transformation:
    """Returns a transformation: elements dropped so that classes are as frequent as wanted.

    Args:
      class_func: gives an element's class, an int32 scalar.
      target_dist: `[classes]` wanted frequencies.
      initial_dist: `[classes]` frequencies in the dataset; by default counted as it goes.
      seed: op seed.

    Returns:
      A transformation to datasets of pairs of a class and an element.
    """

    def transform(dataset: Dataset) -> Dataset:
        target = convert_to_tensor(target_dist, name="target_dist")
        classes = dataset.map(class_func)
        if initial_dist is not None:
            initial = convert_to_tensor(initial_dist, name="initial_dist")
            ratios = classes.map(lambda number: _acceptance(target, initial, number))
        else:
            ratios = classes.apply(_estimated(target))
        drawn = Dataset.zip((ratios, classes, dataset))

        def accepted(ratio: Tensor, _number: Tensor, _element: Any) -> Tensor:
            return ops.Less(random_uniform([], seed=seed, dtype=ratio.dtype), ratio)

        return drawn.filter(accepted).map(lambda _ratio, number, element: (number, element))

    return transform


def _acceptance(target: Tensor, initial: Tensor, number: Tensor) -> Tensor:
    """Gives how likely an element of a class is to be kept."""
    tiny = np.finfo(initial.dtype.np).tiny
    ratios = ops.RealDiv(
        ops.Cast(target, DstT=initial.dtype), ops.Add(initial, constant(tiny, initial.dtype))
    )
    return ops.RealDiv(gather(ratios, number), ops.Max(ratios, constant([0])))


def _estimated(target: Tensor) -> Transformation:
    """Gives the acceptance of each class, from the frequencies seen so far."""
    count = target.shape[0].value

    def step(counts: Tensor, number: Tensor) -> Any:
        one = ops.OneHot(number, constant(count), constant(1.0), constant(0.0))
        counts = ops.Add(counts, one)
        seen = ops.RealDiv(counts, ops.Sum(counts, constant([0])))
        return counts, _acceptance(target, seen, number)

    return scan(constant([1.0] * count), step)


@export("data.experimental.scan", "contrib.data.scan")
def scan(initial_state: Any, scan_func: Callable[..., Any]) -> Transformation:
    """Returns a transformation: what a function makes of a state and each element.

    Args:
      initial_state: structure of tensors.
      scan_func: takes a state and an element, returns the next state and a result.

    Raises:
      TypeError: if it returns no pair, or changes the state's types.
    """

    def transform(dataset: Dataset) -> Dataset:
        state = normalized(initial_state)

        def checked(state: Any, element: Any) -> Any:
            found = scan_func(state, element)
            if not isinstance(found, (tuple, list)) or len(found) != 2:
                raise TypeError(
                    "The scan function must return a pair comprising the new state "
                    "and the output value."
                )
            return tuple(found)

        function, spec = traced_with_state(
            checked,
            "tf.data.experimental.scan()",
            structure_of(state),
            dataset.element_spec,
            lambda found: found[0],
        )
        return dataset._then(
            "ScanDataset",
            to_tensors(spec, state),
            function.captured,
            f=function.ref,
            spec=function.output_spec[1],
        )

    return transform


@export("data.experimental.take_while")
def take_while(predicate: Callable[..., Any]) -> Transformation:
    """Returns a transformation: the elements before the first for which a function gives false."""

    def transform(dataset: Dataset) -> Dataset:
        name = "tf.data.experimental.take_while()"
        function = TracedFunction(predicate, name, dataset.element_spec)
        check_predicate(function.output_spec)
        return dataset._then("TakeWhileDataset", function.captured, predicate=function.ref)

    return transform


@export("data.experimental.unique", "contrib.data.unique")
def unique() -> Transformation:
    """Returns a transformation: the elements, scalars, that were not there before."""

    def transform(dataset: Dataset) -> Dataset:
        if dataset.output_types not in (dtypes.int32, dtypes.int64, dtypes.string):
            raise TypeError(
                "`tf.data.experimental.unique()` only supports inputs with a single `tf.int32`, "
                "`tf.int64`, or `tf.string` component."
            )
        return dataset._then("UniqueDataset")

    return transform


@export("data.experimental.ignore_errors", "contrib.data.ignore_errors")
def ignore_errors() -> Transformation:
    """Returns a transformation: the elements that can be computed, without those that fail."""
    return lambda dataset: dataset._then("IgnoreErrorsDataset")


@export("data.experimental.shuffle_and_repeat", "contrib.data.shuffle_and_repeat")
def shuffle_and_repeat(buffer_size: Any, count: Any = None, seed: Any = None) -> Transformation:
    """Returns a transformation: the elements `count` times in random order.

    Args:
      buffer_size: how many elements wait to be chosen; filled across the ends.
      count: how often; without end by default.
      seed: op seed.
    """

    def transform(dataset: Dataset) -> Dataset:
        size = convert_to_tensor(buffer_size, dtypes.int64, name="buffer_size")
        times = convert_to_tensor(-1 if count is None else count, dtypes.int64, name="count")
        return dataset._then("ShuffleAndRepeatDataset", size, *seed_tensors(seed), times)

    return transform


@export("data.experimental.unbatch", "contrib.data.unbatch")
def unbatch() -> Transformation:
    """Returns a transformation: the slices of each element."""
    return lambda dataset: dataset.unbatch()


@export("data.experimental.enumerate_dataset", "contrib.data.enumerate_dataset")
def enumerate_dataset(start: Any = 0) -> Transformation:
    """Returns a transformation: pairs of a number, from `start` on, and an element."""
    return lambda dataset: dataset.enumerate(start)


@export("data.experimental.Counter", "contrib.data.Counter")
def Counter(start: Any = 0, step: Any = 1, dtype: Any = dtypes.int64) -> Dataset:
    """Returns a dataset of numbers `start`, `start + step`, … without end."""
    with name_scope("counter"):
        first = convert_to_tensor(start, dtype, name="start")
        width = convert_to_tensor(step, dtype, name="step")
        endless = Dataset.from_tensors(0).repeat(None)
        return endless.apply(scan(first, lambda state, _: (ops.Add(state, width), state)))
