"""Transforms and spectra against TF 1.15: values and errors."""

import numpy as np
import pytest

import millstream as tf
from tests.ops import expressions

RECORD = expressions.load("signal_values")


@pytest.mark.parametrize("text", RECORD)
def test_values_are_as_in_tf(text):
    entry = RECORD[text]
    if "values" not in entry:
        expressions.check(text, {k: v for k, v in entry.items() if k != "message"}, False, False)
        return
    with tf.Graph().as_default(), tf.Session() as session:
        found = session.run(expressions._flat(eval(text, expressions.helpers())))
    for value, wanted in zip(found, entry["values"], strict=True):
        data = np.asarray(wanted["data"])
        if wanted["dtype"].startswith("complex"):
            data = data[0] + 1j * data[1]
        assert str(value.dtype) == wanted["dtype"]
        data = data.reshape(wanted["shape"])
        np.testing.assert_allclose(value, data, rtol=1e-4, atol=1e-4)
