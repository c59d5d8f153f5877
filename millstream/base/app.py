"""`tf.app.run`: the entry point of programs that use `tf.flags`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import absl.flags

from millstream.base.export import export

_HELP = {"help": "show the program's flags", "helpfull": "show the flags of all modules"}


@export("app.run")
def run(main: Callable[[list[str]], Any] | None = None, argv: Sequence[str] | None = None) -> None:
    """Parses the flags, calls `main` with what is left of the arguments, and ends the process.

    Args:
      main: Called with the program's name and the arguments that are no known flags; its result is
        the exit status. Default: `main` of the main module.
      argv: The program's name and its arguments, in place of `sys.argv`.

    Raises:
      SystemExit: Always; with status 1 after `--help` or a flag with a wrong value.
    """
    start = main or getattr(sys.modules["__main__"], "main")  # noqa: B009
    arguments = _parse(list(sys.argv if argv is None else argv))
    sys.exit(start(arguments))


def _parse(argv: list[str]) -> list[str]:
    flags: Any = absl.flags.FLAGS
    for name, text in _HELP.items():
        if name not in flags:
            absl.flags.DEFINE_bool(name, False, text, flag_values=flags, module_name=__name__)
    try:
        arguments = flags(argv, known_only=True)
    except absl.flags.Error as error:
        sys.exit(f"{argv[0]}: {error}\nUse --help to see the flags.")
    if flags["help"].value or flags["helpfull"].value:
        print(_usage(argv[0], every=flags["helpfull"].value))
        sys.exit(1)
    return arguments


def _usage(program: str, every: bool) -> str:
    flags = absl.flags.FLAGS
    doc = sys.modules["__main__"].__doc__ or f"USAGE: {program} [flags]"
    listed = flags.get_help() if every else flags.main_module_help()
    return f"{doc}\nflags:\n{listed}\n\nTry --helpfull to get a list of all flags."
