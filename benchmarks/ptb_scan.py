"""Times the language model of `cases.py` written by hand in JAX: what a careful user would write.

    python benchmarks/ptb_scan.py 200 20
    python benchmarks/ptb_scan.py 650 35

The inputs of a layer are projected before the scan, gradients come from `jax.grad`, and buffers are
donated. Start it with `GLIBC_TUNABLES=glibc.malloc.hugetlb=1`, as `run.py` starts Millstream.
"""

import statistics
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

BATCH, WORDS, LAYERS = 20, 10000, 2


def layer(x, kernel, bias):
    """Runs an LSTM over `x` `[time, batch, units]`."""
    steps, _, units = x.shape
    projected = (x.reshape(-1, units) @ kernel[:units] + bias).reshape(steps, BATCH, -1)
    recurrent = kernel[units:]

    def step(state, gates):
        c, h = state
        i, j, f, o = jnp.split(gates + h @ recurrent, 4, axis=1)
        c = c * jax.nn.sigmoid(f) + jax.nn.sigmoid(i) * jnp.tanh(j)
        h = jnp.tanh(c) * jax.nn.sigmoid(o)
        return (c, h), h

    zeros = jnp.zeros((BATCH, units))
    return lax.scan(step, (zeros, zeros), projected)[1]


def loss(weights, x, y):
    h = weights["embedding"][x].transpose(1, 0, 2)
    for n in range(LAYERS):
        h = layer(h, weights[f"kernel_{n}"], weights[f"bias_{n}"])
    logits = h.transpose(1, 0, 2).reshape(-1, h.shape[2]) @ weights["softmax"] + weights["bias"]
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), y.reshape(-1, 1), axis=1)
    return -chosen.sum() / BATCH


def train(weights, x, y):
    value, gradients = jax.value_and_grad(loss)(weights, x, y)
    norm = jnp.sqrt(sum(jnp.vdot(g, g) for g in gradients.values()))
    scale = jnp.minimum(1.0, 5.0 / norm)
    return {k: w - scale * gradients[k] for k, w in weights.items()}, value


def main():
    units, steps = int(sys.argv[1]), int(sys.argv[2])
    rng = np.random.RandomState(0)

    def matrix(rows, columns):
        return (rng.randn(rows, columns) * 0.05).astype(np.float32)

    weights = {"embedding": matrix(WORDS, units), "softmax": matrix(units, WORDS)}
    weights["bias"] = np.zeros(WORDS, np.float32)
    for n in range(LAYERS):
        weights[f"kernel_{n}"] = matrix(2 * units, 4 * units)
        weights[f"bias_{n}"] = np.zeros(4 * units, np.float32)
    weights = jax.device_put(weights)
    x, y = (rng.randint(0, WORDS, (BATCH, steps)) for _ in range(2))
    step = jax.jit(train, donate_argnums=0)
    samples = []
    for _ in range(30):
        begin = time.perf_counter()
        weights, value = step(weights, x, y)
        jax.block_until_ready((weights, value))
        samples.append(time.perf_counter() - begin)
    print(f"median {1e3 * statistics.median(samples[10:]):.1f} ms")


if __name__ == "__main__":
    main()
