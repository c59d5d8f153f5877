"""Ops with regular expressions: RegexReplace, RegexFullMatch."""

import re

import numpy as np

from millstream.base.export import export
from millstream.ir.spec import Bool, String, Tensor, op
from millstream.ir.tensor import Tensor as SymbolicTensor
from millstream.ops.string.elements import as_bytes, as_text, each, invalid

__all__ = ["regex_full_match", "regex_replace"]


@op(static=("pattern", "rewrite"))
def RegexReplace(
    input: Tensor[String],
    pattern: Tensor[String],
    rewrite: Tensor[String],
    *,
    replace_global: bool = True,
) -> Tensor[String]:
    r"""Replaces what a pattern matches; `\1` in the replacement is the first group."""


@op
def StaticRegexReplace(
    input: Tensor[String], *, pattern: str, rewrite: str, replace_global: bool = True
) -> Tensor[String]:
    r"""Replaces what a pattern matches; `\1` in the replacement is the first group."""


@op(static="pattern")
def RegexFullMatch(input: Tensor[String], pattern: Tensor[String]) -> Tensor[Bool]:
    """Tells which strings a pattern matches as a whole."""


@op
def StaticRegexFullMatch(input: Tensor[String], *, pattern: str) -> Tensor[Bool]:
    """Tells which strings a pattern matches as a whole."""


def _text(value):
    raw = value if isinstance(value, (str, bytes)) else np.ravel(value)[0]
    return raw if isinstance(raw, str) else as_text(raw)


def _compiled(pattern):
    text = _text(pattern)
    try:
        return re.compile(text)
    except re.error as error:
        raise invalid(f"Invalid pattern: {text}, error: {error}") from None


def _replace(input, pattern, rewrite, replace_global):
    compiled = _compiled(pattern)
    pieces = re.split(r"\\(\d|\\)", _text(rewrite))

    def expand(match):
        # Odd pieces are what stood behind a backslash.
        return "".join(
            piece if at % 2 == 0 else "\\" if piece == "\\" else match.group(int(piece)) or ""
            for at, piece in enumerate(pieces)
        )

    groups = [int(p) for p in pieces[1::2] if p != "\\"]
    if groups and max(groups) > compiled.groups:
        raise invalid(f"Invalid rewrite pattern: {_text(rewrite)}")
    count = 0 if replace_global else 1
    return each(lambda text: as_bytes(compiled.sub(expand, as_text(text), count=count)), input)


def _matches(input, pattern):
    compiled = _compiled(pattern)
    return each(lambda text: compiled.fullmatch(as_text(text)) is not None, input).astype(bool)


RegexReplace.reference(_replace)
StaticRegexReplace.reference(_replace)
RegexFullMatch.reference(_matches)
StaticRegexFullMatch.reference(_matches)
for _opdef in (RegexReplace, StaticRegexReplace, RegexFullMatch, StaticRegexFullMatch):
    _opdef.shape_unchanged()
    _opdef.no_gradient("strings have none")
RegexReplace.examples(["abc", "b"], "(b)", "[\\1]")
RegexReplace.fails("Invalid pattern", ["a"], "(", "")
StaticRegexReplace.examples(["abc", "bb"], pattern="b", rewrite="X", replace_global=False)
RegexFullMatch.examples(["abc", "ab"], "a.c")
StaticRegexFullMatch.examples(["abc", "ab"], pattern="a.c")


@export("regex_replace", "strings.regex_replace")
def regex_replace(input, pattern, rewrite, replace_global=True, name=None):
    r"""Returns strings with what a regular expression matches replaced.

    Args:
      input: strings.
      pattern: the expression, a string or scalar tensor.
      rewrite: the replacement, likewise; `\1` stands for the first group.
      replace_global: whether to replace all matches, or the first.
      name: name of the node.

    Raises:
      InvalidArgumentError: when it runs, if the pattern is malformed.
    """
    if not isinstance(pattern, SymbolicTensor) and not isinstance(rewrite, SymbolicTensor):
        return StaticRegexReplace(
            input, pattern=pattern, rewrite=rewrite, replace_global=replace_global, name=name
        )
    return RegexReplace(input, pattern, rewrite, replace_global=replace_global, name=name)


@export("strings.regex_full_match")
def regex_full_match(input, pattern, name=None):
    """Returns which of the strings a regular expression matches as a whole.

    Args:
      input: strings.
      pattern: the expression, a string or scalar tensor.
      name: name of the node.
    """
    if isinstance(pattern, SymbolicTensor):
        return RegexFullMatch(input, pattern, name=name)
    return StaticRegexFullMatch(input, pattern=pattern, name=name)
