# ruff: noqa: E501
"""Records nodes, queues, collections and look-ups of input pipelines and tables under TF 1.15.

python tests/golden/queue_programs.py

Every expression is evaluated in a fresh graph, in a directory with a few small files. The tests
evaluate the same strings with Millstream.
"""

import json
import os
import re
import sys
import tempfile

FILES = {
    "vocab.txt": "emerson\nlake\npalmer\n",
    "kv.txt": "a\t1\nb\t2\nc\t3\n",
    "num.txt": "10\n20\n30\n",
    "dup.txt": "a\nb\na\n",
}

INPUT = r"""
tf.train.string_input_producer(["a","b","c"],num_epochs=2,shuffle=False)
tf.train.string_input_producer(["a","b","c"],seed=1)
tf.train.string_input_producer(tf.constant(["a","b","c"]),name="foo",shared_name="s",capacity=3)
tf.train.range_input_producer(5,num_epochs=1)
tf.train.range_input_producer(5,shuffle=False,name="r")
tf.train.slice_input_producer([tf.constant([[1.,2.],[3.,4.]]),[1,2]],num_epochs=1,shuffle=False)
tf.train.slice_input_producer([tf.constant([1.,2.])],seed=4,capacity=7,name="si")
tf.train.input_producer(tf.constant([[1.,2.],[3.,4.]]),shuffle=False)
tf.train.input_producer(tf.placeholder(tf.float32,[None,2]),element_shape=[2],num_epochs=3,summary_name="sm",name="ip")
tf.train.limit_epochs(tf.constant([1.]),3)
tf.train.limit_epochs(tf.constant([1.]))
tf.train.match_filenames_once("/tmp/nothing*")
tf.train.batch([tf.constant([1.,2.]),tf.constant(3)],4)
tf.train.batch({"x":tf.constant([1.,2.]),"y":tf.constant(3)},4,num_threads=3,capacity=10,allow_smaller_final_batch=True,name="bb")
tf.train.batch([tf.placeholder(tf.float32,[None,2])],4,dynamic_pad=True)
tf.train.batch([tf.placeholder(tf.float32)],4)
tf.train.batch([tf.placeholder(tf.float32)],4,shapes=[[2]])
tf.train.batch([tf.constant(1.)],tf.placeholder(tf.int32,[]))
tf.train.batch_join([[tf.constant([1.,2.]),tf.constant(3)],[tf.constant([1.,2.]),tf.constant(4)]],4)
tf.train.batch_join([{"a":tf.constant([1.,2.])},{"a":tf.constant([1.,2.])}],4,dynamic_pad=True,name="bj")
tf.train.shuffle_batch([tf.constant([1.,2.]),tf.constant(3)],4,20,10)
tf.train.shuffle_batch([tf.constant([1.,2.]),tf.constant(3)],4,20,10,num_threads=2,seed=3,allow_smaller_final_batch=True,name="sb",shared_name="q")
tf.train.shuffle_batch_join([[tf.constant([1.,2.])],[tf.constant([1.,2.])]],4,20,10)
tf.train.maybe_batch([tf.constant([1.,2.])],tf.constant(True),4)
tf.train.maybe_batch([tf.constant([1.,2.])],True,4)
tf.train.maybe_batch([tf.constant([1.,2.])],False,4)
tf.train.maybe_batch([tf.constant([1.,2.])],tf.placeholder(tf.bool,[2]),4,enqueue_many=True)
tf.train.maybe_shuffle_batch([tf.constant([1.,2.])],4,20,10,tf.placeholder(tf.bool,[]))
tf.train.maybe_batch_join([[tf.constant([1.,2.])],[tf.constant([1.,2.])]],tf.placeholder(tf.bool,[]),4)
tf.train.maybe_shuffle_batch_join([[tf.constant([1.,2.])],[tf.constant([1.,2.])]],4,20,10,tf.placeholder(tf.bool,[]))
tf.train.batch([tf.SparseTensor([[0,1]],[2.],[3,4]),tf.constant(1)],3)
tf.train.batch([tf.SparseTensor([[0,1]],[2.],[3,4])],3,enqueue_many=True)
tf.train.shuffle_batch([tf.SparseTensor([[0,1]],[2.],[3,4])],3,20,10)
tf.train.batch_join([[tf.SparseTensor([[0,1]],[2.],[3,4])],[tf.SparseTensor([[0,1]],[2.],[3,4])]],3)
tf.train.batch([],3)
tf.train.batch_join([],3)
tf.train.batch_join([[tf.constant(1.)],[tf.constant(1)]],3)
tf.train.string_input_producer([])
"""

