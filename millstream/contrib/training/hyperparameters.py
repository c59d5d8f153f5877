"""`HParams`: named hyperparameters that can be set from text."""

import json
import re

from millstream.base.export import export

_NAME = r"(?P<name>[a-zA-Z][\w\.]*)"
_INDEX = r"(\[\s*(?P<index>\d+)\s*\])?"
_VALUE = r"((?P<value>[^,\[]*)|\[(?P<values>[^\]]*)\])"
_PART = re.compile(rf"{_NAME}\s*{_INDEX}\s*=\s*{_VALUE}($|,\s*)")
_TRUTH = {"true": True, "True": True, "1": True, "false": False, "False": False, "0": False}


def _cast(name, kind, value):
    """Casts one value to the type of its hyperparameter.

    Raises:
      ValueError: if that would change what it means.
    """
    wrong = f"Could not cast hparam '{name}' of type '{kind}' from value {value!r}"
    if value is None or kind is type(None):
        return value
    if isinstance(value, bool) != (kind is bool):
        raise ValueError(wrong)
    if isinstance(value, float) and issubclass(kind, int) and not value.is_integer():
        raise ValueError(wrong)
    if isinstance(value, (int, float)) and issubclass(kind, (str, bytes)):
        raise ValueError(wrong)
    if isinstance(value, (str, bytes)) and not issubclass(kind, (str, bytes)):
        raise ValueError(wrong)
    if isinstance(value, float) and issubclass(kind, int):
        raise ValueError(wrong)
    return kind(value)


def _parsed(name, kind, text, where):
    """Reads one value from text."""
    text = text.strip()
    try:
        if kind is bool:
            return _TRUTH[text]
        return kind(text)
    except (KeyError, ValueError):
        raise ValueError(
            f"Could not parse hparam '{name}' of type '{kind.__name__}' with value '{text}' in "
            f"{where}"
        ) from None


@export("contrib.training.parse_values")
def parse_values(values, type_map, ignore_unknown=False):
    """Reads hyperparameters from text such as `"rate=0.1,layers=[3,4],names[1]=b"`.

    Args:
      values: the text.
      type_map: the type of each.
      ignore_unknown: whether others are left out.

    Returns:
      A dictionary; an element set by index is a dictionary from index to value.

    Raises:
      ValueError: if the text is not of that form, a name is unknown or set twice, or a value is of
        another type.
    """
    found, at = {}, 0
    while at < len(values):
        part = _PART.match(values, at)
        if not part:
            raise ValueError(f"Malformed hyperparameter value: {values[at:]}")
        at = part.end()
        name = part["name"]
        if name not in type_map:
            if ignore_unknown:
                continue
            raise ValueError(f"Unknown hyperparameter type for {name}")
        kind = type_map[name]
        if part["index"] is not None:
            if part["value"] is None:
                raise ValueError(f"Cannot assign a list to an element of {name}")
            element = _parsed(name, kind, part["value"], values)
            elements = found.setdefault(name, {})
            if not isinstance(elements, dict) or int(part["index"]) in elements:
                raise ValueError(f"Multiple assignments to variable '{name}' in {values}")
            elements[int(part["index"])] = element
            continue
        if name in found:
            raise ValueError(f"Multiple assignments to variable '{name}' in {values}")
        if part["values"] is not None:
            items = [item for item in re.split("[ ,]", part["values"]) if item]
            found[name] = [_parsed(name, kind, item, values) for item in items]
        else:
            found[name] = _parsed(name, kind, part["value"], values)
    return found


@export("contrib.training.HParams")
class HParams:
    """Holds hyperparameters as attributes, each of the type of its first value.

    Args:
      hparam_def: not used.
      model_structure: kept as it is.
      **kwargs: the hyperparameters.

    Example:
      >>> hparams = tf.contrib.training.HParams(rate=0.1, sizes=[3, 4])
      >>> hparams.parse("rate=0.5,sizes=[5]").values()
      {'rate': 0.5, 'sizes': [5]}
    """

    _HAS_DYNAMIC_ATTRIBUTES = True

    def __init__(self, hparam_def=None, model_structure=None, **kwargs) -> None:
        self._hparam_types = {}
        self._model_structure = model_structure
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    def add_hparam(self, name, value):
        """Adds a hyperparameter.

        Raises:
          ValueError: if the name is taken, or the value is an empty list.
        """
        if getattr(self, name, None) is not None:
            raise ValueError(f"Hyperparameter name is reserved: {name}")
        if isinstance(value, (list, tuple)):
            if not value:
                raise ValueError(f"Multi-valued hyperparameters cannot be empty: {name}")
            self._hparam_types[name] = (type(value[0]), True)
        else:
            self._hparam_types[name] = (type(value), False)
        setattr(self, name, value)

    def set_hparam(self, name, value):
        """Sets a hyperparameter, cast to its type.

        Raises:
          KeyError: if there is none of that name.
          ValueError: if the value is of another type, or a list where there is none.
        """
        kind, is_list = self._hparam_types[name]
        if isinstance(value, list):
            if not is_list:
                raise ValueError(f"Must not pass a list for single-valued parameter: {name}")
            setattr(self, name, [_cast(name, kind, item) for item in value])
            return
        if is_list:
            raise ValueError(f"Must pass a list for multi-valued parameter: {name}.")
        setattr(self, name, _cast(name, kind, value))

    def del_hparam(self, name):
        """Removes a hyperparameter, if there is one of that name."""
        if name in self._hparam_types:
            delattr(self, name)
            del self._hparam_types[name]

    def parse(self, values):
        """Sets hyperparameters from text such as `"rate=0.1,layers=[3,4]"`; returns itself.

        Raises:
          ValueError: see `parse_values`.
        """
        kinds = {name: kind for name, (kind, _) in self._hparam_types.items()}
        return self.override_from_dict(parse_values(values, kinds))

    def override_from_dict(self, values_dict):
        """Sets hyperparameters from a dictionary; returns itself.

        Raises:
          KeyError: if there is none of a name.
          ValueError: if a value is of another type.
        """
        for name, value in values_dict.items():
            self.set_hparam(name, value)
        return self

    def set_model_structure(self, model_structure):
        """Sets the model structure."""
        self._model_structure = model_structure

    def get_model_structure(self):
        """Returns the model structure."""
        return self._model_structure

    def to_json(self, indent=None, separators=None, sort_keys=False):
        """Spells the hyperparameters as JSON; functions are left out."""
        plain = {name: value for name, value in self.values().items() if not callable(value)}
        return json.dumps(plain, indent=indent, separators=separators, sort_keys=sort_keys)

    def parse_json(self, values_json):
        """Sets hyperparameters from JSON; returns itself."""
        return self.override_from_dict(json.loads(values_json))

    def values(self):
        """Returns the hyperparameters as a dictionary."""
        return {name: getattr(self, name) for name in self._hparam_types}

    def get(self, key, default=None):
        """Returns a hyperparameter, or `default` if there is none of that name.

        Raises:
          ValueError: if the default is of another type.
        """
        if key not in self._hparam_types:
            return default
        kind, is_list = self._hparam_types[key]
        if default is not None:
            if isinstance(default, list) != is_list:
                raise ValueError(f"Hparam '{key}' of type '{kind}' is incompatible with {default}")
            _cast(key, kind, default[0] if is_list and default else default)
        return getattr(self, key)

    def __contains__(self, key) -> bool:
        return key in self._hparam_types

    def __str__(self) -> str:
        return ",".join(f"{name}={value}" for name, value in sorted(self.values().items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({sorted(self.values().items())})"
