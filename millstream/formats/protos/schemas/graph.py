"""Nodes, op definitions, functions and graphs."""

SCHEMA = """
package tensorflow
import types

AttrValue: s=2 bytes @value; i=3 int64 @value; f=4 float @value; b=5 bool @value;
    type=6 DataType @value; shape=7 TensorShapeProto @value; tensor=8 TensorProto @value;
    list=1 ListValue @value; func=10 NameAttrList @value; placeholder=9 string @value
AttrValue.ListValue: s=2 repeated bytes; i=3 repeated int64; f=4 repeated float;
    b=5 repeated bool; type=6 repeated DataType; shape=7 repeated TensorShapeProto;
    tensor=8 repeated TensorProto; func=9 repeated NameAttrList
NameAttrList: name=1 string; attr=2 map<string,AttrValue>
NodeDef: name=1 string; op=2 string; input=3 repeated string; device=4 string;
    attr=5 map<string,AttrValue>; experimental_debug_info=6 ExperimentalDebugInfo
NodeDef.ExperimentalDebugInfo: original_node_names=1 repeated string;
    original_func_names=2 repeated string
OpDef: name=1 string; input_arg=2 repeated ArgDef; output_arg=3 repeated ArgDef;
    control_output=20 repeated string; attr=4 repeated AttrDef; deprecation=8 OpDeprecation;
    summary=5 string; description=6 string; is_commutative=18 bool; is_aggregate=16 bool;
    is_stateful=17 bool; allows_uninitialized_input=19 bool
OpDef.ArgDef: name=1 string; description=2 string; type=3 DataType; type_attr=4 string;
    number_attr=5 string; type_list_attr=6 string; is_ref=16 bool
OpDef.AttrDef: name=1 string; type=2 string; default_value=3 AttrValue; description=4 string;
    has_minimum=5 bool; minimum=6 int64; allowed_values=7 AttrValue
OpDeprecation: version=1 int32; explanation=2 string
OpList: op=1 repeated OpDef
KernelDef: op=1 string; device_type=2 string; constraint=3 repeated AttrConstraint;
    host_memory_arg=4 repeated string; label=5 string; priority=6 int32
KernelDef.AttrConstraint: name=1 string; allowed_values=2 AttrValue
KernelList: kernel=1 repeated KernelDef
FunctionDefLibrary: function=1 repeated FunctionDef; gradient=2 repeated GradientDef
FunctionDef: signature=1 OpDef; attr=5 map<string,AttrValue>; arg_attr=7 map<uint32,ArgAttrs>;
    node_def=3 repeated NodeDef; ret=4 map<string,string>; control_ret=6 map<string,string>
FunctionDef.ArgAttrs: attr=1 map<string,AttrValue>
GradientDef: function_name=1 string; gradient_func=2 string
GraphDef: node=1 repeated NodeDef; versions=4 VersionDef; version=3 int32;
    library=2 FunctionDefLibrary
CppShapeInferenceResult: shape=1 TensorShapeProto; handle_data=4 HandleData
CppShapeInferenceResult.HandleShapeAndType: shape=1 TensorShapeProto; dtype=2 DataType
CppShapeInferenceResult.HandleData: is_set=1 bool; shape_and_type=2 repeated HandleShapeAndType
CppShapeInferenceInputsNeeded: input_tensors_needed=1 repeated int32;
    input_tensors_as_shapes_needed=2 repeated int32
"""
