"""`millstream run`: the program cannot tell that it was not started by plain Python."""

import os
import subprocess
import sys
import textwrap

import pytest

ENVIRONMENT = {**os.environ, "MILLSTREAM_HUGE_PAGES": "0", "PYTHONPATH": os.getcwd()}


def python(*arguments, cwd, env=ENVIRONMENT):
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=env, capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def program(tmp_path):
    def write(source, name="program.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
        return path

    return write


def same_as_python(path, *arguments):
    """Runs a script both ways; what it prints and its exit code must be equal."""
    plain = python(path.name, *arguments, cwd=path.parent)
    ours = python("-m", "millstream", "run", path.name, *arguments, cwd=path.parent)
    assert (ours.returncode, ours.stdout, ours.stderr) == (
        plain.returncode,
        plain.stdout,
        plain.stderr,
    )
    return ours


def test_the_main_module_is_the_program(program):
    result = same_as_python(
        program(
            """
            import sys, __main__
            print(__name__, __file__, sys.argv, __package__, __spec__)
            print(__main__.__dict__ is globals())
            print(sys.path[0] == __import__("os").getcwd(), type(__loader__).__name__)
            """
        ),
        "--flag",
        "value",
        "--help",
    )
    assert "['program.py', '--flag', 'value', '--help']" in result.stdout


def test_neighbours_of_the_script_can_be_imported(program, tmp_path):
    program("WORD = 'neighbour'", "package/helper.py")
    path = program("import helper; print(helper.WORD)", "package/main.py")
    result = python("-m", "millstream", "run", str(path), cwd=tmp_path)
    assert result.stdout == "neighbour\n", result.stderr


@pytest.mark.parametrize("code", ["0", "7", "None", "'message'"])
def test_exit_codes(program, code):
    same_as_python(program(f"import sys; sys.exit({code})"))


def test_tracebacks_begin_in_the_program(program):
    result = same_as_python(
        program(
            """
            def inner():
                raise ValueError("wrong")
            try:
                inner()
            except ValueError as error:
                raise KeyError("worse") from error
            """
        )
    )
    assert result.returncode == 1
    assert "millstream" not in result.stderr


def test_errors_of_syntax(program):
    assert "SyntaxError" in same_as_python(program("print(")).stderr


def test_keyboard_interrupt_kills_as_python_does(program):
    result = same_as_python(program("raise KeyboardInterrupt"))
    assert result.returncode != 1


def test_pickles_know_classes_of_main(program):
    same_as_python(
        program(
            """
            import pickle
            class Thing:
                pass
            print(type(pickle.loads(pickle.dumps(Thing()))) is Thing)
            """
        )
    )


def test_modules(program, tmp_path):
    program("", "pack/__init__.py")
    program(
        """
        import sys
        from . import other
        print(__name__, __package__, __spec__.name, sys.argv[1:], other.X)
        """,
        "pack/__main__.py",
    )
    program("X = 3", "pack/other.py")
    for name in ("pack", "pack.__main__"):
        plain = python("-m", name, "a", "-b", cwd=tmp_path)
        ours = python("-m", "millstream", "run", "-m", name, "a", "-b", cwd=tmp_path)
        assert ours.stdout == plain.stdout == "__main__ pack pack.__main__ ['a', '-b'] 3\n"


def test_missing_module(tmp_path):
    result = python("-m", "millstream", "run", "-m", "no_such.thing", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == "millstream run: no module named 'no_such.thing' on the path\n"


def test_directory_with_a_main(program, tmp_path):
    program("import sys, beside; print(beside.X, __name__, sys.argv)", "folder/__main__.py")
    program("X = 5", "folder/beside.py")
    plain = python("folder", "x", cwd=tmp_path)
    ours = python("-m", "millstream", "run", "folder", "x", cwd=tmp_path)
    assert ours.stdout == plain.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.py"], "can't open 'missing.py': No such file"),
        (["."], "can't open '.': it holds no __main__.py"),
        (["--verbose", "x.py"], "unknown option --verbose"),
        ([], "usage:"),
        (["-m"], "usage:"),
    ],
)
def test_wrong_command_lines(tmp_path, arguments, message):
    result = python("-m", "millstream", "run", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_tensorflow_is_millstream(program):
    path = program(
        """
        import tensorflow as tf
        import millstream
        print(tf is millstream, tf.VERSION)
        """
    )
    result = python("-m", "millstream", "run", path.name, cwd=path.parent)
    assert result.stdout == "True 1.15.5\n", result.stderr


def test_genuine_tensorflow_in_the_environment_does_not_win(program):
    program("raise SystemExit('the genuine one')", "tensorflow/__init__.py")
    path = program("import tensorflow as tf; print(tf.__name__)")
    result = python("-m", "millstream", "run", path.name, cwd=path.parent)
    assert result.stdout == "millstream\n", result.stderr
