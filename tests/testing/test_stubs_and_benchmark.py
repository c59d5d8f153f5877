"""`tf.test.StubOutForTesting` and `tf.test.Benchmark`."""

import json
import os
import types

import pytest

import millstream as tf


class Base:
    def method(self):
        return "base"

    @staticmethod
    def static():
        return "static"


class Child(Base):
    pass


def test_set():
    module = types.ModuleType("module")
    module.value = 1
    with tf.test.StubOutForTesting() as stubs:
        stubs.Set(module, "value", 2)
        stubs.Set(module, "value", 3)
        stubs.Set(Base, "static", staticmethod(lambda: "stub"))
        assert (module.value, Base().static()) == (3, "stub")
        with pytest.raises(AttributeError):
            stubs.Set(module, "absent", 1)
    assert (module.value, Base().static()) == (1, "static")


def test_smart_set_replaces_where_it_is_defined():
    stubs = tf.test.StubOutForTesting()
    stubs.SmartSet(Child, "method", lambda self: "stub")
    assert Base().method() == "stub"
    assert "method" not in vars(Child)
    stubs.SmartSet(os.path, "exists", lambda path: "yes")
    assert os.path.exists("/nowhere") == "yes"
    with pytest.raises(AttributeError, match="absent"):
        stubs.SmartSet(Child, "absent", None)
    stubs.CleanUp()
    assert Child().method() == "base"
    assert os.path.exists("/nowhere") is False


def test_benchmark_times_a_node():
    with tf.Graph().as_default(), tf.Session() as session:
        count = tf.Variable(0)
        session.run(count.initializer)
        step = count.assign_add(1)
        found = tf.test.Benchmark().run_op_benchmark(
            session, step, burn_iters=3, min_iters=5, store_trace=True, extras={"note": 1}, mbs=2
        )
        assert session.run(count) == 9
    assert found["iters"] == 5
    assert found["throughput"] == pytest.approx(2 / found["wall_time"])
    assert found["extras"]["note"] == 1
    assert json.loads(found["extras"]["full_trace_chrome_format"])["traceEvents"]


def test_benchmarks_evaluate_in_the_default_session():
    with tf.Graph().as_default(), tf.Session():
        assert tf.test.Benchmark().evaluate([tf.constant(1)]) == [1]
    assert tf.test.Benchmark.is_abstract()
    assert not type("Mine", (tf.test.Benchmark,), {}).is_abstract()


def test_benchmark_config():
    options = tf.test.benchmark_config().graph_options.rewrite_options
    assert options.dependency_optimization == options.OFF
