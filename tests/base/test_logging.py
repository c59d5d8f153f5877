"""The logger `tensorflow`: levels, format, counting by line."""

import logging
import subprocess
import sys

import pytest

from millstream.base import logging as tf_logging

PROGRAM = """
import logging, sys
import millstream as tf
tf.logging.info("hidden")
tf.logging.warn("shown %d", 1)
tf.logging.set_verbosity(tf.logging.INFO)
tf.logging.info("now shown")
tf.logging.fatal("f")
"""


@pytest.fixture(autouse=True)
def level():
    logger = tf_logging.get_logger()
    before = logger.level
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(before)


def test_format_and_default_level():
    run = [sys.executable, "-c", PROGRAM]
    shown = subprocess.run(run, capture_output=True, text=True, check=True).stderr
    assert shown == (
        "WARNING:tensorflow:shown 1\nINFO:tensorflow:now shown\nCRITICAL:tensorflow:f\n"
    )


def test_a_configured_program_keeps_its_format():
    program = "import logging; logging.basicConfig(format='mine %(message)s')\n" + PROGRAM
    run = [sys.executable, "-c", program]
    shown = subprocess.run(run, capture_output=True, text=True, check=True).stderr
    assert shown == "mine shown 1\nmine now shown\nmine f\n"


def test_records_name_the_callers_line(caplog):
    tf_logging.info("a")
    tf_logging.log(tf_logging.ERROR, "b %s", 1)
    tf_logging.log_if(tf_logging.INFO, "c", True)
    assert [record.filename for record in caplog.records] == ["test_logging.py"] * 3
    assert [record.getMessage() for record in caplog.records] == ["a", "b 1", "c"]


def test_every_n_logs_the_first_and_each_nth_after(caplog):
    for i in range(5):
        tf_logging.log_every_n(tf_logging.INFO, "%d", 2, i)
    assert caplog.messages == ["0", "2", "4"]


def test_first_n_counts_lines_apart(caplog):
    for i in range(4):
        tf_logging.log_first_n(tf_logging.INFO, "a%d", 2, i)
        tf_logging.log_first_n(tf_logging.INFO, "b%d", 1, i)
    assert caplog.messages == ["a0", "b0", "a1"]


def test_verbosity(caplog):
    tf_logging.set_verbosity("ERROR")
    assert tf_logging.get_verbosity() == tf_logging.ERROR
    tf_logging.warn("hidden")
    tf_logging.TaskLevelStatusMessage("shown")
    assert caplog.messages == ["shown"]
