"""Examples: features by name, for data files."""

SCHEMA = """
package tensorflow
import types

BytesList: value=1 repeated bytes
FloatList: value=1 repeated float
Int64List: value=1 repeated int64
Feature: bytes_list=1 BytesList @kind; float_list=2 FloatList @kind;
    int64_list=3 Int64List @kind
Features: feature=1 map<string,Feature>
FeatureList: feature=1 repeated Feature
FeatureLists: feature_list=1 map<string,FeatureList>
Example: features=1 Features
SequenceExample: context=1 Features; feature_lists=2 FeatureLists
VarLenFeatureProto: dtype=1 DataType; values_output_tensor_name=2 string;
    indices_output_tensor_name=3 string; shapes_output_tensor_name=4 string
FixedLenFeatureProto: dtype=1 DataType; shape=2 TensorShapeProto; default_value=3 TensorProto;
    values_output_tensor_name=4 string
FeatureConfiguration: fixed_len_feature=1 FixedLenFeatureProto @config;
    var_len_feature=2 VarLenFeatureProto @config
ExampleParserConfiguration: feature_map=1 map<string,FeatureConfiguration>
"""
