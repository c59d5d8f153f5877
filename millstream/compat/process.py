"""Starts the process again with the settings that must be in place before it begins.

Steps with large temporaries spend much of their time in page faults. glibc backs large blocks
with huge pages when it is asked to, but only by an environment variable that it reads at start-up.
So `millstream run` replaces itself once, by the same command with the variable set: about 20 ms.
`MILLSTREAM_HUGE_PAGES=0` turns this off.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

SWITCH = "MILLSTREAM_HUGE_PAGES"
TUNABLES = "GLIBC_TUNABLES"
HUGE_PAGES = "glibc.malloc.hugetlb=1"
KERNEL_MODE = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def restart_with_huge_pages() -> None:
    """Replaces this process by the same command on huge pages, if that can help and is not done."""
    tunables = wanted_tunables(os.environ)
    if tunables is None or not supported():
        return
    os.environ[TUNABLES] = tunables
    try:
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    except OSError:
        # A slower run is better than none.
        return


def wanted_tunables(environment: Mapping[str, str]) -> str | None:
    """Gives the value of GLIBC_TUNABLES to restart with, or None to go on as we are."""
    if environment.get(SWITCH, "1") == "0":
        return None
    present = environment.get(TUNABLES, "")
    if "glibc.malloc.hugetlb" in present:
        return None
    return ":".join(filter(None, (present, HUGE_PAGES)))


def supported() -> bool:
    """Tells whether the kernel gives huge pages to those who ask, and glibc (2.35 on) can ask."""
    try:
        library, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
        release = tuple(int(part) for part in version.split(".")[:2])
        return library == "glibc" and release >= (2, 35) and "[madvise]" in KERNEL_MODE.read_text()
    except (AttributeError, OSError, ValueError):
        return False
