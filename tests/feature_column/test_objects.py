"""Layers of columns as objects: names of variables, sharing between calls, columns of users."""

import numpy as np
import pytest

import millstream as tf
from millstream.feature_column.columns import FeatureTransformationCache
from millstream.feature_column.dense_layers import DenseFeatures, InputLayer
from millstream.feature_column.linear import LinearModel

fc = tf.feature_column


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def features():
    return {"a": tf.constant([[1.0], [2.0]]), "w": tf.constant([["x"], ["y"]])}


def columns():
    word = fc.categorical_column_with_hash_bucket("w", 5)
    return [fc.numeric_column("a"), fc.embedding_column(word, 2)]


def names():
    return [v.op.name for v in tf.global_variables()]


def test_dense_features_names_its_variables_as_tf_does():
    with tf.variable_scope("dnn"), tf.variable_scope("input_from_feature_columns"):
        layer = DenseFeatures(columns(), name="input_layer")
        first, second = layer(features()), layer(features())
    assert names() == ["dnn/input_from_feature_columns/input_layer/w_embedding/embedding_weights"]
    assert [v.op.name for v in layer.trainable_variables] == names()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        one, other = session.run([first, second])
    np.testing.assert_array_equal(one, other)


def test_input_layer_reuses_its_variables():
    layer = InputLayer(columns(), name="input_layer")
    layer(features()), layer(features())
    assert names() == ["input_layer/w_embedding/embedding_weights"]
    assert [v.op.name for v in layer.variables] == names()


def test_linear_model_names_its_variables_as_tf_does():
    word = fc.categorical_column_with_hash_bucket("w", 5)
    with tf.variable_scope("linear"):
        model = LinearModel([fc.numeric_column("a"), word], name="linear_model")
        model(features()), model(features())
    wanted = ["a/weights", "w/weights", "bias_weights"]
    assert names() == [f"linear/linear_model/{name}" for name in wanted]
    assert model.bias.op.name == "linear/linear_model/bias_weights"
    assert [v.op.name for v in model.variables] == names()


def test_linear_model_takes_partitioned_weights():
    found = {}
    with tf.variable_scope("s", partitioner=tf.fixed_size_partitioner(2)):
        word = fc.categorical_column_with_hash_bucket("w", 4)
        fc.linear_model(features(), [word], cols_to_vars=found)
    assert [v.op.name for v in found[word]] == [
        f"s/linear_model/w/weights/part_{part}" for part in range(2)
    ]
    assert set(found) == {word, "bias"}


def test_columns_to_variables_and_tensors():
    variables, tensors = {}, {}
    made = columns()
    fc.input_layer(features(), made, cols_to_vars=variables, cols_to_output_tensors=tensors)
    assert [len(variables[column]) for column in made] == [0, 1]
    assert [tensors[column].shape.as_list() for column in made] == [[2, 1], [2, 2]]


def test_columns_written_with_the_old_methods_work():
    class Doubled:
        name = _var_scope_name = "doubled"
        _variable_shape = tf.TensorShape([1])
        _parse_example_spec = None

        def _transform_feature(self, inputs):
            return inputs.get("a") * 2.0

        def _get_dense_tensor(self, inputs, weight_collections=None, trainable=None):
            return inputs.get(self)

    layer = fc.input_layer(features(), [Doubled()])
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(layer), [[2.0], [4.0]])


def test_equal_columns_are_equal():
    assert columns()[0] == fc.numeric_column("a")
    assert len({fc.numeric_column("a"), fc.numeric_column("a")}) == 1


def test_the_cache_makes_a_column_once():
    column = fc.numeric_column("a", normalizer_fn=lambda x: x + 1)
    cache = FeatureTransformationCache(features())
    assert cache.get(column) is cache.get(column)
    with pytest.raises(ValueError, match="b is not in features"):
        cache.get("b")
    with pytest.raises(TypeError, match="key"):
        cache.get(1)


def test_gradients_reach_the_embedding():
    layer = fc.input_layer(features(), columns())
    (gradient,) = tf.gradients(layer, tf.trainable_variables())
    assert isinstance(gradient, tf.IndexedSlices)
