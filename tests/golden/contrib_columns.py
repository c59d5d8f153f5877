# ruff: noqa: E501
"""Layers made of the feature columns of tf.contrib.layers: variables and values under TF 1.15.

Variables are set to consecutive numbers before a program is run.

python tests/golden/contrib_columns.py
"""

import json
import os
import sys

REAL = "L.real_valued_column('age')"
HASH = "L.sparse_column_with_hash_bucket('words',5)"
WORD = "L.sparse_column_with_hash_bucket('word',5)"

PROGRAMS = r"""
L.input_from_feature_columns(features(),[@REAL@])
L.input_from_feature_columns(features(),[@REAL@,L.real_valued_column('size',2,normalizer=lambda x: x/2.)])
L.input_from_feature_columns(features(),[L.bucketized_column(@REAL@,[18,30])])
L.input_from_feature_columns(features(),[L.bucketized_column(L.real_valued_column('size',2),[0,2])])
L.input_from_feature_columns(features(),[L.embedding_column(@HASH@,2)])
L.input_from_feature_columns(features(),[L.embedding_column(@WORD@,2,combiner='sum',max_norm=3.)],weight_collections=['w'])
L.input_from_feature_columns(features(),[L.one_hot_column(@HASH@)])
L.input_from_feature_columns(features(),[L.one_hot_column(L.weighted_sparse_column(@HASH@,'weights'))])
L.input_from_feature_columns(features(),[L.embedding_column(L.sparse_column_with_keys('words',['a','c']),2)])
L.input_from_feature_columns(features(),[L.one_hot_column(L.sparse_column_with_integerized_feature('kinds',3))])
L.input_from_feature_columns(features(),[L.one_hot_column(L.sparse_column_with_hash_bucket('kinds',3,dtype=tf.int64))])
L.input_from_feature_columns(features(),[L.embedding_column(L.weighted_sparse_column(@HASH@,'weights'),2)])
L.input_from_feature_columns(features(),[L.embedding_column(L.crossed_column([@HASH@,@WORD@],10),2)])
L.input_from_feature_columns(features(),[L.embedding_column(L.crossed_column([L.bucketized_column(@REAL@,[18,30]),@WORD@],10,hash_key=7),2)])
L.input_from_feature_columns(features(),[L.embedding_column(L.crossed_column([L.crossed_column([@HASH@,@WORD@],10),L.sparse_column_with_integerized_feature('kinds',3)],10),2)])
L.input_from_feature_columns(features(),L.shared_embedding_columns([@HASH@,@WORD@],2))
L.input_from_feature_columns(features(),[tf.feature_column.numeric_column('age'),tf.feature_column.embedding_column(tf.feature_column.categorical_column_with_hash_bucket('word',5),2)],scope='s')
L.input_from_feature_columns(features(),[L.scattered_embedding_column('words',20,3,hash_key=7)])
L.input_from_feature_columns(features(),[L.scattered_embedding_column('words',11,2,hash_key=99,combiner='sum')])
L.weighted_sum_from_feature_columns(features(),[@REAL@,@HASH@],1)[0]
L.weighted_sum_from_feature_columns(features(),[L.bucketized_column(L.real_valued_column('size',2),[0,2]),L.crossed_column([@HASH@,@WORD@],10)],2)[0]
L.weighted_sum_from_feature_columns(features(),[L.weighted_sparse_column(L.sparse_column_with_hash_bucket('words',5,combiner='mean'),'weights')],1,trainable=False)[0]
L.joint_weighted_sum_from_feature_columns(features(),[@WORD@,@HASH@],1)[0]
tf.feature_column.input_layer(features(),[@REAL@,L.bucketized_column(@REAL@,[18,30])])
L.input_from_feature_columns(features(),[@HASH@])
L.input_from_feature_columns(features(),[@REAL@,@REAL@])
L.weighted_sum_from_feature_columns(features(),[L.embedding_column(@HASH@,2)],1)
L.real_valued_column('a',0)
L.real_valued_column('a',default_value=[1.,2.])
L.bucketized_column(@REAL@,[])
L.crossed_column([@HASH@],5)
L.crossed_column(['a','b'],5)
L.embedding_column(@HASH@,2,initializer=3)
sorted(str(k) for k in L.create_feature_spec_for_parsing([@REAL@,@HASH@,L.crossed_column([@HASH@,@WORD@],10)]))
[c.name for c in [@REAL@,@HASH@,L.bucketized_column(@REAL@,[1]),L.embedding_column(@HASH@,2),L.crossed_column([@HASH@,@WORD@],5),L.one_hot_column(@HASH@),L.weighted_sparse_column(@HASH@,'w')]+list(L.shared_embedding_columns([@HASH@,@WORD@],2))]
[c.name + str(c.dimension) for c in L.infer_real_valued_columns({'b':tf.constant([[1.,2.]])})]
"""
for _name in ("REAL", "HASH", "WORD"):
    PROGRAMS = PROGRAMS.replace("@" + _name + "@", globals()[_name])


def features(tf, np):
    def sparse(values, dtype):
        return tf.SparseTensor([[0, 0], [0, 1], [2, 0]], np.array(values, dtype), [3, 2])

    return {
        "age": tf.constant([[21.0], [17.0], [44.0]]),
        "size": tf.constant([[1.0, 2.0], [3.0, -4.0], [0.0, 1.5]]),
        "word": tf.constant([["a"], ["b"], ["zebra"]]),
        "words": sparse(["a", "c", "zebra"], object),
        "kinds": sparse([1, 2, 4], np.int64),
        "weights": sparse([0.5, 2.0, 1.5], np.float32),
    }


def run(tf, text):
    """Returns what becomes of one program."""
    import numpy as np

    with tf.Graph().as_default() as graph:
        names = {"tf": tf, "L": tf.contrib.layers, "features": lambda: features(tf, np)}
        try:
            result = eval(text, names)
        except Exception as error:
            return {"raises": type(error).__name__, "message": str(error)[:200]}
        if isinstance(result, list):
            return {"list": result}
        if not isinstance(result, tf.Tensor):
            return {}
        variables = tf.global_variables()
        keys = ("variables", "trainable_variables", "model_variables", "w")
        with tf.Session() as session:
            session.run([tf.global_variables_initializer(), tf.tables_initializer()])
            for at, variable in enumerate(variables):
                shape = variable.shape.as_list()
                variable.load(np.arange(np.prod(shape)).reshape(shape) * 0.5 + at, session)
            value = session.run(result).tolist()
        return {
            "variables": [[v.op.name, v.shape.as_list()] for v in variables],
            "collections": {key: len(graph.get_collection(key)) for key in keys},
            "value": value,
        }


if __name__ == "__main__":
    import tensorflow as tensorflow

    tensorflow.compat.v1.logging.set_verbosity("ERROR")
    rows = []
    for line in PROGRAMS.strip().splitlines():
        entry = json.dumps(run(tensorflow, line), separators=(",", ":"), sort_keys=True)
        rows.append("%s: %s" % (json.dumps(line), entry))
    path = os.path.splitext(os.path.abspath(sys.argv[0]))[0] + ".json"
    with open(path, "w") as file:
        file.write("{\n" + ",\n".join(rows) + "\n}\n")
