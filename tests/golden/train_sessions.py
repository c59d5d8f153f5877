"""Records how monitored sessions of TF 1.15 behave: nodes, log lines, order of hooks, errors.

    python tests/golden/train_sessions.py

The tests run the same functions with Millstream. Each takes `tf` and an empty directory and returns
something that JSON can hold.
"""

import json
import logging
import os
import re
import tempfile

TIMES = re.compile(r"\d+\.\d+ sec|sec: [\d.e+]+")


class Log(logging.Handler):
    """Collects TensorFlow's log lines, with times and directories made equal."""

    def __init__(self, directory):
        logging.Handler.__init__(self)
        self.lines = []
        self.directory = directory

    def emit(self, record):
        line = TIMES.sub("TIME", record.getMessage()).replace(self.directory, "DIR")
        # TF reads the global step unordered with its update, and at times takes it for stuck.
        is_noise = "deprecated" in line or "has not been increased" in line
        if not is_noise and line.strip():
            self.lines.append(line)

    def __enter__(self):
        self.logger = logging.getLogger("tensorflow")
        self.level_before = self.logger.level
        self.logger.setLevel(20)
        self.logger.addHandler(self)
        return self.lines

    def __exit__(self, *_):
        self.logger.removeHandler(self)
        self.logger.setLevel(self.level_before)


def model(tf):
    x = tf.get_variable("x", initializer=3.0)
    step = tf.train.get_or_create_global_step()
    tf.summary.scalar("xs", x)
    return x, tf.train.GradientDescentOptimizer(0.125).minimize(x * x, global_step=step)


def scaffold_nodes(tf, directory):
    model(tf)
    graph = tf.get_default_graph()
    before = len(graph.get_operations())
    tf.train.Scaffold().finalize()
    return [
        [op.type, op.name, [t.name for t in op.inputs], sorted(c.name for c in op.control_inputs)]
        for op in graph.get_operations()[before:]
    ]


def training(tf, directory):
    x, train = model(tf)
    with Log(directory) as lines:
        hooks = [
            tf.train.StopAtStepHook(last_step=25),
            tf.train.LoggingTensorHook({"x": x, "a": "x"}, every_n_iter=10, at_end=True),
            tf.train.LoggingTensorHook(["x"], every_n_iter=20, formatter=lambda v: "x!"),
            tf.train.NanTensorHook(x),
        ]
        with tf.train.MonitoredTrainingSession(
            checkpoint_dir=directory, hooks=hooks, save_checkpoint_steps=10, log_step_count_steps=10
        ) as session:
            while not session.should_stop():
                session.run(train)
    files = sorted(name for name in os.listdir(directory) if "tfevents" not in name)
    return [lines, files]


def events(tf, directory):
    _, train = model(tf)
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=directory, save_summaries_steps=2, log_step_count_steps=3
    ) as session:
        for _ in range(5):
            session.run(train)
    tf.summary.FileWriterCache.clear()
    (name,) = [name for name in os.listdir(directory) if "tfevents" in name]
    found = []
    for event in tf.train.summary_iterator(os.path.join(directory, name)):
        kind = event.WhichOneof("what")
        tags = [value.tag for value in event.summary.value]
        found.append([kind, event.step, tags, event.session_log.status])
    return found


def resume(tf, directory):
    _, train = model(tf)
    lines = []
    for last in (3, 5):
        with Log(directory) as log:
            stop = tf.train.StopAtStepHook(num_steps=last)
            with tf.train.MonitoredTrainingSession(
                checkpoint_dir=directory, hooks=[stop]
            ) as session:
                while not session.should_stop():
                    session.run(train)
        lines.append(log)
    return lines


def order(tf, directory):
    calls = []

    class Hook(tf.train.SessionRunHook):
        def __init__(self, name):
            self.name = name

        def begin(self):
            calls.append(self.name + " begin")

        def after_create_session(self, session, coord):
            calls.append(self.name + " made")

        def before_run(self, run_context):
            calls.append(self.name + " before")
            return tf.train.SessionRunArgs({"x": "x:0"})

        def after_run(self, run_context, run_values):
            calls.append(self.name + " after " + str(sorted(run_values.results)))

        def end(self, session):
            calls.append(self.name + " end " + str(session.run("x:0")))

    class Listener(tf.train.CheckpointSaverListener):
        def begin(self):
            calls.append("listener begin")

        def before_save(self, session, step):
            calls.append("before save %d" % step)

        def after_save(self, session, step):
            calls.append("after save %d" % step)

        def end(self, session, step):
            calls.append("listener end %d" % step)

    _, train = model(tf)
    saver = tf.train.CheckpointSaverHook(directory, save_steps=2, listeners=[Listener()])
    with tf.train.MonitoredSession(hooks=[Hook("a"), saver, Hook("b")]) as session:
        for _ in range(3):
            session.run(train)
    return calls


