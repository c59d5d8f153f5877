"""slim: training with checkpoints, evaluation, restoring, records."""

import numpy as np
import pytest

import millstream as tf

slim = tf.contrib.slim


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def regression():
    """Returns the loss of a line that can be fitted exactly."""
    tf.set_random_seed(1)
    x = tf.constant(np.linspace(-1, 1, 20, dtype=np.float32)[:, None])
    y = slim.fully_connected(x, 1, activation_fn=None, scope="line")
    tf.losses.mean_squared_error(3 * x - 1, y)
    return tf.losses.get_total_loss()


def test_train_evaluate_and_restore(tmp_path):
    train_op = slim.learning.create_train_op(regression(), tf.train.AdamOptimizer(0.1))
    last = slim.learning.train(train_op, str(tmp_path), number_of_steps=150, log_every_n_steps=0)
    assert last < 1e-2
    path = tf.train.latest_checkpoint(str(tmp_path))
    assert path.endswith("model.ckpt-150")
    with tf.Graph().as_default():
        loss = regression()
        tf.train.create_global_step()
        value, update = tf.metrics.mean(loss)
        found = slim.evaluation.evaluate_once(
            "", path, str(tmp_path / "eval"), num_evals=2, eval_op=update, final_op=value
        )
        assert found < 1e-2
    with tf.Graph().as_default(), tf.Session() as sess:
        regression()
        slim.assign_from_checkpoint_fn(path, slim.get_model_variables())(sess)
        np.testing.assert_allclose(
            sess.run(slim.get_unique_variable("line/weights")), [[3]], atol=0.2
        )


def test_training_goes_on_where_it_stopped(tmp_path):
    for steps in (5, 8):
        with tf.Graph().as_default():
            train_op = slim.learning.create_train_op(
                regression(), tf.train.GradientDescentOptimizer(0.1)
            )
            slim.learning.train(train_op, str(tmp_path), number_of_steps=steps, log_every_n_steps=0)
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith("-8")


def test_train_op_fails_for_a_loss_that_is_no_number():
    w = tf.get_variable("w", initializer=-1.0)
    train_op = slim.learning.create_train_op(tf.log(w), tf.train.GradientDescentOptimizer(0.1))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="LossTensor is inf or nan"):
            sess.run(train_op)


def test_train_op_runs_the_updates():
    slim.batch_norm(tf.random_normal([8, 3], mean=2.0, seed=1), decay=0.0, scope="bn")
    w = tf.get_variable("w", initializer=1.0)
    train_op = slim.learning.create_train_op(w * w, tf.train.GradientDescentOptimizer(0.1))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(train_op)
        assert sess.run(slim.get_unique_variable("bn/moving_mean")).min() > 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(train_op=None, logdir=None), "train_op cannot be None"),
        (dict(train_op=1, logdir=None, number_of_steps=0), "positive number"),
        (dict(train_op=1, logdir=None, saver=1), "because logdir=None"),
    ],
)
def test_train_checks_its_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        slim.learning.train(**arguments)


def test_items_of_records(tmp_path):
    path = str(tmp_path / "records")
    with tf.python_io.TFRecordWriter(path) as writer:
        for i in range(4):
            label = tf.train.Feature(int64_list=tf.train.Int64List(value=[i]))
            numbers = tf.train.Feature(float_list=tf.train.FloatList(value=[0.5] * i))
            features = tf.train.Features(feature={"label": label, "numbers": numbers})
            writer.write(tf.train.Example(features=features).SerializeToString())
    decoder = slim.tfexample_decoder.TFExampleDecoder(
        {"label": tf.FixedLenFeature([], tf.int64), "numbers": tf.VarLenFeature(tf.float32)},
        {
            "label": slim.tfexample_decoder.Tensor("label"),
            "numbers": slim.tfexample_decoder.Tensor("numbers", default_value=-1.0),
        },
    )
    dataset = slim.dataset.Dataset(path, tf.TFRecordReader, decoder, 4, {}, num_classes=4)
    provider = slim.dataset_data_provider.DatasetDataProvider(dataset, shuffle=False, num_epochs=1)
    assert provider.list_items() == ["label", "numbers", "record_key"]
    with pytest.raises(ValueError, match="are not in the dataset"):
        provider.get(["lable"])
    items = provider.get(["label", "numbers"])
    with tf.Session() as sess:
        sess.run(tf.local_variables_initializer())
        with slim.queues.QueueRunners(sess):
            for i in range(4):
                label, numbers = sess.run(items)
                assert (label, numbers.tolist()) == (i, [0.5] * i)


def test_variables_are_found_by_scope_suffix_and_pattern():
    for scope in ("a", "b"):
        slim.fully_connected(tf.ones([1, 2]), 3, scope=scope)
    assert [v.op.name for v in slim.get_variables("a")] == ["a/weights", "a/biases"]
    assert [v.op.name for v in slim.get_variables_by_suffix("biases")] == ["a/biases", "b/biases"]
    assert [v.op.name for v in slim.get_variables_to_restore(exclude=["a"])] == [
        "b/weights", "b/biases",
    ]  # fmt: skip
    assert [v.op.name for v in slim.filter_variables(slim.get_variables(), ["^b"], ["bias"])] == [
        "b/weights"
    ]
    with pytest.raises(ValueError, match="Couldn't find variable c/weights"):
        slim.get_unique_variable("c/weights")


def test_missing_variables_of_a_checkpoint(tmp_path):
    tf.get_variable("a", initializer=1.0)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(sess, str(tmp_path / "model"))
    with tf.Graph().as_default():
        variables = [tf.get_variable(name, []) for name in "ab"]
        with pytest.raises(ValueError, match=r"Checkpoint is missing variable \[b\]"):
            slim.assign_from_checkpoint(path, variables)
        node, feeds = slim.assign_from_checkpoint(path, variables, ignore_missing_vars=True)
        with tf.Session() as sess:
            sess.run(node, feeds)
            assert sess.run(variables[0]) == 1.0
