"""`tf.contrib.seq2seq`: attention mechanisms, which weigh the entries of a memory."""

import functools

import numpy as np

from millstream.base.dtypes import Float, int32
from millstream.base.export import export
from millstream.contrib.seq2seq.memory import masked_score, prepared, size_of
from millstream.contrib.seq2seq.monotonic import monotonic_probabilities
from millstream.ir.constant import constant
from millstream.ir.scopes import name_scope
from millstream.layers.core import Dense
from millstream.ops import array, math, nn
from millstream.rnn.structure import zero_states
from millstream.state.get_variable import get_variable
from millstream.state.initializers import Ones, Zeros
from millstream.state.scoping import variable_scope

_MINUS_INFINITY = float("-inf")


@export("contrib.seq2seq.AttentionMechanism")
class AttentionMechanism:
    """Base of attention mechanisms: functions `(query, state) -> (alignments, state)`."""

    @property
    def alignments_size(self):
        """The number of entries of the memory."""
        raise NotImplementedError

    @property
    def state_size(self):
        """The size of the state."""
        raise NotImplementedError


class _Attention(AttentionMechanism):
    """Keeps a memory: its values, and its keys after a linear layer."""

    def __init__(
        self, query_layer, memory, probability_fn, memory_layer, lengths, score_mask_value,
        custom_key_value_fn=None, name=None, check_inner=True,
    ):  # fmt: skip
        self._query_layer, self._memory_layer = query_layer, memory_layer
        if not callable(probability_fn):
            raise TypeError(
                f"probability_fn must be callable, saw type: {type(probability_fn).__name__}"
            )
        value = _MINUS_INFINITY if score_mask_value is None else score_mask_value
        self._probability_fn = lambda score, previous: probability_fn(
            masked_score(score, lengths, value), previous
        )
        with name_scope(name, "BaseAttentionMechanismInit", [memory]):
            self._values = prepared(memory, lengths, check_inner)
            self._keys = memory_layer(self._values) if memory_layer else self._values
            if custom_key_value_fn is not None:
                self._keys, self._values = custom_key_value_fn(self._keys, self._values)
            self._batch_size = size_of(self._keys, 0)
            self._alignments_size = size_of(self._keys, 1)

    @property
    def memory_layer(self):
        """The layer from the memory to the keys."""
        return self._memory_layer

    @property
    def query_layer(self):
        """The layer on queries, or `None`."""
        return self._query_layer

    @property
    def values(self):
        """The memory, `[batch, max_time, depth]`, zero behind the sequences' ends."""
        return self._values

    @property
    def keys(self):
        """What queries are compared with, `[batch, max_time, units]`."""
        return self._keys

    @property
    def batch_size(self):
        """The number of sequences."""
        return self._batch_size

    @property
    def alignments_size(self):
        """The number of entries of the memory."""
        return self._alignments_size

    @property
    def state_size(self):
        """The size of the state, which is the alignments."""
        return self._alignments_size

    def initial_alignments(self, batch_size, dtype):
        """Returns the alignments before the first step: zeros."""
        return zero_states(self._alignments_size, batch_size, dtype)

    def initial_state(self, batch_size, dtype):
        """Returns the state before the first step."""
        return self.initial_alignments(batch_size, dtype)

    def _aligned(self, score, state):
        alignments = self._probability_fn(score, state)
        return alignments, alignments


def _dense(units, name, dtype):
    return Dense(units, name=name, use_bias=False, dtype=dtype)


def _luong_score(query, keys, scale):
    depth, key_units = query.shape.as_list()[-1], keys.shape.as_list()[-1]
    if depth != key_units:
        raise ValueError(
            "Incompatible or unknown inner dimensions between query and keys.  Query "
            f"({query}) has units: {depth}.  Keys ({keys}) have units: {key_units}.  Perhaps you "
            f"need to set num_units to the keys' dimension ({key_units})?"
        )
    score = math.matmul(array.expand_dims(query, 1), keys, transpose_b=True)
    score = array.squeeze(score, [1])
    return score if scale is None else scale * score


def _bahdanau_score(query, keys, v, g=None, b=None):
    query = array.expand_dims(query, 1)
    if g is None:
        return math.reduce_sum(v * math.tanh(keys + query), [2])
    normed = g * v * math.rsqrt(math.reduce_sum(math.square(v)))
    return math.reduce_sum(normed * math.tanh(keys + query + b), [2])


