"""Times Millstream against installed peers, and prints a table of medians and ratios.

    python benchmarks/run.py --peer tf115=/path/to/python --peer tf2=/path/to/python

Every case runs in processes of its own, the contestants in turn, so that what else the machine does
meets all alike. A case's figure is the median of its samples; the ratio is ours to the fastest
peer's.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from cases import CASES  # noqa: E402 - lies beside this file

BARS = {
    "run_add": 0.4,
    "run_add_of_variable": 0.4,
    "run_fed_scalar": 0.4,
    "run_no_output": 0.4,
    "update_200_variables": 1.0,
    "chain_of_1000": 0.1,
    "feed_and_fetch_4mb": 0.8,
    "mlp_sgd": 0.85,
    "mlp_adam": 0.85,
    "convnet_adam": 1.0,
    "word2vec_nce": 0.6,
    "sparse_tensor_dense_matmul": 1.1,
    "graph_convolution": 1.0,
    "ptb_small_dynamic": 0.9,
    "ptb_small_static": 0.9,
    "ptb_medium_dynamic": 0.9,
    "gradient_of_loop_of_1000_products": 0.5,
    "input_records_parse_shuffle_batch": 1.0,
    "input_records_shuffle_batch_parse": 1.0,
    "input_jpeg_decode_resize": 1.0,
    "build_10000_ops": 0.6,
    "first_step_cold:mlp_adam": 1.0,
    "first_step_cold:convnet_adam": 1.0,
    "first_step_warm:mlp_adam": 0.6,
    "first_step_warm:convnet_adam": 0.6,
}
START_UP = [name for name in BARS if name.startswith("first_step")]


def measure(python, module, name, seconds, cache):
    """Returns the samples of one process, in seconds."""
    env = {**os.environ, "PYTHONPATH": str(HERE.parent) if module == "millstream" else ""}
    env["MILLSTREAM_CACHE_DIR"] = cache
    for name_of_setting in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        env.pop(name_of_setting, None)  # choices for another NumPy; its own are better
    if module == "millstream":
        env.setdefault("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
    kind, _, rest = name.partition(":")
    worker_case = f"first_step:{rest}" if rest else name
    begin = time.perf_counter()
    done = subprocess.run(
        [python, str(HERE / "worker.py"), module, worker_case, str(seconds)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - begin
    if done.returncode:
        print(
            f"  {module} failed at {name}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr
        )
        return []
    return [took] if kind.startswith("first_step") else json.loads(done.stdout.splitlines()[-1])


def contest(name, contestants, rounds, seconds):
    """Returns {contestant: samples} of a case, the contestants taking turns."""
    samples = {label: [] for label in contestants}
    with tempfile.TemporaryDirectory() as warm:
        if name.startswith("first_step_warm"):
            # Twice: the first process decides what is worth compiling, and fills the cache.
            for _ in range(2):
                measure(*contestants["millstream"], name, seconds, warm)
        for _ in range(rounds):
            for label, (python, module) in contestants.items():
                with tempfile.TemporaryDirectory() as cold:
                    cache = cold if name.startswith("first_step_cold") else warm
                    samples[label] += measure(python, module, name, seconds, cache)
    return samples


def shown(seconds):
    """Returns a time in a unit that suits it."""
    for unit, factor in (("µs", 1e6), ("ms", 1e3)):
        if seconds * factor < 1000:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def main():
    """Runs the cases asked for and prints the table, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--rounds", type=int, default=3, help="processes per case and contestant")
    parser.add_argument("--seconds", type=float, default=3.0, help="timed seconds per process")
    parser.add_argument("--json", help="file to write the medians to")
    parser.add_argument("cases", nargs="*", help="names of cases; all by default")
    options = parser.parse_args()
    contestants = {"millstream": (sys.executable, "millstream")}
    for peer in options.peer:
        label, _, python = peer.partition("=")
        contestants[label] = (python, "tensorflow")
    names = options.cases or [*CASES, *START_UP, "import"]
    medians = {}
    print("| case | " + " | ".join(contestants) + " | ratio to the best peer | bar |")
    print("| --- |" + " ---: |" * (len(contestants) + 2))
    for name in names:
        samples = contest(name, contestants, options.rounds, options.seconds)
        found = {k: statistics.median(v) for k, v in samples.items() if v}
        medians[name] = found
        others = [v for k, v in found.items() if k != "millstream"]
        ratio = found["millstream"] / min(others) if others and "millstream" in found else None
        cells = [shown(found[k]) if k in found else "–" for k in contestants]
        cells += [f"{ratio:.2f}" if ratio else "–", f"≤ {BARS[name]}" if name in BARS else ""]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps(medians, indent=1))


if __name__ == "__main__":
    main()