def errors(tf, directory):
    v = tf.Variable(1, name="v")
    w = tf.Variable(2, name="w")
    x = tf.placeholder(tf.int32, name="x")
    report = tf.report_uninitialized_variables

    class Feeds(tf.train.SessionRunHook):
        def before_run(self, run_context):
            return tf.train.SessionRunArgs(v + x, {x: 4})

    manager = tf.train.SessionManager
    ready = manager(ready_op=report())
    slow = manager(ready_op=report(), recovery_wait_secs=1)
    local = manager(
        ready_op=report(), ready_for_local_init_op=report(), local_init_op=w.initializer
    )
    saver = tf.train.Saver()
    init = tf.global_variables_initializer()
    none = tf.constant([], tf.string, name="none")
    once = tf.train.SingularMonitoredSession(hooks=[Feeds()])
    twice = tf.train.MonitoredSession(hooks=[Feeds(), Feeds()])
    hooks = tf.train
    cases = [
        lambda: ready.prepare_session("", init_op=None),
        lambda: ready.prepare_session("", init_op=v.initializer),
        lambda: slow.wait_for_session("", max_wait_secs=0),
        lambda: ready.prepare_session(
            "", init_op=init, saver=saver, checkpoint_dir="a", checkpoint_filename_with_path="b"
        ),
        lambda: local.prepare_session("", init_op=v.initializer),
        lambda: manager(ready_for_local_init_op=none),
        lambda: once.run(v, {x: 3}),
        lambda: twice.run(v),
        lambda: once.run_step_fn(lambda: 1),
        lambda: once.run_step_fn(lambda s, t: 1),
        lambda: once.run_step_fn(lambda step_context: step_context.request_stop()),
        lambda: tf.train.MonitoredTrainingSession(checkpoint_dir=directory),
        lambda: tf.train.Scaffold(copy_from_scaffold=5),
        lambda: hooks.CheckpointSaverHook(directory),
        lambda: hooks.CheckpointSaverHook(directory, save_steps=1, saver=saver, scaffold=1),
        lambda: hooks.LoggingTensorHook(["v"]),
        lambda: hooks.LoggingTensorHook(["v"], every_n_iter=1, every_n_secs=1, at_end=True),
        lambda: hooks.LoggingTensorHook(["v"], every_n_iter=0),
        lambda: hooks.LoggingTensorHook(["nothing"], every_n_iter=1).begin(),
        lambda: hooks.StepCounterHook(every_n_secs=3),
        lambda: hooks.SummarySaverHook(save_steps=3),
        lambda: hooks.SummarySaverHook(save_steps=3, save_secs=3, summary_op=none),
        lambda: hooks.StopAtStepHook(),
        lambda: hooks.StopAtStepHook(3, 4),
        lambda: hooks.StopAtStepHook(3).begin(),
    ]
    found = []
    for case in cases:
        try:
            case()
        except Exception as error:
            text = re.sub(r"\s+", " ", getattr(error, "message", None) or str(error))
            found.append([type(error).__name__, re.sub(r"0x\w+", "0x", text)])
        else:
            found.append("no error")
    return found


CASES = [scaffold_nodes, training, events, resume, order, errors]


def facts(tf, case):
    with tempfile.TemporaryDirectory() as directory, tf.Graph().as_default():
        return json.loads(json.dumps(case(tf, directory)))


if __name__ == "__main__":
    import tensorflow

    record = {case.__name__: facts(tensorflow, case) for case in CASES}
    path = os.path.splitext(os.path.abspath(__file__))[0] + ".json"
    with open(path, "w") as out:
        json.dump(record, out, indent=1, sort_keys=True)
        out.write("\n")
