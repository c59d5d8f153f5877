"""Cells that walk along the chain of a conditional random field."""

from millstream.base.dtypes import int32
from millstream.base.export import export
from millstream.ops import array, math
from millstream.rnn.cell import RNNCell


class _TagCell(RNNCell):
    """A cell with a number per tag."""

    def __init__(self, transition_params):
        super().__init__()
        self._transitions = array.expand_dims(transition_params, 0)
        self._num_tags = transition_params.shape.as_list()[0]

    @property
    def state_size(self):
        """The number of tags."""
        return self._num_tags

    @property
    def output_size(self):
        """The number of tags."""
        return self._num_tags

    def _scores(self, state):
        """Returns `[batch, from, to]` scores of all transitions."""
        return array.expand_dims(state, 2) + self._transitions


@export("contrib.crf.CrfForwardRnnCell")
class CrfForwardRnnCell(_TagCell):
    """Adds up the scores of all ways to each tag, in logarithms.

    Args:
      transition_params: `[tags, tags]` scores of transitions.
    """

    def __call__(self, inputs, state, scope=None):
        """Returns the new scores `[batch, tags]` twice."""
        alphas = inputs + math.reduce_logsumexp(self._scores(state), [1])
        return alphas, alphas


@export("contrib.crf.CrfDecodeForwardRnnCell")
class CrfDecodeForwardRnnCell(_TagCell):
    """Finds the best way to each tag.

    Args:
      transition_params: `[tags, tags]` scores of transitions.
    """

    def __call__(self, inputs, state, scope=None):
        """Returns the tag before each, `[batch, tags]` int32, and the best scores."""
        scores = self._scores(state)
        best = inputs + math.reduce_max(scores, [1])
        return math.cast(math.argmax(scores, 1), int32), best


@export("contrib.crf.CrfDecodeBackwardRnnCell")
class CrfDecodeBackwardRnnCell(RNNCell):
    """Follows the best way back.

    Args:
      num_tags: the number of tags.
    """

    def __init__(self, num_tags):
        super().__init__()
        self._num_tags = num_tags

    @property
    def state_size(self):
        """One: a tag."""
        return 1

    @property
    def output_size(self):
        """One: a tag."""
        return 1

    def __call__(self, inputs, state, scope=None):
        """Returns the tag before `state`, `[batch, 1]`, twice."""
        state = array.squeeze(state, axis=[1])
        rows = math.range_(array.shape(inputs)[0])
        tags = array.gather_nd(inputs, array.stack([rows, state], axis=1))
        tags = array.expand_dims(tags, axis=-1)
        return tags, tags
