"""Random graphs with state, control edges and host nodes: every way of running them agrees."""

import random

import numpy as np
import pytest

from millstream.base import dtypes
from millstream.compiler import region
from millstream.formats import protos
from millstream.ir.constant import constant
from millstream.ir.graph import Graph
from millstream.runtime.session import Session
from tests.compiler import sample_ops as ops

SHAPE = (3,)


class RandomProgram:
    """A graph drawn from a seed, and a few steps to run on it.

    Values stay small integers, so that no order of additions changes a bit.
    """

    def __init__(self, seed):
        self.draw = random.Random(seed)
        self.graph = Graph()
        with self.graph.as_default():
            self._build()

    def _build(self):
        draw = self.draw
        self.x = ops.SampleInput(dtype=dtypes.float32, shape=[None], name="x")
        self.variables = [
            ops.SampleVariable(dtype=dtypes.float32, shape=SHAPE, name=f"v{i}") for i in range(3)
        ]
        self.init = [
            ops.SampleAssign(v, constant(np.full(SHAPE, i, np.float32))).op
            for i, v in enumerate(self.variables)
        ]
        self.values = [self.x, constant(np.ones(SHAPE, np.float32)), constant(2.0)]
        self.effects = []
        for _ in range(draw.randint(5, 25)):
            self._add_node()

    def _add_node(self):
        draw = self.draw
        # Variables that are written are only read in a stated order: what races has no one answer.
        control = self.effects[-1:] if self.effects else []
        with self.graph.control_dependencies(control):
            kind = draw.choice(["add", "add", "mul", "sum", "read", "write", "update", "text", "n"])
            a, b = draw.choice(self.values), draw.choice(self.values)
            if kind == "add":
                self.values.append(ops.SampleAdd(a, b))
            elif kind == "mul":
                self.values.append(ops.SampleMul(a, constant(float(draw.choice([-1, 0, 1])))))
            elif kind == "sum":
                self.values.append(ops.SampleSum(a))
            elif kind == "text":
                self.values.append(ops.SampleParse(ops.SampleText(ops.SampleSum(a))))
            elif kind == "n":
                self.values.append(ops.SampleSplit(ops.SampleAdd(a, self.values[1]), N=1)[0])
            else:
                self._touch(kind, ops.SampleAdd(ops.SampleMul(a, constant(1.0)), self.values[1]))

    def _touch(self, kind, value):
        variable = self.draw.choice(self.variables)
        if kind == "read":
            read = ops.SampleMul(variable, constant(1.0))
            self.values.append(read)
            self.effects.append(read.op)
        else:
            write = ops.SampleAssign if kind == "write" else ops.SampleAssignAdd
            self.effects.append(write(variable, value).op)

    def fetches(self):
        draw = random.Random(len(self.values))
        chosen = draw.sample(self.values, min(4, len(self.values)))
        return [chosen, {"state": self.variables}, self.effects[-1:]]

    def run(self, tier, monkeypatch, config=None, **options):
        monkeypatch.setenv("MILLSTREAM_TIER", tier)
        self.graph.executables.clear()
        with Session(graph=self.graph, config=config) as session:
            session.run(self.init)
            results = []
            for step in range(3):
                feed = {self.x: np.array([step, 1.0, -1.0], np.float32)}
                results.append(session.run(self.fetches(), feed, **options))
        return results


def same(a, b):
    for left, right in zip(a, b, strict=True):
        for x, y in zip(left[0], right[0], strict=True):
            np.testing.assert_array_equal(x, y)
        for x, y in zip(left[1]["state"], right[1]["state"], strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("seed", range(60))
def test_passes_and_traces_change_nothing(seed, monkeypatch):
    program = RandomProgram(seed)
    plain = protos.ConfigProto()
    plain.graph_options.optimizer_options.opt_level = -1
    expected = program.run("numpy", monkeypatch, config=plain)
    same(program.run("numpy", monkeypatch), expected)
    full = protos.RunOptions(trace_level=protos.RunOptions.TraceLevel.Value("FULL_TRACE"))
    traced = program.run("numpy", monkeypatch, options=full, run_metadata=protos.RunMetadata())
    same(traced, expected)


@pytest.mark.parametrize("fewest", [1, 16], ids=["packed", "apart"])
@pytest.mark.parametrize("seed", range(20))
def test_tiers_agree(seed, fewest, monkeypatch):
    monkeypatch.setattr(region, "FEWEST", fewest)
    program = RandomProgram(seed)
    same(program.run("xla", monkeypatch), program.run("numpy", monkeypatch))
