import os
import subprocess
import sys

import pytest

from millstream.compat import process


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, "glibc.malloc.hugetlb=1"),
        ({"GLIBC_TUNABLES": "glibc.rtld.nns=2"}, "glibc.rtld.nns=2:glibc.malloc.hugetlb=1"),
        ({"GLIBC_TUNABLES": "glibc.malloc.hugetlb=2"}, None),
        ({"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}, None),
        ({"MILLSTREAM_HUGE_PAGES": "0"}, None),
        ({"MILLSTREAM_HUGE_PAGES": "1"}, "glibc.malloc.hugetlb=1"),
    ],
)
def test_wanted_tunables(environment, wanted):
    assert process.wanted_tunables(environment) == wanted


@pytest.mark.skipif(not process.supported(), reason="no glibc >= 2.35 with madvise huge pages")
def test_the_program_is_restarted_once_with_huge_pages(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("import os, sys; print(os.environ['GLIBC_TUNABLES'], sys.argv[1:])")
    environment = {k: v for k, v in os.environ.items() if k not in ("GLIBC_TUNABLES",)}
    environment.pop("MILLSTREAM_HUGE_PAGES", None)
    result = subprocess.run(
        [sys.executable, "-m", "millstream", "run", str(path), "a b", "-c"],
        env={**environment, "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.stdout == "glibc.malloc.hugetlb=1 ['a b', '-c']\n", result.stderr
