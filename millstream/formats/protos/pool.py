"""The private descriptor pool, and the message classes made from it."""

import importlib
import threading
from typing import Any

from google.protobuf import any_pb2, descriptor_pool, message_factory
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from millstream.formats.protos import schema
from millstream.formats.protos.index import THEME_OF

_PACKAGE = "millstream.formats.protos"
_ANY = "google.any"

_lock = threading.RLock()
_pool = descriptor_pool.DescriptorPool()
_symbols: dict[str, int] = {}
_file_names: dict[str, str] = {}  # theme -> its file in the pool
_built: dict[str, Any] = {}


def build(name: str) -> Any:
    """Returns the class of a top-level message, or the wrapper of a top-level enum.

    Raises:
        KeyError: if no schema declares it.
    """
    theme = THEME_OF[name]
    with _lock:
        if name not in _built:
            package = _pool.FindFileByName(_load(theme)).package
            _built[name] = _make(f"{package}.{name}")
        return _built[name]


def message_class(full_name: str) -> Any:
    """Returns the class of the message called `full_name`, e.g. `tensorflow.NodeDef`.

    Serves to unpack `Any` fields, whose type URL ends in that name.

    Raises:
        KeyError: if no schema declares it.
    """
    for part in full_name.split("."):
        if part in THEME_OF:
            found = build(part)
            if found.DESCRIPTOR.full_name == full_name:
                return found
    raise KeyError(full_name)


def _load(theme: str) -> str:
    """Adds a theme's schema, and those it imports, to the pool; returns its file's name."""
    if theme in _file_names:
        return _file_names[theme]
    if theme == _ANY:
        name = any_pb2.DESCRIPTOR.name
        _pool.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)
        _symbols["google.protobuf.Any"] = schema.MESSAGE
    else:
        text = importlib.import_module(f"{_PACKAGE}.schemas.{theme}").SCHEMA
        name = f"millstream/{theme}.proto"
        imported = [_load(other) for other in schema.imports_of(text)]
        file = schema.parse(name, text, _symbols)
        file.dependency.extend(imported)
        _pool.AddSerializedFile(file.SerializeToString())
    _file_names[theme] = name
    return name


def _make(full_name: str) -> Any:
    if _symbols[full_name] == schema.ENUM:
        return EnumTypeWrapper(_pool.FindEnumTypeByName(full_name))
    return _message_class(_pool.FindMessageTypeByName(full_name), _PACKAGE)


def _message_class(descriptor: Any, module: str) -> Any:
    if hasattr(message_factory, "GetMessageClass"):
        cls = message_factory.GetMessageClass(descriptor)
    else:  # protobuf < 4.22
        cls = message_factory.MessageFactory(_pool).GetPrototype(descriptor)
    cls.__module__ = module  # so that messages can be pickled
    for nested in descriptor.nested_types:
        if not hasattr(cls, nested.name):  # protobuf's pure Python classes lack them
            setattr(cls, nested.name, _message_class(nested, module))
    return cls
