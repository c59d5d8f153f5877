"""Element types, shapes, slices, versions and dense tensors."""

SCHEMA = """
package tensorflow

enum DataType: DT_INVALID=0; DT_FLOAT=1; DT_DOUBLE=2; DT_INT32=3; DT_UINT8=4; DT_INT16=5;
    DT_INT8=6; DT_STRING=7; DT_COMPLEX64=8; DT_INT64=9; DT_BOOL=10; DT_QINT8=11; DT_QUINT8=12;
    DT_QINT32=13; DT_BFLOAT16=14; DT_QINT16=15; DT_QUINT16=16; DT_UINT16=17; DT_COMPLEX128=18;
    DT_HALF=19; DT_RESOURCE=20; DT_VARIANT=21; DT_UINT32=22; DT_UINT64=23; DT_FLOAT_REF=101;
    DT_DOUBLE_REF=102; DT_INT32_REF=103; DT_UINT8_REF=104; DT_INT16_REF=105; DT_INT8_REF=106;
    DT_STRING_REF=107; DT_COMPLEX64_REF=108; DT_INT64_REF=109; DT_BOOL_REF=110;
    DT_QINT8_REF=111; DT_QUINT8_REF=112; DT_QINT32_REF=113; DT_BFLOAT16_REF=114;
    DT_QINT16_REF=115; DT_QUINT16_REF=116; DT_UINT16_REF=117; DT_COMPLEX128_REF=118;
    DT_HALF_REF=119; DT_RESOURCE_REF=120; DT_VARIANT_REF=121; DT_UINT32_REF=122;
    DT_UINT64_REF=123
TensorShapeProto: dim=2 repeated Dim; unknown_rank=3 bool
TensorShapeProto.Dim: size=1 int64; name=2 string
TensorSliceProto: extent=1 repeated Extent
TensorSliceProto.Extent: start=1 int64; length=2 int64 @has_length
VersionDef: producer=1 int32; min_consumer=2 int32; bad_consumers=3 repeated int32
ResourceHandleProto: device=1 string; container=2 string; name=3 string; hash_code=4 uint64;
    maybe_type_name=5 string; dtypes_and_shapes=6 repeated DtypeAndShape
ResourceHandleProto.DtypeAndShape: dtype=1 DataType; shape=2 TensorShapeProto
TensorProto: dtype=1 DataType; tensor_shape=2 TensorShapeProto; version_number=3 int32;
    tensor_content=4 bytes; half_val=13 repeated int32; float_val=5 repeated float;
    double_val=6 repeated double; int_val=7 repeated int32; string_val=8 repeated bytes;
    scomplex_val=9 repeated float; int64_val=10 repeated int64; bool_val=11 repeated bool;
    dcomplex_val=12 repeated double; resource_handle_val=14 repeated ResourceHandleProto;
    variant_val=15 repeated VariantTensorDataProto; uint32_val=16 repeated uint32;
    uint64_val=17 repeated uint64
VariantTensorDataProto: type_name=1 string; metadata=2 bytes; tensors=3 repeated TensorProto
NamedTensorProto: name=1 string; tensor=2 TensorProto
"""
