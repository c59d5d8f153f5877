"""Records checksums of glibc's logf and sincosf over all arguments that a normal sampler can pass.

Run under any Python on a machine with glibc >= 2.28; writes random_libm.json.
"""

import ctypes
import json
import os
import zlib

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    libm = ctypes.CDLL("libm.so.6")
    unit = np.arange(1 << 23, dtype=np.float64) / (1 << 23)
    radius = np.maximum(unit.astype(np.float32), np.float32(1e-7))
    angle = (unit * (2 * np.pi)).astype(np.float32)
    sums = {}
    for name, argument in [("logf", radius), ("sinf", angle), ("cosf", angle)]:
        function = getattr(libm, name)
        function.restype, function.argtypes = ctypes.c_float, [ctypes.c_float]
        values = np.fromiter((function(x) for x in argument.tolist()), np.float32, len(argument))
        sums[name] = zlib.crc32(values.tobytes())
    with open(os.path.join(HERE, "random_libm.json"), "w") as file:
        json.dump(sums, file)
        file.write("\n")


if __name__ == "__main__":
    main()
