"""Arguments in the several forms that TensorFlow takes."""


def renamed(new_name, new, old_name, old):
    """Returns the argument given under its new or its deprecated name.

    Raises:
      ValueError: if both are given.
    """
    if old is None:
        return new
    if new is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'")
    return old


def per_axis(value, name, data_format, spatial=2):
    """Returns a value per axis from one number, one per spatial axis, or one per axis.

    Raises:
      ValueError: for another length.
    """
    if value is None:
        values = [1]
    else:
        values = list(value) if isinstance(value, list | tuple) else [value]
    if len(values) == 1:
        values = values * spatial
    if len(values) == spatial + 2:
        return values
    if len(values) != spatial:
        raise ValueError(
            f"{name} should be of length 1, {spatial} or {spatial + 2} but was {len(values)}"
        )
    return [1, 1, *values] if data_format.startswith("NC") else [1, *values, 1]


def padding_attrs(padding):
    """Returns attrs `padding` and `explicit_paddings` for `"SAME"`, `"VALID"` or pairs per axis.

    Raises:
      ValueError: for `"EXPLICIT"` without pairs.
    """
    if isinstance(padding, list | tuple):
        flat = [p for pair in padding for p in pair]
        if not any(flat):
            return "VALID", []
        return "EXPLICIT", flat
    if padding == "EXPLICIT":
        raise ValueError(
            '"EXPLICIT" is not a valid value for the padding parameter. '
            "To use explicit padding, the padding parameter must be a list."
        )
    return padding, []
