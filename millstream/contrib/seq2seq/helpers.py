"""`tf.contrib.seq2seq`: helpers, which choose a decoder's next inputs."""

import abc

from millstream.base import nest
from millstream.base.dtypes import int32
from millstream.base.export import export
from millstream.base.shapes import TensorShape
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import array, math
from millstream.ops.flow.conditionals import cond
from millstream.ops.flow.tensor_array import TensorArray
from millstream.ops.random.choice_ops import multinomial
from millstream.rnn.dynamic import transpose_batch_time
from millstream.state.embedding import embedding_lookup


@export("contrib.seq2seq.Helper")
class Helper(metaclass=abc.ABCMeta):
    """Base of helpers: they choose classes of outputs, and make inputs of those."""

    @property
    @abc.abstractmethod
    def batch_size(self):
        """The number of sequences, a scalar."""

    @property
    @abc.abstractmethod
    def sample_ids_shape(self):
        """Shape of what is chosen, without the batch."""

    @property
    @abc.abstractmethod
    def sample_ids_dtype(self):
        """Element type of what is chosen."""

    @abc.abstractmethod
    def initialize(self, name=None):
        """Returns what is finished at once, and the first inputs."""

    @abc.abstractmethod
    def sample(self, time, outputs, state, name=None):
        """Returns what is chosen of `outputs`."""

    @abc.abstractmethod
    def next_inputs(self, time, outputs, state, sample_ids, name=None):
        """Returns what is finished, the next inputs, and the next state."""


class _OneClass(Helper):
    """Chooses one int32 class per sequence.

    Attributes:
      first_input: `[time, …]`, where there are no more steps than it has; else `None`.
    """

    first_input = None

    @property
    def sample_ids_shape(self):
        """A scalar per sequence."""
        return TensorShape([])

    @property
    def sample_ids_dtype(self):
        """int32."""
        return int32


@export("contrib.seq2seq.CustomHelper")
class CustomHelper(Helper):
    """A helper of three functions.

    Args:
      initialize_fn: function that returns what is finished and the first inputs.
      sample_fn: function `(time, outputs, state) -> sample_ids`.
      next_inputs_fn: function `(time, outputs, state, sample_ids) -> (finished, inputs, state)`.
      sample_ids_shape: shape of what is chosen, by default a scalar.
      sample_ids_dtype: its element type, by default int32.
    """

    def __init__(
        self, initialize_fn, sample_fn, next_inputs_fn, sample_ids_shape=None,
        sample_ids_dtype=None,
    ):  # fmt: skip
        self._initialize_fn, self._sample_fn = initialize_fn, sample_fn
        self._next_inputs_fn = next_inputs_fn
        self._batch_size = None
        self._sample_ids_shape = TensorShape(sample_ids_shape or [])
        self._sample_ids_dtype = sample_ids_dtype or int32

    @property
    def batch_size(self):
        """The number of sequences.

        Raises:
          ValueError: before `initialize`.
        """
        if self._batch_size is None:
            raise ValueError("batch_size accessed before initialize was called")
        return self._batch_size

    @property
    def sample_ids_shape(self):
        """Shape of what is chosen, without the batch."""
        return self._sample_ids_shape

    @property
    def sample_ids_dtype(self):
        """Element type of what is chosen."""
        return self._sample_ids_dtype

    def initialize(self, name=None):
        """Returns what is finished at once, and the first inputs."""
        with name_scope(name, "CustomHelperInitialize"):
            finished, inputs = self._initialize_fn()
            if self._batch_size is None:
                self._batch_size = array.size(finished)
        return finished, inputs

    def sample(self, time, outputs, state, name=None):
        """Returns what is chosen of `outputs`."""
        with name_scope(name, "CustomHelperSample", (time, outputs, state)):
            return self._sample_fn(time=time, outputs=outputs, state=state)

    def next_inputs(self, time, outputs, state, sample_ids, name=None):
        """Returns what is finished, the next inputs, and the next state."""
        with name_scope(name, "CustomHelperNextInputs", (time, outputs, state)):
            return self._next_inputs_fn(
                time=time, outputs=outputs, state=state, sample_ids=sample_ids
            )


