"""Ready-made estimators train, evaluate and predict as TF 1.15's do, from the same seeds."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import millstream as tf

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
import estimator_canned  # noqa: E402

RECORD = json.loads((GOLDEN / "estimator_canned.json").read_text())


@pytest.mark.parametrize("case", estimator_canned.CASES, ids=lambda case: case.__name__)
def test_results_are_those_of_tf(case):
    found, wanted = estimator_canned.facts(tf, case), RECORD[case.__name__]
    tf.summary.FileWriterCache.clear()
    assert found["summaries"] == wanted["summaries"]
    for part in ("metrics", "predictions", "variables"):
        assert found[part].keys() == wanted[part].keys()
        for name, value in wanted[part].items():
            if isinstance(value, list) and value and isinstance(value[0], str):
                assert found[part][name] == value
            else:
                np.testing.assert_allclose(
                    found[part][name], value, rtol=1e-3, atol=1e-5, err_msg=f"{part} {name}"
                )
