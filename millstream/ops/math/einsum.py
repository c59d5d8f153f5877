"""Sums of products spelled by axis letters: `tf.einsum`."""

import re
import string
from typing import Any

from millstream.base.export import export
from millstream.ir.convert import to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.tensor import Tensor
from millstream.ops.array.ordering import transpose
from millstream.ops.array.reshaping import expand_dims, reshape
from millstream.ops.array.shapes import shape
from millstream.ops.math.arithmetic import multiply
from millstream.ops.math.products import matmul
from millstream.ops.math.reductions import reduce_sum

__all__ = ["einsum"]

_FORMAT = re.compile(r"^([a-zA-Z]*(\.\.\.)?[a-zA-Z]*,?)+(->[a-zA-Z]*(\.\.\.)?[a-zA-Z]*)?$")


# -- the equation


def _parse(equation: str, tensors: list[Tensor]) -> tuple[list[str], str]:
    """Splits an equation into the letters of each operand and those of the result.

    Raises:
      ValueError: if it is not well-formed, or does not fit the operands.
    """
    text = equation.replace(" ", "")
    if not _FORMAT.match(text):
        raise ValueError(f"Indices have incorrect format: {equation}")
    left, arrow, output = text.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(tensors):
        raise ValueError(
            f'Got {len(tensors)} arguments for equation "{equation}", expecting {len(inputs)}'
        )
    spare = [c for c in string.ascii_letters if c not in text]
    dots = ""
    for index, (labels, tensor) in enumerate(zip(inputs, tensors, strict=True)):
        if "..." in labels:
            letters = _dots(labels, tensor, spare)
            inputs[index] = labels.replace("...", letters)
            dots = max(dots, letters, key=len)
    if not arrow:
        joined = "".join(inputs)
        output = dots + "".join(c for c in sorted(set(joined) - set(dots)) if joined.count(c) == 1)
    _check(inputs, output.replace("...", dots), tensors)
    return inputs, output.replace("...", dots)


def _dots(labels: str, tensor: Tensor, spare: list[str]) -> str:
    """Gives letters for the axes that `...` stands for, the last axes the same in every operand."""
    rank = tensor.shape.ndims
    if rank is None:
        raise ValueError("The rank of an operand of '...' must be known")
    count = rank - len(labels) + 3
    if count < 0:
        raise ValueError(f"Subscripts {labels} name more axes than {tensor} has")
    return "".join(reversed(spare[:count]))


def _check(inputs: list[str], output: str, tensors: list[Tensor]) -> None:
    for labels, tensor in zip(inputs, tensors, strict=True):
        if len(set(labels)) < len(labels):
            raise ValueError(f"Subscript not supported: an axis appears more than once: {labels}")
        if tensor.shape.ndims not in (None, len(labels)):
            raise ValueError(f"Subscripts {labels} do not name the axes of {tensor}")
    unknown = set(output) - set("".join(inputs))
    if unknown:
        raise ValueError(f"Unknown output axes: {''.join(sorted(unknown))}")


# -- products of two operands


def _sizes(tensor: Tensor, rank: int) -> list[Any]:
    """Lists the sizes of a tensor: numbers, or scalars where they are not known."""
    known = [None] * rank if tensor.shape.ndims is None else tensor.shape.as_list()
    if None not in known:
        return known
    computed = shape(tensor)
    return [computed[n] if size is None else size for n, size in enumerate(known)]


def _count(sizes: list[Any]) -> Any:
    total: Any = 1
    for size in sizes:
        total = total * size
    return total


def _ordered(tensor: Tensor, labels: str, wanted: str) -> Tensor:
    if labels == wanted:
        return tensor
    return transpose(tensor, [labels.index(c) for c in wanted])


def _reshaped(tensor: Tensor, sizes: list[Any]) -> Tensor:
    """Reshapes, unless the graph tells that a tensor has these sizes already."""
    static = not any(isinstance(size, Tensor) for size in sizes)
    if static and tensor.shape.ndims is not None and tensor.shape.as_list() == sizes:
        return tensor
    return reshape(tensor, sizes)


def _pair(x: Tensor, of_x: str, y: Tensor, of_y: str, summed: set[str]) -> tuple[Tensor, str]:
    """Multiplies two operands and sums over the axes `summed`, which both have."""
    both = "".join(sorted((set(of_x) & set(of_y)) - summed))
    only_x, only_y = ("".join(sorted(set(a) - set(b))) for a, b in ((of_x, of_y), (of_y, of_x)))
    inner = "".join(sorted(summed))
    x, y = _ordered(x, of_x, both + only_x + inner), _ordered(y, of_y, both + inner + only_y)
    if not inner:
        for _ in only_y:
            x = expand_dims(x, -1)
        for _ in only_x:
            y = expand_dims(y, len(both))
        return multiply(x, y), both + only_x + only_y
    sizes_x, sizes_y = _sizes(x, len(of_x)), _sizes(y, len(of_y))
    batch, rows = sizes_x[: len(both)], sizes_x[len(both) : len(both + only_x)]
    terms, columns = sizes_x[len(both + only_x) :], sizes_y[len(both + inner) :]
    height, depth = _count(rows), _count(terms)
    x = _reshaped(x, [*batch, height, depth])
    y = _reshaped(y, [*sizes_y[: len(both)], depth, _count(columns)])
    product = _reshaped(matmul(x, y), batch + rows + columns)
    return product, both + only_x + only_y


# -- the function


@export("einsum", "linalg.einsum")
def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Any:
    """Multiplies tensors and sums over axes, as an equation in axis letters says.

    Args:
      equation: the letters of each operand's axes, separated by commas, then `->` and those of the
        result. Axes that the result does not name are summed over. Without `->` the result has, in
        alphabetical order, the letters that occur once. `...` stands for any further axes.
      *inputs: the tensors.
      **kwargs: `name`, a name for the nodes.

    Returns:
      A tensor of the operands' type.

    Raises:
      TypeError: for other keyword arguments.
      ValueError: if the equation is not well-formed, names an axis twice in one operand, or does
        not fit the operands.

    Example:
      `einsum("ij,jk->ik", a, b)` multiplies matrices, `einsum("i,j->ij", u, v)` makes one.
    """
    name = kwargs.pop("name", None)
    if kwargs:
        raise TypeError(f"invalid keyword arguments for this function: {', '.join(kwargs)}")
    with name_scope(name, "einsum", [equation, *inputs]):
        tensors = [to_tensor(x, name=f"inputs_{n}") for n, x in enumerate(inputs)]
        operands, output = _parse(equation, tensors)
        result, labels = tensors[0], operands[0]
        for n in range(1, len(tensors)):
            later = set(output + "".join(operands[n + 1 :]))
            summed = (set(labels) & set(operands[n])) - later
            result, labels = _pair(result, labels, tensors[n], operands[n], summed)
        dropped = [axis for axis, label in enumerate(labels) if label not in output]
        if dropped:
            result = reduce_sum(result, axis=dropped)
            labels = "".join(c for c in labels if c in output)
        return _ordered(result, labels, output)
