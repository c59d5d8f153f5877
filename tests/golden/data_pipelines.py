# ruff: noqa: E501
"""Records what TF 1.15's datasets give: `python tests/golden/data_pipelines.py`.

Each line is an expression of a dataset; the tests evaluate the same with Millstream. `{}` stands
for a directory with the files that `write_files` makes.
"""

import json
import os
import sys
import tempfile

EXPRESSIONS = """
D.range(10).shuffle(4, seed=1)
D.range(10).shuffle(4, seed=1).repeat(2)
D.range(10).shuffle(4, seed=1, reshuffle_each_iteration=False).repeat(2)
D.range(10).shuffle(4, seed=1).batch(3).repeat(2)
D.range(6).repeat(2).shuffle(20, seed=2).map(lambda x: x * 2)
D.range(10).apply(E.shuffle_and_repeat(4, 2, seed=1))
D.range(10).apply(E.shuffle_and_repeat(25, 2, seed=1))
D.range(3).flat_map(lambda x: D.range(4).shuffle(4, seed=1))
E.RandomDataset(seed=4).take(6)
E.sample_from_datasets([D.range(5), D.range(10, 15)], [.3, .7], seed=3)
E.sample_from_datasets([D.range(5), D.range(10, 15), D.range(20, 22)], seed=8)
E.choose_from_datasets([D.range(3), D.range(10, 13)], D.from_tensor_slices(np.array([1, 0, 1])))
D.range(3).interleave(lambda x: D.from_tensors(x).repeat(4), cycle_length=2, block_length=3)
D.range(5).interleave(lambda x: D.from_tensors(x).repeat(x + 1), cycle_length=3, block_length=2)
D.range(5).interleave(lambda x: D.from_tensors(x).repeat(x + 1), cycle_length=3, block_length=2, num_parallel_calls=3)
D.range(5).apply(E.parallel_interleave(lambda x: D.from_tensors(x).repeat(x + 1), cycle_length=3, block_length=2))
D.range(7).apply(E.parallel_interleave(lambda x: D.from_tensors(x).repeat(7 - x), cycle_length=2, block_length=3, prefetch_input_elements=1))
D.range(7).window(3, 2, 1, False).flat_map(lambda d: d.batch(4))
D.range(7).window(3, 1, 2, True).flat_map(lambda d: d.batch(4))
D.range(7).window(2, 3).flat_map(lambda d: d.batch(4))
D.from_tensor_slices((np.arange(4), np.arange(8.).reshape(4, 2))).window(2).flat_map(lambda a, b: D.zip((a, b))).batch(3)
D.range(10).apply(E.group_by_window(lambda x: x % 2, lambda k, d: d.batch(3), 3))
D.range(10).apply(E.group_by_window(lambda x: x % 3, lambda k, d: d.batch(4).map(lambda b: (b, k)), window_size_func=lambda k: k + 1))
D.range(10).shard(3, 1)
D.range(10).skip(2).take(5).concatenate(D.range(2))
D.range(3).repeat(0)
D.range(10).take(0)
D.range(10).take(-1).skip(-1)
D.range(1, 10, 4)
D.range(5, 0, -2)
D.range(5).map(lambda x: (x, {"a": x + 1, "b": [x, x]}), num_parallel_calls=3)
D.range(9).map(lambda x: x * x, num_parallel_calls=4).filter(lambda x: x > 10).batch(2, drop_remainder=True)
D.zip((D.range(3), {"a": D.range(5, 9), "b": D.from_tensors("x").repeat()}))
D.from_tensors({"a": 1, "b": (2., "x")})
D.from_tensor_slices({"a": ["x", "y"], "b": [[1, 2], [3, 4]]})
D.from_tensor_slices([[b"a", b"b"], [b"c", b"d"]]).batch(2)
D.from_tensor_slices([True, False]).batch(2)
D.from_tensors(tf.SparseTensor([[0, 0], [1, 2]], [1, 2], [2, 3])).repeat(2).batch(2).map(lambda s: tf.sparse_tensor_to_dense(s))
D.from_tensor_slices(tf.SparseTensor([[0, 0], [1, 2]], [1, 2], [2, 3])).map(lambda s: tf.sparse_tensor_to_dense(s))
D.from_sparse_tensor_slices(tf.SparseTensor([[0, 0], [2, 2]], [1, 2], [3, 3]))
D.range(4).map(lambda x: tf.fill([tf.cast(x, tf.int32)], x)).padded_batch(3, [None])
D.range(4).map(lambda x: tf.fill([tf.cast(x, tf.int32)], x)).padded_batch(3, [5], tf.constant(-1, tf.int64), drop_remainder=True)
D.range(3).map(lambda x: (tf.fill([x, 2], "q"), x)).padded_batch(2, ([-1, 3], []), ("p", tf.constant(0, tf.int64)))
D.from_tensor_slices([[1, 2], [3, 4]]).apply(E.unbatch())
D.from_tensor_slices([1, 2, 1, 3, 2]).apply(E.unique())
D.range(5).apply(E.scan(tf.constant(0, tf.int64), lambda s, x: (s + x, s * x)))
D.range(5).apply(E.take_while(lambda x: x < 3))
D.range(3).apply(E.enumerate_dataset(5))
D.range(5).apply(E.group_by_reducer(lambda x: x % 2, E.Reducer(lambda k: tf.constant(0, tf.int64), lambda s, x: s + x, lambda s: s)))
D.range(5).map(lambda x: tf.range(x)).apply(E.bucket_by_sequence_length(lambda x: tf.size(x), [3], [2, 2]))
D.range(6).map(lambda x: tf.range(x)).apply(E.bucket_by_sequence_length(lambda x: tf.size(x), [3, 7], [2, 2, 1], pad_to_bucket_boundary=True))
D.range(4).map(lambda x: tf.fill([tf.cast(x, tf.int32)], x)).apply(E.dense_to_sparse_batch(2, [6])).map(lambda s: tf.sparse_tensor_to_dense(s))
D.range(5).apply(E.map_and_batch(lambda x: x * 2, 3))
D.range(5).apply(E.map_and_batch(lambda x: x * 2, 3, drop_remainder=True, num_parallel_calls=2))
D.from_tensor_slices([1., 0., 2.]).map(lambda x: tf.check_numerics(1. / x, "bad")).apply(E.ignore_errors())
D.from_tensor_slices([1., 0., 2.]).map(lambda x: tf.check_numerics(1. / x, "bad"))
E.Counter(3, 2).take(3)
D.range(3).cache().repeat(2)
D.range(6).prefetch(2).batch(4).prefetch(1)
tf.data.TextLineDataset("{}/lines")
tf.data.TextLineDataset(["{}/lines", "{}/lines"]).skip(1)
tf.data.TFRecordDataset("{}/records")
tf.data.TFRecordDataset(["{}/zipped"], "GZIP")
tf.data.TFRecordDataset(["{}/records", "{}/records"], num_parallel_reads=2)
tf.data.TFRecordDataset("{}/broken")
tf.data.TFRecordDataset("{}/none")
tf.data.TFRecordDataset("{}/records", "FOO")
tf.data.FixedLengthRecordDataset("{}/lines", 2)
tf.data.FixedLengthRecordDataset("{}/lines", 2, header_bytes=1, footer_bytes=2)
tf.data.FixedLengthRecordDataset("{}/lines", 4)
E.CsvDataset("{}/table.csv", [tf.int32, tf.constant([1.]), tf.string], header=True)
E.CsvDataset("{}/table.csv", [tf.float64, ""], header=True, select_cols=[0, 2])
E.CsvDataset("{}/table.csv", [tf.int32, tf.float32, tf.string], header=True)
E.make_csv_dataset("{}/table.csv", 2, shuffle=False, num_epochs=1)
E.make_csv_dataset("{}/table.csv", 2, label_name="c", num_epochs=1, select_columns=["a", "c"], shuffle_seed=3)
E.SqlDataset("sqlite", "{}/base.db", "select a, b from t order by a", (tf.int32, tf.string))
D.list_files("{}/*.csv", shuffle=False).map(lambda x: tf.substr(x, -9, 9))
D.range(3).batch(0)
D.range(3).shuffle(0)
D.range(3).shard(2, 5)
D.range(3).map(lambda x: tf.range(x)).batch(3)
D.range(3).map(lambda x: tf.range(x)).padded_batch(3, [1])
D.from_generator(lambda: iter([(1, [1.]), (2, [1., 2.])]), (tf.int32, tf.float32), ([], [None]))
D.from_generator(lambda n: range(n), tf.int64, [], args=(3,)).map(lambda x: x + 1)
D.from_generator(lambda: ["a"], tf.int32)
D.from_generator(lambda: [[1, 2]], tf.int32, [])
D.from_generator(lambda: [{"a": 1}], {"a": tf.int32}).repeat(2)
D.range(3).filter(lambda x: x)
D.range(3).flat_map(lambda x: x)
D.range(3).map(lambda x: object())
D.range(3).concatenate(D.from_tensors("a"))
D.range()
D.zip([D.range(1)])
D.range(3).padded_batch(2, [2, 3])
D.range(3).padded_batch(2, [], padding_values="a")
D.range(3).apply(lambda d: 3)
D.from_tensor_slices(1)
D.from_tensor_slices(([1, 2], [1, 2, 3]))
tf.data.TFRecordDataset(3)
"""


