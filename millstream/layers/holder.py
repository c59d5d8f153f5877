"""What a layer holds: variables, losses and updates."""

import numpy as np

from millstream.base import nest
from millstream.ir.convert import convert_to_tensor
from millstream.ir.node import Operation
from millstream.ir.tensor import Tensor


def as_list(values):
    """Returns a list of what may be one value, a list or a tuple."""
    return list(values) if isinstance(values, (list, tuple)) else [values]


def depends_on(target, inputs):
    """Tells whether a node or tensor is computed from any of the tensors `inputs`."""
    wanted = {tensor.op for tensor in inputs if isinstance(tensor, Tensor)}
    waiting, seen = [target if isinstance(target, Operation) else target.op], set()
    while waiting:
        node = waiting.pop()
        if node in wanted:
            return True
        if node not in seen:
            seen.add(node)
            waiting += [tensor.op for tensor in node.inputs]
    return False


class Holder:
    """Keeps what a layer makes. Layers among its attributes keep theirs to themselves.

    Args:
      trainable: whether optimizers see the variables.
    """

    def __init__(self, trainable=True) -> None:
        self._trainable_weights = []
        self._non_trainable_weights = []
        self.trainable = trainable
        self.stateful = False
        self.built = False
        self._own_losses = []
        self._regularizing = []
        self._own_updates = []
        self._unconditional = set()
        self._call_inputs = None

    # -- variables

    @property
    def trainable_weights(self):
        """The variables that optimizers see; none if the layer is not trainable."""
        if not self.trainable:
            return []
        return list(self._trainable_weights)

    @property
    def non_trainable_weights(self):
        """The variables that optimizers do not see."""
        if self.trainable:
            return list(self._non_trainable_weights)
        return self._trainable_weights + self._non_trainable_weights

    @property
    def weights(self):
        """All variables, the trainable ones first."""
        return self.trainable_weights + self.non_trainable_weights

    @property
    def trainable_variables(self):
        """The variables that optimizers see."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self):
        """The variables that optimizers do not see."""
        return self.non_trainable_weights

    @property
    def variables(self):
        """All variables, the trainable ones first."""
        return self.weights

    def count_params(self):
        """Returns the number of elements of all variables.

        Raises:
          ValueError: if the layer has not been built.
        """
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on {self.name}, but the layer isn't built. You "
                f"can build it manually via: `{self.name}.build(batch_input_shape)`."
            )
        return int(sum(np.prod(w.shape.as_list(), dtype=np.int64) for w in self.weights))

    # -- losses

    @property
    def losses(self):
        """The losses that the layer adds; those of regularizers are computed anew at each look."""
        found = list(self._own_losses)
        for regularizing, unconditional in self._regularizing:
            loss = regularizing()
            if loss is not None:
                if unconditional:
                    self._unconditional.add(loss)
                found.append(loss)
        return found

    def _add_losses(self, losses, inputs):
        """Keeps losses, and returns them as tensors."""
        added = []
        for loss in as_list(losses):
            if callable(loss):
                self._regularizing.append((loss, inputs is None))
                loss = loss()
            elif loss is not None:
                loss = loss if isinstance(loss, Tensor) else convert_to_tensor(loss)
                self._own_losses.append(loss)
            if loss is not None:
                added.append(loss)
                if inputs is None:
                    self._unconditional.add(loss)
        return added

    def get_losses_for(self, inputs):
        """Returns the losses that depend on `inputs`; `None`: those that depend on no inputs."""
        return self._for_inputs(self.losses, inputs)

    # -- updates

    @property
    def updates(self):
        """The nodes that update the layer's state, such as moving averages."""
        if not self.trainable and not self.stateful:
            return []
        return [u() if callable(u) else u for u in self._own_updates]

    def add_update(self, updates, inputs=None):
        """Adds nodes that update state when the layer is called.

        Args:
          updates: a node, a tensor of one, or a list of them.
          inputs: the tensors that they depend on; by default what the layer is called with.
        """
        relevant = nest.flatten(self._call_inputs if inputs is None else inputs)
        for update in as_list(updates):
            update = getattr(update, "op", update)
            self._own_updates.append(update)
            if isinstance(update, Operation) and not depends_on(update, relevant):
                self._unconditional.add(update)

    def get_updates_for(self, inputs):
        """Returns the updates that depend on `inputs`; `None`: those that depend on no inputs."""
        return self._for_inputs(self.updates, inputs)

    def _for_inputs(self, items, inputs):
        if inputs is None:
            return [item for item in items if item in self._unconditional]
        tensors = nest.flatten(inputs)
        return [i for i in items if i not in self._unconditional and depends_on(i, tensors)]
