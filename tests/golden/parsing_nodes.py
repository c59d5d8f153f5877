# ruff: noqa: E501
"""Expressions over the parsing ops, recorded under TF 1.15.

python tests/golden/parsing_nodes.py
"""

from expressions import write

SHORT = {
    "{A}": r"tf.train.Example(features=tf.train.Features(feature={'f': tf.train.Feature(float_list=tf.train.FloatList(value=[1.5, 2.5])), 'n': tf.train.Feature(int64_list=tf.train.Int64List(value=[300])), 's': tf.train.Feature(bytes_list=tf.train.BytesList(value=[b'ab'])), 'l': tf.train.Feature(int64_list=tf.train.Int64List(value=[3, -1, 1 << 40])), 'i': tf.train.Feature(int64_list=tf.train.Int64List(value=[3, 1])), 'none': tf.train.Feature()})).SerializeToString()",
    "{B}": r"tf.train.Example(features=tf.train.Features(feature={'f': tf.train.Feature(float_list=tf.train.FloatList(value=[3.5, 4.5])), 'n': tf.train.Feature(int64_list=tf.train.Int64List(value=[7])), 's': tf.train.Feature(bytes_list=tf.train.BytesList(value=[b'cdefg'])), 'l': tf.train.Feature(int64_list=tf.train.Int64List(value=[])), 'i': tf.train.Feature(int64_list=tf.train.Int64List(value=[0, 4]))})).SerializeToString()",
    "{S}": r"tf.train.SequenceExample(context=tf.train.Features(feature={'c': tf.train.Feature(float_list=tf.train.FloatList(value=[1.5])), 'l': tf.train.Feature(int64_list=tf.train.Int64List(value=[1, 2]))}), feature_lists=tf.train.FeatureLists(feature_list={'q': tf.train.FeatureList(feature=[tf.train.Feature(int64_list=tf.train.Int64List(value=[1, 2])), tf.train.Feature(int64_list=tf.train.Int64List(value=[3, 4]))]), 'w': tf.train.FeatureList(feature=[tf.train.Feature(bytes_list=tf.train.BytesList(value=[b'x', b'y'])), tf.train.Feature(), tf.train.Feature(bytes_list=tf.train.BytesList(value=[b'z']))])})).SerializeToString()",
    "{T}": r"tf.train.SequenceExample(context=tf.train.Features(feature={'c': tf.train.Feature(float_list=tf.train.FloatList(value=[2.5]))}), feature_lists=tf.train.FeatureLists(feature_list={'q': tf.train.FeatureList(feature=[tf.train.Feature(int64_list=tf.train.Int64List(value=[5, 6]))])})).SerializeToString()",
    "{F}": "tf.FixedLenFeature",
    "{V}": "tf.VarLenFeature",
    "{Q}": "tf.FixedLenSequenceFeature",
    "{one}": "[v for k, v in sorted(tf.parse_single_example",
    "{many}": "[v for k, v in sorted(tf.parse_example",
    "{sone}": "[v for d in tf.io.parse_single_sequence_example",
    "{smany}": "[v for d in tf.io.parse_sequence_example",
    "{parts}": "for v in [v.indices, v.values, v.dense_shape]]",
}