TABLES = r"""
tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a","b"],[1,2]),-1).lookup(tf.constant(["a","z"]))
tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a","b"],np.array([1,2],np.int64)),-1,name="t").lookup(tf.constant(["a","z"]))
tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a","b"],[1,2],tf.string,tf.int64),-1).size()
tf.contrib.lookup.HashTable(tf.contrib.lookup.KeyValueTensorInitializer(["a","b"],[1.,2.]),-1.).lookup(tf.constant([["a","z"]]))
tf.contrib.lookup.HashTable(tf.contrib.lookup.KeyValueTensorInitializer([1,2],["x","y"],tf.int64,tf.string),"d",shared_name="s").lookup(tf.constant([1,5],tf.int64))
tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer("vocab.txt",tf.string,tf.lookup.TextFileIndex.WHOLE_LINE,tf.int64,tf.lookup.TextFileIndex.LINE_NUMBER),-1).lookup(tf.constant(["lake","x"]))
tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer("kv.txt",tf.string,0,tf.int64,1),-1).lookup(tf.constant(["b","x"]))
tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer("num.txt",tf.int64,-2,tf.int64,-1),-1).lookup(tf.constant([20,5],tf.int64))
tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer("dup.txt",tf.string,-2,tf.int64,-1),-1).lookup(tf.constant(["a"]))
tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer("no.txt",tf.string,-2,tf.int64,-1),-1).lookup(tf.constant(["a"]))
tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer("vocab.txt",tf.string,-2,tf.int64,-1,vocab_size=2),-1).lookup(tf.constant(["lake","palmer"]))
tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer("vocab.txt",tf.string,-2,tf.int64,-1,vocab_size=5),-1).lookup(tf.constant(["lake","palmer"]))
tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer("kv.txt",tf.string,0,tf.int64,2),-1).lookup(tf.constant(["b","x"]))
tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer("vocab.txt",tf.int64,-2,tf.int64,-1),-1).lookup(tf.constant([20,5],tf.int64))
tf.lookup.TextFileInitializer("vocab.txt",tf.float32,-2,tf.int64,-1)
tf.lookup.TextFileInitializer("vocab.txt",tf.string,-2,tf.int32,-1)
tf.lookup.TextFileInitializer("vocab.txt",tf.string,-3,tf.int64,-1)
tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a","b","a"],[1,2,3]),-1).lookup(tf.constant(["a","z"]))
tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a","b"],[1,2]),-1).lookup(tf.constant([1,2]))
tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a","b"],[1,2]),-1).lookup(tf.SparseTensor([[0,0],[1,2]],["b","q"],[2,3]))
tf.lookup.StaticVocabularyTable(tf.lookup.KeyValueTensorInitializer(["a","b"],[0,1],tf.string,tf.int64),3).lookup(tf.constant(["a","z","zz","b"]))
tf.lookup.StaticVocabularyTable(tf.lookup.TextFileInitializer("vocab.txt",tf.string,-2,tf.int64,-1),3,name="sv").size()
tf.lookup.StaticVocabularyTable(None,3).lookup(tf.constant(["a","z"]))
tf.lookup.StaticVocabularyTable(tf.lookup.KeyValueTensorInitializer([5,6],[0,1],tf.int64,tf.int64),3,lookup_key_dtype=tf.int32).lookup(tf.constant([5,9]))
tf.contrib.lookup.index_table_from_tensor(tf.constant(["emerson","lake","palmer"]),num_oov_buckets=1,default_value=-1).lookup(tf.constant(["emerson","lake","and","palmer"]))
tf.contrib.lookup.index_table_from_tensor(["emerson","lake","palmer"]).lookup(tf.constant(["emerson","lake","and","palmer"]))
tf.contrib.lookup.index_table_from_tensor([10,20],dtype=tf.int64,num_oov_buckets=2).lookup(tf.constant([10,3],tf.int64))
tf.contrib.lookup.index_table_from_tensor([10,20],dtype=tf.int32).lookup(tf.constant([10,3]))
tf.contrib.lookup.index_table_from_tensor([1.,2.],dtype=tf.float32)
tf.contrib.lookup.index_table_from_tensor(None)
tf.contrib.lookup.index_table_from_file("vocab.txt",num_oov_buckets=1).lookup(tf.constant(["emerson","lake","and","palmer"]))
tf.contrib.lookup.index_table_from_file("vocab.txt",vocab_size=2,name="tt").lookup(tf.constant(["emerson","palmer"]))
tf.contrib.lookup.index_table_from_file("num.txt",key_dtype=tf.int64).lookup(tf.constant([10,30,4],tf.int64))
tf.contrib.lookup.index_table_from_file("")
tf.contrib.lookup.index_table_from_file("vocab.txt",vocab_size=0)
tf.contrib.lookup.index_to_string_table_from_file("vocab.txt",default_value="U").lookup(tf.constant([1,5],tf.int64))
tf.contrib.lookup.index_to_string_table_from_tensor(["emerson","lake"],default_value="U").lookup(tf.constant([1,5],tf.int64))
tf.contrib.lookup.string_to_index(tf.constant(["lake","x"]),tf.constant(["emerson","lake"]))
tf.contrib.lookup.index_to_string(tf.constant([1,5],tf.int64),tf.constant(["emerson","lake"]))
tf.contrib.lookup.IdTableWithHashBuckets(None,4).lookup(tf.constant(["a","b"]))
tf.contrib.lookup.IdTableWithHashBuckets(tf.contrib.lookup.HashTable(tf.contrib.lookup.TextFileIdTableInitializer("vocab.txt"),-1),4,hasher_spec=tf.contrib.lookup.StrongHashSpec([1,2])).lookup(tf.constant(["lake","b"]))
tf.contrib.lookup.HashTable(tf.contrib.lookup.TextFileStringTableInitializer("vocab.txt"),"U").lookup(tf.constant([0,7],tf.int64))
tf.contrib.lookup.MutableHashTable(tf.string,tf.int64,-1).insert(tf.constant(["a"]),tf.constant([1],tf.int64))
tf.contrib.lookup.MutableHashTable(tf.string,tf.int64,-1,name="m").lookup(tf.constant(["a"]))
tf.contrib.lookup.MutableHashTable(tf.string,tf.float32,[-1.,-2.],name="m").lookup(tf.constant(["a"]))
list(tf.contrib.lookup.MutableHashTable(tf.string,tf.int64,-1,name="m").export())
tf.contrib.lookup.MutableHashTable(tf.string,tf.int64,-1).remove(tf.constant(["a"]))
tf.contrib.lookup.MutableDenseHashTable(tf.int64,tf.int64,-1,empty_key=0,deleted_key=-1).lookup(tf.constant([3],tf.int64))
tf.contrib.lookup.MutableDenseHashTable(tf.int64,tf.float32,[-1.,0.],empty_key=0,deleted_key=-1,checkpoint=False).insert(tf.constant([3],tf.int64),[[1.,2.]])
tf.lookup.experimental.DenseHashTable(tf.int64,tf.int64,-1,empty_key=0,deleted_key=-1).size()
tf.tables_initializer()
"""