def steps_of(x):
    """Returns a `TensorArray` of the steps of `x` `[time, batch, …]`."""
    return TensorArray(dtype=x.dtype, size=array.shape(x)[0], element_shape=x.shape[1:]).unstack(x)


@export("contrib.seq2seq.TrainingHelper")
class TrainingHelper(_OneClass):
    """Gives the decoder the inputs of the training data.

    Args:
      inputs: `[batch, time, …]`, or a structure of such tensors.
      sequence_length: `[batch]` int32 lengths.
      time_major: whether inputs are `[time, batch, …]`.
      name: scope of the nodes.

    Raises:
      ValueError: if the lengths are no vector.
    """

    def __init__(self, inputs, sequence_length, time_major=False, name=None):
        with name_scope(name, "TrainingHelper", [inputs, sequence_length]):
            inputs = nest.map_structure(lambda x: to_tensor(x, name="inputs"), inputs)
            self._inputs = inputs
            if not time_major:
                inputs = nest.map_structure(transpose_batch_time, inputs)
            self._steps = nest.map_structure(steps_of, inputs)
            self.first_input = nest.flatten(inputs)[0]
            lengths = to_tensor(sequence_length, name="sequence_length")
            if lengths.shape.ndims != 1:
                raise ValueError(
                    f"Expected sequence_length to be a vector, but received shape: {lengths.shape}"
                )
            self._sequence_length = lengths
            self._zero_inputs = nest.map_structure(lambda x: array.zeros_like(x[0, :]), inputs)
            self._batch_size = array.size(sequence_length)

    @property
    def inputs(self):
        """The inputs as they were given."""
        return self._inputs

    @property
    def sequence_length(self):
        """The lengths, `[batch]`."""
        return self._sequence_length

    @property
    def batch_size(self):
        """The number of sequences."""
        return self._batch_size

    def initialize(self, name=None):
        """Returns which sequences are empty, and the first inputs."""
        with name_scope(name, "TrainingHelperInitialize"):
            finished = math.equal(0, self._sequence_length)
            return finished, self._read(math.reduce_all(finished), 0)

    def _read(self, all_finished, time):
        return cond(
            all_finished,
            lambda: self._zero_inputs,
            lambda: nest.map_structure(lambda steps: steps.read(time), self._steps),
        )

    def sample(self, time, outputs, name=None, **_):
        """Returns the likeliest classes, `[batch]`."""
        with name_scope(name, "TrainingHelperSample", [time, outputs]):
            return math.cast(math.argmax(outputs, axis=-1), int32)

    def next_inputs(self, time, outputs, state, name=None, **_):
        """Returns which sequences end, and the next inputs of the data."""
        with name_scope(name, "TrainingHelperNextInputs", [time, outputs, state]):
            next_time = time + 1
            finished = next_time >= self._sequence_length
            return finished, self._read(math.reduce_all(finished), next_time), state


@export("contrib.seq2seq.GreedyEmbeddingHelper")
class GreedyEmbeddingHelper(_OneClass):
    """Gives the decoder the embeddings of its own likeliest classes.

    Args:
      embedding: a matrix `[classes, size]`, or a function from classes to inputs.
      start_tokens: `[batch]` int32: the classes to begin with.
      end_token: int32 scalar: the class that ends a sequence.

    Raises:
      ValueError: if the tokens have wrong ranks.
    """

    def __init__(self, embedding, start_tokens, end_token):
        self._embedding_fn = (
            embedding if callable(embedding) else lambda ids: embedding_lookup(embedding, ids)
        )
        self._start_tokens = to_tensor(start_tokens, dtype=int32, name="start_tokens")
        self._end_token = to_tensor(end_token, dtype=int32, name="end_token")
        if self._start_tokens.shape.ndims != 1:
            raise ValueError("start_tokens must be a vector")
        self._batch_size = array.size(start_tokens)
        if self._end_token.shape.ndims != 0:
            raise ValueError("end_token must be a scalar")
        self._start_inputs = self._embedding_fn(self._start_tokens)

    @property
    def batch_size(self):
        """The number of sequences."""
        return self._batch_size

    def initialize(self, name=None):
        """Returns that nothing is finished, and the first inputs."""
        return array.tile([False], [self._batch_size]), self._start_inputs

    def sample(self, time, outputs, state, name=None):
        """Returns the likeliest classes, `[batch]`.

        Raises:
          TypeError: if the outputs are several.
        """
        return math.argmax(_one_tensor(outputs), axis=-1, output_type=int32)

    def next_inputs(self, time, outputs, state, sample_ids, name=None):
        """Returns which sequences end, and the embeddings of the chosen classes."""
        finished = math.equal(sample_ids, self._end_token)
        following = cond(
            math.reduce_all(finished),
            lambda: self._start_inputs,
            lambda: self._embedding_fn(sample_ids),
        )
        return finished, following, state


