"""`tf.constant` and `tf.convert_to_tensor`, published from here so that tensors have operators.

The graph layer makes constants itself; what Python's `+` on a tensor does is known to the ops.
"""

from millstream.base.export import export
from millstream.ir.constant import constant
from millstream.ir.convert import convert_to_tensor

export("constant")(constant)
export("convert_to_tensor")(convert_to_tensor)
