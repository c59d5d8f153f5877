"""The message classes agree with TensorFlow's, field by field, and are built lazily."""

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, text_format

from millstream.formats import protos
from millstream.formats.protos import pool, schema
from millstream.formats.protos.index import THEMES

GOLDEN = Path(__file__).parents[1] / "golden" / "formats_protos.tsv"
OURS_ALONE = {"plugins"}


def _rows_of_message(name, message):
    for field in message.field:
        oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else ""
        yield (name, field.name, field.number, field.type, field.label, field.type_name, oneof)
    if not message.field:
        yield (name, "", "", "", "", "", "")
    for nested in message.nested_type:
        yield from _rows_of_message(f"{name}.{nested.name}", nested)
    for enum in message.enum_type:
        yield from _rows_of_enum(f"{name}.{enum.name}", enum)


def _rows_of_enum(name, enum):
    for value in enum.value:
        yield (name, value.name, value.number, "enum", "", "", "")


def _rows_of(theme):
    for name in THEMES[theme].split():
        getattr(protos, name)
    descriptor = pool._pool.FindFileByName(f"millstream/{theme}.proto")
    file = descriptor_pb2.FileDescriptorProto.FromString(descriptor.serialized_pb)
    for message in file.message_type:
        yield from _rows_of_message(f"{file.package}.{message.name}", message)
    for enum in file.enum_type:
        yield from _rows_of_enum(f"{file.package}.{enum.name}", enum)


def test_every_field_is_tensorflows():
    ours = {
        tuple(str(cell) for cell in row)
        for theme in set(THEMES) - OURS_ALONE
        for row in _rows_of(theme)
    }
    golden = {tuple(line.split("\t")) for line in GOLDEN.read_text().splitlines()}
    assert ours - golden == set()
    assert golden - ours == set()


def test_nested_types_are_attributes():
    assert protos.Summary.Value(tag="x").tag == "x"
    assert protos.GPUOptions.Experimental.VirtualDevices().memory_limit_mb == []
    assert protos.RunOptions.TraceLevel.Value("FULL_TRACE") == protos.RunOptions.FULL_TRACE


@pytest.mark.parametrize("theme", THEMES)
def test_index_lists_what_the_theme_declares(theme):
    for name in THEMES[theme].split():
        getattr(protos, name)
    file = pool._pool.FindFileByName(f"millstream/{theme}.proto")
    declared = {*file.message_types_by_name, *file.enum_types_by_name}
    assert declared == set(THEMES[theme].split())


def test_repeated_numbers_are_packed_on_the_wire():
    assert protos.Int64List(value=[1, 2]).SerializeToString() == b"\n\x02\x01\x02"


def test_text_format_of_a_graph():
    text = 'node { name: "c" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } } }'
    graph = text_format.Parse(text, protos.GraphDef())
    assert graph.node[0].attr["dtype"].type == protos.DataType.DT_FLOAT
    assert text_format.MessageToString(graph, as_one_line=True) == text


def test_any_carries_our_messages():
    collection = protos.CollectionDef()
    packed = collection.any_list.value.add()
    packed.Pack(protos.NodeDef(name="x"))
    assert packed.type_url == "type.googleapis.com/tensorflow.NodeDef"
    cls = pool.message_class(packed.type_url.rpartition("/")[2])
    assert cls is protos.NodeDef
    node = cls()
    assert packed.Unpack(node)
    assert node.name == "x"
    with pytest.raises(KeyError):
        pool.message_class("tensorflow.NoSuchThing")


def test_messages_pickle_and_copy():
    node = protos.NodeDef(name="x", input=["a", "^b"])
    assert pickle.loads(pickle.dumps(node)) == node
    assert copy.deepcopy(node) == node


def test_unknown_name():
    with pytest.raises(AttributeError, match="NoSuchMessage"):
        protos.NoSuchMessage  # noqa: B018
    assert "GraphDef" in dir(protos)


def test_import_does_not_load_protobuf():
    code = (
        "import sys, millstream.formats.protos;"
        "assert not any(m.startswith('google') for m in sys.modules), 'protobuf was loaded'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("package p\nA: x=1", "cannot read field"),
        ("package p\nA: x=1 Missing", "unknown type 'Missing'"),
    ],
)
def test_schema_mistakes_are_named(text, message):
    with pytest.raises(ValueError, match=message):
        schema.parse("bad.proto", text, {})


def test_published_names_exist():
    from millstream.base.export import EXPORTS
    from millstream.formats.protos import published

    published.publish()
    ours = [e for e in EXPORTS.values() if e.module == "millstream.formats.protos"]
    assert {e.name for e in ours} >= {"GraphDef", "train.Example", "summary.Summary"}
    for entry in ours:
        assert hasattr(protos, entry.attribute), entry.name