def _one_tensor(outputs):
    if nest.is_nested(outputs):
        raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
    return outputs


def draw(logits, seed):
    """Draws one class per row, `[batch]` int32."""
    return array.reshape(multinomial(logits, 1, seed=seed, output_dtype=int32), [-1])


@export("contrib.seq2seq.SampleEmbeddingHelper")
class SampleEmbeddingHelper(GreedyEmbeddingHelper):
    """Gives the decoder the embeddings of classes that are drawn from its outputs.

    Args:
      embedding: a matrix `[classes, size]`, or a function from classes to inputs.
      start_tokens: `[batch]` int32: the classes to begin with.
      end_token: int32 scalar: the class that ends a sequence.
      softmax_temperature: what logits are divided by; below 1 likely classes become likelier.
      seed: seed of the draws.
    """

    def __init__(self, embedding, start_tokens, end_token, softmax_temperature=None, seed=None):
        super().__init__(embedding, start_tokens, end_token)
        self._temperature, self._seed = softmax_temperature, seed

    def sample(self, time, outputs, state, name=None):
        """Returns drawn classes, `[batch]`."""
        logits = _one_tensor(outputs)
        if self._temperature is not None:
            logits = logits / self._temperature
        return draw(logits, self._seed)


@export("contrib.seq2seq.InferenceHelper")
class InferenceHelper(Helper):
    """Gives the decoder what functions make of its outputs.

    Args:
      sample_fn: function from outputs to what is chosen.
      sample_shape: shape of that, without the batch.
      sample_dtype: its element type.
      start_inputs: the first inputs, `[batch, …]`.
      end_fn: function from what is chosen to which sequences end.
      next_inputs_fn: function from what is chosen to inputs; by default that is the input.
    """

    def __init__(
        self, sample_fn, sample_shape, sample_dtype, start_inputs, end_fn, next_inputs_fn=None
    ):
        self._sample_fn, self._end_fn = sample_fn, end_fn
        self._sample_shape = TensorShape(sample_shape)
        self._sample_dtype = sample_dtype
        self._next_inputs_fn = next_inputs_fn
        self._batch_size = array.shape(start_inputs)[0]
        self._start_inputs = to_tensor(start_inputs, name="start_inputs")

    @property
    def batch_size(self):
        """The number of sequences."""
        return self._batch_size

    @property
    def sample_ids_shape(self):
        """Shape of what is chosen, without the batch."""
        return self._sample_shape

    @property
    def sample_ids_dtype(self):
        """Element type of what is chosen."""
        return self._sample_dtype

    def initialize(self, name=None):
        """Returns that nothing is finished, and the first inputs."""
        return array.tile([False], [self._batch_size]), self._start_inputs

    def sample(self, time, outputs, state, name=None):
        """Returns what is chosen of `outputs`."""
        return self._sample_fn(outputs)

    def next_inputs(self, time, outputs, state, sample_ids, name=None):
        """Returns which sequences end, and the next inputs."""
        make = self._next_inputs_fn
        following = sample_ids if make is None else make(sample_ids)
        return self._end_fn(sample_ids), following, state
