"""Writes a GraphDef with datasets and functions, and what it gives: run it under TF 1.15.

python tests/golden/data_graph.py
"""

import json
import os


def build(tf):
    dataset = tf.data.Dataset
    pairs = dataset.range(20).map(lambda x: (x, x * x)).filter(lambda x, y: y % 3 > 0)
    flat = pairs.shuffle(5, seed=1).flat_map(lambda x, y: dataset.from_tensors(x + y).repeat(2))
    flat.batch(3).prefetch(1).make_one_shot_iterator().get_next(name="once")
    started = dataset.range(4).map(lambda x: x + 1, num_parallel_calls=2)
    tf.identity(started.make_initializable_iterator().get_next(), name="started")


def run(tf, session):
    session.run("MakeIterator")
    return [[session.run(name + ":0").tolist() for _ in range(4)] for name in ("once", "started")]


def main():
    import tensorflow as tf

    path = os.path.splitext(os.path.abspath(__file__))[0]
    build(tf)
    with open(path + ".pb", "wb") as file:
        file.write(tf.get_default_graph().as_graph_def().SerializeToString())
    with tf.Session() as session, open(path + ".json", "w") as file:
        json.dump(run(tf, session), file)
        file.write("\n")


if __name__ == "__main__":
    main()
