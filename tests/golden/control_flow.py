"""Records what TensorFlow 1.15 gives for programs with branches and loops.

Run under TensorFlow 1.15: python tests/golden/control_flow.py
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import tensorflow as tf
from control_flow_programs import PROGRAMS

results = {}
for name, make in sorted(PROGRAMS.items()):
    tf.compat.v1.reset_default_graph()
    fetches, feeds = make(tf)
    with tf.compat.v1.Session() as session:
        session.run(tf.compat.v1.global_variables_initializer())
        rows = [session.run(fetches, feed) for feed in feeds]
    names = [t.name for t in fetches if not t.name.startswith("gradients")]
    values = [[value.tolist() for value in row] for row in rows]
    results[name] = {"names": names, "values": values}

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "control_flow.json")
with open(path, "w") as file:
    json.dump(results, file, indent=0, sort_keys=True)
