"""Printing while a step runs: Print, PrintV2, `tf.print`."""

import itertools
import sys
import threading
import weakref

import numpy as np

from millstream.base import errors, nest
from millstream.base.export import export
from millstream.ir.composite import SparseTensor
from millstream.ir.convert import convert_to_tensor
from millstream.ir.spec import Host, String, Tensor, Tensors, f, op
from millstream.ir.tensor import Tensor as SymbolicTensor
from millstream.ops.string.formatting import string_format
from millstream.ops.string.spelling import brief

__all__ = ["print_", "print_v2"]


@op(effect=Host())
def Print[T](
    input: Tensor[T],
    data: Tensors["U", 0],
    *,
    message: str = "",
    first_n: int = -1,
    summarize: int = 3,
) -> Tensor[T]:
    """Passes a tensor on and prints others to the standard error."""


@op(effect=Host())
def PrintV2(input: Tensor[String], *, output_stream: str = "stderr", end: str = "\n") -> None:
    """Prints a string to a stream or file."""


Print.shape_unchanged()
_printed: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def _may_print(node, first_n):
    """Counts how often a node printed; tells whether it may do so once more."""
    if first_n < 0:
        return True
    with _lock:
        _printed[node] = _printed.get(node, 0) + 1
        return _printed[node] <= first_n


@Print.run
def _(input, data, message, first_n, summarize, node):
    if _may_print(node, first_n):
        words = "".join(brief(array, summarize) for array in data)
        print(message + words, file=sys.stderr, flush=True)
    return input


@Print.gradient
def _(node, dy):
    return [dy, *[None] * (len(node.inputs) - 1)]


Print.examples(f[2], [f[2]], message="x ")


@PrintV2.run
def _(input, output_stream, end):
    if np.size(input) != 1:
        raise errors.InvalidArgumentError(
            None, None, f"input must be scalar, not of shape {list(np.shape(input))}"
        )
    text = np.ravel(input)[0].decode(errors="replace") + end
    if output_stream.startswith("file://"):
        with open(output_stream.removeprefix("file://"), "a", encoding="utf-8") as out:
            out.write(text)
        return ()
    streams = {"stdout": sys.stdout}
    print(text, end="", file=streams.get(output_stream, sys.stderr), flush=True)
    return ()


PrintV2.no_gradient("it has no outputs")
PrintV2.examples("hello")


@export("Print")
def print_(input_, data, message=None, first_n=None, summarize=None, name=None):
    """Returns `input_`, as a node that prints `data` to the standard error whenever it runs.

    Args:
      input_: the tensor to pass on.
      data: list of tensors to print.
      message: put before them.
      first_n: how often to print, by default always.
      summarize: how many elements to print of each, by default 3.
      name: name of the node.
    """
    given = {"message": message, "first_n": first_n, "summarize": summarize}
    attrs = {key: value for key, value in given.items() if value is not None}
    return Print(input_, data, name=name, **attrs)


# -- tf.print

_STREAMS = {
    sys.stdout: "stdout",
    "sys.stdout": "stdout",
    "stdout": "stdout",
    sys.stderr: "stderr",
    "sys.stderr": "stderr",
    "stderr": "stderr",
}
_LEVELS = ("info", "warning", "error")


def _stream_name(output_stream):
    if isinstance(output_stream, str):
        if output_stream.startswith("file://"):
            return output_stream
        if output_stream in _LEVELS:
            return f"log({output_stream})"
    for stream, name in (*_STREAMS.items(), (sys.stdout, "stdout"), (sys.stderr, "stderr")):
        if output_stream is stream or (isinstance(stream, str) and output_stream == stream):
            return name
    raise ValueError(
        f"Unsupported output stream, logging level, or file: {output_stream}. Supported streams "
        "are sys.stdout, sys.stderr, the levels 'info', 'warning', 'error', and file://<path>."
    )


@export("print")
def print_v2(*inputs, **kwargs):
    """Returns a node that prints tensors and other values when it runs.

    Args:
      *inputs: tensors, and whatever else; tensors may stand within lists, tuples and dicts.
      **kwargs: `output_stream`: `sys.stderr` (default), `sys.stdout`, `"file://<path>"` or the name
        of a logging level; `summarize`: how many entries to print at both ends of a dimension,
        by default 3; `sep`, `end`, `name`.

    Raises:
      ValueError: for other keywords or streams.
    """
    stream = _stream_name(kwargs.pop("output_stream", sys.stderr))
    name = kwargs.pop("name", None)
    summarize = kwargs.pop("summarize", 3)
    separator = kwargs.pop("sep", " ")
    end = kwargs.pop("end", "\n")
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments for tf.print: {kwargs}")
    if len(inputs) == 1 and _is_ready(inputs[0]):
        return PrintV2(inputs[0], output_stream=stream, end=end, name=name)
    words, tensors = [], []
    for value in inputs:
        words.append(_template(value, tensors))
    template = separator.join(words)
    mark = _placeholder(words)
    text = string_format(
        template.replace(_MARK, mark),
        tensors,
        placeholder=mark,
        summarize=summarize,
        name=f"{name}_format" if name else None,
    )
    return PrintV2(text, output_stream=stream, end=end, name=name)


def _is_ready(value):
    return isinstance(value, SymbolicTensor) and value.dtype == String and value.shape.ndims == 0


_MARK = "\0"


def _template(value, tensors):
    """Spells a value, with `_MARK` where its tensors stand, which are appended to `tensors`."""
    if isinstance(value, SparseTensor):
        tensors += value.component_tensors
        return f"'SparseTensor(indices={_MARK}, values={_MARK}, shape={_MARK})'"
    if isinstance(value, (SymbolicTensor, np.ndarray)) or hasattr(value, "_as_graph_element"):
        tensors.append(convert_to_tensor(value))
        return _MARK
    if isinstance(value, str):
        return value
    if not nest.is_sequence(value):
        return str(value)
    marks = []
    flat = nest.flatten(value)
    for item in flat:
        if isinstance(item, SymbolicTensor) or hasattr(item, "_as_graph_element"):
            tensors.append(convert_to_tensor(item))
            marks.append(_Mark())
        else:
            marks.append(item)
    return str(nest.pack_sequence_as(value, marks))


class _Mark:
    """Spells itself as `_MARK` within lists and dicts."""

    def __repr__(self):
        return _MARK


def _placeholder(words):
    """Finds a placeholder that is not part of the text."""
    text = "".join(words)
    marks = itertools.chain(["{}"], (f"{{}}{digit}" for digit in itertools.count(9)))
    return next(mark for mark in marks if mark not in text)
