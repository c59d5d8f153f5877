"""The examples on layers and slim, on pictures that are learnt in a few steps."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Ten classes of 28 × 28: a bright square at a place of its own, and noise."""
    random = np.random.RandomState(0)
    labels = random.randint(10, size=1600)
    images = random.randint(60, size=(1600, 28, 28))
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 5)
        image[3 + 12 * row : 11 + 12 * row, 2 + 5 * column : 7 + 5 * column] += 150
    path = tmp_path_factory.mktemp("data") / "pictures.npz"
    flat = images.reshape(1600, 784).astype(np.uint8)
    np.savez(path, images=flat, labels=labels.astype(np.uint8))
    return path


def run(name, *arguments):
    result = subprocess.run(
        [sys.executable, "-m", "millstream", "run", f"examples/{name}.py", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_layers(pictures):
    printed = run("mnist_layers", "--steps", 60, "--data", pictures)
    assert float(re.search(r"test accuracy (\S+),", printed).group(1)) > 0.9, printed


def test_slim(pictures, tmp_path):
    printed = run("mnist_slim", "--steps", 60, "--data", pictures, "--out", tmp_path / "model")
    assert float(re.search(r"accuracy +(\S+)", printed).group(1)) > 0.9, printed
    assert (tmp_path / "model" / "model.ckpt-60.index").exists()


def test_vae(pictures, tmp_path):
    printed = run("vae", "--steps", 100, "--data", pictures, "--out", tmp_path)
    losses = [float(x) for x in re.findall(r"loss +(\S+),", printed)]
    assert losses[-1] < 0.75 * losses[0], printed
    assert (tmp_path / "digits.pgm").stat().st_size > 31360
