# ruff: noqa: E501
"""Expressions over ragged tensors, recorded under TF 1.15: what they give, as lists, and errors.

python tests/golden/ragged_values.py
"""

import json
import os
import sys

EXPRESSIONS = r"""
rt()
deep()
deep().to_tensor()
rt().to_tensor()
rt().to_tensor(-1)
rt().to_sparse()
rt()+1
1-rt()
rt()*rt()
rt()/2
rt()//2
rt()%2
-rt()
rt()>2
rt()+[[10],[20],[30]]
rt()[0]
rt()[-1]
rt()[1:]
rt()[::2]
rt()[:,1:]
rt()[:,:2]
rt()[:,0]
rt()[2,1]
rt()[:,-1:]
rt()[tf.newaxis]
rt()[...,1:]
deep()[0]
deep()[0,1]
deep()[:,:1]
deep()[:,:,1:]
tf.reduce_sum(rt(),axis=1)
tf.reduce_sum(rt(),axis=0)
tf.reduce_sum(rt())
tf.reduce_max(rt(),axis=1)
tf.reduce_min(rt(),axis=1)
tf.reduce_prod(rt(),axis=1)
tf.reduce_mean(rt(),1)
tf.reduce_any(rt()>3,1)
tf.reduce_all(rt()>0,1)
tf.reduce_sum(deep(),axis=2)
tf.reduce_sum(deep(),axis=1)
tf.reduce_sum(deep(),axis=[0,1])
tf.concat([rt(),rt()],axis=1)
tf.concat([rt(),rt()],axis=0)
tf.concat([rt(),[[7],[8],[9]]],axis=1)
tf.concat([deep(),deep()],axis=2)
tf.stack([rt(),rt()],axis=0)
tf.stack([rt(),rt()],axis=1)
r.stack([[1,2],[3,4]])
r.stack([rt()])
r.range([3,1,2])
r.range([0,2],[3,6],2)
r.range([0.,2],[1.,3.],.5)
r.range(3,limits=[4,5])
tf.gather(rt(),[2,0])
tf.gather(rt(),[[2,0],[1,1]])
tf.gather([10,20,30,40,50,60],rt())
r.map_flat_values(tf.add,rt(),10)
r.map_flat_values(tf.add_n,[rt(),rt()])
tf.square(rt())
tf.add(rt(),1)
tf.cast(rt(),tf.float32)
tf.size(rt())
tf.rank(deep())
tf.where(rt()>2)
tf.expand_dims(rt(),0)
tf.expand_dims(rt(),1)
tf.expand_dims(rt(),-1)
tf.tile(rt(),[1,2])
tf.tile(rt(),[2,1])
tf.as_string(rt())
tf.strings.join([tf.as_string(rt()),tf.as_string(rt())],':')
r.boolean_mask([[1,2,3],[4,5,6]],[[True,False,True],[False,False,True]])
r.boolean_mask(rt(),[True,False,True])
r.boolean_mask(rt(),rt()>2)
r.row_splits_to_segment_ids([0,2,2,5])
r.segment_ids_to_row_splits([0,0,2,2,2])
r.segment_ids_to_row_splits([0,0,2],num_segments=5)
r.stack_dynamic_partitions([1,2,3],[0,2,0],3)
r.stack_dynamic_partitions([[1,2],[3,4],[5,6]],[1,1,0],3)
rt().row_lengths()
deep().row_lengths(axis=2)
rt().value_rowids()
rt().row_starts()
rt().row_limits()
rt().nrows()
rt().bounding_shape()
deep().bounding_shape()
deep().bounding_shape(axis=1)
tf.RaggedTensor.from_tensor([[1,2,0],[3,0,0]])
tf.RaggedTensor.from_tensor([[1,2,0],[3,0,0]],padding=0)
tf.RaggedTensor.from_tensor([[1,2,0],[3,0,0]],lengths=[1,2])
tf.RaggedTensor.from_tensor([[[1,2],[3,4]],[[5,6],[7,8]]],ragged_rank=2)
tf.RaggedTensor.from_sparse(tf.SparseTensor([[0,0],[0,1],[2,0]],[1,2,3],[3,2]))
tf.RaggedTensor.from_value_rowids([1,2,3],[0,0,2],4)
tf.RaggedTensor.from_value_rowids([1,2,3],[0,0,2])
tf.RaggedTensor.from_row_lengths([1,2,3],[2,0,1])
tf.RaggedTensor.from_row_starts([1,2,3],[0,2,2])
tf.RaggedTensor.from_row_limits([1,2,3],[2,2,3])
tf.RaggedTensor.from_nested_row_splits([1,2,3],[[0,2],[0,1,3]])
tf.RaggedTensor.from_nested_row_lengths([1,2,3],[[2],[1,2]])
tf.RaggedTensor.from_nested_value_rowids([1,2,3],[[0,0],[0,1,1]])
tf.RaggedTensor.from_row_splits([1,2,3],[])
tf.RaggedTensor([1,2],[0,2])
tf.RaggedTensor.from_tensor([[1,2]],lengths=[1],padding=0)
r.constant([[1,2],[3]],dtype=tf.float32)
r.constant([[[1,2],[3,4]],[[5,6]]],ragged_rank=1)
r.constant([[[1,2],[3,4]],[[5,6]]],inner_shape=(2,))
r.constant([],ragged_rank=0)
r.constant(3)
r.constant([1,2,3])
r.constant([['a','b'],[]])
r.constant([[1],2])
r.constant([[1,2],[3]],ragged_rank=2)
r.constant([[[1,2],[3]]],ragged_rank=1)
tf.strings.unicode_decode(['ab',u'h\u00e9'],'UTF-8')
tf.strings.unicode_decode([['ab'],['c']],'UTF-8')
tf.strings.unicode_decode_with_offsets([u'h\u00e9a'],'UTF-8')[1]
tf.strings.unicode_decode([b'a\xffb'],'UTF-8')
tf.strings.unicode_decode([b'a\xffb'],'UTF-8',errors='ignore')
tf.strings.unicode_decode(['a\x01b'],'UTF-8',replace_control_characters=True,replacement_char=32)
tf.strings.unicode_decode([b'\x00a\x00b'],'UTF-16-BE')
tf.strings.unicode_split(['ab',u'h\u00e9'],'UTF-8')
tf.strings.unicode_decode('ab','UTF-8')
tf.strings.unicode_encode([[97,98],[99,100]],'UTF-8')
tf.strings.unicode_encode([97,233],'UTF-16-BE')
tf.strings.unicode_encode(r.constant([[97,98],[99]]),'UTF-8')
tf.strings.bytes_split(['ab','c'])
tf.strings.bytes_split('ab')
tf.strings.ngrams(['a','b','c'],2)
tf.strings.ngrams(['a','b','c'],[1,2],separator='-')
tf.strings.ngrams([['a','b'],['c','d']],2,pad_values='x')
tf.strings.ngrams(['a','b','c'],3,pad_values=('L','R'),padding_width=1)
tf.strings.ngrams(['a'],2,preserve_short_sequences=True)
tf.strings.ngrams(['a'],2)
tf.strings.split(['a b','c'],result_type='RaggedTensor')
tf.strings.split(['a,b','c'],',',result_type='RaggedTensor')
tf.string_split(['a b','c'],result_type='RaggedTensor')
tf.strings.unicode_transcode(['ab',u'h\u00e9'],'UTF-8','UTF-16-BE')
tf.strings.unsorted_segment_join(['a','b','c'],[0,1,0],2,':')
tf.convert_to_tensor(tf.gradients(tf.reduce_sum(tf.RaggedTensor.from_row_splits(c(),[0,2,2,3]).to_tensor()*[[1.,2.],[3.,4.],[5.,6.]]),c())[0])
tf.convert_to_tensor(tf.gradients(tf.gather(tf.RaggedTensor.from_row_splits(c(),[0,2,2,3]),[2,0,0]).values*2.,c())[0])
tf.convert_to_tensor(tf.gradients(tf.reduce_sum(tf.RaggedTensor.from_row_splits(c(),[0,2,2,3]),axis=1)*[1.,2.,3.],c())[0])
"""


