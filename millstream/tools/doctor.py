"""`millstream doctor`: shows what Millstream finds on this machine."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import subprocess
import sys

from rich.console import Console
from rich.table import Table

from millstream.base.version import MILLSTREAM_VERSION, VERSION
from millstream.compat import process

PACKAGES = ("numpy", "jax", "jaxlib", "ml_dtypes", "scipy", "protobuf", "google-crc32c", "cramjam")
OPTIONAL = ("tensorboard", "matplotlib", "mlxtend", "tensorflow")
SETTINGS = (
    "MILLSTREAM_TIER",
    "MILLSTREAM_CACHE_DIR",
    process.SWITCH,
    process.TUNABLES,
    "JAX_PLATFORMS",
    "JAX_COMPILATION_CACHE_DIR",
    "XLA_FLAGS",
)
# JAX is asked in a process of its own: a broken driver may end that one, not this.
ASK_JAX = """
import jax
for d in jax.devices():
    print(d.platform, d.device_kind, d.id, sep="\\t")
"""


def main(arguments: list[str]) -> int:
    """Prints versions, devices and settings; the exit code is 1 if something needed is missing."""
    parser = argparse.ArgumentParser(prog="millstream doctor", description=__doc__)
    parser.parse_args(arguments)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    missing = [name for name in PACKAGES if version_of(name) is None]
    for title, rows in (
        ("versions", versions()),
        ("devices", devices()),
        ("memory", [("huge pages", huge_pages())]),
        ("environment", [(name, os.environ.get(name, "not set")) for name in SETTINGS]),
    ):
        table.add_row(title, "", style="cyan")
        for name, value in rows:
            table.add_row(f"  {name}", value)
    Console(highlight=False).print(table)
    if missing:
        print(f"missing: {', '.join(missing)}; reinstall Millstream", file=sys.stderr)
    return 1 if missing else 0


def version_of(package: str) -> str | None:
    """Gives the version of an installed package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def versions() -> list[tuple[str, str]]:
    """Lists the versions of Millstream, of Python and of the packages around it."""
    rows = [
        ("millstream", f"{MILLSTREAM_VERSION} (speaks TensorFlow {VERSION})"),
        ("python", f"{platform.python_version()} {sys.executable}"),
    ]
    rows += [(name, version_of(name) or "missing") for name in PACKAGES]
    return rows + [(name, version_of(name) or "not installed") for name in OPTIONAL]


def devices() -> list[tuple[str, str]]:
    """Lists the processors and what JAX runs on."""
    rows = [("processors", str(os.cpu_count()))]
    try:
        asked = subprocess.run(
            [sys.executable, "-c", ASK_JAX], capture_output=True, text=True, timeout=120
        )
    except subprocess.TimeoutExpired:
        return [*rows, ("jax", "did not answer in two minutes")]
    if asked.returncode:
        reason = (asked.stderr.strip().splitlines() or [f"exit code {asked.returncode}"])[-1]
        return [*rows, ("jax", f"fails: {reason}")]
    for line in asked.stdout.splitlines():
        kind, model, index = line.split("\t")
        rows.append((f"jax {kind}:{index}", model))
    return rows


def huge_pages() -> str:
    """Tells whether `millstream run` can back large blocks of memory with huge pages."""
    if process.wanted_tunables(os.environ) is None:
        return "as set in the environment"
    return "used by `millstream run`" if process.supported() else "not available here"
