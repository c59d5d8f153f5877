"""The methods of `tf.data.Dataset` that choose elements and their order."""

from __future__ import annotations

from typing import Any

from millstream.base import dtypes
from millstream.data import specs, structures
from millstream.data.checks import check_concatenated, common_spec
from millstream.data.seeds import seed_tensors
from millstream.data.specs import element_attrs
from millstream.ir.convert import convert_to_tensor
from millstream.ir.tensor import Tensor
from millstream.ops.by_name import ops

AUTOTUNE = -1


class Ordering:
    """The part of `Dataset` that neither makes elements nor changes them."""

    _variant_tensor: Tensor
    _spec: Any

    def _then(self, kind: str, *operands: Any, spec: Any = None, **attrs: Any) -> Any:
        """Makes the dataset of a node that takes this one."""
        spec = self._spec if spec is None else spec
        node = getattr(ops, kind)(self._variant_tensor, *operands, **attrs, **element_attrs(spec))
        return self._of(node, spec, (self,))

    def _of(self, node: Tensor, spec: Any, inputs: tuple[Any, ...]) -> Any:
        """Makes a dataset; see `Dataset`."""
        return type(self)(node, spec, inputs)  # type: ignore[call-arg]

    def take(self, count: Any) -> Any:
        """Returns a dataset of the first `count` elements; of all if it is -1."""
        return self._then("TakeDataset", convert_to_tensor(count, dtypes.int64, name="count"))

    def skip(self, count: Any) -> Any:
        """Returns a dataset without the first `count` elements; without any if it is -1."""
        return self._then("SkipDataset", convert_to_tensor(count, dtypes.int64, name="count"))

    def repeat(self, count: Any = None) -> Any:
        """Returns a dataset of the elements `count` times, without end by default."""
        count = -1 if count is None else count
        return self._then("RepeatDataset", convert_to_tensor(count, dtypes.int64, name="count"))

    def shard(self, num_shards: Any, index: Any) -> Any:
        """Returns a dataset of every `num_shards`th element, from number `index` on.

        Raises:
          InvalidArgumentError: when it runs, if there is no such shard.
        """
        return self._then(
            "ShardDataset",
            convert_to_tensor(num_shards, dtypes.int64, name="num_shards"),
            convert_to_tensor(index, dtypes.int64, name="index"),
        )

    def shuffle(
        self, buffer_size: Any, seed: Any = None, reshuffle_each_iteration: bool | None = None
    ) -> Any:
        """Returns a dataset of the elements in random order.

        Each element is chosen among `buffer_size` ones; with the same seeds the order is that of
        TensorFlow 1.15.

        Args:
          buffer_size: how many elements wait to be chosen.
          seed: op seed.
          reshuffle_each_iteration: whether `repeat` and other iterations have other orders, which
            is the default.
        """
        size = convert_to_tensor(buffer_size, dtypes.int64, name="buffer_size")
        return self._then(
            "ShuffleDataset",
            size,
            *seed_tensors(seed),
            reshuffle_each_iteration=reshuffle_each_iteration is not False,
        )

    def cache(self, filename: Any = "") -> Any:
        """Returns a dataset that computes its elements once.

        Args:
          filename: file to keep them in; by default they are kept in memory.
        """
        return self._then("CacheDataset", convert_to_tensor(filename, name="filename"))

    def prefetch(self, buffer_size: Any) -> Any:
        """Returns a dataset whose elements a thread computes ahead, up to `buffer_size` ones."""
        size = AUTOTUNE if buffer_size is None else buffer_size
        return self._then(
            "PrefetchDataset", convert_to_tensor(size, dtypes.int64, name="buffer_size")
        )

    def concatenate(self, dataset: Any) -> Any:
        """Returns a dataset of these elements, then of those of another.

        Raises:
          TypeError: if their types differ.
        """
        check_concatenated(self, dataset)
        spec = structures.map_structure(common_spec, self._spec, dataset.element_spec)
        node = ops.ConcatenateDataset(
            self._variant_tensor, dataset._variant_tensor, **element_attrs(spec)
        )
        return self._of(node, spec, (self, dataset))

    def unbatch(self) -> Any:
        """Returns a dataset of the slices of each element along its first axis."""
        spec = structures.map_structure(lambda leaf: leaf.unbatched(), self._spec)

        def sliced(*element: Any) -> Any:
            whole = element if type(self._spec) is tuple else element[0]
            return tuple(specs.to_batched_tensors(self._spec, whole))

        this: Any = self
        source = this.map(sliced)
        node = ops.UnbatchDataset(source._variant_tensor, **element_attrs(spec))
        return self._of(node, spec, (self,))
