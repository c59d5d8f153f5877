"""Variables, collections, meta graphs and saved models."""

SCHEMA = """
package tensorflow
import google.any graph status types

enum VariableSynchronization: VARIABLE_SYNCHRONIZATION_AUTO=0; VARIABLE_SYNCHRONIZATION_NONE=1;
    VARIABLE_SYNCHRONIZATION_ON_WRITE=2; VARIABLE_SYNCHRONIZATION_ON_READ=3
enum VariableAggregation: VARIABLE_AGGREGATION_NONE=0; VARIABLE_AGGREGATION_SUM=1;
    VARIABLE_AGGREGATION_MEAN=2; VARIABLE_AGGREGATION_ONLY_FIRST_REPLICA=3
VariableDef: variable_name=1 string; initial_value_name=6 string; initializer_name=2 string;
    snapshot_name=3 string; save_slice_info_def=4 SaveSliceInfoDef; is_resource=5 bool;
    trainable=7 bool; synchronization=8 VariableSynchronization;
    aggregation=9 VariableAggregation
SaveSliceInfoDef: full_name=1 string; full_shape=2 repeated int64; var_offset=3 repeated int64;
    var_shape=4 repeated int64
QueueRunnerDef: queue_name=1 string; enqueue_op_name=2 repeated string; close_op_name=3 string;
    cancel_op_name=4 string; queue_closed_exception_types=5 repeated error.Code
ReaderBaseState: work_started=1 int64; work_finished=2 int64; num_records_produced=3 int64;
    current_work=4 bytes
ValuesDef: values=1 repeated string; external_values=2 map<string,string>
ControlFlowContextDef: cond_ctxt=1 CondContextDef @ctxt; while_ctxt=2 WhileContextDef @ctxt
CondContextDef: context_name=1 string; pred_name=2 string; pivot_name=3 string; branch=4 int32;
    values_def=5 ValuesDef; nested_contexts=6 repeated ControlFlowContextDef
WhileContextDef: context_name=1 string; parallel_iterations=2 int32; back_prop=3 bool;
    swap_memory=4 bool; pivot_name=5 string; pivot_for_pred_name=6 string;
    pivot_for_body_name=7 string; loop_exit_names=8 repeated string;
    loop_enter_names=10 repeated string; values_def=9 ValuesDef;
    maximum_iterations_name=11 string; nested_contexts=12 repeated ControlFlowContextDef
SaverDef: filename_tensor_name=1 string; save_tensor_name=2 string; restore_op_name=3 string;
    max_to_keep=4 int32; sharded=5 bool; keep_checkpoint_every_n_hours=6 float;
    version=7 CheckpointFormatVersion
enum SaverDef.CheckpointFormatVersion: LEGACY=0; V1=1; V2=2
StructuredValue: none_value=1 NoneValue @kind; float64_value=11 double @kind;
    int64_value=12 sint64 @kind; string_value=13 string @kind; bool_value=14 bool @kind;
    tensor_shape_value=31 TensorShapeProto @kind; tensor_dtype_value=32 DataType @kind;
    tensor_spec_value=33 TensorSpecProto @kind; type_spec_value=34 TypeSpecProto @kind;
    list_value=51 ListValue @kind; tuple_value=52 TupleValue @kind;
    dict_value=53 DictValue @kind; named_tuple_value=54 NamedTupleValue @kind
NoneValue:
ListValue: values=1 repeated StructuredValue
TupleValue: values=1 repeated StructuredValue
DictValue: fields=1 map<string,StructuredValue>
PairValue: key=1 string; value=2 StructuredValue
NamedTupleValue: name=1 string; values=2 repeated PairValue
TensorSpecProto: name=1 string; shape=2 TensorShapeProto; dtype=3 DataType
TypeSpecProto: type_spec_class=1 TypeSpecClass; type_state=2 StructuredValue;
    type_spec_class_name=3 string
enum TypeSpecProto.TypeSpecClass: UNKNOWN=0; SPARSE_TENSOR_SPEC=1; INDEXED_SLICES_SPEC=2;
    RAGGED_TENSOR_SPEC=3; TENSOR_ARRAY_SPEC=4; DATA_DATASET_SPEC=5; DATA_ITERATOR_SPEC=6;
    OPTIONAL_SPEC=7; PER_REPLICA_SPEC=8
TrackableObjectGraph: nodes=1 repeated TrackableObject
TrackableObjectGraph.TrackableObject: children=1 repeated ObjectReference;
    attributes=2 repeated SerializedTensor; slot_variables=3 repeated SlotVariableReference
TrackableObjectGraph.TrackableObject.ObjectReference: node_id=1 int32; local_name=2 string
TrackableObjectGraph.TrackableObject.SerializedTensor: name=1 string; full_name=2 string;
    checkpoint_key=3 string; optional_restore=4 bool
TrackableObjectGraph.TrackableObject.SlotVariableReference: original_variable_node_id=1 int32;
    slot_name=2 string; slot_variable_node_id=3 int32
SavedObjectGraph: nodes=1 repeated SavedObject;
    concrete_functions=2 map<string,SavedConcreteFunction>
SavedObject: children=1 repeated TrackableObjectGraph.TrackableObject.ObjectReference;
    slot_variables=3 repeated TrackableObjectGraph.TrackableObject.SlotVariableReference;
    user_object=4 SavedUserObject @kind; asset=5 SavedAsset @kind;
    function=6 SavedFunction @kind; variable=7 SavedVariable @kind;
    bare_concrete_function=8 SavedBareConcreteFunction @kind; constant=9 SavedConstant @kind;
    resource=10 SavedResource @kind
SavedUserObject: identifier=1 string; version=2 VersionDef; metadata=3 string
SavedAsset: asset_file_def_index=1 int32
SavedFunction: concrete_functions=1 repeated string; function_spec=2 FunctionSpec
SavedConcreteFunction: bound_inputs=2 repeated int32;
    canonicalized_input_signature=3 StructuredValue; output_signature=4 StructuredValue
SavedBareConcreteFunction: concrete_function_name=1 string; argument_keywords=2 repeated string;
    allowed_positional_arguments=3 int64
SavedConstant: operation=1 string
SavedVariable: dtype=1 DataType; shape=2 TensorShapeProto; trainable=3 bool;
    synchronization=4 VariableSynchronization; aggregation=5 VariableAggregation; name=6 string
FunctionSpec: fullargspec=1 StructuredValue; is_method=2 bool; input_signature=5 StructuredValue
SavedResource: device=1 string
GraphDebugInfo: files=1 repeated string; traces=2 map<string,StackTrace>
GraphDebugInfo.FileLineCol: file_index=1 int32; line=2 int32; col=3 int32; func=4 string;
    code=5 string
GraphDebugInfo.StackTrace: file_line_cols=1 repeated FileLineCol
MetaGraphDef: meta_info_def=1 MetaInfoDef; graph_def=2 GraphDef; saver_def=3 SaverDef;
    collection_def=4 map<string,CollectionDef>; signature_def=5 map<string,SignatureDef>;
    asset_file_def=6 repeated AssetFileDef; object_graph_def=7 SavedObjectGraph
MetaGraphDef.MetaInfoDef: meta_graph_version=1 string; stripped_op_list=2 OpList;
    any_info=3 google.protobuf.Any; tags=4 repeated string; tensorflow_version=5 string;
    tensorflow_git_version=6 string; stripped_default_attrs=7 bool
CollectionDef: node_list=1 NodeList @kind; bytes_list=2 BytesList @kind;
    int64_list=3 Int64List @kind; float_list=4 FloatList @kind; any_list=5 AnyList @kind
CollectionDef.NodeList: value=1 repeated string
CollectionDef.BytesList: value=1 repeated bytes
CollectionDef.Int64List: value=1 repeated int64
CollectionDef.FloatList: value=1 repeated float
CollectionDef.AnyList: value=1 repeated google.protobuf.Any
TensorInfo: name=1 string @encoding; coo_sparse=4 CooSparse @encoding;
    composite_tensor=5 CompositeTensor @encoding; dtype=2 DataType;
    tensor_shape=3 TensorShapeProto
TensorInfo.CooSparse: values_tensor_name=1 string; indices_tensor_name=2 string;
    dense_shape_tensor_name=3 string
TensorInfo.CompositeTensor: type_spec=1 TypeSpecProto; components=2 repeated TensorInfo
SignatureDef: inputs=1 map<string,TensorInfo>; outputs=2 map<string,TensorInfo>;
    method_name=3 string
AssetFileDef: tensor_info=1 TensorInfo; filename=2 string
SavedModel: saved_model_schema_version=1 int64; meta_graphs=2 repeated MetaGraphDef
"""
