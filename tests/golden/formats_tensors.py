"""Records how TensorFlow 1.15 encodes values: `python formats_tensors.py` under TF 1.15.

Each row of formats_tensors.json: the call's arguments as Python source, and the message in hex or
the class of the error.
"""

import json
import os
import warnings

warnings.filterwarnings("ignore")

# The cases use these.
import numpy as np  # noqa: E402, F401
import tensorflow as tf  # noqa: E402, F401

CASES = """
1
2**40
1.5
[1, 2.5]
[1, 2], dtype=tf.float32
[1.5], dtype=tf.int32
"a"
["a", b"b"]
[u"\\u00e9"]
[[b"a\\0", b"\\xff"], [b"", b"x"]]
True
[True, False]
1j
np.array([1, 2], np.float64)
np.array([1, 2], np.int64)
np.float32(1)
np.zeros((0, 3))
[]
[[], []]
[[1], [2, 3]]
None
[None]
[1, "a"]
1, shape=[2, 3]
[1, 2], shape=[2, 3]
[1, 2, 3], shape=[2]
[1, 2], shape=[2, 3], verify_shape=True
[1, 2], shape=[2, 3], allow_broadcast=True
[1], shape=[2, 3], allow_broadcast=True
np.array(["a", "bcd"])
np.array([b"a\\0b", b"x"], dtype=object)
[1, 2], dtype=tf.qint8
[(1,), (2,)], dtype=tf.quint8
[(1,), (2,)], dtype=tf.qint32
[1, 2], dtype=tf.bfloat16
[1, 2], dtype=tf.half
[1 + 2j, 3], dtype=tf.complex64
[1 + 2j, 3], dtype=tf.complex128
[300], dtype=tf.uint8
[2**40], dtype=tf.int32
[1], dtype=tf.bool
np.array([1.5]), dtype=tf.int32
[1, 2], dtype=tf.uint32
[1, 2], dtype=tf.uint64
[1, 2], dtype=tf.int64
[3], dtype=tf.int64
[1, 2], dtype=tf.uint16
[1, 2], dtype=tf.int16
[-1, 2], dtype=tf.int8
[1, 2], dtype=tf.uint8
[1, 2], dtype=tf.float64
"a", shape=[2]
np.arange(3), dtype=tf.float32
np.float64(1.5)
[np.float64(1.5)]
[np.int64(1)]
{1: 2}
object()
np.array([1, 2]), dtype=tf.string
1, dtype=tf.resource
[1.0, 1e300]
np.array(True)
[1, True]
[1.5, True]
[True, 1], dtype=tf.int32
["a", 1], dtype=tf.string
["a"], dtype=tf.float32
[1j], dtype=tf.float32
np.ones((2, 2)), shape=[4]
np.ones((2, 2)), shape=[2, 2], verify_shape=True
np.arange(6.0).reshape(2, 3).T
float("nan")
1, dtype="int64"
1, shape=[0]
np.array([1, 2], np.uint8)
"""


def record(case):
    try:
        proto = eval("tf.make_tensor_proto(%s)" % case)
    except (TypeError, ValueError) as error:
        return [case, "raises", type(error).__name__]
    return [case, "bytes", proto.SerializeToString(deterministic=True).hex()]


def main():
    rows = [record(case) for case in CASES.strip().splitlines()]
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "formats_tensors.json")
    with open(path, "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


if __name__ == "__main__":
    main()
