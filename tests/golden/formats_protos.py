"""Records the fields of TensorFlow 1.15's messages: `python formats_protos.py` under TF 1.15."""

import importlib
import os

from google.protobuf import descriptor_pb2

MODULES = """
core.framework: types tensor_shape tensor_slice versions resource_handle tensor attr_value
core.framework: node_def op_def kernel_def function graph summary allocation_description
core.framework: reader_base tensor_description step_stats cost_graph log_memory device_attributes variable
core.protobuf: named_tensor device_properties cluster debug verifier_config rewriter_config config
core.protobuf: tensorflow_server queue_runner control_flow saver struct trackable_object_graph
core.protobuf: saved_object_graph graph_debug_info meta_graph saved_model tensor_bundle
core.protobuf: trace_events
core.util: event saved_tensor_slice
core.lib.core: error_codes
core.example: feature example example_parser_configuration
core.profiler: tfprof_log tfprof_output
python.training: checkpoint_state
python.framework: cpp_shape_inference
contrib.tensorboard.plugins.projector: projector_config
contrib.training.python.training: hparam
"""


def rows_of_message(name, message):
    for field in message.field:
        oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else ""
        yield (name, field.name, field.number, field.type, field.label, field.type_name, oneof)
    if not message.field:
        yield (name, "", "", "", "", "", "")
    for nested in message.nested_type:
        for row in rows_of_message(name + "." + nested.name, nested):
            yield row
    for enum in message.enum_type:
        for row in rows_of_enum(name + "." + enum.name, enum):
            yield row


def rows_of_enum(name, enum):
    for value in enum.value:
        yield (name, value.name, value.number, "enum", "", "", "")


def rows_of_file(file):
    for message in file.message_type:
        for row in rows_of_message(file.package + "." + message.name, message):
            yield row
    for enum in file.enum_type:
        for row in rows_of_enum(file.package + "." + enum.name, enum):
            yield row


def main():
    rows = []
    for line in MODULES.strip().splitlines():
        package, names = line.split(": ")
        for name in names.split():
            module = importlib.import_module("tensorflow.%s.%s_pb2" % (package, name))
            file = descriptor_pb2.FileDescriptorProto()
            module.DESCRIPTOR.CopyToProto(file)
            assert file.syntax == "proto3", file.name
            rows.extend(rows_of_file(file))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "formats_protos.tsv")
    with open(path, "w") as out:
        for row in sorted(rows, key=str):
            out.write("\t".join(str(cell) for cell in row) + "\n")


if __name__ == "__main__":
    main()
