"""Datasets of record files, and what provides their items."""

from millstream.base.export import export
from millstream.contrib.slim.reading import parallel_read


@export("contrib.slim.dataset.Dataset")
class Dataset:
    """Describes a dataset: files, how to read and decode them, and what is in it.

    Args:
      data_sources: files or patterns.
      reader: class of the readers.
      decoder: a decoder of records.
      num_samples: number of records.
      items_to_descriptions: what each item is.
      **kwargs: further attributes, such as `num_classes`.
    """

    def __init__(
        self, data_sources, reader, decoder, num_samples, items_to_descriptions, **kwargs
    ) -> None:
        self.data_sources, self.reader, self.decoder = data_sources, reader, decoder
        self.num_samples, self.items_to_descriptions = num_samples, items_to_descriptions
        self.__dict__.update(kwargs)


@export("contrib.slim.data_provider.DataProvider")
class DataProvider:
    """Provides items of a dataset, as tensors.

    Args:
      items_to_tensors: the tensor of each item.
      num_samples: number of records.
    """

    def __init__(self, items_to_tensors, num_samples) -> None:
        self._items_to_tensors, self._num_samples = items_to_tensors, num_samples

    def get(self, items):
        """Returns the tensors of items.

        Raises:
          ValueError: if there is no such item.
        """
        missing = sorted(set(items) - set(self._items_to_tensors))
        if missing:
            raise ValueError(f"Items {missing} are not in the dataset: {self.list_items()}")
        return [self._items_to_tensors[item] for item in items]

    def list_items(self):
        """Lists the names of the items."""
        return list(self._items_to_tensors)

    def num_samples(self):
        """Returns the number of records."""
        return self._num_samples


@export("contrib.slim.dataset_data_provider.DatasetDataProvider")
class DatasetDataProvider(DataProvider):
    """Provides the items of a dataset's records, read in parallel.

    Args:
      dataset: a `Dataset`.
      num_readers: how many readers.
      reader_kwargs: their arguments.
      shuffle: whether files and records come in random order.
      num_epochs: how often each file is read; `None`: without end.
      common_queue_capacity: most records in the queue.
      common_queue_min: fewest records in it, for the shuffling.
      record_key: name of the item that holds the record's key.
      seed: seed of the shuffling.
      scope: scope of the nodes.

    Raises:
      ValueError: if the dataset has an item called `record_key`.
    """

    def __init__(
        self, dataset, num_readers=1, reader_kwargs=None, shuffle=True, num_epochs=None,
        common_queue_capacity=256, common_queue_min=128, record_key="record_key", seed=None,
        scope=None,
    ) -> None:  # fmt: skip
        key, data = parallel_read(
            dataset.data_sources, reader_class=dataset.reader, num_epochs=num_epochs,
            num_readers=num_readers, reader_kwargs=reader_kwargs, shuffle=shuffle,
            capacity=common_queue_capacity, min_after_dequeue=common_queue_min, seed=seed,
            scope=scope,
        )  # fmt: skip
        items = dataset.decoder.list_items()
        if record_key in items:
            raise ValueError(
                f"The item name used for `record_key` cannot also be used for a dataset item: "
                f"{record_key}"
            )
        tensors = dict(zip(items, dataset.decoder.decode(data, items), strict=True))
        tensors[record_key] = key
        super().__init__(tensors, dataset.num_samples)
