"""Times one case in this process and prints the samples as JSON; started by `run.py`."""

import json
import os
import sys
import time
import warnings

warnings.simplefilter("ignore")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def load(module):
    """Imports a TF 1.x module: Millstream, TensorFlow 1.15, or `tf.compat.v1` of TensorFlow 2."""
    if module == "millstream":
        import millstream

        return millstream
    import tensorflow

    if tensorflow.__version__.startswith("2"):
        v1 = tensorflow.compat.v1
        v1.disable_v2_behavior()
        return v1
    tensorflow.compat.v1.logging.set_verbosity(tensorflow.compat.v1.logging.ERROR)
    return tensorflow


def sample(step, seconds):
    """Returns seconds per step of many short series of steps, after a warm-up."""
    begin = time.perf_counter()
    step()
    once = time.perf_counter() - begin
    warm_until = time.perf_counter() + max(seconds, 3 * once)
    while time.perf_counter() < warm_until:
        step()
    begin = time.perf_counter()
    step()
    once = max(time.perf_counter() - begin, 1e-7)
    per_series = max(1, int(seconds / 15 / once))
    samples = []
    for _ in range(15):
        begin = time.perf_counter()
        for _ in range(per_series):
            step()
        samples.append((time.perf_counter() - begin) / per_series)
    return samples


def main(module, name, seconds):
    """Prints the samples of one case."""
    if name == "import":
        begin = time.perf_counter()
        load(module)
        print(json.dumps([time.perf_counter() - begin]))
        return
    import cases

    tf = load(module)
    if name.startswith("first_step:"):
        cases.CASES[name.partition(":")[2]](tf)()  # what a user waits for
        print(json.dumps([]))
        return
    print(json.dumps(sample(cases.CASES[name](tf), float(seconds))))


if __name__ == "__main__":
    main(*sys.argv[1:4])
