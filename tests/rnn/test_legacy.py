"""`tf.contrib.legacy_seq2seq` against TF 1.15."""

import pytest

from tests.rnn.programs import check, load

RECORD, PROGRAMS, RECORDER = load("rnn_legacy")


@pytest.mark.parametrize("name", RECORD)
def test_program_is_as_in_tf(name):
    check(name, RECORD, PROGRAMS, RECORDER)
