"""Calls model functions, and says what is wrong with them."""

from __future__ import annotations

from typing import Any

from millstream.base import logging
from millstream.estimator.input_data import parameters_of
from millstream.estimator.spec import EstimatorSpec

_KNOWN = frozenset({"features", "labels", "mode", "params", "self", "config"})


def verify_model_fn_args(model_fn: Any, params: Any) -> None:
    """Checks the parameters of a model function.

    Raises:
      ValueError: if it takes none called `features`, lacks `params` where some are given, or takes
        others than features, labels, mode, params and config.
    """
    names = set(parameters_of(model_fn))
    if "features" not in names:
        raise ValueError(f"model_fn ({model_fn}) must include features argument.")
    if params is not None and "params" not in names:
        raise ValueError(
            f"model_fn ({model_fn}) does not include params argument, but params ({params}) is "
            "passed to Estimator."
        )
    if params is None and "params" in names:
        logging.warning(
            "Estimator's model_fn (%s) includes params argument, but params are not passed to "
            "Estimator.", model_fn,
        )  # fmt: skip
    unknown = names - _KNOWN
    if unknown:
        raise ValueError(f"model_fn ({model_fn}) has following not expected args: {list(unknown)}")


def call_model_fn(
    model_fn: Any, features: Any, labels: Any, mode: str, params: Any, config: Any
) -> EstimatorSpec:
    """Calls a model function with what it takes.

    Raises:
      ValueError: if it takes no labels but there are some, or returns no `EstimatorSpec`.
    """
    names = parameters_of(model_fn)
    kwargs: dict[str, Any] = {}
    if "labels" in names:
        kwargs["labels"] = labels
    elif labels is not None:
        raise ValueError("model_fn does not take labels, but input_fn returns labels.")
    offered = {"mode": mode, "params": params, "config": config}
    kwargs.update({name: value for name, value in offered.items() if name in names})
    logging.info("Calling model_fn.")
    spec = model_fn(features=features, **kwargs)
    logging.info("Done calling model_fn.")
    if not isinstance(spec, EstimatorSpec):
        raise ValueError("model_fn should return an EstimatorSpec.")
    return spec