def write_files(tf, directory):
    import sqlite3

    with open(directory + "/lines", "wb") as file:
        file.write(b"ab\ncd\r\n\ne")
    for name, options in (("records", ""), ("zipped", "GZIP")):
        with tf.python_io.TFRecordWriter(directory + "/" + name, options) as writer:
            for record in (b"one", b"", b"three" * 100):
                writer.write(record)
    with open(directory + "/records", "rb") as file:
        data = file.read()
    with open(directory + "/broken", "wb") as file:
        file.write(data[:-5])
    with open(directory + "/table.csv", "w") as file:
        file.write('a,b,c\n1,2.5,x\n3,4.5,y\n5,,"z,\nw"\n')
    connection = sqlite3.connect(directory + "/base.db")
    connection.execute("create table t (a int, b text)")
    connection.executemany("insert into t values (?, ?)", [(2, "y"), (1, "x")])
    connection.commit()
    connection.close()


def plain(value):
    """Turns an element into nested lists."""
    if isinstance(value, dict):
        return {key: plain(value[key]) for key in sorted(value)}
    if isinstance(value, (tuple, list)):
        return [plain(part) for part in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return value.decode("latin1") if isinstance(value, bytes) else value


def record(tf, np, text, directory):
    """Returns elements, types and shapes, or which error comes after how many."""
    names = {"tf": tf, "np": np, "D": tf.data.Dataset, "E": tf.data.experimental}
    with tf.Graph().as_default() as graph:
        try:
            dataset = eval(text.replace("{}", directory), names)
        except Exception as error:
            return {"raises": type(error).__name__}
        found = {"types": repr(dataset.output_types), "shapes": str(dataset.output_shapes)}
        found["nodes"] = [[op.name, op.type] for op in graph.get_operations()]
        element = dataset.make_one_shot_iterator().get_next()
        elements = found["elements"] = []
        with tf.Session() as session:
            try:
                while len(elements) < 40:
                    elements.append(plain(session.run(element)))
            except tf.errors.OpError as error:
                found["end"] = type(error).__name__
    return found


def main():
    import numpy as np
    import tensorflow as tf

    tf.logging.set_verbosity("ERROR")
    directory = tempfile.mkdtemp()
    write_files(tf, directory)
    lines = EXPRESSIONS.strip().splitlines()
    found = {text: record(tf, np, text, directory) for text in lines}
    path = os.path.splitext(os.path.abspath(__file__))[0] + ".json"
    with open(path, "w") as file:
        json.dump(found, file, indent=0, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    sys.exit(main())
