"""Writes checkpoints and MetaGraphs with TF 1.15: `python tests/golden/saver_checkpoints.py`.

`trained`: ref, resource and partitioned variables of many types, with an optimizer's slots.
`objects`: what `tf.train.Checkpoint` writes. `old`: format 1.
"""

import os
import shutil
import warnings

warnings.filterwarnings("ignore")

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "saver_checkpoints")


def make_model(tf):
    """Adds the variables and a step of training to the default graph; returns the step."""
    w = tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="layer/w")
    r = tf.Variable([1.5, -2.5], name="layer/r", use_resource=True)
    p = tf.get_variable(
        "p",
        [5, 2],
        initializer=tf.constant_initializer(0.25),
        partitioner=tf.fixed_size_partitioner(2),
    )
    for name, value in others(tf).items():
        tf.Variable(value, name="other/" + name, trainable=False)
    loss = tf.reduce_sum(w * w) + tf.reduce_sum(r * r) + tf.reduce_sum(tf.convert_to_tensor(p))
    tf.add_to_collection("loss", loss)
    step = tf.train.get_or_create_global_step()
    return tf.train.AdamOptimizer(0.1).minimize(loss, global_step=step)


def others(tf):
    """Returns constants of the types that no optimizer trains."""
    return {
        "double": tf.constant([1e300, -2.0], tf.float64),
        "int": tf.constant([[1], [-2]], tf.int64),
        "bool": tf.constant([True, False, True]),
        "string": tf.constant([b"abc", b"", b"\x00\xff"]),
        "half": tf.constant(1.5, tf.float16),
        "byte": tf.constant([0, 255], tf.uint8),
        "complex": tf.constant([1 + 2j], tf.complex64),
        "empty": tf.zeros([0, 3]),
    }


def write_trained(tf):
    with tf.Graph().as_default(), tf.Session() as session:
        train = make_model(tf)
        saver = tf.train.Saver(max_to_keep=3, save_relative_paths=True)
        tf.add_to_collection("savers", saver)
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run(train)
        saver.save(session, os.path.join(OUT, "trained"), global_step=tf.train.get_global_step())


def write_others(tf):
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable([1.0, 2.0], name="v")
        u = tf.Variable(7, name="u", use_resource=True)
        session.run(tf.global_variables_initializer())
        old = tf.train.Saver([v, u], write_version=tf.train.SaverDef.V1)
        old.save(session, os.path.join(OUT, "old"), write_meta_graph=False, write_state=False)
        objects = tf.train.Checkpoint(some=v, other=u)
        objects.write(os.path.join(OUT, "objects"), session)


def main():
    import tensorflow as tf

    tf.logging.set_verbosity("ERROR")
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    write_trained(tf)
    write_others(tf)


if __name__ == "__main__":
    main()