def names(tf):
    made = []

    def c():
        if not made:
            made.append(tf.constant([1.0, 2.0, 3.0]))
        return made[0]

    ragged = tf.ragged
    return {
        "tf": tf,
        "r": ragged,
        "c": c,
        "rt": lambda: ragged.constant([[1, 2, 3], [], [4, 5]]),
        "deep": lambda: ragged.constant([[[1], [2, 3]], [], [[4, 5, 6]]]),
    }


def plain(value):
    """Turns what a session gave into lists."""
    if hasattr(value, "to_list"):
        return plain(value.to_list())
    if hasattr(value, "dense_shape"):
        return [plain(part) for part in value]
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, bytes):
        return value.decode("latin1")
    return plain(value.tolist()) if hasattr(value, "tolist") else value


def run(tf, text):
    """Returns what becomes of one expression."""
    with tf.Graph().as_default(), tf.Session() as session:
        try:
            result = eval(text, names(tf))
        except Exception as error:
            return {"raises": type(error).__name__}
        shape = result.shape
        known = None if shape.ndims is None else shape.as_list()
        value = session.run(result)
        return {"kind": type(result).__name__, "shape": known, "value": plain(value)}


if __name__ == "__main__":
    import tensorflow as tensorflow

    tensorflow.compat.v1.logging.set_verbosity("ERROR")
    rows = []
    for line in EXPRESSIONS.strip().splitlines():
        entry = json.dumps(run(tensorflow, line), separators=(",", ":"), sort_keys=True)
        rows.append("%s: %s" % (json.dumps(line), entry))
    path = os.path.splitext(os.path.abspath(sys.argv[0]))[0] + ".json"
    with open(path, "w") as file:
        file.write("{\n" + ",\n".join(rows) + "\n}\n")
