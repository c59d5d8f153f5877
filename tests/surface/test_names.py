"""Every public name leads to an object."""

import pytest

from millstream.base import export

NAMES = sorted(export.table().names)


@pytest.mark.parametrize("namespace", sorted({name.rpartition(".")[0] for name in NAMES}))
def test_names_resolve(namespace):
    for name in NAMES:
        if name.rpartition(".")[0] == namespace:
            export.resolve(name)


def test_raw_ops_resolve():
    for op in sorted(export.table().ops):
        assert export.resolve(f"raw_ops.{op}").name == op
