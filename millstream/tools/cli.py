"""The `millstream` command: finds the sub-command and imports no more than it needs."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from millstream.base.version import MILLSTREAM_VERSION

# Sub-command: the module whose `main(arguments)` runs it, and what it does.
COMMANDS = {
    "run": ("millstream.tools.run", "run a TensorFlow 1.x program, unmodified"),
    "data": ("millstream.tools.data", "write a data set to files that programs read"),
    "inspect": ("millstream.tools.inspect", "show what is in a model, checkpoint or log"),
    "summarize": ("millstream.tools.summarize", "count a model's parameters and FLOPs"),
    "freeze": ("millstream.tools.freeze", "write a model as one graph with constants"),
    "convert": ("millstream.tools.convert", "convert between forms of models"),
    "serve": ("millstream.tools.serve", "serve a SavedModel over HTTP"),
    "diff": ("millstream.tools.diff", "compare two graphs or two checkpoints"),
    "doctor": ("millstream.tools.doctor", "show versions, devices and caches"),
}


def parser() -> argparse.ArgumentParser:
    """Makes the parser of everything up to the sub-command."""
    listing = "\n".join(f"  {name:<11}{what}" for name, (_, what) in COMMANDS.items())
    found = argparse.ArgumentParser(
        prog="millstream",
        description="TensorFlow 1.x programs on XLA.",
        epilog=f"commands:\n{listing}\n\n`millstream COMMAND --help` tells more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("--version", action="version", version=f"Millstream {MILLSTREAM_VERSION}")
    found.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="see below")
    found.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="its arguments")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
      argv: Arguments after the program's name; those of the process if left out.

    Returns:
      The exit code.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments[0] if arguments else ""
    if command not in COMMANDS:
        # argparse would read options of the program to run as its own: it sees only what is wrong.
        parser().parse_args(arguments or ["--help"])
    module = importlib.import_module(COMMANDS[command][0])
    return module.main(arguments[1:]) or 0
