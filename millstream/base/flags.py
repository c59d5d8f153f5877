"""`tf.flags`: command-line flags, which are those of the package `absl-py`.

TensorFlow 1.15 takes its flags from there as well. What it adds is here: flags are parsed when the
first one is read, and the argument names of its own older flags are understood.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import absl.flags as _absl

from millstream.base.export import export_constant

# Flags belong to the module that defines them, not to this one, which stands between.
_absl.disclaim_key_flags()

_OLD_NAMES = {"flag_name": "name", "default_value": "default", "docstring": "help"}

_DEFINERS = (
    "DEFINE DEFINE_alias DEFINE_bool DEFINE_boolean DEFINE_enum DEFINE_enum_class DEFINE_flag "
    "DEFINE_float DEFINE_integer DEFINE_list DEFINE_multi DEFINE_multi_enum "
    "DEFINE_multi_enum_class DEFINE_multi_float DEFINE_multi_integer DEFINE_multi_string "
    "DEFINE_spaceseplist DEFINE_string"
)

_OTHERS = (
    "ArgumentParser ArgumentSerializer BaseListParser BooleanFlag BooleanParser "
    "CantOpenFlagFileError CsvListSerializer DuplicateFlagError EnumClassFlag "
    "EnumClassListSerializer EnumClassParser EnumClassSerializer EnumFlag EnumParser Error Flag "
    "FlagHolder FlagNameConflictsWithMethodError FlagValues FloatParser IllegalFlagValueError "
    "IntegerParser ListParser ListSerializer MultiEnumClassFlag MultiFlag "
    "UnparsedFlagAccessError UnrecognizedFlagError ValidationError "
    "WhitespaceSeparatedListParser adopt_module_key_flags declare_key_flag disclaim_key_flags "
    "doc_to_help flag_dict_to_args get_help_width mark_bool_flags_as_mutual_exclusive "
    "mark_flag_as_required mark_flags_as_mutual_exclusive mark_flags_as_required "
    "multi_flags_validator override_value register_multi_flags_validator register_validator "
    "set_default text_wrap validator"
)


class _ParsingFlags:
    """Is the program's flags, parsed from `sys.argv` when one of them is first read."""

    def __getattr__(self, name: str) -> Any:
        values = _absl.FLAGS
        if not values.is_parsed() and not hasattr(type(values), name):
            values(sys.argv)
        return getattr(values, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_absl.FLAGS, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_absl.FLAGS, name)

    def __dir__(self) -> list[str]:
        return dir(_absl.FLAGS)

    def __getitem__(self, name: str) -> Any:
        flags: Any = _absl.FLAGS
        return flags[name]

    def __setitem__(self, name: str, flag: Any) -> None:
        _absl.FLAGS[name] = flag

    def __contains__(self, name: str) -> bool:
        return name in _absl.FLAGS

    def __iter__(self) -> Iterator[str]:
        return iter(_absl.FLAGS)

    def __len__(self) -> int:
        return len(_absl.FLAGS)

    def __call__(self, *args: Any, **kwargs: Any) -> list[str]:
        return _absl.FLAGS(*args, **kwargs)

    def _parse_flags(self, args: list[str] | None = None) -> list[str]:
        """Parses the flags, as programs for TensorFlow up to 1.4 ask for themselves."""
        argv = sys.argv if args is None else [sys.argv[0], *args]
        return _absl.FLAGS(argv, known_only=True)


def _taking_old_names(define: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(define)
    def define_flag(*args: Any, **kwargs: Any) -> Any:
        return define(*args, **{_OLD_NAMES.get(name, name): kwargs[name] for name in kwargs})

    # The flag's module is found by looking for the first caller that is not this module.
    define_flag.__module__ = __name__
    return define_flag


FLAGS = _ParsingFlags()

for _name in _DEFINERS.split():
    globals()[_name] = _taking_old_names(getattr(_absl, _name))
for _name in _OTHERS.split():
    globals()[_name] = getattr(_absl, _name)
for _name in f"FLAGS {_DEFINERS} {_OTHERS}".split():
    export_constant(f"flags.{_name}", globals()[_name])
    export_constant(f"app.flags.{_name}", globals()[_name])
