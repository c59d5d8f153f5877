"""Flags and `tf.app.run`, as programs use them: each in a process of its own."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import millstream as tf
flags = tf.app.flags
FLAGS = flags.FLAGS
flags.DEFINE_string("name", "bob", "The name.")
flags.DEFINE_integer("n", default_value=3, docstring="How many.")
flags.DEFINE_float("lr", 0.1, "Rate.")
tf.flags.DEFINE_boolean("fast", False, "Fast?")
flags.DEFINE_enum("mode", "a", ["a", "b"], "Mode.")
def main(argv):
    print(argv[1:], FLAGS.name, FLAGS.n, FLAGS.lr, FLAGS.fast, FLAGS.mode)
    return 3 if FLAGS.name == "three" else None
"""


def _run(last_line: str, *args: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + last_line, *args], capture_output=True, text=True
    )
    return done.returncode, done.stdout.strip(), done.stderr


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        ([], "[] bob 3 0.1 False a"),
        (["--name=x", "--n", "5", "--fast", "rest"], "['rest'] x 5 0.1 True a"),
        (["--nofast", "-n", "8", "--lr=1e-3"], "[] bob 8 0.001 False a"),
        (["--bogus=1", "--mode=b"], "['--bogus=1'] bob 3 0.1 False b"),
    ],
)
def test_run_parses_and_passes_on_the_rest(args, shown):
    assert _run("tf.app.run()", *args) == (0, shown, "")


def test_the_result_of_main_is_the_exit_status():
    assert _run("tf.app.run(main)", "--name=three")[0] == 3


def test_argv_may_be_given():
    assert _run("tf.app.run(main, ['prog', '--n=9', 'x'])")[1] == "['x'] bob 9 0.1 False a"


@pytest.mark.parametrize("arg", ["--mode=c", "--n=abc"])
def test_wrong_value_is_told_without_a_traceback(arg):
    status, _, errors = _run("tf.app.run()", arg)
    assert status == 1
    assert f"flag {arg}" in errors
    assert "Traceback" not in errors


def test_help_lists_the_flags():
    status, shown, _ = _run("tf.app.run()", "--help")
    assert status == 1
    assert "--[no]fast: Fast?" in shown
    assert "How many.\n    (default: '3')" in shown


def test_reading_a_flag_parses_the_command_line():
    assert _run("print(FLAGS.n, len(FLAGS), 'n' in FLAGS)", "--n=4") == (0, "4 5 True", "")


def test_reading_a_flag_refuses_unknown_ones():
    status, _, errors = _run("print(FLAGS.n)", "--bogus")
    assert status == 1
    assert "UnrecognizedFlagError: Unknown command line flag 'bogus'" in errors


def test_setting_keeps_what_the_command_line_does_not_say():
    assert _run("FLAGS.n = 7; print(FLAGS.n, FLAGS.name)", "--name=x")[1] == "7 x"


def test_older_programs_parse_by_hand():
    assert _run("FLAGS._parse_flags(); print(FLAGS.n, sorted(FLAGS.__flags))", "--n=6", "-x")[
        1
    ] == ("6 ['fast', 'lr', 'mode', 'n', 'name']")


def test_defining_twice_is_an_error():
    status, _, errors = _run("flags.DEFINE_string('name', '', '')")
    assert status == 1
    assert "DuplicateFlagError: The flag 'name' is defined twice" in errors
