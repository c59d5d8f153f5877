"""Signatures and the tensors that they describe."""

import pytest

import millstream as tf

sm = tf.saved_model


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_describes_dense_and_sparse_tensors():
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    info = sm.build_tensor_info(x)
    assert info.name == "x:0"
    assert [d.size for d in info.tensor_shape.dim] == [-1, 2]
    assert sm.get_tensor_from_tensor_info(info) is x
    sparse = tf.sparse_placeholder(tf.float32, name="sparse")
    info = sm.build_tensor_info(sparse)
    assert info.coo_sparse.values_tensor_name == "sparse/values:0"
    assert sm.get_tensor_from_tensor_info(info).indices is sparse.indices


def test_finds_no_tensor_in_another_scope():
    info = sm.build_tensor_info(tf.placeholder(tf.float32, name="x"))
    with pytest.raises(KeyError, match="zz/x:0"):
        sm.get_tensor_from_tensor_info(info, import_scope="zz")


def test_signatures_of_the_three_methods_are_valid():
    x = tf.placeholder(tf.float32, [None], name="x")
    text = tf.placeholder(tf.string, [None], name="text")
    predict = sm.predict_signature_def({"a": x}, {"b": x})
    classify = sm.classification_signature_def(text, text, x)
    regress = sm.regression_signature_def(text, x)
    assert [s.method_name.rpartition("/")[2] for s in (predict, classify, regress)] == [
        "predict",
        "classify",
        "regress",
    ]
    assert all(map(sm.is_valid_signature, (predict, classify, regress)))


def test_knows_signatures_that_no_server_takes():
    x = sm.build_tensor_info(tf.placeholder(tf.float32, [None], name="x"))
    assert not sm.is_valid_signature(sm.build_signature_def())
    for method in (sm.CLASSIFY_METHOD_NAME, sm.REGRESS_METHOD_NAME):
        signature = sm.build_signature_def({"inputs": x}, {"outputs": x}, method)
        assert not sm.is_valid_signature(signature)
    assert not sm.is_valid_signature(
        sm.build_signature_def({}, {"outputs": x}, sm.PREDICT_METHOD_NAME)
    )


def test_says_what_is_wrong():
    x = tf.placeholder(tf.float32, [None])
    text = tf.placeholder(tf.string, [None])
    for message, make in {
        "Prediction inputs cannot be": lambda: sm.predict_signature_def({}, {"a": x}),
        "Prediction outputs cannot be": lambda: sm.predict_signature_def({"a": x}, {}),
        "Classification examples cannot be": lambda: sm.classification_signature_def(None, x, x),
        "examples must be a string": lambda: sm.classification_signature_def(x, None, x),
        "cannot both be None": lambda: sm.classification_signature_def(text, None, None),
        "classes must be a string": lambda: sm.classification_signature_def(text, x, x),
        "scores must be a float": lambda: sm.classification_signature_def(text, None, text),
        "Regression predictions cannot": lambda: sm.regression_signature_def(text, None),
        "Regression output must be a float": lambda: sm.regression_signature_def(text, text),
    }.items():
        with pytest.raises(ValueError, match=message):
            make()
    with pytest.raises(TypeError, match="must be a TensorInfo"):
        sm.build_signature_def({"x": x})