def _bahdanau_variables(num_units, normalize, dtype):
    v = get_variable("attention_v", [num_units], dtype=dtype)
    if not normalize:
        return v, None, None
    g = get_variable(
        "attention_g", dtype=dtype, initializer=_full(np.sqrt(1.0 / num_units)), shape=()
    )
    b = get_variable("attention_b", [num_units], dtype=dtype, initializer=Zeros())
    return v, g, b


def _full(value):
    def initializer(shape, dtype=None, partition_info=None):
        del partition_info
        return constant(value, dtype=dtype, shape=shape)

    return initializer


def _without_state(probability_fn):
    probability_fn = nn.softmax if probability_fn is None else probability_fn
    return lambda score, _: probability_fn(score)


@export("contrib.seq2seq.LuongAttention")
class LuongAttention(_Attention):
    """Scores the memory by dot products with the query.

    Args:
      num_units: size of the keys, which must be that of the query.
      memory: `[batch, max_time, depth]`, mostly an encoder's outputs.
      memory_sequence_length: `[batch]` lengths; what is behind them is not attended to.
      scale: whether to learn a factor of the scores, `attention_g`.
      probability_fn: function from scores to alignments, by default softmax.
      score_mask_value: score of what is not attended to, by default minus infinity.
      dtype: element type of the layer.
      custom_key_value_fn: function `(keys, values) -> (keys, values)`.
      name: scope of the nodes.

    Source: Luong et al., Effective Approaches to Attention-based Neural Machine Translation (2015).
    """

    def __init__(
        self, num_units, memory, memory_sequence_length=None, scale=False, probability_fn=None,
        score_mask_value=None, dtype=None, custom_key_value_fn=None, name="LuongAttention",
    ):  # fmt: skip
        dtype = Float if dtype is None else dtype
        super().__init__(
            None, memory, _without_state(probability_fn),
            _dense(num_units, "memory_layer", dtype), memory_sequence_length, score_mask_value,
            custom_key_value_fn, name,
        )  # fmt: skip
        self._num_units, self._scale, self._name = num_units, scale, name

    def __call__(self, query, state):
        """Returns the alignments `[batch, max_time]`, twice."""
        with variable_scope(None, "luong_attention", [query]):
            g = None
            if self._scale:
                g = get_variable("attention_g", dtype=query.dtype, initializer=Ones(), shape=())
            score = _luong_score(query, self._keys, g)
        return self._aligned(score, state)


@export("contrib.seq2seq.BahdanauAttention")
class BahdanauAttention(_Attention):
    """Scores the memory by a hidden layer over query and key.

    Args:
      num_units: size of the hidden layer.
      memory: `[batch, max_time, depth]`, mostly an encoder's outputs.
      memory_sequence_length: `[batch]` lengths; what is behind them is not attended to.
      normalize: whether to normalise the weights of the scores.
      probability_fn: function from scores to alignments, by default softmax.
      score_mask_value: score of what is not attended to, by default minus infinity.
      dtype: element type of the layers.
      custom_key_value_fn: function `(keys, values) -> (keys, values)`.
      name: scope of the nodes.

    Source: Bahdanau et al., Neural Machine Translation by Jointly Learning to Align and Translate
    (2014); Salimans and Kingma, Weight Normalization (2016).
    """

    def __init__(
        self, num_units, memory, memory_sequence_length=None, normalize=False, probability_fn=None,
        score_mask_value=None, dtype=None, custom_key_value_fn=None, name="BahdanauAttention",
    ):  # fmt: skip
        dtype = Float if dtype is None else dtype
        super().__init__(
            _dense(num_units, "query_layer", dtype), memory, _without_state(probability_fn),
            _dense(num_units, "memory_layer", dtype), memory_sequence_length, score_mask_value,
            custom_key_value_fn, name,
        )  # fmt: skip
        self._num_units, self._normalize, self._name = num_units, normalize, name

    def __call__(self, query, state):
        """Returns the alignments `[batch, max_time]`, twice."""
        with variable_scope(None, "bahdanau_attention", [query]):
            processed = self._query_layer(query) if self._query_layer else query
            v, g, b = _bahdanau_variables(self._num_units, self._normalize, query.dtype)
            score = _bahdanau_score(processed, self._keys, v, g, b)
        return self._aligned(score, state)


class _Monotonic(_Attention):
    """Begins at the first entry of the memory and never goes back."""

    def initial_alignments(self, batch_size, dtype):
        """Returns the alignments before the first step: all on the first entry."""
        first = array.zeros((batch_size,), dtype=int32)
        return array.one_hot(first, self._alignments_size, dtype=dtype)


