"""How the functions of `tf.layers` use the classes."""


def run_layer(kind, given, **call):
    """Makes a layer of the arguments of a function and calls it.

    Args:
      kind: the layer's class.
      given: the arguments, with `inputs`, and `reuse` where the function has it.
      **call: further arguments of the call.
    """
    inputs, reuse = given.pop("inputs"), given.pop("reuse", None)
    layer = kind(**given, _reuse=reuse, _scope=given.get("name"))
    return layer(inputs, **call)


def init_arguments(local_names):
    """Returns the arguments of an `__init__` by name, from its local names."""
    given = {k: v for k, v in local_names.items() if k not in ("self", "__class__", "kwargs")}
    return given | local_names["kwargs"]
