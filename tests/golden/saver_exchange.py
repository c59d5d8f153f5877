"""Checks by hand that TF 1.15 and Millstream restore each other's checkpoints and MetaGraphs.

    python tests/golden/saver_exchange.py write DIRECTORY     # with Millstream
    python tests/golden/saver_exchange.py read DIRECTORY      # under a TF 1.15 interpreter

and the other way round: whichever of the two can be imported does the work.
"""

import os
import sys

import saver_checkpoints

try:
    import millstream as tf
except ImportError:
    import tensorflow as tf

FORMS = {
    "whole": {},
    "sharded": {"sharded": True},
    "reshaping": {"reshape": True},
    "old": {"write_version": 1},
    "old_sharded": {"write_version": 1, "sharded": True},
}


def saved_variables(form):
    """Returns the variables that a form holds: strings do not fit into format 1."""
    everything = tf.global_variables()
    return [v for v in everything if "old" not in form or v.dtype.base_dtype.name != "string"]


def write(directory):
    """Trains the model for three steps and saves it in every form."""
    train = saver_checkpoints.make_model(tf)
    savers = {form: tf.train.Saver(saved_variables(form), **FORMS[form]) for form in FORMS}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run(train)
        for form, saver in savers.items():
            path = os.path.join(directory, form)
            print("wrote", saver.save(session, path, 3, latest_filename=form + "_state"))


def read(directory):
    """Restores every form by its MetaGraph, trains one step, and compares with the first form."""
    first = {}
    for form in FORMS:
        path = tf.train.latest_checkpoint(directory, form + "_state")
        with tf.Graph().as_default(), tf.Session() as session:
            saver = tf.train.import_meta_graph(os.path.join(directory, form + "-3.meta"))
            session.run(tf.global_variables_initializer())
            saver.restore(session, path)
            session.run("Adam")
            for variable in saved_variables(form):
                value = session.run(variable).tolist()
                assert first.setdefault(variable.name, value) == value, (form, variable.name)
        print("restored", path)
    assert first["global_step:0"] == 4


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](sys.argv[2])
