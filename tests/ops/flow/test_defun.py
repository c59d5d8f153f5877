"""`Defun`, `tf.function`, `tf.custom_gradient`, `tf.recompute_grad`."""

import numpy as np
import pytest

import millstream as tf
from millstream.ops.flow.defun import Defun


@pytest.fixture(params=["numpy", "xla"])
def session(request):
    with tf.Graph().as_default():
        opened = tf.Session()
        opened.settings.plan_options.tier = request.param
        with opened:
            yield opened


def test_a_defun_is_one_node(session):
    c = tf.constant(5.0)

    @Defun(tf.float32, tf.float32)
    def foo(x, y):
        return x * y + c, x - y

    total, difference = foo(2.0, [3.0, 4.0])
    assert total.op.name == foo.name == "foo"
    assert foo.captured_inputs == [c]
    assert session.run([total, difference])[0].tolist() == [11.0, 13.0]
    assert session.run(tf.gradients(total, c)) == [2.0]
    assert foo.definition.signature.name == "foo"


def test_calls_share_a_body_and_differ_in_gradients(session):
    @Defun(tf.float32)
    def square(x):
        return x * x

    x = tf.placeholder(tf.float32, [])
    y = square(square(x))
    assert session.run([y, *tf.gradients(y, x)], {x: 2.0}) == [16.0, 32.0]
    again = square(x)
    assert session.run([again, *tf.gradients(again, x)], {x: 3.0}) == [9.0, 6.0]


def test_overloads(session):
    @Defun(func_name="Double")
    def double(x):
        return x + x

    assert session.run([double(tf.constant(2)), double(tf.constant(1.5))]) == [4, 3.0]


def test_wrong_calls():
    with tf.Graph().as_default():
        foo = Defun(tf.float32)(lambda x: x)
        with pytest.raises(ValueError, match="number of arguments: 1, received: 2"):
            foo(1.0, 2.0)
        with pytest.raises(ValueError, match="is int32, expected float32"):
            foo(tf.constant(1))
        with pytest.raises(ValueError, match="more arguments"):
            Defun(tf.float32)(lambda x, y: x)


def test_given_gradients(session):
    @Defun(tf.float32, tf.float32)
    def triple(x, dy):
        return dy * 3.0

    by_function = Defun(tf.float32, grad_func=triple)(lambda x: x * x)
    by_python = Defun(tf.float32, python_grad_func=lambda op, dy: dy * 7.0)(lambda x: x * x)
    x = tf.constant(2.0)
    grads = tf.gradients(by_function(x), x) + tf.gradients(by_python(x), x)
    assert session.run(grads) == [3.0, 7.0]


def test_a_function_that_calls_itself_is_refused():
    with tf.Graph().as_default():

        @Defun(tf.float32)
        def endless(x):
            return endless(x)

        with pytest.raises(RecursionError):
            endless(1.0)


def test_tf_function_runs_effects_in_order(session):
    v = tf.get_variable("v", initializer=1.0, use_resource=True)

    @tf.function
    def step(x, twice=False):
        v.assign_add(x)
        before = v.read_value()
        if twice:
            v.assign_add(x)
        return {"before": before, "after": v.read_value()}

    result = step(tf.constant(2.0), twice=True)
    session.run(tf.global_variables_initializer())
    assert session.run(result) == {"before": 3.0, "after": 5.0}


def test_custom_gradient(session):
    @tf.custom_gradient
    def foo(x, y):
        return x * y, lambda dz: (dz * 10.0, dz * 20.0)

    x, y = tf.constant(2.0), tf.constant(3.0)
    z = foo(x, y)
    assert z.op.type == "IdentityN"
    assert session.run([z, *tf.gradients(z * 2.0, [x, y])]) == [6.0, 20.0, 40.0]


def test_custom_gradient_with_variables(session):
    @tf.custom_gradient
    def foo(x):
        w = tf.get_variable("w", initializer=3.0, use_resource=True)

        def grad(dy, variables=None):
            assert [v.name for v in variables] == ["w:0"]
            return dy * 10.0, [dy * 2.0]

        return x * w, grad

    x = tf.constant(2.0)
    y = foo(x)
    grads = tf.gradients(y, [x, *tf.trainable_variables()])
    session.run(tf.global_variables_initializer())
    assert session.run([y, *grads]) == [6.0, 10.0, 2.0]


@pytest.mark.parametrize("use_resource", [True, False])
def test_custom_gradient_refuses_variables(use_resource):
    @tf.custom_gradient
    def foo(x):
        w = tf.get_variable("w", initializer=3.0, use_resource=use_resource)
        return x * w, (lambda dy: dy) if use_resource else (lambda dy, variables: (dy, [dy]))

    with tf.Graph().as_default(), pytest.raises(TypeError, match="ariables"):
        foo(tf.constant(1.0))


def test_custom_gradient_in_a_loop(session):
    @tf.custom_gradient
    def clipped(x):
        return x * 2.0, lambda dy: tf.clip_by_value(dy, -1.0, 1.0)

    x = tf.placeholder(tf.float32, [])
    y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, clipped(a) * 2.0), (0, x))[1]
    assert session.run([y, *tf.gradients(y, x)], {x: 1.0}) == [64.0, 1.0]


def test_recompute_grad(session):
    w = tf.get_variable("w", initializer=np.float32(3.0), use_resource=True)
    calls = []

    @tf.recompute_grad
    def foo(x):
        calls.append(x)
        return tf.sin(x * w)

    x = tf.constant(2.0)
    grads = tf.gradients(foo(x), [x, w])
    session.run(tf.global_variables_initializer())
    np.testing.assert_allclose(session.run(grads), [3 * np.cos(6.0), 2 * np.cos(6.0)], rtol=1e-5)
    assert len(calls) == 2
