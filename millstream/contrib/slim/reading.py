"""Reading records of many files in parallel, and prefetching batches."""

from millstream.base.dtypes import Float, String
from millstream.base.export import export
from millstream.formats.gfile import Glob
from millstream.ir.scopes import name_scope
from millstream.ops import math
from millstream.ops.queue.classes import FIFOQueue, PaddingFIFOQueue, RandomShuffleQueue
from millstream.summary.functions import scalar
from millstream.train.input import string_input_producer
from millstream.train.queue_runner import QueueRunner, add_queue_runner


@export("contrib.slim.parallel_reader.ParallelReader")
class ParallelReader:
    """Reads by several readers at once into one queue.

    Args:
      reader_class: class of the readers.
      common_queue: the queue of `(key, value)`.
      num_readers: how many readers.
      reader_kwargs: their arguments.
    """

    def __init__(self, reader_class, common_queue, num_readers=4, reader_kwargs=None) -> None:
        if len(common_queue.dtypes) != 2:
            raise TypeError("common_queue.dtypes must be [tf.string, tf.string]")
        if any(not dtype.is_compatible_with(String) for dtype in common_queue.dtypes):
            raise TypeError("common_queue.dtypes must be [tf.string, tf.string]")
        self._readers = [reader_class(**(reader_kwargs or {})) for _ in range(num_readers)]
        self._common_queue = common_queue

    @property
    def num_readers(self):
        """How many readers there are."""
        return len(self._readers)

    @property
    def common_queue(self):
        """The queue that they fill."""
        return self._common_queue

    def read(self, queue, name=None):
        """Returns the next `(key, value)` of the files in `queue`."""
        self._configure(queue)
        return self._common_queue.dequeue(name=name)

    def read_up_to(self, queue, num_records, name=None):
        """Returns up to `num_records` next `(keys, values)`."""
        self._configure(queue)
        return self._common_queue.dequeue_up_to(num_records, name)

    def _configure(self, queue):
        enqueues = [self._common_queue.enqueue(reader.read(queue)) for reader in self._readers]
        add_queue_runner(QueueRunner(self._common_queue, enqueues))

    def num_records_produced(self, name=None):
        """Counts the records that all readers have read."""
        return math.add_n([r.num_records_produced() for r in self._readers], name=name)

    def num_work_units_completed(self, name=None):
        """Counts the files that all readers have finished."""
        return math.add_n([r.num_work_units_completed() for r in self._readers], name=name)


@export("contrib.slim.parallel_reader.get_data_files")
def get_data_files(data_sources):
    """Lists the files that patterns, or lists of them, name.

    Raises:
      ValueError: if there are none.
    """
    if isinstance(data_sources, (list, tuple)):
        files = [name for source in data_sources for name in get_data_files(source)]
    elif any(mark in data_sources for mark in "*?["):
        files = Glob(data_sources)
    else:
        files = [data_sources]
    if not files:
        raise ValueError(f"No data files found in {data_sources}")
    return files


@export("contrib.slim.parallel_reader.parallel_read")
def parallel_read(
    data_sources, reader_class, num_epochs=None, num_readers=4, reader_kwargs=None, shuffle=True,
    dtypes=None, capacity=256, min_after_dequeue=128, seed=None, scope=None,
):  # fmt: skip
    """Returns the next `(key, value)` of many files, read in parallel.

    Args:
      data_sources: files or patterns.
      reader_class: class of the readers, such as `tf.TFRecordReader`.
      num_epochs: how often each file is read; `None`: without end.
      num_readers: how many readers.
      reader_kwargs: their arguments.
      shuffle: whether files and records come in random order.
      dtypes: types of key and value; strings by default.
      capacity: most records in the queue.
      min_after_dequeue: fewest records in it, for the shuffling.
      seed: seed of the shuffling.
      scope: scope of the nodes.
    """
    files = get_data_files(data_sources)
    with name_scope(scope, "parallel_read"):
        names = string_input_producer(
            files, num_epochs=num_epochs, shuffle=shuffle, seed=seed, name="filenames"
        )
        dtypes = dtypes or [String, String]
        if shuffle:
            queue = RandomShuffleQueue(
                capacity=capacity, min_after_dequeue=min_after_dequeue, dtypes=dtypes, seed=seed,
                name="common_queue",
            )  # fmt: skip
        else:
            queue = FIFOQueue(capacity=capacity, dtypes=dtypes, name="common_queue")
        scalar(f"fraction_of_{capacity}_full", math.cast(queue.size(), Float) * (1.0 / capacity))
        reader = ParallelReader(
            reader_class, queue, num_readers=num_readers, reader_kwargs=reader_kwargs
        )
        return reader.read(names)


@export("contrib.slim.parallel_reader.single_pass_read")
def single_pass_read(data_sources, reader_class, reader_kwargs=None, scope=None):
    """Returns the next `(key, value)` of many files, each read once, in order."""
    files = get_data_files(data_sources)
    with name_scope(scope, "single_pass_read"):
        names = string_input_producer(
            files, num_epochs=1, shuffle=False, capacity=1, name="filenames"
        )
        return reader_class(**(reader_kwargs or {})).read(names)


@export("contrib.slim.prefetch_queue.prefetch_queue")
def prefetch_queue(
    tensors, capacity=8, num_threads=1, dynamic_pad=False, shared_name=None, name=None
):
    """Returns a queue that threads keep filled with batches of tensors.

    Args:
      tensors: a list or dictionary of tensors.
      capacity: most batches in it.
      num_threads: how many threads fill it.
      dynamic_pad: whether shapes may have unknown sizes, padded when they are taken together.
      shared_name: name under which sessions share it.
      name: scope of the nodes.
    """
    names = sorted(tensors) if isinstance(tensors, dict) else None
    parts = [tensors[n] for n in names] if names else list(tensors)
    with name_scope(name, "prefetch_queue", parts):
        kind = PaddingFIFOQueue if dynamic_pad else FIFOQueue
        queue = kind(
            capacity=capacity, dtypes=[t.dtype for t in parts], shapes=[t.shape for t in parts],
            names=names, shared_name=shared_name,
        )  # fmt: skip
        enqueue = queue.enqueue(dict(zip(names, parts)) if names else parts)
        add_queue_runner(QueueRunner(queue, [enqueue] * num_threads))
        full = math.cast(queue.size(), Float) * (1.0 / capacity)
        scalar(f"fraction_of_{capacity}_full", full)
        return queue
