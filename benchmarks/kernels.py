"""Times the kernels of convolution and pooling by themselves, beside XLA's own forms.

    python benchmarks/kernels.py [name...]

Prints the least of several runs, in milliseconds of wall-clock and of processor time: the second is
steadier on a busy machine. Options are those that regions with convolutions are compiled with.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from millstream.base.lazy import jax, jnp, lax
from millstream.compiler.options import CONVOLUTION_OPTIONS
from millstream.ops.nn import correlation, pooling
from millstream.ops.nn.channel_sums import sum_per_channel

REPEATS = 20
LAYOUT = "NHWC"

# name: images, filter, stride
CONVOLUTIONS = {
    "mnist1": ((64, 28, 28, 1), (5, 5, 1, 32), 1),
    "mnist2": ((64, 14, 14, 32), (5, 5, 32, 64), 1),
    "resnet28": ((16, 28, 28, 128), (3, 3, 128, 128), 1),
    "resnet14": ((16, 14, 14, 256), (3, 3, 256, 256), 1),
    "pointwise": ((16, 28, 28, 256), (1, 1, 256, 128), 1),
}

# name: images, window, stride, padding
POOLS = {
    "mnist": ((64, 28, 28, 32), 2, 2, "SAME"),
    "resnet": ((16, 112, 112, 64), 3, 2, "SAME"),
    "alexnet": ((32, 27, 27, 256), 3, 2, "VALID"),
    "inception": ((32, 28, 28, 192), 3, 1, "SAME"),
}


def least(function: Callable[..., Any], *operands: Any) -> str:
    """Compiles and runs a function, and words its least times."""
    arrays = [jax.device_put(jnp.array(x)) for x in operands]
    run = jax.jit(function).lower(*arrays).compile(compiler_options=CONVOLUTION_OPTIONS)
    jax.block_until_ready(run(*arrays))
    walls, cpus = [], []
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        jax.block_until_ready(run(*arrays))
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return f"{min(walls) * 1e3:7.2f} {min(cpus) * 1e3:7.2f}"


def convolutions(chosen: set[str]) -> None:
    """Times forward, backward to the images, and backward to the filter in two forms."""
    rng = np.random.default_rng(0)
    for name, (shape, kernel, stride) in CONVOLUTIONS.items():
        if chosen and name not in chosen:
            continue
        x = rng.standard_normal(shape, np.float32)
        w = rng.standard_normal(kernel, np.float32)
        steps, ones = [1, stride, stride, 1], [1, 1, 1, 1]
        window = correlation.window_of(shape, kernel[:2], steps, "SAME", LAYOUT, ones)
        dy = rng.standard_normal((shape[0], *window.output, kernel[3]), np.float32)

        def forward(x: Any, w: Any, window: Any = window) -> Any:
            return correlation.correlate(x, w, window, LAYOUT)

        def transposed(x: Any, dy: Any, kernel: Any = kernel, forward: Any = forward) -> Any:
            like = jax.ShapeDtypeStruct(kernel, dy.dtype)
            return jax.linear_transpose(functools.partial(forward, x), like)(dy)[0]

        def images(w: Any, dy: Any, shape: Any = shape, window: Any = window) -> Any:
            return correlation.image_gradient(shape, w, dy, window, LAYOUT)

        def filters(x: Any, dy: Any, kernel: Any = kernel, window: Any = window) -> Any:
            return correlation.filter_gradient(x, kernel, dy, window, LAYOUT)

        print(f"conv {name:10} forward           {least(forward, x, w)}")
        print(f"conv {name:10} images            {least(images, w, dy)}")
        print(f"conv {name:10} filter            {least(filters, x, dy)}")
        print(f"conv {name:10} filter, plain XLA {least(transposed, x, dy)}", flush=True)


def pools(chosen: set[str]) -> None:
    """Times max pooling and its gradient, and XLA's window reduction and select-and-scatter."""
    rng = np.random.default_rng(0)
    for name, (shape, size, stride, padding) in POOLS.items():
        if chosen and name not in chosen:
            continue
        x = rng.standard_normal(shape, np.float32)
        ksize, steps = [1, size, size, 1], [1, stride, stride, 1]
        window = pooling.window_of(shape, ksize, steps, padding, LAYOUT)
        dy = rng.standard_normal((shape[0], *window.output, shape[3]), np.float32)
        rest = (ksize, steps, padding, LAYOUT)

        def plain(x: Any, ksize: Any = ksize, steps: Any = steps, padding: Any = padding) -> Any:
            return lax.reduce_window(x, -np.inf, lax.max, ksize, steps, padding)

        def scattered(x: Any, dy: Any, plain: Any = plain) -> Any:
            return jax.vjp(plain, x)[1](dy)[0]

        def forward(x: Any, rest: Any = rest) -> Any:
            return pooling.max_kernel(x, *rest)

        def backward(x: Any, dy: Any, rest: Any = rest) -> Any:
            return pooling.max_grad_kernel(x, dy, *rest)

        print(f"pool {name:10} forward           {least(forward, x)}")
        print(f"pool {name:10} forward, XLA      {least(plain, x)}")
        print(f"pool {name:10} backward          {least(backward, x, dy)}")
        print(f"pool {name:10} backward, XLA     {least(scattered, x, dy)}", flush=True)


def sums(chosen: set[str]) -> None:
    """Times the sum of images per channel."""
    if chosen and "sums" not in chosen:
        return
    x = np.random.default_rng(0).standard_normal((64, 28, 28, 32), np.float32)
    print(f"sums per channel                  {least(lambda x: sum_per_channel(x, (0, 1, 2)), x)}")
    print(f"sums per channel, XLA             {least(lambda x: x.sum((0, 1, 2)), x)}")


def main() -> None:
    """Runs what is named on the command line, or all."""
    chosen = set(sys.argv[1:])
    print(f"{'':33} {'wall':>7} {'cpu':>7} ms")
    convolutions(chosen)
    pools(chosen)
    sums(chosen)


if __name__ == "__main__":
    main()
