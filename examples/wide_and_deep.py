"""Who earns more than the median? A wide and deep model: a plain TensorFlow 1.x program.

The data are made by a rule, with noise, in the shape of a census: numbers, words, and an
interaction of two words that no single column shows. The wide half of the model has a crossed
column for it, the deep half embeds the words. The program compares both halves with the whole.

    millstream run examples/wide_and_deep.py
    millstream run examples/wide_and_deep.py --steps 2000
"""

import numpy as np
import tensorflow as tf

tf.app.flags.DEFINE_integer("steps", 400, "How many batches to train on.")
tf.app.flags.DEFINE_integer("batch_size", 100, "People in a batch.")
tf.app.flags.DEFINE_integer("people", 5000, "How many people there are.")
tf.app.flags.DEFINE_integer("seed", 1, "Seed of the initial weights and of the data.")
FLAGS = tf.app.flags.FLAGS

JOBS = ["cook", "clerk", "driver", "engineer", "manager", "nurse", "teacher", "trader"]
SCHOOLS = ["primary", "secondary", "college", "university"]
TOWNS = ["north", "east", "south", "west"]


def census(count, seed):
    """Returns people: a dict of columns, and whether each earns more than the median."""
    random = np.random.RandomState(seed)
    age = random.randint(18, 66, count)
    hours = np.clip(random.normal(38, 8, count), 5, 70)
    job, school, town = (random.randint(0, len(k), count) for k in (JOBS, SCHOOLS, TOWNS))
    wage = 0.06 * hours + 0.5 * school + 0.25 * job - 0.002 * (age - 48.0) ** 2
    wage += 1.5 * ((job + town) % 4 == 0)
    wage += random.normal(0, 0.5, count)
    people = {
        "age": age.astype(np.float32),
        "hours": hours.astype(np.float32),
        "job": np.array(JOBS)[job],
        "school": np.array(SCHOOLS)[school],
        "town": np.array(TOWNS)[town],
    }
    return people, (wage > 4.2).astype(np.int32)


def columns():
    """Returns the columns of the wide half and of the deep half."""
    fc = tf.feature_column
    ages = fc.bucketized_column(fc.numeric_column("age"), [25, 30, 35, 40, 45, 50, 55, 60])
    job = fc.categorical_column_with_vocabulary_list("job", JOBS)
    school = fc.categorical_column_with_vocabulary_list("school", SCHOOLS)
    town = fc.categorical_column_with_hash_bucket("town", 20)
    wide = [ages, job, school, town, fc.crossed_column(["job", "town"], 200)]

    def scaled(column, mean, deviation):
        return fc.numeric_column(column, normalizer_fn=lambda x: (x - mean) / deviation)

    deep = [
        scaled("age", 42.0, 14.0),
        scaled("hours", 38.0, 8.0),
        fc.indicator_column(school),
        fc.embedding_column(job, 4),
        fc.embedding_column(town, 4),
    ]
    deep.append(fc.indicator_column(ages))
    return wide, deep


def main(_):
    train, test = census(FLAGS.people, FLAGS.seed), census(2000, FLAGS.seed + 1)
    wide, deep = columns()
    config = tf.estimator.RunConfig(tf_random_seed=FLAGS.seed)
    models = [
        ("baseline", tf.estimator.BaselineClassifier(config=config)),
        ("wide", tf.estimator.LinearClassifier(wide, config=config)),
        ("deep", tf.estimator.DNNClassifier([32, 16], deep, config=config)),
        (
            "wide and deep",
            tf.estimator.DNNLinearCombinedClassifier(
                linear_feature_columns=wide,
                linear_optimizer=tf.train.FtrlOptimizer(0.2),
                dnn_feature_columns=deep,
                dnn_optimizer=tf.train.AdagradOptimizer(0.05),
                dnn_hidden_units=[32, 16],
                config=config,
            ),
        ),
    ]
    inputs = tf.estimator.inputs.numpy_input_fn
    order = np.random.RandomState(FLAGS.seed).permutation(FLAGS.people)
    people = {name: column[order] for name, column in train[0].items()}
    print("%-14s %9s %7s %9s" % ("model", "accuracy", "auc", "loss"))
    for name, model in models:
        model.train(
            inputs(people, train[1][order], FLAGS.batch_size, num_epochs=None, shuffle=False),
            steps=FLAGS.steps,
        )
        found = model.evaluate(inputs(test[0], test[1], 500, shuffle=False))
        shown = (name, 100 * found["accuracy"], found["auc"], found["average_loss"])
        print("%-14s %7.1f %% %7.4f %9.4f" % shown)


if __name__ == "__main__":
    tf.app.run()
