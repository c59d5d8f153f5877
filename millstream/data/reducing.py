"""`Dataset.reduce`, and functions that carry a state from element to element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from millstream.base.shapes import TensorShape
from millstream.data import specs, structures
from millstream.data.specs import TensorSpec, element_attrs
from millstream.data.tracing import TracedFunction
from millstream.ops.by_name import ops


def reduced(dataset: Any, initial_state: Any, fn: Callable[..., Any]) -> Any:
    """Gives what a function makes of a state and all elements; see `Dataset.reduce`."""
    state = specs.normalized(initial_state)
    function, spec = traced_with_state(
        fn, "reduce()", specs.structure_of(state), dataset.element_spec, lambda result: result
    )
    flat = ops.ReduceDataset(
        dataset._variant_tensor,
        specs.to_tensors(spec, state),
        function.captured,
        f=function.ref,
        **element_attrs(spec),
    )
    return specs.from_tensors(spec, list(flat))


def traced_with_state(
    fn: Callable[..., Any],
    transformation: str,
    state_spec: Any,
    element_spec: Any,
    state_of: Callable[[Any], Any],
) -> tuple[TracedFunction, Any]:
    """Traces a function of a state and an element, until the state's shapes do not change.

    Args:
      fn: takes both.
      transformation: what it is for.
      state_spec: specs of the first state.
      element_spec: specs of an element.
      state_of: gives the specs of the next state of those of the result.

    Returns:
      The function and the specs of every state.

    Raises:
      TypeError: if the next state has another form or other types.
    """
    while True:
        function = TracedFunction(fn, transformation, (state_spec, element_spec))
        found = state_of(function.output_spec)
        _check(state_spec, found)
        relaxed = structures.map_structure(_relaxed, state_spec, found)
        if relaxed == state_spec:
            return function, state_spec
        state_spec = relaxed


def _check(state: Any, found: Any) -> None:
    for word, which in (("classes", 2), ("types", 0)):
        mine, theirs = specs.legacy(state, which), specs.legacy(found, which)
        structures.assert_same(mine, theirs)
        if structures.flatten(mine) != structures.flatten(theirs):
            raise TypeError(
                f"The element {word} for the new state must match the initial state. Expected "
                f"{mine}; got {theirs}."
            )


def _relaxed(first: Any, second: Any) -> Any:
    """Gives a spec that describes both."""
    if not isinstance(first, TensorSpec):
        return first
    one, other = first.shape, second.shape
    if one.ndims is None or other.ndims is None or one.ndims != other.ndims:
        return TensorSpec(TensorShape(None), first.dtype)
    pairs = zip(one.as_list(), other.as_list(), strict=True)
    return TensorSpec([a if a == b else None for a, b in pairs], first.dtype)
