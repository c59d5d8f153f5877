"""A head that consists of several: one model, several things to learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from millstream.base.export import export
from millstream.estimator.heads.base import SUM_OVER_BATCH_SIZE, Head, LossSpec
from millstream.estimator.spec import DEFAULT_SERVING_KEY
from millstream.ir.scopes import name_scope
from millstream.metrics.means import mean
from millstream.ops.math.sums import add_n


@export("estimator.MultiHead", "contrib.estimator.multi_head")
class MultiHead(Head):
    """Is several heads in one; the loss is the sum of theirs.

    Logits are a dict by head name, or one tensor that is cut; labels are a dict by head name.

    Args:
      heads: heads that have names.
      head_weights: a factor for each head's loss.

    Raises:
      ValueError: if a head has no name of its own, or there are not as many weights.
    """

    def __init__(self, heads: Sequence[Head], head_weights: Sequence[float] | None = None) -> None:
        if not heads:
            raise ValueError("Must specify heads. Given: []")
        names = [head.name for head in heads]
        if None in names:
            raise ValueError(f"All given heads must have name specified. Given: {names}")
        if len(set(names)) != len(names):
            raise ValueError(f"The heads' names must differ. Given: {names}")
        if head_weights and len(head_weights) != len(heads):
            raise ValueError(
                "heads and head_weights must have the same size. Given len(heads): "
                f"{len(heads)}. Given len(head_weights): {len(head_weights)}."
            )
        super().__init__("_".join(names), SUM_OVER_BATCH_SIZE)
        self._heads = tuple(heads)
        self._head_weights = tuple(head_weights or [1.0] * len(heads))

    @property
    def logits_dimension(self) -> int:
        """The number of all heads' logits."""
        return sum(head.logits_dimension for head in self._heads)

    def _cut(self, logits: Any) -> dict[str, Any]:
        if isinstance(logits, dict):
            for head in self._heads:
                if head.name not in logits:
                    raise ValueError(f"There are no logits for the head {head.name}.")
            return logits
        found, first = {}, 0
        for head in self._heads:
            found[head.name] = logits[..., first : first + head.logits_dimension]
            first += head.logits_dimension
        return found

    def predictions(self, logits: Any, keys: Any = None) -> dict[Any, Any]:
        """Returns predictions by head name and name."""
        cut = self._cut(logits)
        found = {}
        for head in self._heads:
            with name_scope(head.name):
                for name, value in head.predictions(cut[head.name]).items():
                    found[head.name, name] = value
        return found if keys is None else {key: found[key] for key in keys}

    def create_loss(self, features: Any, mode: str, logits: Any, labels: Any) -> LossSpec:
        """Returns the weighted sum of the heads' losses."""
        if not isinstance(labels, dict):
            raise ValueError(
                f"labels must be a dict by head name, {[h.name for h in self._heads]}; got "
                f"{labels!r}."
            )
        cut, specs = self._cut(logits), {}
        for head in self._heads:
            if head.name not in labels:
                raise ValueError(
                    f"There are no labels for the head {head.name}: they have {sorted(labels)}."
                )
            with name_scope(head.name):
                specs[head.name] = head.create_loss(
                    features, mode, cut[head.name], labels[head.name]
                )
        losses = [
            specs[head.name].training_loss * weight
            for head, weight in zip(self._heads, self._head_weights)
        ]
        return LossSpec(add_n(losses), specs, None, labels)

    def eval_metric_ops(
        self, predictions: dict[Any, Any], spec: LossSpec, regularization_loss: Any
    ) -> dict[str, Any]:
        """Returns the metrics of all heads."""
        found: dict[str, Any] = {}
        for head in self._heads:
            own = {name: value for (h, name), value in predictions.items() if h == head.name}
            part = spec.unreduced_loss[head.name]
            found.update(head.eval_metric_ops(own, part, None))
            key = f"loss/{head.name}"
            found[key] = mean(part.training_loss, name=key)
        if regularization_loss is not None:
            found["regularization_loss"] = mean(regularization_loss, name="regularization_loss")
        return found

    def export_outputs(self, predictions: dict[Any, Any]) -> dict[str, Any]:
        """Returns the outputs of all heads, `<head>` and `<head>/<signature>`."""
        found: dict[str, Any] = {}
        for number, head in enumerate(self._heads):
            own = {name: value for (h, name), value in predictions.items() if h == head.name}
            for key, output in head.export_outputs(own).items():
                if key == DEFAULT_SERVING_KEY:
                    found[head.name] = output
                    if not number:
                        found[key] = output
                else:
                    found[f"{head.name}/{key}"] = output
        return found

    def _key(self, name: str) -> str:
        return name

    def _mean_loss(self, spec: LossSpec) -> None:
        return None
