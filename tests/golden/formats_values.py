"""Values of the tensors in the golden checkpoints; read by the script that writes them, and by
the tests."""

import numpy as np


def plain():
    """Returns name -> array of the tensors that are stored whole (bfloat16 as float32)."""
    return {
        "scope/f32": np.arange(12, dtype=np.float32).reshape(3, 4) / 7,
        "scope/f64": np.zeros((2, 0)),
        "scope/scalar": np.array(3.5, np.float32),
        "scope/half": np.array([1.5, -0.0, 65504, 1e-7], np.float16),
        "scope/i64": np.array([1, -2, 2**40]),
        "scope/i32": np.array([[-1, 2**31 - 1]], np.int32),
        "scope/u8": np.array([0, 128, 255], np.uint8),
        "scope/i8": np.array([-128, 127], np.int8),
        "scope/i16": np.array([-(2**15), 2**15 - 1], np.int16),
        "scope/bool": np.array([True, False, True]),
        "scope/c64": np.array([1 + 2j, -3j], np.complex64),
        "scope/text": np.array([[b"ab", b"", b"x" * 200], [b"\0\xff", b"\xc3\xa9", b"z"]], object),
        "beta1_power": np.array(0.9, np.float32),
    }


def partitioned():
    """Returns name -> (full array, axis, number of parts)."""
    return {
        "rows": (np.arange(18, dtype=np.float32).reshape(6, 3), 0, 3),
        "columns": (np.arange(650, dtype=np.float32).reshape(130, 5), 1, 2),
    }


BFLOAT16 = [1.5, -2.0, 0.0078125]
