"""GatherTree: whole sequences of a beam search, from each step's choices."""

import numpy as np

from millstream.base import errors
from millstream.base.export import export
from millstream.base.lazy import jnp, lax
from millstream.ir.spec import Int32, Returns, Tensor, op

__all__ = []


@op
def GatherTree[T: (Int32,)](
    step_ids: Tensor[T],
    parent_ids: Tensor[T],
    max_sequence_lengths: Tensor[Int32],
    end_token: Tensor[T],
) -> Returns(beams=Tensor[T]):
    """Follows parents from the last step to the first, `[time, batch, beams]`.

    What lies behind a sequence's length, or behind its first `end_token`, is `end_token`.
    """


@GatherTree.shape
def _(step_ids, parent_ids, max_sequence_lengths, end_token):
    sizes = step_ids.with_rank(3).merge_with(parent_ids.with_rank(3))
    (batch,) = max_sequence_lengths.with_rank(1).as_list()
    end_token.with_rank(0)
    if None not in (batch, sizes.as_list()[1]) and batch != sizes.as_list()[1]:
        raise ValueError(f"Dimensions must be equal, but are {sizes.as_list()[1]} and {batch}")
    return sizes


def _bad_parent(*_):
    return "Saw invalid parent id: the parents must lie in [0, beams)"


@GatherTree.kernel
def _(step_ids, parent_ids, max_sequence_lengths, end_token, check):
    steps, _, beams = step_ids.shape
    inside = jnp.arange(steps)[:, None] < max_sequence_lengths
    fits = (parent_ids >= 0) & (parent_ids < beams)
    # The parents of the first step are not looked at.
    check(jnp.all(fits[1:] | ~inside[1:, :, None]), _bad_parent)
    own = jnp.broadcast_to(jnp.arange(beams), step_ids.shape[1:])

    def back(place, given):
        ids, parents, alive = given
        found = jnp.where(alive[:, None], jnp.take_along_axis(ids, place, axis=1), end_token)
        before = jnp.take_along_axis(jnp.clip(parents, 0, beams - 1), place, axis=1)
        return jnp.where(alive[:, None], before, place), found

    _, beams_found = lax.scan(back, own, (step_ids, parent_ids, inside), reverse=True)
    ended = jnp.cumsum(beams_found == end_token, axis=0) > 0
    return jnp.where(ended, end_token, beams_found).astype(step_ids.dtype)


@GatherTree.reference
def _(step_ids, parent_ids, max_sequence_lengths, end_token):
    steps, batch, beams = step_ids.shape
    result = np.full_like(step_ids, end_token)
    for b in range(batch):
        length = min(steps, int(max_sequence_lengths[b]))
        for beam in range(beams):
            place = beam
            for t in reversed(range(length)):
                result[t, b, beam] = step_ids[t, b, place]
                place = _parent(parent_ids[t, b, place], beams) if t else place
            column = result[:, b, beam]
            ends = np.flatnonzero(column == end_token)
            if ends.size:
                column[ends[0] :] = end_token
    return result


def _parent(parent, beams):
    if not 0 <= parent < beams:
        raise errors.InvalidArgumentError(None, None, _bad_parent())
    return parent


GatherTree.no_gradient("labels are integers")

_ids = np.array([[[1, 2, 3]], [[4, 5, 6]], [[7, 8, 9]]], np.int32)
_parents = np.array([[[0, 0, 0]], [[0, 1, 1]], [[2, 1, 2]]], np.int32)
GatherTree.examples(_ids, _parents, [3], 10)
GatherTree.examples(_ids, _parents, [2], 10)
GatherTree.examples(_ids, _parents, [3], 5)
GatherTree.fails("Saw invalid parent id", _ids, _parents + 2, [3], 10)


@export("contrib.seq2seq.gather_tree")
def gather_tree(step_ids, parent_ids, max_sequence_lengths, end_token, name=None):
    """Returns whole sequences of a beam search.

    Args:
      step_ids: `[time, batch, beams]` int32: the class of each beam at each step.
      parent_ids: `[time, batch, beams]` int32: which beam of the step before it goes on from.
      max_sequence_lengths: `[batch]` int32: length of the longest beam of each sequence.
      end_token: int32 scalar: what fills the places behind the ends.
      name: name of the node.

    Returns:
      `[time, batch, beams]` int32.

    Raises:
      InvalidArgumentError: when run, if a parent does not exist.
    """
    return GatherTree(step_ids, parent_ids, max_sequence_lengths, end_token, name=name)
