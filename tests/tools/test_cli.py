import os
import subprocess
import sys

import pytest

from millstream.base.version import MILLSTREAM_VERSION
from millstream.tools import cli, doctor


def test_help_lists_the_commands(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--help"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    assert all(command in printed for command in cli.COMMANDS)


def test_no_command_shows_the_help(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main([])
    assert stopped.value.code == 0
    assert "commands:" in capsys.readouterr().out


def test_version(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"Millstream {MILLSTREAM_VERSION}\n"


def test_unknown_command(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["walk", "--far"])
    assert stopped.value.code == 2
    assert "'walk'" in capsys.readouterr().err


@pytest.mark.parametrize("command", sorted(cli.COMMANDS))
def test_every_command_has_help(command, capsys):
    try:
        code = cli.main([command, "--help"])
    except SystemExit as stopped:
        code = stopped.code
    assert code == 0
    assert "usage: millstream " + command in capsys.readouterr().out


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from millstream.tools import cli\n"
        "try:\n    cli.main(['--help'])\n"
        "except SystemExit:\n    pass\n"
        "print(sorted({'jax', 'numpy', 'rich', 'google'} & set(sys.modules)), file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60
    )
    assert result.stderr == "[]\n"


def test_doctor(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert MILLSTREAM_VERSION in printed
    assert "jax cpu:0" in printed


def test_doctor_without_a_package(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "no-such-package"))
    monkeypatch.setattr(doctor, "devices", list)
    assert doctor.main([]) == 1
    assert "missing: no-such-package" in capsys.readouterr().err


def test_doctor_when_jax_fails(monkeypatch):
    monkeypatch.setattr(doctor, "ASK_JAX", "raise RuntimeError('no driver')")
    assert ("jax", "fails: RuntimeError: no driver") in doctor.devices()
