"""Configurations of the embedding projector, and sets of hyperparameters."""

SCHEMA = """
package tensorflow

SpriteMetadata: image_path=1 string; single_image_dim=2 repeated uint32
EmbeddingInfo: tensor_name=1 string; metadata_path=2 string; bookmarks_path=3 string;
    tensor_shape=4 repeated uint32; sprite=5 SpriteMetadata; tensor_path=6 string
ProjectorConfig: model_checkpoint_path=1 string; embeddings=2 repeated EmbeddingInfo;
    model_checkpoint_dir=3 string
HParamDef: hparam=1 map<string,HParamType>
HParamDef.BytesList: value=1 repeated bytes
HParamDef.FloatList: value=1 repeated float
HParamDef.Int64List: value=1 repeated int64
HParamDef.BoolList: value=1 repeated bool
HParamDef.HParamType: int64_value=1 int64 @kind; float_value=2 float @kind;
    bytes_value=3 bytes @kind; bool_value=7 bool @kind; int64_list=4 Int64List @kind;
    float_list=5 FloatList @kind; bytes_list=6 BytesList @kind; bool_list=8 BoolList @kind
"""
