"""`contrib.framework.py_func`: Python in the graph, with structures in and out."""

from millstream.base import nest
from millstream.base.export import export
from millstream.ops.script.python import py_func as call_python


@export("contrib.framework.py_func")
def py_func(
    func, args=(), kwargs=None, output_types=None, output_shapes=None, stateful=True, name=None
):
    """Calls a Python function in the step; arguments and results may be structures.

    Args:
      func: a function of NumPy arrays, in structures as given.
      args: its arguments, structures of tensors.
      kwargs: its keyword arguments, the same.
      output_types: structure of the results' types.
      output_shapes: structure of their static shapes.
      stateful: whether it must be called each time.
      name: name of the node.

    Returns:
      A structure of tensors like `output_types`; the node if that is `None`.

    Raises:
      TypeError: if `args` is no list or tuple, or `kwargs` no dictionary.

    Example:
      >>> y = tf.contrib.framework.py_func(
      ...     lambda x: {"twice": x["a"] * 2}, [{"a": tf.constant(3)}],
      ...     output_types={"twice": tf.int32})
      >>> with tf.Session() as session:
      ...     int(session.run(y["twice"]))
      6
    """
    if not isinstance(args, (list, tuple)):
        raise TypeError(f"args must be list and not {type(args)}. args: {args}")
    if kwargs is not None and not isinstance(kwargs, dict):
        raise TypeError(f"kwargs must be dict and not {type(kwargs)}. args: {kwargs}")
    given = (list(args), dict(kwargs or {}))

    def flat_function(*leaves):
        inner_args, inner_kwargs = nest.pack_sequence_as(given, list(leaves))
        result = func(*inner_args, **inner_kwargs)
        return nest.flatten(result) if output_types is not None else ()

    types = [] if output_types is None else nest.flatten(output_types)
    made = call_python(flat_function, nest.flatten(given), types, stateful=stateful, name=name)
    if output_types is None:
        return made
    tensors = made if isinstance(made, (list, tuple)) else [made]
    if output_shapes is not None:
        for tensor, shape in zip(tensors, nest.flatten(output_shapes), strict=True):
            tensor.set_shape(shape)
    return nest.pack_sequence_as(output_types, list(tensors))
