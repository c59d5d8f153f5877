"""`tf.random_crop`."""

from millstream.base.export import export
from millstream.ir.convert import convert_to_tensor
from millstream.ir.scopes import name_scope
from millstream.ir.spec import Int32
from millstream.ops.array.shapes import shape as shape_of
from millstream.ops.by_name import ops
from millstream.ops.flow.assertions import assert_true
from millstream.ops.flow.groups import with_dependencies
from millstream.ops.math.reductions import reduce_all
from millstream.ops.random.functions import random_uniform


@export("random_crop", "image.random_crop")
def random_crop(value, size, seed=None, name=None):
    """Cuts a piece of shape `size` out of a tensor, at a random place.

    Args:
      value: A tensor.
      size: Integer vector: the shape of the piece; as large as `value` along axes not to be cut.
      seed: Seed of this node; see `tf.set_random_seed`.
      name: Name of the node.

    Raises:
      InvalidArgumentError: When run, if `size` is larger than the shape of `value`.

    Example:
      >>> tf.random_crop(tf.zeros([28, 28, 3]), [24, 24, 3]).shape.as_list()
      [24, 24, 3]
    """
    with name_scope(name, "random_crop", [value, size]) as scope:
        value = convert_to_tensor(value, name="value")
        size = convert_to_tensor(size, Int32, name="size")
        shape = shape_of(value)
        fits = reduce_all(ops.GreaterEqual(shape, size, name="GreaterEqual"))
        data = ["Need value.shape >= size, got ", shape, size]
        shape = with_dependencies([assert_true(fits, data, summarize=1000)], shape)
        limit = ops.AddV2(ops.Sub(shape, size, name="sub"), 1, name="add")
        start = random_uniform(shape_of(shape), maxval=size.dtype.max, dtype=size.dtype, seed=seed)
        start = ops.FloorMod(start, limit, name="mod")
        return ops.Slice(value, start, size, name=scope)