def _monotonic(noise, mode, seed):
    return functools.partial(monotonic_probabilities, sigmoid_noise=noise, mode=mode, seed=seed)


def _score_bias(first, dtype):
    return get_variable("attention_score_bias", dtype=dtype, initializer=first)


@export("contrib.seq2seq.BahdanauMonotonicAttention")
class BahdanauMonotonicAttention(_Monotonic):
    """Is `BahdanauAttention` that only moves forwards through the memory.

    Args:
      num_units: size of the hidden layer.
      memory: `[batch, max_time, depth]`.
      memory_sequence_length: `[batch]` lengths.
      normalize: whether to normalise the weights of the scores.
      score_mask_value: score of what is not attended to, by default minus infinity.
      sigmoid_noise: deviation of noise that is added to the scores; zero for inference.
      sigmoid_noise_seed: its seed.
      score_bias_init: first value of the scores' bias; negative ones help with long memories.
      mode: `"parallel"`, `"recursive"` or, for inference, `"hard"`.
      dtype: element type of the layers.
      name: scope of the nodes.

    Source: Raffel et al., Online and Linear-Time Attention by Enforcing Monotonic Alignments
    (2017).
    """

    def __init__(
        self, num_units, memory, memory_sequence_length=None, normalize=False,
        score_mask_value=None, sigmoid_noise=0.0, sigmoid_noise_seed=None, score_bias_init=0.0,
        mode="parallel", dtype=None, name="BahdanauMonotonicAttention",
    ):  # fmt: skip
        dtype = Float if dtype is None else dtype
        super().__init__(
            _dense(num_units, "query_layer", dtype), memory,
            _monotonic(sigmoid_noise, mode, sigmoid_noise_seed),
            _dense(num_units, "memory_layer", dtype), memory_sequence_length, score_mask_value,
            name=name,
        )  # fmt: skip
        self._num_units, self._normalize = num_units, normalize
        self._score_bias_init = score_bias_init

    def __call__(self, query, state):
        """Returns the alignments `[batch, max_time]`, twice."""
        with variable_scope(None, "bahdanau_monotonic_attention", [query]):
            processed = self._query_layer(query) if self._query_layer else query
            v, g, b = _bahdanau_variables(self._num_units, self._normalize, query.dtype)
            score = _bahdanau_score(processed, self._keys, v, g, b)
            score += _score_bias(self._score_bias_init, query.dtype)
        return self._aligned(score, state)


@export("contrib.seq2seq.LuongMonotonicAttention")
class LuongMonotonicAttention(_Monotonic):
    """Is `LuongAttention` that only moves forwards through the memory.

    Args:
      num_units: size of the keys, which must be that of the query.
      memory: `[batch, max_time, depth]`.
      memory_sequence_length: `[batch]` lengths.
      scale: whether to learn a factor of the scores.
      score_mask_value: score of what is not attended to, by default minus infinity.
      sigmoid_noise: deviation of noise that is added to the scores; zero for inference.
      sigmoid_noise_seed: its seed.
      score_bias_init: first value of the scores' bias.
      mode: `"parallel"`, `"recursive"` or, for inference, `"hard"`.
      dtype: element type of the layer.
      name: scope of the nodes.

    Source: Raffel et al., Online and Linear-Time Attention by Enforcing Monotonic Alignments
    (2017).
    """

    def __init__(
        self, num_units, memory, memory_sequence_length=None, scale=False, score_mask_value=None,
        sigmoid_noise=0.0, sigmoid_noise_seed=None, score_bias_init=0.0, mode="parallel",
        dtype=None, name="LuongMonotonicAttention",
    ):  # fmt: skip
        dtype = Float if dtype is None else dtype
        super().__init__(
            None, memory, _monotonic(sigmoid_noise, mode, sigmoid_noise_seed),
            _dense(num_units, "memory_layer", dtype), memory_sequence_length, score_mask_value,
            name=name,
        )  # fmt: skip
        self._scale, self._score_bias_init = scale, score_bias_init

    def __call__(self, query, state):
        """Returns the alignments `[batch, max_time]`, twice."""
        with variable_scope(None, "luong_monotonic_attention", [query]):
            g = None
            if self._scale:
                g = get_variable("attention_g", dtype=query.dtype, initializer=Ones(), shape=())
            score = _luong_score(query, self._keys, g)
            score += _score_bias(self._score_bias_init, query.dtype)
        return self._aligned(score, state)
