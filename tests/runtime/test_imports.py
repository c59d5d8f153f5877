"""What running a program imports, and what that must not touch."""

import subprocess
import sys

PROGRAM = """
import random, sys
import numpy as np
from millstream.base import dtypes
from millstream.ir.constant import constant
from millstream.runtime.session import Session
from tests.compiler import sample_ops as ops

np.random.seed(1)
random.seed(1)
before = np.random.get_state()[1].tolist(), np.random.get_state()[2], random.getstate()
x = ops.SampleInput(dtype=dtypes.float32, shape=[None])
y = ops.SampleMul(x, constant(2.0))
with Session() as session:
    assert session.run(y, {x: [1.0]}) == [2.0]
assert ("jax" in sys.modules) is (TIER == "xla")
after = np.random.get_state()[1].tolist(), np.random.get_state()[2], random.getstate()
assert before == after, "the user's random numbers were disturbed"
"""


def run(tier, tmp_path):
    environment = {"MILLSTREAM_TIER": tier, "MILLSTREAM_CACHE_DIR": str(tmp_path), "PATH": ""}
    program = f"TIER = {tier!r}\n{PROGRAM}"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_the_numpy_tier_does_not_import_jax(tmp_path):
    run("numpy", tmp_path)


def test_importing_jax_leaves_the_users_random_streams_alone(tmp_path):
    run("xla", tmp_path)
