"""Arguments that have an old and a new name."""


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
