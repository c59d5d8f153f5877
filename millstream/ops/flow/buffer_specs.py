"""What a buffer is, whatever it holds: types, shapes, and errors that tell of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from millstream.base import errors
from millstream.base.dtypes import DType

type Sizes = tuple[int | None, ...] | None


@dataclass(frozen=True, slots=True)
class Spec:
    """What does not change while elements come and go.

    Attributes:
      dtype: The elements' type.
      element_shape: What is known of the elements' shape; None for nothing.
      name: For messages.
      path: The gradient sources that lead to this array, outermost last; empty for one that is no
        gradient.
      grows: Whether writing behind the end makes it longer.
      clears: Whether an element may be read only once.
      identical: Whether all elements have one shape, which the first write decides.
      strict: Whether an element may be written only once, as in a TensorArray.
    """

    dtype: DType
    element_shape: Sizes = None
    name: str = ""
    path: tuple[str, ...] = ()
    grows: bool = False
    clears: bool = False
    identical: bool = False
    strict: bool = False

    @property
    def is_gradient(self) -> bool:
        """Whether writes add up."""
        return bool(self.path)

    @property
    def order(self) -> int:
        """How often it was differentiated."""
        return len(self.path)

    def gradient(self, source: str, element_shape: Sizes) -> Spec:
        """Gives the spec of the gradient array that belongs to `source`."""
        return replace(
            self,
            path=(*self.path, source),
            element_shape=element_shape,
            clears=False,
            strict=False,
        )


def merge_sizes(known: Sizes, found: Sizes) -> Sizes:
    """Combines two partial shapes.

    Raises:
      ValueError: If they contradict each other.
    """
    if known is None or found is None:
        return known if found is None else found
    if len(known) != len(found) or any(
        a is not None and b is not None and a != b for a, b in zip(known, found)
    ):
        raise ValueError(f"Incompatible shapes {spell(known)} and {spell(found)}")
    return tuple(b if a is None else a for a, b in zip(known, found))


def is_complete(sizes: Sizes) -> bool:
    """Tells whether a partial shape is fully known."""
    return sizes is not None and None not in sizes


def spell(sizes: Sizes) -> str:
    """Writes a partial shape as TensorFlow's messages do: `[?,3]`."""
    if sizes is None:
        return "<unknown>"
    return f"[{','.join('?' if s is None else str(s) for s in sizes)}]"


def invalid(message: str) -> errors.InvalidArgumentError:
    """Makes the error of an op that got wrong operands; the runtime adds the node."""
    return errors.InvalidArgumentError(None, None, message)


def checked_shape(spec: Spec, index: Any, known: Sizes, shape: tuple[int, ...]) -> Sizes:
    """Gives the element shape after an element of a shape was written.

    Raises:
      InvalidArgumentError: If it contradicts what is known.
    """
    try:
        merged = merge_sizes(known, shape)
    except ValueError:
        raise invalid(
            f"TensorArray {spec.name}: Could not write to TensorArray index {index} because the "
            f"value shape is {spell(shape)} which is incompatible with the TensorArray's inferred "
            f"element shape: {spell(known)} (consider setting infer_shape=False)."
        ) from None
    return merged if spec.identical else known
