"""Arrays put into a text: StringFormat, `tf.strings.format`."""

import numpy as np

from millstream.base.export import export
from millstream.ir.spec import String, Tensor, Tensors, f, i, op
from millstream.ops.string.elements import invalid
from millstream.ops.string.spelling import full

__all__ = ["string_format"]


@op
def StringFormat(
    inputs: Tensors["T", 0], *, template: str = "%s", placeholder: str = "%s", summarize: int = 3
) -> Tensor[String]:
    """Puts the spelt-out operands in the places of a text that `placeholder` marks."""


StringFormat.shape_scalar()


def _text(value):
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else value


@StringFormat.reference
def _(inputs, template, placeholder, summarize):
    pieces = _text(template).split(_text(placeholder))
    if len(pieces) != len(inputs) + 1:
        raise invalid(
            f"num placeholders in template and num inputs must match: {len(pieces) - 1} "
            f"vs. {len(inputs)}"
        )
    text = pieces[0]
    for array, piece in zip(inputs, pieces[1:], strict=True):
        text += full(array, summarize) + piece
    result = np.empty((), object)
    result[()] = text.encode(errors="surrogateescape")
    return result


StringFormat.no_gradient("strings have none")
StringFormat.examples([i[8], f[2, 2]], template="x: {} y: {}.", placeholder="{}")
StringFormat.fails("must match", [f[2]], template="x", placeholder="{}")


@export("strings.format")
def string_format(template, inputs, placeholder="{}", summarize=3, name=None):
    """Returns a text with tensors spelt out in it.

    Args:
      template: the text, a Python string.
      inputs: the tensors, or one, for the places marked by `placeholder`.
      placeholder: what marks a place.
      summarize: how many entries to show at both ends of a dimension, -1 for all.
      name: name of the node.

    Raises:
      ValueError: if there are more or fewer places than tensors.
    """
    values = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    places = template.count(placeholder)
    if places != len(values):
        raise ValueError(
            f"{places} placeholder(s) in template does not match {len(values)} tensor(s) "
            "provided as input"
        )
    return StringFormat(
        values, template=template, placeholder=placeholder, summarize=summarize, name=name
    )