def _nodes(graph):
    return [
        [op.name, op.type, [t.name for t in op.inputs], [c.name for c in op.control_inputs]]
        for op in graph.get_operations()
    ]


def _plain(text):
    """Takes out what differs from run to run, or between versions of NumPy."""
    text = re.sub(r"hash_table_[0-9a-f]{8}-[0-9a-f-]*", "hash_table_ID", text)
    return re.sub(r"np\.\w+\((-?[\w.]+)\)", r"\1", text)


def _queues(graph):
    """Gives attrs of all queues by name."""
    found = {}
    for op in graph.get_operations():
        if op.type.endswith("QueueV2"):
            names = ["capacity"] + ["min_after_dequeue", "seed", "seed2"] * ("Shuffle" in op.type)
            found[op.name] = [op.type] + [op.get_attr(name) for name in names]
        elif "HashTable" in op.type:
            shared = op.get_attr("shared_name").decode()
            found[op.name] = [_plain(shared), op.get_attr("use_node_name_sharing")]
    return found


def _shapes(result):
    flat = list(result.values()) if isinstance(result, dict) else result
    flat = flat if isinstance(flat, (list, tuple)) else [flat]
    parts = []
    for item in flat:
        if hasattr(item, "dense_shape"):
            parts += [item.indices, item.values, item.dense_shape]
        elif hasattr(item, "get_shape"):
            parts.append(item)
    return [[t.name, str(t.get_shape())] for t in parts]


def record(tf, text, runs):
    """Returns what becomes of one expression."""
    graph = tf.Graph()
    with graph.as_default():
        try:
            result = eval(text, {"tf": tf, "np": __import__("numpy")})
        except Exception as error:
            return {"raises": type(error).__name__, "message": str(error)[:60]}
        entry = {"nodes": _nodes(graph), "shapes": _shapes(result), "made": _queues(graph)}
        entry["collections"] = {
            key: [getattr(item, "name", str(item)) for item in graph.get_collection(key)]
            for key in sorted(graph.get_all_collection_keys())
            if key != "cond_context"
        }
        entry["runners"] = [
            [r.name, [op.name for op in r.enqueue_ops], r.close_op.name, r.cancel_op.name]
            for r in graph.get_collection("queue_runners")
        ]
        if runs:
            init = tf.tables_initializer()
            with tf.Session() as session:
                try:
                    session.run(init)
                    entry["value"] = _plain(str(session.run(result)))
                except tf.errors.OpError as error:
                    entry["fails"] = type(error).__name__
        return entry


def record_all(tf):
    """Returns the entries of all expressions; works in a directory of its own."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        try:
            for name, text in FILES.items():
                with open(name, "w") as file:
                    file.write(text)
            entries = {text: record(tf, text, False) for text in INPUT.strip().splitlines()}
            entries.update((text, record(tf, text, True)) for text in TABLES.strip().splitlines())
            return entries
        finally:
            os.chdir(before)


if __name__ == "__main__":
    import tensorflow

    tensorflow.compat.v1.logging.set_verbosity("ERROR")
    rows = [
        "%s: %s" % (json.dumps(text), json.dumps(entry, separators=(",", ":")))
        for text, entry in record_all(tensorflow).items()
    ]
    with open(os.path.splitext(os.path.abspath(sys.argv[0]))[0] + ".json", "w") as out:
        out.write("{\n" + ",\n".join(rows) + "\n}\n")
