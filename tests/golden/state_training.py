"""Records five steps of every Apply* op: run under TensorFlow 1.15, writes state_training.npz.

The operands come from `operands`, which the test calls too; an entry holds the variable and its
slots after the last step, flat, under `op/dtype/attr`.
"""

import os
import zlib

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = 5
SHAPE = (6, 3)
SCALARS = {
    "lr": 0.1, "alpha": 0.1, "momentum": 0.9, "rho": 0.9, "epsilon": 1e-3, "beta1": 0.9,
    "beta2": 0.99, "beta1_power": 0.9, "beta2_power": 0.99, "l1": 0.05, "l2": 0.02,
    "l2_shrinkage": 0.03, "lr_power": -0.5, "logbase": 1.2, "sign_decay": 0.7, "beta": 0.8,
    "global_step": 3,
}  # fmt: skip
VARIANTS = {
    "": {},
    "nesterov": {"use_nesterov": True},
    "frozen": {"update_slots": False},
    "nol1": {"l1": 0.0},
    "power": {"lr_power": -0.7},
}


def variants(inputs, attrs):
    """Returns the names of the variants that an op has."""
    named = ["", *(["nesterov"] if "use_nesterov" in attrs else [])]
    named += ["frozen"] if "update_slots" in attrs else []
    named += ["nol1"] if "l1" in inputs else []
    return named + (["power"] if "lr_power" in inputs else [])


def operands(op, dtype, names, step):
    """Returns the operands called `names`: states have values for step 0 only."""
    rng = np.random.RandomState(zlib.crc32(op.replace("Resource", "").encode()) % 1000 + step)
    found = {}
    for name in names:
        if name in SCALARS:
            kind = np.int64 if name == "global_step" else dtype
            found[name] = np.array(SCALARS[name], kind)
        elif name == "indices":
            # The third wave has one row, the fourth none.
            found[name] = np.array([4, 1, 4, 0, 4, 1], np.int32)
        elif name in ("grad", "delta", "var", "linear"):
            found[name] = rng.standard_normal(SHAPE).astype(dtype)
        else:
            found[name] = (rng.uniform(0.5, 1.5, SHAPE) ** (4 if name == "mg" else 1)).astype(dtype)
        if name == "mg":
            found[name] *= dtype(0.1)
    return found


def record(tf, op_def, dtype, variant):
    ref = not op_def.name.startswith("Resource")
    names = [arg.name for arg in op_def.input_arg]
    kinds = {arg.name: arg.is_ref or arg.type == 20 for arg in op_def.input_arg}
    start = operands(op_def.name, dtype, names, 0)
    attrs = {k: v for k, v in VARIANTS[variant].items() if k not in names}
    scalars = {k: v for k, v in VARIANTS[variant].items() if k in names}
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        states = [
            tf.compat.v1.get_variable(n, initializer=start[n], use_resource=not ref)
            for n in names if kinds[n]
        ]  # fmt: skip
        session.run(tf.compat.v1.global_variables_initializer())
        for step in range(STEPS):
            values = operands(op_def.name, dtype, names, step)
            values.update({k: np.array(v, dtype) for k, v in scalars.items()})
            for state in states:
                name = state.op.name
                values[name] = state._ref() if ref else state.handle
            session.run(getattr(tf.raw_ops, op_def.name)(**dict(values, **attrs)))
        return np.stack(session.run([s.read_value() for s in states])).ravel()


def main():
    import tensorflow as tf
    from tensorflow.python.framework import op_def_registry

    out = {}
    names = [n for n in dir(tf.raw_ops) if "Apply" in n and "Accumulator" not in n]
    for name in names:
        op_def = op_def_registry.get_registered_ops()[name]
        inputs = [a.name for a in op_def.input_arg]
        for variant in variants(inputs, [a.name for a in op_def.attr]):
            for dtype in (np.float32, np.float64):
                key = "%s/%s/%s" % (name, np.dtype(dtype).name, variant)
                out[key] = record(tf, op_def, dtype, variant)
    np.savez_compressed(os.path.join(HERE, "state_training.npz"), **out)


if __name__ == "__main__":
    main()
