"""Fused recurrent ops and CTC against TF 1.15, in both tiers."""

import pytest

from tests.rnn.programs import check, load

RECORD, PROGRAMS, RECORDER = load("rnn_ops")


@pytest.mark.parametrize("tier", ["numpy", "xla"])
@pytest.mark.parametrize("name", RECORD)
def test_program_is_as_in_tf(name, tier, monkeypatch):
    if tier == "xla" and "block" not in name:
        pytest.skip("it has no kernel")
    monkeypatch.setenv("MILLSTREAM_TIER", tier)
    check(name, RECORD, PROGRAMS, RECORDER)
