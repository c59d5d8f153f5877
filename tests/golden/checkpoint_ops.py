"""Records which errors TF 1.15's checkpoint ops give: `python tests/golden/checkpoint_ops.py`.

The tests evaluate the same expressions with Millstream; `{}` stands for a fresh directory, in which
`SETUP` was run.
"""

import json
import os
import tempfile

SETUP = """
tf.raw_ops.SaveV2(prefix="{}/a", tensor_names=["x", "y"], shape_and_slices=["", ""], tensors=[[1., 2.], 7])
tf.raw_ops.SaveV2(prefix="{}/p", tensor_names=["x", "x"], shape_and_slices=["4 2 0,1:-", "4 2 1,3:-"], tensors=[[[1., 2.]], [[3., 4.], [5., 6.], [7., 8.]]])
tf.raw_ops.Save(filename="{}/v1", tensor_names=["x", "y"], data=[[1., 2.], 7])
tf.raw_ops.SaveSlices(filename="{}/v1p", tensor_names=["x"], shapes_and_slices=["4 2 0,4:-"], data=[tf.zeros([4, 2])])
"""

EXPRESSIONS = """
tf.raw_ops.RestoreV2(prefix="{}/a", tensor_names=["x", "y"], shape_and_slices=["", ""], dtypes=[tf.float32, tf.int32])
tf.raw_ops.RestoreV2(prefix="{}/a", tensor_names=["z"], shape_and_slices=[""], dtypes=[tf.float32])
tf.raw_ops.RestoreV2(prefix="{}/a", tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.int32])
tf.raw_ops.RestoreV2(prefix="{}/a", tensor_names=["x"], shape_and_slices=["2 1,1"], dtypes=[tf.float32])
tf.raw_ops.RestoreV2(prefix="{}/a", tensor_names=["x"], shape_and_slices=["3 1,1"], dtypes=[tf.float32])
tf.raw_ops.RestoreV2(prefix="{}/a", tensor_names=["x"], shape_and_slices=["nonsense"], dtypes=[tf.float32])
tf.raw_ops.RestoreV2(prefix="{}/a", tensor_names=["x"], shape_and_slices=["", ""], dtypes=[tf.float32])
tf.raw_ops.RestoreV2(prefix="{}/a", tensor_names=["x", "y"], shape_and_slices=["", ""], dtypes=[tf.float32])
tf.raw_ops.RestoreV2(prefix=["{}/a"], tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32])
tf.raw_ops.RestoreV2(prefix="{}/none", tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32])
tf.raw_ops.RestoreV2(prefix="{}/p", tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32])
tf.raw_ops.RestoreV2(prefix="{}/p", tensor_names=["x"], shape_and_slices=["4 2 2,2:1,1"], dtypes=[tf.float32])
tf.raw_ops.RestoreV2(prefix="{}/v1", tensor_names=["x", "y"], shape_and_slices=["", ""], dtypes=[tf.float32, tf.int32])
tf.raw_ops.Restore(file_pattern="{}/v1", tensor_name="x", dt=tf.float32)
tf.raw_ops.Restore(file_pattern="{}/v1", tensor_name="z", dt=tf.float32)
tf.raw_ops.Restore(file_pattern="{}/v1", tensor_name="x", dt=tf.int32)
tf.raw_ops.Restore(file_pattern="{}/none", tensor_name="x", dt=tf.float32)
tf.raw_ops.RestoreSlice(file_pattern="{}/v1p", tensor_name="x", shape_and_slice="4 2 1,2:-", dt=tf.float32)
tf.raw_ops.RestoreSlice(file_pattern="{}/v1p", tensor_name="x", shape_and_slice="4 3 1,2:-", dt=tf.float32)
tf.raw_ops.SaveV2(prefix="{}/b", tensor_names=["x", "x"], shape_and_slices=["", ""], tensors=[1., 2.])
tf.raw_ops.SaveV2(prefix="{}/b", tensor_names=["x"], shape_and_slices=["4 2 0,1:-"], tensors=[[1., 2.]])
tf.raw_ops.SaveV2(prefix="{}/b", tensor_names=["x"], shape_and_slices=["nonsense"], tensors=[[1., 2.]])
tf.raw_ops.SaveV2(prefix="{}/b", tensor_names=["x", "y"], shape_and_slices=["", ""], tensors=[1.])
tf.raw_ops.SaveV2(prefix="{}/b", tensor_names=["x"], shape_and_slices=["", ""], tensors=[1.])
tf.raw_ops.SaveV2(prefix="{}/no/such/b", tensor_names=["x"], shape_and_slices=[""], tensors=[1.])
tf.raw_ops.Save(filename="{}/b", tensor_names=["x"], data=[1., 2.])
tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=["{}/none"], destination_prefix="{}/b")
tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes="{}/a", destination_prefix="{}/b")
tf.raw_ops.ShardedFilename(basename="base", shard=3, num_shards=12)
tf.raw_ops.ShardedFilename(basename="base", shard=123456, num_shards=1234567)
tf.raw_ops.ShardedFilespec(basename="base", num_shards=12)
"""


def expressions(text):
    return [line for line in text.splitlines() if line]


def run(tf, session, text, directory):
    """Returns what an expression gives, with static shapes, or the name of its error class."""
    try:
        found = eval(text.replace("{}", directory), {"tf": tf})
        values = session.run(found)
    except Exception as error:
        return type(error).__name__
    if isinstance(found, tf.Operation):
        return "done"
    many = isinstance(found, (list, tuple))
    shapes = [str(t.shape) for t in (found if many else [found])]
    return [shapes, [_plain(v) for v in (values if many else [values])]]


def _plain(value):
    return value.decode() if isinstance(value, bytes) else value.tolist()


def main():
    import tensorflow as tf

    tf.logging.set_verbosity("ERROR")
    directory = tempfile.mkdtemp()
    with tf.Graph().as_default(), tf.Session() as session:
        for text in expressions(SETUP):
            assert run(tf, session, text, directory) == "done", text
        record = {t: run(tf, session, t, directory) for t in expressions(EXPRESSIONS)}
    path = os.path.splitext(os.path.abspath(__file__))[0] + ".json"
    with open(path, "w") as file:
        json.dump(record, file, indent=0, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main()
