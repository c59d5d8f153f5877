"""`tf.contrib.seq2seq`: helpers that now and then give a decoder its own outputs."""

from millstream.base import nest
from millstream.base.dtypes import int32
from millstream.base.export import export
from millstream.contrib.seq2seq.helpers import TrainingHelper, draw
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ops import array, math
from millstream.ops.by_name import ops
from millstream.ops.flow.conditionals import cond
from millstream.ops.random.functions import random_uniform
from millstream.state.embedding import embedding_lookup


def _chances(probability, batch_size, seed, dtype):
    """Draws for each sequence whether its own output is used."""
    return random_uniform([batch_size], seed=seed, dtype=dtype) < probability


def _checked(probability):
    probability = to_tensor(probability, name="sampling_probability")
    if probability.shape.ndims not in (0, 1):
        raise ValueError(
            "sampling_probability must be either a scalar or a vector. saw shape: "
            f"{probability.shape}"
        )
    return probability


@export("contrib.seq2seq.ScheduledEmbeddingTrainingHelper")
class ScheduledEmbeddingTrainingHelper(TrainingHelper):
    """Is `TrainingHelper` that at times gives the embedding of a class drawn from the outputs.

    Args:
      inputs: `[batch, time, size]`.
      sequence_length: `[batch]` int32 lengths.
      embedding: a matrix `[classes, size]`, or a function from classes to inputs.
      sampling_probability: how often, a scalar or `[batch]` in `[0, 1]`.
      time_major: whether inputs are `[time, batch, size]`.
      seed: seed of the classes.
      scheduling_seed: seed of the choice between data and class.
      name: scope of the nodes.

    Raises:
      ValueError: if the probability has a wrong rank.

    Source: Bengio et al., Scheduled Sampling for Sequence Prediction with RNNs (2015).
    """

    def __init__(
        self, inputs, sequence_length, embedding, sampling_probability, time_major=False,
        seed=None, scheduling_seed=None, name=None,
    ):  # fmt: skip
        with name_scope(name, "ScheduledEmbeddingSamplingWrapper", [embedding]):
            self._embedding_fn = (
                embedding if callable(embedding) else lambda ids: embedding_lookup(embedding, ids)
            )
            self._probability = _checked(sampling_probability)
            self._seed, self._scheduling_seed = seed, scheduling_seed
            super().__init__(inputs, sequence_length, time_major=time_major, name=name)

    def sample(self, time, outputs, state, name=None):
        """Returns drawn classes, and -1 where the data's input is to be used."""
        with name_scope(name, "ScheduledEmbeddingTrainingHelperSample", [time, outputs, state]):
            wanted = _chances(
                self._probability, self.batch_size, self._scheduling_seed, self._probability.dtype
            )
            return ops.Select(wanted, draw(outputs, self._seed), array.fill([self.batch_size], -1))

    def next_inputs(self, time, outputs, state, sample_ids, name=None):
        """Returns which sequences end, and the next inputs."""
        with name_scope(name, "ScheduledEmbeddingTrainingHelperNextInputs", [time, outputs]):
            finished, given, state = super().next_inputs(time=time, outputs=outputs, state=state)

            def mixed():
                # Every class is embedded, also the -1 as class 0, which is not used: shapes that
                # depend on the draws could not be compiled.
                own = self._embedding_fn(math.maximum(sample_ids, 0))
                return ops.Select(sample_ids > -1, own, given)

            return finished, cond(math.reduce_all(finished), lambda: given, mixed), state


@export("contrib.seq2seq.ScheduledOutputTrainingHelper")
class ScheduledOutputTrainingHelper(TrainingHelper):
    """Is `TrainingHelper` that at times gives the decoder's output as its next input.

    Args:
      inputs: `[batch, time, size]`, or a structure of such tensors.
      sequence_length: `[batch]` int32 lengths.
      sampling_probability: how often, a scalar in `[0, 1]`.
      time_major: whether inputs are `[time, batch, size]`.
      seed: seed of the choice between data and output.
      next_inputs_fn: function from outputs to inputs.
      auxiliary_inputs: further inputs, which always come from the data.
      name: scope of the nodes.

    Raises:
      ValueError: if the probability is no scalar, or there are auxiliary inputs but the inputs
        are several.
    """

    def __init__(
        self, inputs, sequence_length, sampling_probability, time_major=False, seed=None,
        next_inputs_fn=None, auxiliary_inputs=None, name=None,
    ):  # fmt: skip
        with name_scope(name, "ScheduledOutputTrainingHelper", [inputs, auxiliary_inputs]):
            self._probability = _checked(sampling_probability)
            if auxiliary_inputs is not None and nest.is_nested(inputs):
                raise ValueError("auxiliary_inputs need inputs that are a single tensor")
            self._has_auxiliary = auxiliary_inputs is not None
            if self._has_auxiliary:
                inputs = array.concat((to_tensor(inputs), to_tensor(auxiliary_inputs)), -1)
                self._auxiliary_size = auxiliary_inputs.shape.as_list()[-1]
            self._next_inputs_fn, self._seed = next_inputs_fn, seed
            super().__init__(inputs, sequence_length, time_major=time_major, name=name)

    def sample(self, time, outputs, state, name=None):
        """Returns which sequences use their own output, `[batch]` int32."""
        with name_scope(name, "ScheduledOutputTrainingHelperSample", [time, outputs, state]):
            wanted = _chances(
                self._probability, self.batch_size, self._seed, self._probability.dtype
            )
            return math.cast(wanted, int32)

    def next_inputs(self, time, outputs, state, sample_ids, name=None):
        """Returns which sequences end, and the next inputs."""
        with name_scope(name, "ScheduledOutputTrainingHelperNextInputs", [time, outputs]):
            finished, given, state = super().next_inputs(time=time, outputs=outputs, state=state)
            own = sample_ids > 0

            def mixed():
                made = outputs if self._next_inputs_fn is None else self._next_inputs_fn(outputs)
                if self._has_auxiliary:
                    made = array.concat((made, given[:, -self._auxiliary_size :]), -1)
                return nest.map_structure(lambda a, b: ops.Select(own, a, b), made, given)

            unchanged = math.logical_or(
                math.reduce_all(finished), math.logical_not(math.reduce_any(own))
            )
            return finished, cond(unchanged, lambda: given, mixed), state
