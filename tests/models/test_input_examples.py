"""The example of input pipelines, run as users run it."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_shapes_from_records(tmp_path):
    result = subprocess.run(
        [
            *(sys.executable, "-m", "millstream", "run", "examples/tf_data_records.py"),
            *("--steps", "150", "--per_shard", "160", "--data", str(tmp_path / "data")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert result.returncode == 0, result.stderr
    assert len(list((tmp_path / "data").iterdir())) == 5
    assert float(re.search(r"accuracy: (\S+)", result.stdout).group(1)) > 0.85
