"""Writes checkpoints of both formats: `python formats_checkpoints.py` under TF 1.15."""

import os
import shutil
import warnings

warnings.filterwarnings("ignore")

import formats_values  # noqa: E402
import tensorflow as tf  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "formats_checkpoints")


def make_variables():
    """Makes the variables, on two devices; returns those that format 1 can hold, and the rest."""
    variables = []
    for number, (name, value) in enumerate(sorted(formats_values.plain().items())):
        with tf.device("/cpu:%d" % (number % 2)):
            dtype = tf.string if value.dtype == object else value.dtype
            variables.append(tf.Variable(tf.constant(value, dtype), name=name))
    for number, (name, (value, axis, parts)) in enumerate(formats_values.partitioned().items()):
        with tf.device("/cpu:%d" % number):
            variables += list(
                tf.get_variable(
                    name,
                    shape=value.shape,
                    initializer=lambda shape, dtype, partition_info, value=value: tf.constant(
                        value[
                            tuple(
                                slice(at, at + size)
                                for at, size in zip(partition_info.var_offset, shape)
                            )
                        ]
                    ),
                    partitioner=tf.fixed_size_partitioner(parts, axis),
                )
            )
    bfloat16 = tf.Variable(tf.constant(formats_values.BFLOAT16, tf.bfloat16), name="scope/bf16")
    return variables, [bfloat16]


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    variables, more = make_variables()
    with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
        session.run(tf.global_variables_initializer())
        savers = [
            ("v1", dict(var_list=variables, write_version=tf.train.SaverDef.V1)),
            ("v1sharded", dict(var_list=variables, write_version=1, sharded=True)),
            ("v2", dict(var_list=variables + more)),
            ("v2sharded", dict(var_list=variables + more, sharded=True)),
        ]
        for name, arguments in savers:
            tf.train.Saver(**arguments).save(
                session, os.path.join(OUT, name), write_meta_graph=False, global_step=7
            )


if __name__ == "__main__":
    main()
