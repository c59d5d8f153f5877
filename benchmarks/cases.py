"""The programs that are timed: plain TF 1.x, run by Millstream and by every peer alike.

Each case is a function of the module `tf` that builds a graph and returns a function for one step.
The files are read by Python 3.7 too, which TensorFlow 1.15 needs.
"""

import input_cases  # noqa: F401 - adds its cases
import queue_cases  # noqa: F401 - adds its cases
import step_cases  # noqa: F401 - adds its cases
from registry import CASES

__all__ = ["CASES"]
