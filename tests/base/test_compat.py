"""The compatibility horizon is restored; texts are covered by the facts."""

import pytest

from millstream.base import compat


def test_horizon_holds_within_the_block():
    with compat.forward_compatibility_horizon(2030, 1, 2):
        assert compat.forward_compatible(2030, 1, 1)
        assert not compat.forward_compatible(2030, 1, 2)
    assert not compat.forward_compatible(2030, 1, 1)


def test_horizon_is_restored_after_an_error():
    with pytest.raises(KeyError), compat.forward_compatibility_horizon(2030, 1, 2):
        raise KeyError
    assert not compat.forward_compatible(2030, 1, 1)
