"""`tf.contrib.rnn.LayerNormBasicLSTMCell`: an LSTM with normalised gates."""

from millstream.base.export import export
from millstream.ops import array, math, nn
from millstream.rnn.cell import RNNCell
from millstream.rnn.core_cells import LSTMStateTuple
from millstream.state.get_variable import get_variable
from millstream.state.initializers import Constant
from millstream.state.scoping import variable_scope

_EPSILON = 1e-12


def layer_normalized(x, scope, gain, shift, dtype):
    """Normalises the rows of `x` to mean `shift` and deviation `gain`, both of which are learned.

    The variables are `gamma` and `beta` in the variable scope `scope`.
    """
    sizes = x.shape[-1:]
    with variable_scope(scope):
        get_variable("gamma", shape=sizes, initializer=Constant(gain), dtype=dtype)
        get_variable("beta", shape=sizes, initializer=Constant(shift), dtype=dtype)
    with variable_scope(scope, reuse=True):
        beta = get_variable("beta", shape=sizes, dtype=dtype)
        gamma = get_variable("gamma", shape=sizes, dtype=dtype)
        mean, variance = nn.moments(x, [1], keep_dims=True)
        result = nn.batch_normalization(x, mean, variance, beta, gamma, _EPSILON)
        result.set_shape(x.shape)
        return result


@export("contrib.rnn.LayerNormBasicLSTMCell")
class LayerNormBasicLSTMCell(RNNCell):
    """An LSTM with layer normalisation and recurrent dropout.

    Args:
      num_units: size of the output and of the cell state.
      forget_bias: what is added to the forget gate before it is squashed.
      input_size: not used any more.
      activation: activation of candidate and state.
      layer_norm: whether to normalise.
      norm_gain: first value of the gains, `gamma`.
      norm_shift: first value of the shifts, `beta`.
      dropout_keep_prob: probability to keep an element of the candidate.
      dropout_prob_seed: seed of that dropout.
      reuse: whether the variables must exist.

    Source: Ba et al., Layer Normalization (2016); Semeniuta et al., Recurrent Dropout without
    Memory Loss (2016).
    """

    def __init__(
        self, num_units, forget_bias=1.0, input_size=None, activation=math.tanh, layer_norm=True,
        norm_gain=1.0, norm_shift=0.0, dropout_keep_prob=1.0, dropout_prob_seed=None, reuse=None,
    ):  # fmt: skip
        super().__init__(_reuse=reuse)
        del input_size
        self._num_units, self._forget_bias = num_units, forget_bias
        self._activation = activation
        self._layer_norm = layer_norm
        self._norm_gain, self._norm_shift = norm_gain, norm_shift
        self._keep_prob, self._seed = dropout_keep_prob, dropout_prob_seed

    @property
    def state_size(self):
        """`LSTMStateTuple(units, units)`."""
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self):
        """The number of units."""
        return self._num_units

    def _norm(self, x, scope, dtype):
        return layer_normalized(x, scope, self._norm_gain, self._norm_shift, dtype)

    def _linear(self, args):
        columns = args.shape.as_list()[-1]
        out_size = 4 * self._num_units
        weights = get_variable("kernel", [columns, out_size], dtype=args.dtype)
        out = math.matmul(args, weights)
        if not self._layer_norm:
            out = nn.bias_add(out, get_variable("bias", [out_size], dtype=args.dtype))
        return out

    def call(self, inputs, state):
        """Returns the output and the new state."""
        c, h = state
        dtype = inputs.dtype
        joint = self._linear(array.concat([inputs, h], 1))
        gates = array.split(value=joint, num_or_size_splits=4, axis=1)
        if self._layer_norm:
            names = ("input", "transform", "forget", "output")
            gates = [self._norm(x, name, dtype) for x, name in zip(gates, names, strict=True)]
        i, j, f, o = gates
        g = self._activation(j)
        if not isinstance(self._keep_prob, float) or self._keep_prob < 1:
            g = nn.dropout(g, self._keep_prob, seed=self._seed)
        new_c = c * math.sigmoid(f + self._forget_bias) + math.sigmoid(i) * g
        if self._layer_norm:
            new_c = self._norm(new_c, "state", dtype)
        new_h = self._activation(new_c) * math.sigmoid(o)
        return new_h, LSTMStateTuple(new_c, new_h)
