"""Reads the compact message schemas of `protos.schemas` into file descriptors.

A schema is lines of text; an indented line continues the line before it:

    package tensorflow
    import types                                  other themes whose types are used
    enum Tree.Kind: LEAF=0; SPLIT=1               names with dots are nested types
    Tree: name=1 string; child=2 repeated Tree; depth=3 int32 @size; height=4 int32 @size;
        attr=5 map<string,AttrValue>              @size: members of the oneof `size`
"""

import re
from collections.abc import Iterator

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

MESSAGE, ENUM = FieldDescriptorProto.TYPE_MESSAGE, FieldDescriptorProto.TYPE_ENUM
SCALARS = {
    name: getattr(FieldDescriptorProto, f"TYPE_{name.upper()}")
    for name in (
        *("bool", "bytes", "string", "double", "float", "int32", "int64", "uint32", "uint64"),
        *("sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64"),
    )
}
FIELD = re.compile(r"(\w+)=(\d+) (repeated )?(map<\w+,[\w.]+>|[\w.]+)(?: @(\w+))?")
MAP = re.compile(r"map<(\w+),([\w.]+)>")


def imports_of(text: str) -> list[str]:
    """Returns the names on a schema's `import` line."""
    return next((line.split()[1:] for line in _lines(text) if line.startswith("import ")), [])


def parse(file_name: str, text: str, symbols: dict[str, int]) -> FileDescriptorProto:
    """Builds the descriptor of one schema.

    Args:
        file_name: name of the file in the descriptor pool.
        text: the schema.
        symbols: full name -> `MESSAGE` or `ENUM` of every type of the files read before; the
            types of this one are added.

    Raises:
        ValueError: if the text does not follow the grammar or names an unknown type.
    """
    file = FileDescriptorProto(name=file_name, syntax="proto3")
    declarations = []
    for line in _lines(text):
        word, _, rest = line.partition(" ")
        if word == "package":
            file.package = rest
        elif word != "import":
            head, _, body = line.partition(":")
            kind = ENUM if word == "enum" else MESSAGE
            name = head.removeprefix("enum ")
            declarations.append((kind, name, body.strip()))
            symbols[f"{file.package}.{name}"] = kind
    messages: dict[str, DescriptorProto] = {}
    for kind, name, body in declarations:
        scope, _, short = name.rpartition(".")
        parent = messages[scope] if scope else None
        if kind == ENUM:
            _add_enum((file if parent is None else parent).enum_type.add(), short, body)
        else:
            add = file.message_type.add if parent is None else parent.nested_type.add
            messages[name] = add(name=short)
            _Fields(f"{file.package}.{name}", messages[name], symbols).add_all(body)
    return file


def _lines(text: str) -> Iterator[str]:
    joined = re.sub(r"\n[ \t]+", " ", text)
    return (line.strip() for line in joined.splitlines() if line.strip())


def _items(body: str) -> Iterator[str]:
    return (item.strip() for item in body.split(";") if item.strip())


def _add_enum(enum: EnumDescriptorProto, name: str, body: str) -> None:
    enum.name = name
    for item in _items(body):
        value, _, number = item.partition("=")
        enum.value.add(name=value, number=int(number))


class _Fields:
    """Adds the fields of one message."""

    def __init__(self, full_name: str, message: DescriptorProto, symbols: dict[str, int]):
        self.full_name = full_name
        self.message = message
        self.symbols = symbols
        self.oneofs: list[str] = []

    def add_all(self, body: str) -> None:
        for item in _items(body):
            match = FIELD.fullmatch(item)
            if match is None:
                raise ValueError(f"schema of {self.full_name}: cannot read field {item!r}")
            self._add(*match.groups())

    def _add(self, name: str, number: str, repeated: str, type_name: str, oneof: str) -> None:
        field = self.message.field.add(name=name, number=int(number))
        key_value = MAP.fullmatch(type_name)
        many = repeated or key_value
        field.label = field.LABEL_REPEATED if many else field.LABEL_OPTIONAL
        if key_value:
            self._set_map_type(field, *key_value.groups())
        else:
            self._set_type(field, type_name)
        if oneof:
            if oneof not in self.oneofs:
                self.oneofs.append(oneof)
                self.message.oneof_decl.add(name=oneof)
            field.oneof_index = self.oneofs.index(oneof)

    def _set_type(self, field: FieldDescriptorProto, type_name: str) -> None:
        if type_name in SCALARS:
            field.type = SCALARS[type_name]
            return
        scope = self.full_name
        while True:
            full = f"{scope}.{type_name}" if scope else type_name
            if full in self.symbols:
                break
            if not scope:
                raise ValueError(f"schema of {self.full_name}: unknown type {type_name!r}")
            scope = scope.rpartition(".")[0]
        field.type = self.symbols[full]
        field.type_name = "." + full

    def _set_map_type(self, field: FieldDescriptorProto, key: str, value: str) -> None:
        entry_name = "".join(part.capitalize() for part in field.name.split("_")) + "Entry"
        entry = self.message.nested_type.add(name=entry_name)
        entry.options.map_entry = True
        for number, (name, type_name) in enumerate((("key", key), ("value", value)), 1):
            part = entry.field.add(name=name, number=number, label=field.LABEL_OPTIONAL)
            self._set_type(part, type_name)
        field.type = MESSAGE
        field.type_name = f".{self.full_name}.{entry_name}"