EXPRESSIONS = r"""
{many}([{A},{B}], {'f': {F}([2], tf.float32), 'n': {F}([], tf.int64), 's': {F}([], tf.string)}).items())]
{many}([{A},{B}], {'f': {F}([2], tf.float32), 'd': {F}([], tf.int64, 3), 'x/y z': {F}([2], tf.string, ['p', 'q'])}).items())]
{many}([{A},{B}], {'l': {V}(tf.int64)}).items()) {parts}
{many}([{A},{B}], {'none': {V}(tf.float32)}).items()) {parts}
{many}([{A},{B}], {'l': {Q}([], tf.int64, allow_missing=True), 'f': {Q}([2], tf.float32, allow_missing=True)}).items())]
{many}([{A},{B}], {'l': {Q}([], tf.int64, allow_missing=True, default_value=-5), 's': {Q}([], tf.string, allow_missing=True)}).items())]
{many}([{A},{B}], {'l': {Q}([2], tf.int64, allow_missing=True)}).items())]
{many}([{A},{B}], {'l': {Q}([], tf.int64)}).items())]
{many}([{A},{B}], {'z': tf.SparseFeature('i', 'f', tf.float32, 5)}).items()) {parts}
{many}([{A},{B}], {'z': tf.SparseFeature(['i', 'i'], 'f', tf.float32, [5, 6], already_sorted=True)}).items()) {parts}
{many}([{A},b''], {'f': {F}([2], tf.float32)}).items())]
{many}([{A},b''], {'f': {F}([2], tf.float32)}, example_names=['one', 'two']).items())]
{many}([{A},b''], {'f': {F}([2], tf.float32)}, example_names=['one']).items())]
{many}([{A}], {'n': {F}([], tf.float32)}).items())]
{many}([{A}], {'n': {V}(tf.string)}).items()) {parts}
{many}([{A}], {'f': {F}([], tf.float32)}).items())]
{many}([{A}], {'none': {F}([], tf.float32)}).items())]
{many}([{A}], {'none': {F}([], tf.float32, 2)}).items())]
{many}([b'garbage'], {'n': {F}([], tf.float32)}).items())]
{many}([{A}[:-3]], {'n': {F}([], tf.float32)}).items())]
{many}(np.array([], object), {'f': {F}([2], tf.float32)}).items())]
{many}({A}, {'f': {F}([2], tf.float32)}).items())]
{many}(tf.placeholder(tf.string), {'f': {F}([2], tf.float32), 'v': {V}(tf.int64)}).items()) if k == "f"]
{many}(tf.placeholder(tf.string, [None]), {'f': {F}([2], tf.float32), 'l': {Q}([3], tf.int64, allow_missing=True)}).items())]
{many}([{A}], {}).items())]
{many}([{A}], None).items())]
{many}([{A}], {'f': {F}([None], tf.float32)}).items())]
{many}([{A}], {'f': {F}(None, tf.float32)}).items())]
{many}([{A}], {'f': {F}([2], None)}).items())]
{many}([{A}], {'f': {F}([2], tf.int32)}).items())]
{many}([{A}], {'f': {F}([2], tf.float32, [1., 2., 3.])}).items())]
{many}([{A}], {'f': {F}([2], tf.float32, 'x')}).items())]
{many}([{A}], {'f': {V}(None)}).items())]
{many}([{A}], {'f': 3}).items())]
{many}([{A}], {'f': {F}([2], tf.float32)}, name='nm').items())]
{one}({A}, {'f': {F}([2], tf.float32), 'n': {F}([], tf.int64), 's': {F}([], tf.string), 'l': {F}([3, 1], tf.int64)}).items())]
{one}({A}, {'l': {V}(tf.int64)}).items()) {parts}
{one}({B}, {'l': {V}(tf.int64)}).items()) {parts}
{one}({A}, {'l': {Q}([], tf.int64, allow_missing=True), 'zz': {Q}([2], tf.string, allow_missing=True, default_value='q')}).items())]
{one}({A}, {'z': tf.SparseFeature('i', 'f', tf.float32, 5)}).items()) {parts}
{one}({A}, {'d': {F}([2], tf.int64, [3, 4]), 'f': {F}([2], tf.float32)}, name='nm').items())]
{one}({A}, {'f': {F}([2], tf.float32)}, example_names='q').items())]
{one}({A}, {'l': {V}(tf.int64)}, example_names='q').items()) {parts}
{one}({A}, {'q': {F}([2], tf.float32)}).items())]
{one}({A}, {'f': {F}([2], tf.int64)}).items())]
{one}({A}, {'f': {V}(tf.int64)}).items()) {parts}
{one}({A}, {'f': {F}([3], tf.float32)}).items())]
{one}([{A}], {'f': {F}([3], tf.float32)}).items())]
{one}(b'garbage', {'f': {F}([3], tf.float32)}).items())]
{one}({A}, {}).items())]
{sone}({S}, {'c': {F}([], tf.float32), 'd': {F}([2], tf.int64, [3, 4])}, {'q': {Q}([2], tf.int64), 'e': {Q}([], tf.int64, allow_missing=True)}) for k, v in sorted(d.items())]
{sone}({S}, {'l': {V}(tf.int64)}, {'w': {V}(tf.string)}) for k, v in sorted(d.items()) {parts}
{sone}({S}, None, {'q': {Q}([1], tf.int64)}, example_name='nm') for k, v in sorted(d.items())]
{sone}({S}, None, {'x': {Q}([1], tf.int64)}) for k, v in sorted(d.items())]
{sone}({S}, {'x': {F}([1], tf.int64)}) for k, v in sorted(d.items())]
{sone}({S}, None, {'q': {F}([1], tf.int64)}) for k, v in sorted(d.items())]
{sone}({S}, {'q': {Q}([1], tf.int64)}, None) for k, v in sorted(d.items())]
{sone}({S}, None, None) for k, v in sorted(d.items())]
{sone}(b'garbage', {'c': {F}([1], tf.int64)}) for k, v in sorted(d.items())]
{sone}({S}, None, {'q': {Q}([], tf.int64, default_value=3)}) for k, v in sorted(d.items())]
{smany}([{S},{T}], {'c': {F}([], tf.float32), 'd': {F}([2], tf.int64, [3, 4])}, {'q': {Q}([2], tf.int64)}) for k, v in sorted(d.items())]
{smany}([{S},{T}], {'l': {V}(tf.int64)}, {'q': {V}(tf.int64)}) for k, v in sorted(d.items()) {parts}
{smany}([{S}], {'x': {F}([], tf.int64)}, None) for k, v in sorted(d.items())]
{smany}([{S}], {'c': {F}([], tf.int64)}, None, example_names=['nm']) for k, v in sorted(d.items())]
{smany}([{S}], None, {'c': {Q}([], tf.int64)}) for k, v in sorted(d.items())]
{smany}([{S}], None, {'q': {Q}([], tf.int64)}) for k, v in sorted(d.items())]
{smany}([{S}], None, {'q': {Q}([2], tf.float32)}) for k, v in sorted(d.items())]
{smany}([b'garbage'], None, {'q': {Q}([2], tf.float32)}) for k, v in sorted(d.items())]
tf.decode_raw([b'\1\2\3\4',b'abcd'], tf.uint8)
tf.decode_raw([b'\1\2\3\4',b'abcd'], tf.uint16)
tf.decode_raw(b'\1\2\3\4', tf.int32, little_endian=False)
tf.decode_raw(b'\1\2\3\4', tf.float32)
tf.decode_raw([b'\1\2\3\4',b'abc'], tf.uint8)
tf.decode_raw([b'\1\2\3'], tf.uint16)
tf.decode_raw(b'\0\1\2', tf.bool)
tf.decode_raw(bytes=b'ab', out_type=tf.int8)
tf.decode_raw(b'', tf.int8)
tf.decode_raw([b'',b''], tf.int16)
tf.decode_raw(tf.placeholder(tf.string, [None, 3]), tf.int16)
tf.raw_ops.DecodePaddedRaw(input_bytes=[b'abc',b'a'], fixed_length=4, out_type=tf.uint8)
tf.raw_ops.DecodePaddedRaw(input_bytes=[b'abcdef'], fixed_length=4, out_type=tf.uint16)
tf.raw_ops.DecodePaddedRaw(input_bytes=[b'abcdef',b'ab'], fixed_length=5, out_type=tf.uint16)
tf.raw_ops.DecodePaddedRaw(input_bytes=[b'abcdef',b'ab'], fixed_length=0, out_type=tf.uint16)
tf.decode_compressed([b'x\x9c\xcbH\xcd\xc9\xc9\x07\x00\x06,\x02\x15'], 'ZLIB')
tf.decode_compressed(b'x')
tf.decode_compressed(b'x', 'FOO')
tf.decode_csv(['1,2.5,x','3,4,y'], [[0],[0.],['']])
tf.decode_csv('1,2', [[0],[0]])
tf.decode_csv([',2'], [[7],[0]])
tf.decode_csv([',2'], [[],[0]])
tf.decode_csv(['1,2'], [[0]])
tf.decode_csv(['1'], [[0],[0]])
tf.decode_csv(['a'], [[0]])
tf.decode_csv(['1.5'], [[0]])
tf.decode_csv(['a'], [[0.]])
tf.decode_csv(['"a,""b",c'], [[''],['']])
tf.decode_csv(['"a'], [['']])
tf.decode_csv(['a"b,c'], [[''],['']])
tf.decode_csv(['"a"b,c'], [[''],['']])
tf.decode_csv(['"a,b'], [[''],['']], use_quote_delim=False)
tf.decode_csv(['NA,2'], [[7],[0]], na_value='NA')
tf.decode_csv(['1,2,3'], [[0],[0]], select_cols=[0,2])
tf.decode_csv(['1,2,3'], [[0],[0]], select_cols=[2,0])
tf.decode_csv(['1,2,3'], [[0]], select_cols=[0,2])
tf.decode_csv(['1,2,3'], [[0]], select_cols=[5])
tf.decode_csv(['1\t2'], [[0],[0]], field_delim='\t')
tf.decode_csv(['1 2'], [[0],[0]], field_delim='ab')
tf.decode_csv(['99999999999'], [[0]])
tf.decode_csv([' 1 , 2'], [[0],[0.]])
tf.decode_csv(['1\n'], [[0]])
tf.decode_csv(['1,'], [['a'],['b']])
tf.decode_csv([''], [['a']])
tf.decode_csv(['""'], [['a']])
tf.decode_csv([['1','2'],['3','4']], [[3]])
tf.decode_csv(['1'], [[1,2]])
tf.decode_csv(['1'], [[[1]]])
tf.decode_csv(['1'], [True])
tf.decode_csv(['1'], [3])
tf.decode_csv(['1e3,nan,inf,-1'], [[1.],[1.],[1.],np.array([1.])])
tf.decode_csv(['1\n2'], [[1]])
tf.decode_csv(['"1\n2"'], [['']])
tf.decode_csv(['1'], 1)
tf.decode_csv(['"abc" '], [['']])
tf.serialize_tensor([1,2])
tf.serialize_tensor(np.float32(1))
tf.serialize_tensor(['a','b'])
tf.serialize_tensor(np.array([1.],np.float16))
tf.serialize_tensor([True, False])
tf.parse_tensor(tf.serialize_tensor([1,2]), tf.int32)
tf.parse_tensor(tf.serialize_tensor(['a','b']), tf.string)
tf.parse_tensor(tf.serialize_tensor([1,2]), tf.float32)
tf.parse_tensor('bad', tf.int32)
tf.parse_tensor(['bad'], tf.int32)
"""


def spelled_out():
    text = EXPRESSIONS
    for short, full in SHORT.items():
        text = text.replace(short, full)
    return text


if __name__ == "__main__":
    write(spelled_out())
