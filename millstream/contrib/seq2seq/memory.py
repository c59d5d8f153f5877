"""What attention reads: memories, their masks and the scores of their entries."""

from millstream.base import nest
from millstream.base.dtypes import int32
from millstream.base.export import export
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import control_dependencies, name_scope
from millstream.ops import array, math
from millstream.ops.array.indicators import sequence_mask
from millstream.ops.by_name import ops
from millstream.ops.flow.checks import assert_positive


def prepared(memory, lengths, check_inner=True):
    """Returns a memory `[batch, max_time, …]` with zeros behind the end of each sequence.

    Raises:
      ValueError: if inner sizes are unknown.
    """
    memory = nest.map_structure(lambda m: to_tensor(m, name="memory"), memory)
    if lengths is not None:
        lengths = to_tensor(lengths, name="memory_sequence_length")
    first = nest.flatten(memory)[0]
    if check_inner:
        for m in nest.flatten(memory):
            if not m.shape[2:].is_fully_defined():
                raise ValueError(f"Expected memory {m.name} to have fully defined inner dims, "
                                 f"but saw shape: {m.shape}")  # fmt: skip
    if lengths is None:
        return memory
    mask = sequence_mask(lengths, maxlen=array.shape(first)[1], dtype=first.dtype)

    def masked(m):
        rank = array.rank(m) if m.shape.ndims is None else m.shape.ndims
        ones = array.ones(rank - 2, dtype=int32)
        return m * array.reshape(mask, array.concat((array.shape(mask), ones), 0))

    return nest.map_structure(masked, memory)


def masked_score(score, lengths, value):
    """Returns scores `[batch, max_time]` with `value` behind the end of each memory."""
    if lengths is None:
        return score
    message = "All values in memory_sequence_length must greater than zero."
    with control_dependencies([assert_positive(lengths, message=message)]):
        mask = sequence_mask(lengths, maxlen=array.shape(score)[1])
        return ops.Select(mask, score, value * array.ones_like(score))


@export("contrib.seq2seq.hardmax")
def hardmax(logits, name=None):
    """Returns one at the greatest logit of each row and zeros elsewhere.

    Args:
      logits: `[..., classes]` floats.
      name: scope of the nodes.
    """
    with name_scope(name, "Hardmax", [logits]):
        logits = to_tensor(logits, name="logits")
        last = logits.shape.as_list()[-1] if logits.shape.ndims else None
        depth = array.shape(logits)[-1] if last is None else last
        return array.one_hot(math.argmax(logits, -1), depth, dtype=logits.dtype)


def size_of(tensor, axis):
    """Returns a size, as an int if it is known."""
    known = tensor.shape.as_list()[axis] if tensor.shape.ndims is not None else None
    return array.shape(tensor)[axis] if known is None else known
