"""Records what random ops of TensorFlow 1.15 give, run after run; run under its interpreter.

Writes random_ops.json, the cases, and random_ops.npz, the outputs: `<case>/<output>` holds one row
per run of one session.
"""

import json
import os

import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
RUNS = 3
SEEDS = {"seed": 3, "seed2": 4}
TRUE = ["int64", [[1, 5], [7, 0], [3, 3]]]
FLOATS = ["float16", "float32", "float64"]
INF = float("inf")


def shuffles():
    for n in [0, 1, 2, 5, 10, 257]:
        yield "RandomShuffle", {"value": ["int32", list(range(n))]}, SEEDS
    rows = np.arange(22).reshape(11, 2).tolist()
    yield "RandomShuffle", {"value": ["float64", rows]}, SEEDS
    yield "RandomShuffle", {"value": ["int32", 3]}, SEEDS


def choices():
    logits = np.random.RandomState(0).randn(6, 5).round(3).tolist()
    odd = [[-INF, -INF], [0.0, 1.0], [INF, 0.0], [-INF, 0.0]]
    for samples in [1, 3, 4, 10, 101]:
        inputs = {"logits": ["float32", logits], "num_samples": ["int32", samples]}
        yield "Multinomial", inputs, SEEDS
        yield "StatelessMultinomial", dict(inputs, seed=["int64", [5, -6]]), {}
    inputs = {"logits": ["float64", odd], "num_samples": ["int32", 5]}
    yield "Multinomial", inputs, dict(SEEDS, output_dtype="int32")


def rejections():
    alpha = [0.01, 0.1, 0.5, 1.0, 2.0, 30.0, 1e4]
    rate = [0.0, 0.1, 0.5, 1.0, 9.9, 10.0, 30.0, 1000.0]
    for dtype in FLOATS:
        inputs = {"shape": ["int32", [40]], "alpha": [dtype, alpha]}
        yield "RandomGamma", inputs, SEEDS
        inputs = {"shape": ["int64", [5, 8]], "rate": [dtype, rate]}
        yield "RandomPoissonV2", inputs, dict(SEEDS, dtype=dtype)
    inputs = {"shape": ["int32", [40]], "rate": ["int32", [1, 20]]}
    yield "RandomPoissonV2", inputs, dict(SEEDS, dtype="int32")
    inputs = {"shape": ["int32", []], "alpha": ["float32", [[-1.0, 0.0], [INF, 3.0]]]}
    yield "RandomGamma", inputs, SEEDS


def bounded():
    scalars = {
        "uniform": [0.0, 1.0, -1.0, 0.5],
        "exponential": [1.0, 2.0, 8.0, INF],
        "rejected": [0.0, 1.0, -3.0, 3.0],
        "mirrored": [0.0, 1.0, -3.0, -2.0],
    }
    vectors = [[0.0, 1, 2, 0], [1.0, 2, 1, 1], [-1.0, -50, 8, -0.1], [2.0, 1000, 20, 0.1]]
    names = ["means", "stdevs", "minvals", "maxvals"]
    for dtype in FLOATS:
        whole = dtype == "float32"
        for values in scalars.values():
            for shape in [[7], [3, 50], [250]] if whole else [[250]]:
                inputs = {"shape": ["int32", shape]}
                inputs.update({n: [dtype, v] for n, v in zip(names, values)})
                yield "ParameterizedTruncatedNormal", inputs, SEEDS
        for shape in [[4], [4, 2, 3], [4, 30]] if whole else [[4, 30]]:
            inputs = {"shape": ["int32", shape]}
            inputs.update({n: [dtype, v] for n, v in zip(names, vectors)})
            yield "ParameterizedTruncatedNormal", inputs, SEEDS


def stateless():
    for seed in [["int64", [5, -6]], ["int32", [-1, 2]], ["int64", [2**40, -(2**50)]]]:
        inputs = {"shape": ["int32", [3, 5]], "seed": seed}
        for dtype in FLOATS if seed[1][0] == 5 else ["float32"]:
            yield "StatelessRandomUniform", inputs, {"dtype": dtype}
            yield "StatelessRandomNormal", inputs, {"dtype": dtype}
            yield "StatelessTruncatedNormal", inputs, {"dtype": dtype}
        for dtype in ["int32", "int64"]:
            limits = {"minval": [dtype, -5], "maxval": [dtype, 1000]}
            yield "StatelessRandomUniformInt", dict(inputs, **limits), {}


def samplers():
    weights = [float(k % 7 + 1) for k in range(40)]
    for unique in [True, False]:
        attrs = dict(SEEDS, num_true=2, num_sampled=12, unique=unique)
        yield "AllCandidateSampler", {"true_classes": TRUE}, attrs
        for size in [40, 64]:
            attrs = dict(attrs, range_max=size)
            for kind in ["Uniform", "LogUniform", "LearnedUnigram", "ThreadUnsafeUnigram"]:
                yield kind + "CandidateSampler", {"true_classes": TRUE}, attrs
        attrs = dict(attrs, range_max=40)
        for more in [
            {"unigrams": weights, "distortion": 0.75},
            {"unigrams": weights[:38], "num_reserved_ids": 2},
            {"unigrams": weights * 2, "num_shards": 2, "shard": 1},
            {"unigrams": [2.5] * 40},
        ]:
            yield "FixedUnigramCandidateSampler", {"true_classes": TRUE}, dict(attrs, **more)
    attrs = dict(SEEDS, num_true=1, num_sampled=1500, unique=True, range_max=1600)
    one = {"true_classes": ["int64", [[0]]]}
    yield "UniformCandidateSampler", one, attrs
    attrs = dict(attrs, num_sampled=1000, range_max=50000)
    yield "LogUniformCandidateSampler", one, attrs
    attrs = dict(attrs, num_sampled=3000, range_max=3001, unique=False)
    yield "FixedUnigramCandidateSampler", one, dict(attrs, unigrams=[1.0, 2.0, 0.5] * 1000 + [7.0])
    inputs = {"true_classes": TRUE, "sampled_candidates": ["int64", [3, 5, 5, 9, 0]]}
    yield "ComputeAccidentalHits", inputs, {"num_true": 2}


def record(op, inputs, attrs):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tensors = {k: tf.constant(v, dtype) for k, (dtype, v) in inputs.items()}
        result = getattr(tf.raw_ops, op)(**dict(tensors, **attrs))
        outputs = list(result) if isinstance(result, tuple) else [result]
        runs = [session.run(outputs) for _ in range(RUNS)]
    return [np.stack(values) for values in zip(*runs)]


def main():
    cases, arrays = [], {}
    for kind in [shuffles, choices, rejections, bounded, stateless, samplers]:
        for op, inputs, attrs in kind():
            for k, values in enumerate(record(op, inputs, attrs)):
                arrays["%d/%d" % (len(cases), k)] = values
            cases.append({"op": op, "inputs": inputs, "attrs": attrs})
    with open(os.path.join(HERE, "random_ops.json"), "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
    np.savez_compressed(os.path.join(HERE, "random_ops.npz"), **arrays)


if __name__ == "__main__":
    main()
